/* SPDX-License-Identifier: Apache-2.0 */
/* phases DATABASE: records this host once more into the database, one phase after the other, and
 * prints how long each took in microseconds:
 *
 *     reading    the host, into a sink that takes no notice
 *     comparing  its records with the predecessor's: all of the writer but its commit
 *     writing    the commit
 *
 * In the program itself the first two run at the same time. */
#include "base/clock.h"
#include "base/error.h"
#include "recorder/recorder.h"
#include "schema/writer.h"

#include <stdio.h>
#include <stdlib.h>

struct kept {
    struct record **records;
    size_t count, capacity;
};

static int ignore(void *userdata, const struct record *record)
{
    (void)userdata, (void)record;
    return 0;
}

static int keep(void *userdata, const struct record *record)
{
    struct kept *kept = userdata;
    if (kept->count == kept->capacity) {
        size_t capacity = kept->capacity ? 2 * kept->capacity : 1024;
        void *records = realloc(kept->records, capacity * sizeof(*kept->records));
        if (!records)
            return error_memory();
        kept->records = records;
        kept->capacity = capacity;
    }
    struct record *copy = record_copy(record);
    if (!copy)
        return error_memory();
    kept->records[kept->count++] = copy;
    return 0;
}

static int64_t now(void)
{
    return clock_now(CLOCK_MONOTONIC) / 1000;
}

static int read_host(const struct sink *sink, struct recorder *recorder, int64_t *ret_duration)
{
    int64_t begin = now();
    int r = recorder_run(recorder, sink);
    *ret_duration = now() - begin;
    return r;
}

static int compare(struct database *database, const struct kept *kept, struct snapshot_facts *facts,
                   struct writer **ret_writer)
{
    struct writer *writer;
    int r = writer_begin(database, facts, &writer);
    if (r < 0)
        return r;
    for (size_t i = 0; i < kept->count && r >= 0; i++)
        r = sink_record(writer_sink(writer), kept->records[i]);
    *ret_writer = writer;
    return r;
}

static int run(const char *path)
{
    struct kept kept = {0};
    int64_t reading, begin, compared;
    _cleanup_recorder_ struct recorder *recorder = NULL;
    _cleanup_database_ struct database *database = NULL;
    _cleanup_writer_ struct writer *writer = NULL;
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    int r = recorder_open(&(struct recorder_options){0}, &recorder);
    if (r >= 0)
        r = read_host(&(struct sink){ignore, NULL}, recorder, &reading);
    if (r >= 0)
        r = recorder_run(recorder, &(struct sink){keep, &kept});
    if (r < 0)
        return r;
    struct snapshot_facts facts = *recorder_facts(recorder);
    begin = now();
    r = database_open(path, DATABASE_WRITE, 10, &database);
    if (r >= 0)
        r = compare(database, &kept, &facts, &writer);
    compared = now();
    if (r >= 0)
        r = writer_commit(writer, &facts, &snapshot);
    if (r < 0)
        return r;
    printf("{\"reading\": %lld, \"comparing\": %lld, \"writing\": %lld}\n", (long long)reading,
           (long long)(compared - begin), (long long)(now() - compared));
    for (size_t i = 0; i < kept.count; i++)
        free(kept.records[i]);
    free(kept.records);
    return 0;
}

int main(int count, char **words)
{
    if (count != 2) {
        fputs("usage: bench-phases DATABASE\n", stderr);
        return 2;
    }
    if (run(words[1]) >= 0)
        return 0;
    fprintf(stderr, "bench-phases: %s\n", error_message());
    return 1;
}
