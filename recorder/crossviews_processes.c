/* SPDX-License-Identifier: Apache-2.0 */
/* The views of the process list, and which of them lacks a process for certain. */
#include "base/array.h"
#include "base/error.h"
#include "recorder/crossviews.h"
#include "recorder/kernel/pidfd.h"
#include "recorder/kernel/proc_stat.h"
#include "recorder/workers.h"

#include <string.h>

/* How often a suspicion is looked into after it arose. */
enum { ROUNDS = 2 };

/* How many numbers getsid(2) is asked about: half of them the lowest ones, of what was started with
 * the host, and half of them the newest ones. */
enum { ASKED_MOST = 1 << 16 };

/* How many of them a worker asks about at a time. */
enum { BLOCK = 1 << 12 };

static unsigned bit(enum view view)
{
    return 1u << view;
}

/* ---- getsid ---- */

/* Only ESRCH says that there is none: a security module may refuse to tell. */
static bool answers_getsid(pid_t pid)
{
    return getsid(pid) >= 0 || errno != ESRCH;
}

static void ask_range(struct crossviews *views, pid_t from, pid_t end)
{
    for (pid_t pid = from; pid < end; pid++)
        if (answers_getsid(pid))
            number_set_add(&views->answering, pid);
}

static pid_t read_highest(struct crossviews *views)
{
    uint64_t highest;
    int r = procfs_read(views->capture->host->proc, "sys/kernel/pid_max", PROCFS_TEXT_MOST,
                        &views->scratch);
    struct span text = {buffer_text(&views->scratch), views->scratch.length};
    bool good = r >= 0 && span_unsigned(span_trim(text), 10, &highest);
    return good && highest < NUMBER_SET_MOST ? (pid_t)highest : NUMBER_SET_MOST;
}

/* The numbers from .. end - 1 that lie in the block: no two blocks share a word of the set. */
static void ask_within(struct crossviews *views, size_t block, struct number_range range)
{
    pid_t begin = (pid_t)(block * BLOCK), end = begin + BLOCK;
    ask_range(views, range.from > begin ? range.from : begin, range.end < end ? range.end : end);
}

static void ask_block(struct crossviews *views, size_t block)
{
    for (size_t i = 0; i < sizeof(views->asked) / sizeof(*views->asked); i++)
        ask_within(views, block, views->asked[i]);
}

static void choose_part(struct crossviews *views, const struct number_list *listed)
{
    pid_t low = ASKED_MOST / 2, end = crossviews_newest(views) + 1;
    if (end < ASKED_MOST)
        end = ASKED_MOST;
    views->asked[0] = (struct number_range){1, low};
    views->asked[1] = (struct number_range){end - ASKED_MOST / 2, end};
    for (size_t i = 0; i < listed->count; i++)
        ask_range(views, listed->numbers[i], listed->numbers[i] + 1);
}

/* Chooses the numbers; those that /proc lists are asked about at once. 0 or -ENOMEM. */
static int begin_asking(struct crossviews *views)
{
    pid_t highest = read_highest(views);
    int r = number_set_begin(&views->answering);
    if (r < 0)
        return r;
    views->asked_all |= highest <= ASKED_MOST;
    views->asked[0] = (struct number_range){1, highest + 1};
    views->asked[1] = (struct number_range){0, 0};
    if (!views->asked_all)
        choose_part(views, &views->capture->processes);
    for (size_t i = 0; i < sizeof(views->asked) / sizeof(*views->asked); i++)
        number_set_reach(&views->answering, views->asked[i].end);
    return 0;
}

/* Enough for all that are asked about. */
static size_t count_blocks(const struct crossviews *views)
{
    return (views->answering.used * 64 + BLOCK - 1) / BLOCK;
}

/* ---- suspicion ---- */

static int add_suspect(struct crossviews *views, pid_t pid)
{
    int r = array_reserve(&views->suspects, &views->capacity, views->count + 1,
                          sizeof(*views->suspects));
    if (r >= 0)
        views->suspects[views->count++] =
            (struct suspect){.pid = pid, .pidfd = -1, .directory = -1, .start_ticks = -1};
    return r;
}

/* 64 numbers at once: those that one view shows and another doesn't. What was in the list of /proc
 * only once came or went meanwhile; a thread that is known isn't a process. What was listed, but
 * not found, may not be opened by its number. */
