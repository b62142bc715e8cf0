/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/recorder.h"

#include "base/clock.h"
#include "base/error.h"
#include "recorder/capture.h"
#include "recorder/containers.h"
#include "recorder/crossviews.h"
#include "recorder/doctor.h"
#include "recorder/fixture.h"
#include "recorder/kernel/mountinfo.h"
#include "recorder/kernel/procfs.h"

#include <linux/capability.h>
#include <unistd.h>

struct recorder {
    struct recorder_options options;
    struct host *host;
    unsigned without; /* bit 1 << enum source */
    char *without_json;
};

const char *const *recorder_sources(void)
{
    static const char *names[SOURCE_COUNT + 1];
    size_t count = 0;
    for (unsigned source = 0; source < SOURCE_COUNT; source++)
        if (collectors[source].optional)
            names[count++] = collectors[source].name;
    return names;
}

static int unknown_source(const char *name)
{
    _cleanup_buffer_ struct buffer known = {0};
    for (const char *const *source = recorder_sources(); *source; source++)
        buffer_append_format(&known, "%s%s", known.length ? ", " : "", *source);
    return error_set(ERROR_USAGE, "cannot leave out '%s': there is no such source; there are %s",
                     name, buffer_text(&known));
}

static int leave_out(struct recorder *recorder, const char *name)
{
    for (unsigned source = 0; source < SOURCE_COUNT; source++)
        if (collectors[source].optional && strcmp(collectors[source].name, name) == 0) {
            recorder->without |= 1u << source;
            return 0;
        }
    return unknown_source(name);
}

/* In the order of the table, whatever the order in which they were asked for. */
static int make_without_json(struct recorder *recorder)
{
    struct buffer json = {0};
    for (unsigned source = 0; source < SOURCE_COUNT; source++)
        if (recorder->without >> source & 1)
            buffer_append_format(&json, "%s\"%s\"", json.length ? "," : "[",
                                 collectors[source].name);
    buffer_append_text(&json, json.length ? "]" : "[]");
    recorder->without_json = json.bytes;
    return buffer_error(&json);
}

int recorder_open(const struct recorder_options *options, struct recorder **ret_recorder)
{
    _cleanup_recorder_ struct recorder *recorder = calloc(1, sizeof(*recorder));
    int r = recorder ? 0 : error_memory();
    if (r < 0)
        return r;
    recorder->options = *options;
    for (const char *const *name = options->without; name && *name && r >= 0; name++)
        r = leave_out(recorder, *name);
    if (r >= 0)
        r = make_without_json(recorder);
    if (r >= 0)
        r = host_open(options->root, &recorder->host);
    if (r >= 0 && !host_has_processes(recorder->host))
        r = containers_expect_files(recorder->host, options->root);
    if (r < 0)
        return r;
    recorder->host->facts.without = recorder->without_json;
    *ret_recorder = steal_pointer(recorder);
    return 0;
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    host_free(recorder->host);
    free(recorder->without_json);
    free(recorder);
}

const struct snapshot_facts *recorder_facts(const struct recorder *recorder)
{
    return &recorder->host->facts;
}

/* ---- what is known beforehand to be out of sight ---- */

static int report_source(const struct capture *capture, enum source source)
{
    static const char detail[] = "left out by --without";
    const struct collector *collector = &collectors[source];
    int r = 0;
    for (unsigned kind = 0; kind < KIND_COUNT && r >= 0; kind++)
        if (collector->hides >> kind & 1)
            r = collector_gap(capture->sink, source, kinds[kind].plural, 0, detail, kind, NULL);
    return r < 0 || !collector->sighting
               ? r
               : collector_gap(capture->sink, source, kinds[KIND_NAMESPACE].plural, 0, detail,
                               KIND_NAMESPACE, collector->sighting);
}

static int report_left_out(const struct capture *capture)
{
    int r = 0;
    for (unsigned source = 0; source < SOURCE_COUNT && r >= 0; source++)
        if (capture->without >> source & 1)
            r = report_source(capture, source);
    return r;
}

/* A disk has the files of engines alone. */
static unsigned unseen_sources(const struct host *host)
{
    unsigned all = (1u << SOURCE_COUNT) - 1;
    return host_has_processes(host) ? 0 : all & ~(1u << SOURCE_CONTAINERS);
}

/* Once for each kind, whichever of its sources it is. */
static int report_unseen(const struct capture *capture)
{
    static const char detail[] = "the copy has no /proc, as it is of a disk alone";
    unsigned reported = 0;
    int r = 0;
    for (unsigned source = 0; source < SOURCE_COUNT; source++)
        for (unsigned kind = 0; kind < KIND_COUNT && r >= 0; kind++) {
            bool hides = capture->unseen >> source & collectors[source].hides >> kind & 1;
            if (hides && !(reported >> kind & 1))
                r = collector_gap(capture->sink, source, kinds[kind].plural, 0, detail, kind, NULL);
            reported |= (unsigned)hides << kind;
        }
    return r;
}

