/* SPDX-License-Identifier: Apache-2.0 */
/* The number of threads: that in /proc/loadavg, which the kernel keeps on its own, against those
 * that the processes have. */
#include "base/error.h"
#include "recorder/crossviews.h"
#include "recorder/kernel/nsfs.h"
#include "recorder/kernel/proc_loadavg.h"

#include <fcntl.h>
#include <sys/stat.h>

/* How often they are counted, how many counts must agree that there is a difference, and after how
 * many processes it is looked whether there can be one. */
enum { TRIES = 8, AGREEING = 3, LOOK_EVERY = 256 };

static int read_loadavg(struct crossviews *views, struct proc_loadavg *ret_loadavg)
{
    int r = procfs_read(views->capture->host->proc, "loadavg", PROCFS_TEXT_MOST, &views->scratch);
    return r < 0 ? r
                 : proc_loadavg_parse(buffer_text(&views->scratch), views->scratch.length,
                                      ret_loadavg);
}

pid_t crossviews_newest(struct crossviews *views)
{
    struct proc_loadavg loadavg;
    bool known = read_loadavg(views, &loadavg) >= 0;
    return known && loadavg.newest < NUMBER_SET_MOST ? (pid_t)loadavg.newest : 0;
}

/* The directory of its threads has a link for each, beside its own two. 0 when it has ended. */
static int64_t threads_of(const struct crossviews *views, pid_t pid)
{
    char path[32];
    struct stat status;
    snprintf(path, sizeof(path), "%d/task", (int)pid);
    if (fstatat(views->capture->host->proc, path, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        status.st_nlink < 2)
        return 0;
    return (int64_t)status.st_nlink - 2;
}

static int64_t count_hidden(const struct crossviews *views)
{
    int64_t threads = 0;
    for (size_t i = 0; i < views->count; i++)
        if (views->suspects[i].missing >> views->first & 1)
            threads += threads_of(views, views->suspects[i].pid);
    return threads;
}

/* 1 if no thread was made and none ended since `before`. */
static int is_still(struct crossviews *views, const struct proc_loadavg *before)
{
    struct proc_loadavg now;
    int r = read_loadavg(views, &now);
    return r < 0 ? r : before->threads == now.threads && before->newest == now.newest;
}

/* Counts all of them. 1 if none was made or ended meanwhile, so that the numbers must agree: else
 * it is given up soon, since on a host with many processes a count takes long. */
static int count_once(struct crossviews *views, int64_t *ret_more)
{
    struct proc_loadavg before;
    int64_t threads = 0;
    int still = read_loadavg(views, &before);
    if (still >= 0)
        still = procfs_list_numbers(views->capture->host->proc, ".", &views->listing);
    for (size_t i = 0; still >= 0 && i < views->listing.count; i++) {
        if (i % LOOK_EVERY == 0 && (still = is_still(views, &before)) <= 0)
            return still;
        threads += threads_of(views, views->listing.numbers[i]);
    }
    threads += count_hidden(views);
    *ret_more = (int64_t)before.threads - threads;
    return still < 0 ? still : is_still(views, &before);
}

/* Of a hidden process that can't be looked up the threads can't be counted. */
static bool can_count(const struct crossviews *views)
{
    for (size_t i = 0; i < views->count; i++)
        if (views->suspects[i].missing >> VIEW_LOOKUP & 1)
            return false;
    return host_pid_namespace(views->capture->host) == nsfs_initial_inode(NSFS_PID);
}

int crossviews_count_threads(struct crossviews *views, struct thread_difference *ret_difference)
{
    int64_t more = 0;
    unsigned agreeing = 0;
    *ret_difference = (struct thread_difference){.known = can_count(views)};
    for (unsigned tries = 0; ret_difference->known && tries < TRIES; tries++) {
        int r = count_once(views, &more);
        if (r == -ENOMEM)
            return error_memory();
        ret_difference->known = r >= 0;
        if (r <= 0)
            continue;
        agreeing = agreeing && more == ret_difference->more ? agreeing + 1 : 1;
        ret_difference->more = more;
        if (!more || agreeing == AGREEING)
            return 0;
    }
    ret_difference->restless = ret_difference->known;
    ret_difference->more = 0;
    return 0;
}
