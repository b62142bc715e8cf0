/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/crossviews.h"

#include "base/error.h"
#include "base/text.h"
#include "recorder/kernel/detached_procfs.h"
#include "recorder/kernel/pidfd.h"
#include "recorder/kernel/proc_stat.h"
#include "recorder/processes.h"

#include <fcntl.h>
#include <string.h>

static const char *const view_names[VIEW_COUNT] = {
    [VIEW_READDIR] = "readdir",     [VIEW_DETACHED_PROCFS] = "detached-procfs",
    [VIEW_LOOKUP] = "lookup",       [VIEW_GETSID] = "getsid",
    [VIEW_CGROUP] = "cgroup.procs", [VIEW_LOADAVG] = "loadavg",
    [VIEW_MOUNTINFO] = "mountinfo", [VIEW_LISTMOUNT] = "listmount",
};

/* ---- records ---- */

int discrepancy_emit(const struct sink *sink, const struct discrepancy *discrepancy)
{
    struct record record;
    char shown_by[256] = "[";
    size_t length = 1;
    for (unsigned view = 0; view < VIEW_COUNT; view++)
        if (discrepancy->shown_by >> view & 1)
            length += (size_t)snprintf(shown_by + length, sizeof(shown_by) - length, "%s\"%s\"",
                                       length > 1 ? "," : "", view_names[view]);
    snprintf(shown_by + length, sizeof(shown_by) - length, "]");
    record_begin(&record, KIND_DISCREPANCY);
    record_set_text(&record, DISCREPANCY_SUBJECT, discrepancy->subject);
    record_set_text(&record, DISCREPANCY_MISSING_FROM, view_names[discrepancy->missing_from]);
    record_set_text(&record, DISCREPANCY_SHOWN_BY, shown_by);
    record_set_text(&record, DISCREPANCY_NAME, discrepancy->name);
    record_set_text(&record, DISCREPANCY_DETAIL, discrepancy->detail);
    if (discrepancy->has_id)
        record_set_integer(&record, DISCREPANCY_ID, (int64_t)discrepancy->id);
    if (discrepancy->start_ticks >= 0)
        record_set_integer(&record, DISCREPANCY_START_TICKS, discrepancy->start_ticks);
    return sink_record(sink, &record);
}

/* Its command name as text; NULL where it can't be read. */
static const char *name_of(struct crossviews *views, const struct suspect *suspect)
{
    struct proc_stat stat;
    buffer_clear(&views->text);
    if (suspect->directory < 0 ||
        procfs_read(suspect->directory, "stat", PROCFS_TEXT_MOST, &views->scratch) < 0 ||
        proc_stat_parse(buffer_text(&views->scratch), views->scratch.length, &stat) < 0)
        return NULL;
    struct span comm = proc_stat_steady_comm(&stat);
    text_append_captured(&views->text, comm.bytes, comm.length);
    return buffer_text(&views->text);
}

static int emit_suspect(struct crossviews *views, const struct suspect *suspect)
{
    char subject[32];
    struct discrepancy discrepancy = {.subject = subject,
                                      .shown_by = suspect->shown,
                                      .start_ticks = suspect->start_ticks,
                                      .name = name_of(views, suspect)};
    _cleanup_buffer_ struct buffer cover = {0};
    snprintf(subject, sizeof(subject), "pid:%d", (int)suspect->pid);
    discrepancy.has_id = host_has(views->capture->host, FEATURE_PIDFS) &&
                         pidfd_inode_of(suspect->pidfd, &discrepancy.id) == 0;
    int r = buffer_error(&views->text);
    if (r >= 0)
        r = crossviews_describe_cover(views, suspect->pid, &cover);
    for (unsigned view = 0; view < VIEW_COUNT && r >= 0; view++)
        if (suspect->missing >> view & 1) {
            discrepancy.missing_from = view;
            discrepancy.detail = view == VIEW_LOOKUP && cover.length ? cover.bytes : NULL;
            r = discrepancy_emit(views->capture->sink, &discrepancy);
        }
    return r;
}

static int emit_suspects(struct crossviews *views)
{
    int r = 0;
    for (size_t i = 0; i < views->count && r >= 0; i++)
        r = emit_suspect(views, &views->suspects[i]);
    return r;
}

static int emit_threads(const struct crossviews *views, const struct thread_difference *difference)
{
    char detail[96];
    if (difference->restless)
        return collector_gap(views->capture->sink, SOURCE_CROSS_VIEWS, "threads", EAGAIN,
                             "threads began and ended whenever they were counted", KIND_DISCREPANCY,
                             "threads");
    if (!difference->more)
        return 0;
    int64_t number = difference->more < 0 ? -difference->more : difference->more;
    snprintf(detail, sizeof(detail), "%lld thread%s %s than the processes have", (long long)number,
             number == 1 ? "" : "s", difference->more < 0 ? "fewer" : "more");
    const struct discrepancy discrepancy = {
        .subject = "threads",
        .missing_from = difference->more < 0 ? VIEW_LOADAVG : views->first,
        .shown_by = 1u << (difference->more < 0 ? views->first : VIEW_LOADAVG),
        .start_ticks = -1,
        .detail = detail};
    return discrepancy_emit(views->capture->sink, &discrepancy);
}

