/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON documents of schema/nslapse-1.schema.json and schema/nslapse-diff-1.schema.json.
 * Streamed, one record in a line: the memory taken does not follow the size of the snapshot, and
 * two exports can be compared line by line. */
#include "base/json.h"
#include "export/output.h"

#include <cJSON.h>
#include <stdint.h>
#include <string.h>

/* In the order of the document. Threads stand inside of their processes. */
static const enum kind array_kinds[] = {
    KIND_NAMESPACE, KIND_PROCESS,     KIND_MOUNT, KIND_CONTAINER,
    KIND_CGROUP,    KIND_DISCREPANCY, KIND_GAP,
};

/* The threads of a snapshot, read along with its processes: both are ordered by pid. The recorder
 * writes no thread without its process; an altered database may have some, and they aren't lost. */
struct thread_stream {
    struct cursor *cursor;
    const struct record *next; /* NULL at the end; borrowed from the cursor */
    size_t orphans;            /* passed by, because no process had their pid */
};

/* Appends the record, without the column `without`; -1 for none. */
static void append_record(struct buffer *line, const struct record *record, int without)
{
    size_t from = line->length;
    record_append_json(line, record, without);
    json_make_harmless(line, from);
}

/* Appends `json` and deletes it. NULL (there was no memory to make it) fails the buffer. */
static void append_json(struct buffer *line, cJSON *json)
{
    char *text = json ? cJSON_PrintUnformatted(json) : NULL;
    if (text)
        json_append_harmless(line, text, strlen(text));
    else
        line->failed = true;
    cJSON_free(text);
    cJSON_Delete(json);
}

static void append_member(struct buffer *line, const char *name, cJSON *json)
{
    buffer_append_format(line, "\"%s\": ", name);
    append_json(line, json);
    buffer_append_text(line, ",\n");
}

static int thread_stream_step(struct thread_stream *threads)
{
    int r = cursor_next(threads->cursor, &threads->next);
    if (r == 0)
        threads->next = NULL;
    return r < 0 ? r : 0;
}

static int thread_stream_open(const struct export_request *request, struct thread_stream *threads)
{
    int r = cursor_open(request->database, request->snapshot, KIND_THREAD, &threads->cursor);
    return r < 0 ? r : thread_stream_step(threads);
}

static void thread_stream_close(struct thread_stream *threads)
{
    cursor_free(threads->cursor);
}

static int64_t thread_stream_pid(const struct thread_stream *threads)
{
    return record_integer(threads->next, THREAD_PID, -1);
}

/* Writes the next thread in a line of its own, and steps on. */
static int write_thread(FILE *out, struct buffer *line, const char *before,
                        struct thread_stream *threads)
{
    buffer_append_text(line, before);
    append_record(line, threads->next, -1);
    int r = output_flush(out, line);
    return r < 0 ? r : thread_stream_step(threads);
}

/* Passes by the threads before `pid`. */
static int skip_orphans(struct thread_stream *threads, int64_t pid)
{
    int r = 0;
    for (; r >= 0 && threads->next && thread_stream_pid(threads) < pid; threads->orphans++)
        r = thread_stream_step(threads);
    return r;
}

/* The process with its threads as objects in place of their ids, each in a line of its own. */
static int write_process(FILE *out, struct buffer *line, const struct record *process,
                         struct thread_stream *threads)
{
    append_record(line, process, PROCESS_THREADS);
    if (line->failed)
        return buffer_error(line);
    line->length--; /* its closing brace: the object goes on */
    buffer_append_text(line, ",\"threads\":[");

    int64_t pid = record_integer(process, PROCESS_PID, -1);
    int r = skip_orphans(threads, pid);
    const char *before = "\n";
    for (; r >= 0 && threads->next && thread_stream_pid(threads) == pid; before = ",\n")
        r = write_thread(out, line, before, threads);
    buffer_append_text(line, *before == ',' ? "\n]}" : "]}");
    return r;
}

