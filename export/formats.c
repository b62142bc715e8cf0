/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "export/export.h"
#include "export/output.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

const struct export_format export_formats[] = {
    {"json", "everything as one JSON document, one record in a line", NULL, json_write},
    {"dot", "a graph in the Graphviz language, for `dot -Tsvg`", graph_names, graphs_write},
    {0},
};

const struct export_format *export_format_by_name(const char *name)
{
    for (const struct export_format *format = export_formats; format->name; format++)
        if (strcmp(format->name, name) == 0)
            return format;
    return NULL;
}

/* 0, or -ERROR_USAGE when the format draws no graph of the name that was asked for. */
static int check_graph(const struct export_format *format, const char *graph)
{
    if (!graph)
        return 0;
    if (!format->graphs)
        return error_set(ERROR_USAGE,
                         "format '%s' draws no graphs: leave out --graph, or use --format dot",
                         format->name);
    _cleanup_buffer_ struct buffer names = {0};
    for (const char *const *name = format->graphs; *name; name++) {
        if (strcmp(*name, graph) == 0)
            return 0;
        buffer_append_text(&names, name == format->graphs ? "" : ", ");
        buffer_append_text(&names, *name);
    }
    int r = buffer_error(&names);
    return r < 0 ? r
                 : error_set(ERROR_USAGE, "there is no graph '%s': format '%s' draws %s", graph,
                             format->name, buffer_text(&names));
}

int export_write(const struct export_format *format, const struct export_request *request)
{
    assert(!request->snapshot != !request->difference);
    int r = check_graph(format, request->graph);
    if (r < 0)
        return r;
    r = format->write(request);
    if (r < 0)
        return r;
    errno = 0;
    if (fflush(request->out) != 0) {
        int code = errno ? errno : EIO;
        return error_set(code, "cannot write the export: %s", strerror(code));
    }
    return 0;
}