/* ---- the views ---- */

/* Whether the numbers in a procfs are those of our own pid namespace, which system calls take. */
static bool has_our_numbers(int proc)
{
    _cleanup_buffer_ struct buffer link = {0};
    uint64_t self;
    return procfs_read_link(proc, "self", &link) >= 0 &&
           span_unsigned((struct span){link.bytes, link.length}, 10, &self) &&
           self == (uint64_t)getpid();
}

/* The procfs beside host->proc: one of our own, or the one that is mounted. */
static void open_views(struct crossviews *views)
{
    const struct host *host = views->capture->host;
    views->first = host->detached ? VIEW_DETACHED_PROCFS : VIEW_READDIR;
    views->second = host->detached ? VIEW_READDIR : VIEW_DETACHED_PROCFS;
    views->other_proc = -1;
    if (host->detached)
        views->other_proc = procfs_open_directory(AT_FDCWD, "/proc");
    else if (host_has(host, FEATURE_DETACHED_PROCFS))
        views->other_proc = detached_procfs_open();
    if (views->other_proc >= 0 && !has_our_numbers(views->other_proc))
        views->other_proc = fd_close(views->other_proc);
}

static int begin(struct crossviews *views, struct capture *capture)
{
    *views = (struct crossviews){.capture = capture};
    open_views(views);
    int r = number_set_begin(&views->before);
    if (r >= 0)
        r = number_set_begin(&views->found);
    if (r >= 0)
        r = number_set_begin(&views->threads);
    if (r < 0)
        return r;
    number_set_add_list(&views->before, &capture->processes);
    for (size_t i = 0; i < capture->census.count; i++) {
        const struct census_task *task = &capture->census.tasks[i];
        number_set_add(task->tid ? &views->threads : &views->found,
                       task->tid ? task->tid : task->pid);
    }
    return 0;
}

static void end(struct crossviews *views)
{
    struct number_set *sets[] = {&views->before,  &views->found,     &views->again,
                                 &views->other,   &views->answering, &views->grouped,
                                 &views->threads, &views->covered};
    crossviews_drop_suspects(views);
    free(views->suspects);
    for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++)
        number_set_free(sets[i]);
    number_list_free(&views->listing);
    buffer_free(&views->mounts);
    buffer_free(&views->scratch);
    buffer_free(&views->text);
    fd_close(views->other_proc);
}

/* ---- the run ---- */

/* The views are united: what one of them shows is recorded, if it can be read at all. */
static int record_hidden(const struct crossviews *views)
{
    _cleanup_number_list_ struct number_list hidden = {0};
    int r = 0;
    for (size_t i = 0; i < views->count && r >= 0; i++) {
        const struct suspect *suspect = &views->suspects[i];
        if (suspect->missing >> views->first & 1 && suspect->directory >= 0)
            r = number_list_add(&hidden, suspect->pid);
    }
    return r < 0 || !hidden.count ? r : processes_read(views->capture, &hidden);
}

/* Where threads are missing and not all numbers were asked for, all of them are. */
static int compare(struct crossviews *views, struct thread_difference *difference)
{
    int r = 0;
    for (unsigned all = 0; all < 2 && r >= 0; all++) {
        crossviews_drop_suspects(views);
        views->asked_all = all;
        r = crossviews_find_suspects(views);
        if (r >= 0)
            r = crossviews_count_threads(views, difference);
        if (views->asked_all || !difference->known || difference->more <= 0)
            break;
    }
    return r;
}

int crossviews_collect(struct capture *capture)
{
    struct crossviews views;
    struct thread_difference difference = {0};
    if (!capture->host->live)
        return 0;
    if (!has_our_numbers(capture->host->proc))
        return collector_gap(capture->sink, SOURCE_CROSS_VIEWS, "processes", 0,
                             "/proc is of another pid namespace: its numbers can't be asked for",
                             KIND_DISCREPANCY, NULL);
    int r = begin(&views, capture);
    if (r >= 0)
        r = crossviews_find_covered(&views);
    if (r >= 0)
        r = compare(&views, &difference);
    if (r >= 0)
        r = record_hidden(&views);
    if (r >= 0)
        r = emit_suspects(&views);
    if (r >= 0)
        r = emit_threads(&views, &difference);
    end(&views);
    return r;
}
