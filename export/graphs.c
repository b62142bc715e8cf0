/* SPDX-License-Identifier: Apache-2.0 */
/* The format "dot": a table of graphs, one file each, and what stands above them. */
#include "base/clock.h"
#include "export/graph.h"
#include "export/output.h"

#include <inttypes.h>
#include <string.h>

const char *const graph_names[] = {"namespaces", "processes", "mounts", "containers", NULL};

/* In the order of graph_names. */
static const struct {
    int (*draw)(const struct export_request *request, struct dot *dot);
    const char *key; /* how to read its lines */
} graphs[] = {
    {graph_namespaces,
     "solid: parent and child; dashed: owner and owned; dotted: shared with others"},
    {graph_processes, "solid: parent and child; on the line: namespaces that the child left"},
    {graph_mounts, "solid: mounted on; dashed: peers; dashed arrow: receives from; grey: hidden"},
    {graph_containers, "dotted: namespaces that it shares with the host, or with others"},
};

/* snapshot 42 "label", 2026-11-23T14:00:00Z */
static void append_snapshot(struct buffer *line, const struct snapshot *snapshot)
{
    char moment[CLOCK_TEXT_SIZE];
    clock_format_utc(snapshot->facts.taken_at, moment);
    buffer_append_format(line, "snapshot %" PRId64, snapshot->id);
    if (snapshot->facts.label) {
        buffer_append_text(line, " “");
        dot_append_name(line, snapshot->facts.label, DOT_NAME_LENGTH);
        buffer_append_text(line, "”");
    }
    buffer_append_format(line, ", %.*sZ", (int)strcspn(moment, "."), moment);
    int64_t gaps = snapshot->counts[KIND_GAP];
    if (gaps)
        buffer_append_format(line, ", %" PRId64 " gap%s", gaps, gaps == 1 ? "" : "s");
}

static void append_title(struct buffer *title, const struct export_request *request, size_t graph)
{
    const struct difference *difference = request->difference;
    const struct snapshot *last = difference ? difference->to : request->snapshot;
    _cleanup_buffer_ struct buffer line = {0};
    buffer_append_format(&line, "%s of ", graph_names[graph]);
    dot_append_name(&line, last->facts.host, DOT_NAME_LENGTH);
    if (difference)
        buffer_append_text(&line, ": what changed");
    dot_label_heading(title, MARK_NONE, buffer_text(&line), 1);
    title->failed |= line.failed;

    buffer_clear(&line);
    if (difference) {
        append_snapshot(&line, difference->from);
        buffer_append_text(&line, "  →  ");
    }
    append_snapshot(&line, last);
    dot_label_line(title, MARK_NONE, buffer_text(&line));
    title->failed |= line.failed;

    dot_label_note(title, graphs[graph].key);
    if (difference)
        dot_label_note(title, "of what did not change, only what leads to a change is drawn");
}

int graphs_write(const struct export_request *request)
{
    size_t graph = 0;
    while (request->graph && strcmp(graph_names[graph], request->graph) != 0)
        graph++;
    _cleanup_buffer_ struct buffer title = {0};
    append_title(&title, request, graph);
    _cleanup_dot_ struct dot dot = {0};
    dot_begin_graph(&dot, graph_names[graph], &title);
    if (request->difference)
        dot_add_legend(&dot);
    int r = graphs[graph].draw(request, &dot);
    if (r < 0)
        return r;
    dot_end(&dot);
    return output_flush(request->out, &dot.text);
}