static uint64_t suspicious(const struct crossviews *views, size_t word)
{
    uint64_t before = views->before.words[word], again = views->again.words[word];
    uint64_t other = views->other.words[word], grouped = views->grouped.words[word];
    uint64_t answering = views->answering.words[word];
    uint64_t hidden = (other | grouped | answering) & ~(before | again);
    uint64_t lacking = ~answering | ~views->found.words[word] | views->covered.words[word];
    if (views->whole_cgroups)
        lacking |= ~grouped;
    if (views->other_proc >= 0)
        lacking |= ~other;
    return (hidden | (before & again & lacking)) & ~(views->threads.words[word] & ~again);
}

/* How far any view goes. */
static size_t count_words(const struct crossviews *views)
{
    const struct number_set *const sets[] = {&views->before, &views->other, &views->again,
                                             &views->grouped, &views->answering};
    size_t most = 0;
    for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++)
        most = sets[i]->used > most ? sets[i]->used : most;
    return most;
}

static int suspect_all(struct crossviews *views)
{
    size_t words = count_words(views);
    int r = 0;
    for (size_t word = 0; word < words; word++)
        for (uint64_t rest = suspicious(views, word); rest && r >= 0; rest &= rest - 1) {
            pid_t pid = (pid_t)(word * 64) + __builtin_ctzll(rest);
            if (!host_is_self(views->capture->host, pid))
                r = add_suspect(views, pid);
        }
    return r;
}

/* ---- what a suspect is known by ---- */

static void close_suspect(struct suspect *suspect)
{
    suspect->pidfd = fd_close(suspect->pidfd);
    suspect->directory = fd_close(suspect->directory);
}

static int read_stat(struct crossviews *views, const struct suspect *suspect,
                     struct proc_stat *ret_stat)
{
    int r = procfs_read(suspect->directory, "stat", PROCFS_TEXT_MOST, &views->scratch);
    return r < 0 ? r
                 : proc_stat_parse(buffer_text(&views->scratch), views->scratch.length, ret_stat);
}

/* False if it isn't a process (any more). With hidepid, proc(5), the folder can be opened, but not
 * even what everyone may read in it is there. */
static bool open_suspect(struct crossviews *views, struct suspect *suspect)
{
    const struct host *host = views->capture->host;
    struct proc_stat stat;
    char name[16];
    snprintf(name, sizeof(name), "%d", (int)suspect->pid);
    suspect->directory = procfs_open_directory(host->proc, name);
    int r = suspect->directory < 0 ? suspect->directory : read_stat(views, suspect, &stat);
    if (r == 0)
        suspect->start_ticks = stat.fields[STAT_START_TICKS];
    else if (r == -ENOENT || r == -ESRCH)
        suspect->directory = fd_close(suspect->directory);
    if (host_has(host, FEATURE_PIDFD))
        suspect->pidfd = pidfd_open_task(suspect->pid, false);
    return host_has(host, FEATURE_PIDFD) ? suspect->pidfd >= 0 : pidfd_is_process(suspect->pid);
}

/* Whether the very same process is still there, if only as a zombie. */
static bool is_there(struct crossviews *views, const struct suspect *suspect)
{
    if (suspect->pidfd >= 0)
        return pidfd_is_there(suspect->pidfd);
    if (suspect->directory >= 0)
        return procfs_read(suspect->directory, "stat", PROCFS_TEXT_MOST, &views->scratch) >= 0 &&
               views->scratch.length;
    return pidfd_is_process(suspect->pid);
}

/* Leaves those for which `keep` is true, in their order. */
static void keep_suspects(struct crossviews *views,
                          bool (*keep)(struct crossviews *views, struct suspect *suspect))
{
    size_t kept = 0;
    for (size_t i = 0; i < views->count; i++) {
        struct suspect suspect = views->suspects[i];
        if (keep(views, &suspect))
            views->suspects[kept++] = suspect;
        else
            close_suspect(&suspect);
    }
    views->count = kept;
}

void crossviews_drop_suspects(struct crossviews *views)
{
    for (size_t i = 0; i < views->count; i++)
        close_suspect(&views->suspects[i]);
    views->count = 0;
}

/* ---- a closer look ---- */

/* By the procfs that is mounted, where it isn't host->proc. */
static int lookup_procfs(const struct crossviews *views)
{
    return views->second == VIEW_READDIR && views->other_proc >= 0 ? views->other_proc
                                                                   : views->capture->host->proc;
}

/* Whether its number leads to it, and not to what is mounted there: perhaps the folder of another
 * process. */