static int write_records(const struct export_request *request, enum kind kind,
                         struct thread_stream *threads, struct buffer *line)
{
    _cleanup_cursor_ struct cursor *cursor = NULL;
    int r = cursor_open(request->database, request->snapshot, kind, &cursor);
    const char *before = "\n";
    const struct record *record;
    for (; r >= 0 && (r = cursor_next(cursor, &record)) > 0; before = ",\n") {
        buffer_append_text(line, before);
        if (kind == KIND_PROCESS)
            r = write_process(request->out, line, record, threads);
        else
            append_record(line, record, -1);
        if (r >= 0)
            r = output_flush(request->out, line);
    }
    if (*before == ',')
        buffer_append_char(line, '\n');
    return r;
}

/* Writes the threads that no process of the snapshot owns. */
static int write_orphans(const struct export_request *request, struct buffer *line)
{
    _cleanup_(thread_stream_close) struct thread_stream threads = {0};
    _cleanup_cursor_ struct cursor *processes = NULL;
    int r = thread_stream_open(request, &threads);
    if (r >= 0)
        r = cursor_open(request->database, request->snapshot, KIND_PROCESS, &processes);
    const struct record *process = NULL;
    const char *before = "\n";
    int more = r < 0 ? r : cursor_next(processes, &process);
    while (r >= 0 && more >= 0 && threads.next) {
        const int64_t pid = more ? record_integer(process, PROCESS_PID, -1) : INT64_MAX;
        if (pid < thread_stream_pid(&threads)) {
            more = cursor_next(processes, &process);
        } else if (pid == thread_stream_pid(&threads)) {
            r = thread_stream_step(&threads);
        } else {
            r = write_thread(request->out, line, before, &threads);
            before = ",\n";
        }
    }
    return r < 0 ? r : more < 0 ? more : 0;
}

static int write_snapshot(const struct export_request *request)
{
    _cleanup_(thread_stream_close) struct thread_stream threads = {0};
    int r = thread_stream_open(request, &threads);
    if (r < 0)
        return r;
    _cleanup_buffer_ struct buffer line = {0};
    buffer_append_text(&line, "{\n");
    append_member(&line, "format", cJSON_CreateString("nslapse/1"));
    append_member(&line, "snapshot", snapshot_json(request->snapshot));
    const size_t arrays = sizeof array_kinds / sizeof *array_kinds;
    for (size_t i = 0; i < arrays; i++) {
        buffer_append_format(&line, "%s\"%s\": [", i ? "],\n" : "", kinds[array_kinds[i]].plural);
        r = write_records(request, array_kinds[i], &threads, &line);
        if (r < 0)
            return r;
    }
    r = skip_orphans(&threads, INT64_MAX);
    if (r >= 0 && threads.orphans) {
        buffer_append_text(&line, "],\n\"orphan_threads\": [");
        r = write_orphans(request, &line);
        buffer_append_char(&line, '\n');
    }
    buffer_append_text(&line, "]\n}\n");
    return r < 0 ? r : output_flush(request->out, &line);
}

static int write_difference(const struct export_request *request)
{
    const struct difference *difference = request->difference;
    _cleanup_buffer_ struct buffer line = {0};
    buffer_append_text(&line, "{\n");
    append_member(&line, "format", cJSON_CreateString("nslapse-diff/1"));
    append_member(&line, "from", snapshot_json(difference->from));
    append_member(&line, "to", snapshot_json(difference->to));
    append_member(&line, "summary", difference_summary_json(difference));
    buffer_append_text(&line, "\"changes\": [");
    for (size_t i = 0; i < difference->count; i++) {
        buffer_append_text(&line, i ? ",\n" : "\n");
        append_json(&line, change_json(&difference->changes[i]));
        int r = output_flush(request->out, &line);
        if (r < 0)
            return r;
    }
    buffer_append_text(&line, difference->count ? "\n]\n}\n" : "]\n}\n");
    return output_flush(request->out, &line);
}

int json_write(const struct export_request *request)
{
    return request->snapshot ? write_snapshot(request) : write_difference(request);
}