/* A limit of all that is seen of processes. No error number belongs to it, and its subject says
 * whose limit it is: two snapshots with the same one can be compared (diff/hidden.c). */
static int report_limit(const struct capture *capture, const char *type, uint32_t number,
                        const char *detail)
{
    char subject[32];
    snprintf(subject, sizeof(subject), "%s:%u", type, number);
    return collector_gap(capture->sink, SOURCE_PROCESSES, subject, 0, detail, KIND_PROCESS, NULL);
}

/* proc(5): hidepid. */
static int note_hidepid(void *userdata, const struct mountinfo_mount *mount)
{
    bool *hides = userdata;
    if (strcmp(mount->target, "/proc") || strcmp(mount->fstype, "proc"))
        return 0;
    const char *option = strstr(mount->super_options, "hidepid=");
    *hides = option && strncmp(option, "hidepid=0", 9) && strncmp(option, "hidepid=off", 11);
    return 0;
}

static int report_hidden_processes(const struct capture *capture)
{
    _cleanup_buffer_ struct buffer file = {0}, path = {0};
    bool hides = false;
    size_t skipped;
    buffer_append_format(&path, "%d/mountinfo", (int)capture->host->self);
    if (host_may(capture->host, CAP_SYS_PTRACE) ||
        procfs_read_table(capture->host->proc, buffer_text(&path), PROCFS_TABLE_MOST, &file) < 0)
        return 0;
    int r = mountinfo_parse(buffer_text(&file), file.length, note_hidepid, &hides, &skipped);
    if (r < 0 || !hides)
        return r;
    return report_limit(capture, "uid", geteuid(),
                        "/proc is mounted with hidepid: processes of other users are not shown");
}

static int report_pid_namespace(const struct capture *capture)
{
    uint32_t inode = host_pid_namespace(capture->host);
    if (!inode || inode == nsfs_initial_inode(NSFS_PID))
        return 0;
    return report_limit(capture, "pid", inode,
                        "/proc is not of the host's first pid namespace: processes outside of its "
                        "own are not shown");
}

static int report_limits(const struct capture *capture)
{
    int r = report_left_out(capture);
    if (r >= 0)
        r = report_unseen(capture);
    if (r >= 0 && capture->host->live)
        r = report_hidden_processes(capture);
    if (r >= 0 && capture->host->live)
        r = report_pid_namespace(capture);
    return r;
}

/* ---- the run ---- */

static int run_collectors(struct capture *capture)
{
    int r = report_limits(capture);
    if (r >= 0 && host_has_processes(capture->host))
        r = hierarchies_open(capture->host, capture->sink, &capture->hierarchies);
    if (r >= 0 && capture_wants(capture, SOURCE_CONTAINERS))
        r = containers_open(capture);
    for (unsigned source = 0; source < SOURCE_COUNT && r >= 0; source++)
        if (collectors[source].collect && capture_wants(capture, source))
            r = collectors[source].collect(capture);
    if (r >= 0 && capture_wants(capture, SOURCE_CROSS_VIEWS) &&
        capture_wants(capture, SOURCE_MOUNTS))
        r = crossviews_compare_mounts(capture);
    return r;
}

int recorder_run(struct recorder *recorder, const struct sink *sink)
{
    int64_t begin = clock_now(CLOCK_MONOTONIC);
    struct capture capture = {.host = recorder->host,
                              .options = &recorder->options,
                              .sink = sink,
                              .without = recorder->without,
                              .unseen = unseen_sources(recorder->host) & ~recorder->without};
    host_read_moment(recorder->host); /* whoever opened it may have waited for a database since */
    int r = run_collectors(&capture);
    container_table_free(&capture.containers);
    namespace_table_free(&capture.namespaces);
    census_free(&capture.census);
    number_list_free(&capture.processes);
    hierarchies_free(&capture.hierarchies);
    recorder->host->facts.duration_ns = clock_now(CLOCK_MONOTONIC) - begin;
    recorder->host->facts.processes_ended =
        host_has_processes(recorder->host) ? capture.processes_ended : -1;
    return r < 0 ? r : 0;
}

struct cJSON *recorder_doctor(const struct recorder *recorder)
{
    return doctor_json(recorder->host);
}

int recorder_capture_fixture(const struct recorder *recorder, const char *path)
{
    return fixture_capture(recorder->host, recorder->options.environment, path);
}