static bool is_at_its_number(struct crossviews *views, pid_t pid)
{
    struct proc_stat stat;
    char name[24];
    snprintf(name, sizeof(name), "%d/stat", (int)pid);
    int r = procfs_read(lookup_procfs(views), name, PROCFS_TEXT_MOST, &views->scratch);
    if (r < 0)
        return r != -ENOENT && r != -ESRCH;
    r = proc_stat_parse(buffer_text(&views->scratch), views->scratch.length, &stat);
    return r == 0 && stat.fields[STAT_PID] == pid;
}

/* Zombies are in no list of a cgroup. */
static int look_at_cgroup(struct crossviews *views, const struct suspect *suspect)
{
    struct proc_stat stat;
    if (number_set_has(&views->grouped, suspect->pid))
        return 1;
    if (suspect->directory < 0)
        return -EAGAIN;
    int listed = crossviews_in_cgroup(views, suspect->directory, suspect->pid);
    bool lasting = read_stat(views, suspect, &stat) == 0 && !proc_stat_is_ending(&stat);
    return listed || lasting ? listed : -EAGAIN;
}

/* What the views show of it now: `ret_asked` are those that can tell. */
static unsigned look_at(struct crossviews *views, const struct suspect *suspect,
                        unsigned *ret_asked)
{
    unsigned shown = 0, asked = bit(views->first) | bit(VIEW_LOOKUP) | bit(VIEW_GETSID);
    if (number_set_has(&views->again, suspect->pid))
        shown |= bit(views->first);
    if (is_at_its_number(views, suspect->pid))
        shown |= bit(VIEW_LOOKUP);
    if (answers_getsid(suspect->pid))
        shown |= bit(VIEW_GETSID);
    if (views->other_proc >= 0)
        asked |= bit(views->second);
    if (number_set_has(&views->other, suspect->pid))
        shown |= bit(views->second);
    int listed = look_at_cgroup(views, suspect);
    if (listed >= 0)
        asked |= bit(VIEW_CGROUP);
    if (listed > 0)
        shown |= bit(VIEW_CGROUP);
    *ret_asked = asked;
    return shown;
}

static bool look_closer(struct crossviews *views, struct suspect *suspect)
{
    unsigned asked;
    suspect->shown = look_at(views, suspect, &asked);
    suspect->missing &= asked & ~suspect->shown;
    return suspect->missing && suspect->shown && is_there(views, suspect);
}

/* ---- the lists ---- */

static int read_list(int proc, struct number_list *listing, struct number_set *into)
{
    int r = number_set_begin(into);
    if (r >= 0 && proc >= 0)
        r = procfs_list_numbers(proc, ".", listing);
    if (r >= 0 && proc >= 0)
        number_set_add_list(into, listing);
    return r == -ENOMEM ? error_memory() : r < 0 ? r : 0;
}

/* What workers do, beside asking one block after the other. */
enum { READ_OTHER_LIST, READ_CGROUPS, FIRST_BLOCK };

static int read_one(void *userdata, unsigned worker, size_t reading)
{
    struct crossviews *views = userdata;
    _cleanup_number_list_ struct number_list listing = {0};
    (void)worker;
    if (reading == READ_OTHER_LIST)
        return read_list(views->other_proc, &listing, &views->other);
    if (reading == READ_CGROUPS)
        return crossviews_read_cgroups(views->capture, &views->grouped, &views->whole_cgroups);
    ask_block(views, reading - FIRST_BLOCK);
    return 0;
}

/* The newest list comes last: what is in it and was in the first one was there all the time. */
static int read_views(struct crossviews *views, size_t blocks)
{
    const struct workload workload = {.capture = views->capture,
                                      .what = "views",
                                      .count = FIRST_BLOCK + blocks,
                                      .at_once = 1,
                                      .private_descriptors = true,
                                      .read = read_one,
                                      .userdata = views};
    int r = workers_run(&workload);
    return r < 0 ? r : read_list(views->capture->host->proc, &views->listing, &views->again);
}

int crossviews_find_suspects(struct crossviews *views)
{
    int r = begin_asking(views);
    if (r >= 0)
        r = read_views(views, count_blocks(views));
    if (r >= 0)
        r = suspect_all(views);
    if (r < 0)
        return r;
    keep_suspects(views, open_suspect);
    for (size_t i = 0; i < views->count; i++)
        views->suspects[i].missing = ~0u;
    for (unsigned round = 0; round < ROUNDS && views->count; round++) {
        r = read_views(views, 0);
        if (r < 0)
            return r;
        keep_suspects(views, look_closer);
    }
    return 0;
}
