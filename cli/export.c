/* SPDX-License-Identifier: Apache-2.0 */
/* nslapse export: a snapshot, or a difference, as a file for other programs. */
#include "export/export.h"

#include "base/error.h"
#include "cli/commands.h"
#include "cli/output_file.h"
#include "cli/revision.h"
#include "cli/settings.h"
#include "cli/suggestion.h"

static struct {
    const char *format, *graph, *output;
} arguments;

static const struct option_row options[] = {
    {.name = "format",
     .letter = 'f',
     .type = OPTION_TEXT,
     .value = &arguments.format,
     .argument = "FORMAT",
     .help = "see below"},
    {.name = "graph",
     .letter = 'g',
     .type = OPTION_TEXT,
     .value = &arguments.graph,
     .argument = "GRAPH",
     .help = "which graph, for a format that draws"},
    {.name = "output",
     .letter = 'o',
     .type = OPTION_TEXT,
     .value = &arguments.output,
     .argument = "FILE",
     .help = "replace FILE, as a whole or not at all, instead of standard output"},
    OPTION_END,
};

static int choose_format(const struct export_format **ret_format)
{
    const char *name = arguments.format ? arguments.format : "";
    const struct export_format *format = export_format_by_name(name);
    if (format) {
        *ret_format = format;
        return 0;
    }
    struct suggestion suggestion = {.word = name};
    _cleanup_buffer_ struct buffer names = {0};
    for (format = export_formats; format->name; format++) {
        suggestion_consider(&suggestion, format->name);
        buffer_append_format(&names, "%s%s", names.length ? ", " : "", format->name);
    }
    if (!arguments.format)
        return error_set(ERROR_USAGE, "export wants --format FORMAT, one of: %s",
                         buffer_text(&names));
    return error_set(ERROR_USAGE, "there is no format '%s'; there are: %s" SUGGESTION_FORMAT, name,
                     buffer_text(&names), SUGGESTION_ARGUMENTS(suggestion));
}

static int write_request(const struct export_format *format, struct export_request *request)
{
    _cleanup_output_file_ struct output_file *file = NULL;
    int r = output_file_open(arguments.output, &file);
    if (r < 0)
        return r;
    request->out = output_file_stream(file);
    request->graph = arguments.graph;
    r = export_write(format, request);
    return r < 0 ? r : output_file_commit(file);
}

static int export_difference(struct database *database, const struct export_format *format,
                             const char *range)
{
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    _cleanup_difference_ struct difference *difference = NULL;
    int r = revision_find_pair(database, range, NULL, &from, &to);
    if (r >= 0)
        r = difference_of(database, from, to, DIFF_KINDS, &difference);
    if (r < 0)
        return r;
    return write_request(format,
                         &(struct export_request){.database = database, .difference = difference});
}

static int export_snapshot(struct database *database, const struct export_format *format,
                           const char *revision)
{
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    int r = revision_find(database, revision, &snapshot);
    if (r < 0)
        return r;
    return write_request(format,
                         &(struct export_request){.database = database, .snapshot = snapshot});
}

static int run(int count, char **words)
{
    const char *revision = count > 0 ? words[0] : "latest";
    const struct export_format *format;
    _cleanup_database_ struct database *database = NULL;
    int r = choose_format(&format);
    if (r >= 0)
        r = settings_open(DATABASE_READ, &database);
    if (r < 0)
        return r;
    return revision_is_range(revision) ? export_difference(database, format, revision)
                                       : export_snapshot(database, format, revision);
}

static void print_formats(FILE *out)
{
    fprintf(out, "\n%sFormats%s\n", terminal_style(out, STYLE_HEADING),
            terminal_style(out, STYLE_PLAIN));
    for (const struct export_format *format = export_formats; format->name; format++) {
        fprintf(out, "  %-8s %s\n", format->name, format->description);
        if (!format->graphs)
            continue;
        fprintf(out, "  %-8s graphs:", "");
        for (const char *const *graph = format->graphs; *graph; graph++)
            fprintf(out, " %s", *graph);
        fputc('\n', out);
    }
}

const struct command command_export = {
    .name = "export",
    .arguments = "[REV | A..B] --format FORMAT [--graph GRAPH] [-o FILE]",
    .summary = "write a snapshot or a difference as JSON or as a graph",
    .examples = "  nslapse export --format json -o snapshot.json\n"
                "  nslapse export --format dot --graph processes | dot -Tsvg > processes.svg\n"
                "  nslapse export before..latest --format dot | dot -Tsvg > changes.svg\n",
    .options = options,
    .most = 1,
    .help = print_formats,
    .run = run,
};
