/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/workers.h"

#include "recorder/relay.h"

#include <stdatomic.h>

enum { AT_ONCE = 16 };

struct run {
    const struct workload *workload;
    atomic_size_t next; /* the first thing that nobody has taken */
};

static size_t at_once(const struct workload *workload)
{
    return workload->at_once ? workload->at_once : AT_ONCE;
}

static int work(void *userdata, unsigned worker, const struct sink *sink)
{
    struct run *run = userdata;
    const struct workload *workload = run->workload;
    int r = workload->begin ? workload->begin(workload->userdata, worker, sink) : 0;
    while (r >= 0) {
        size_t from = atomic_fetch_add(&run->next, at_once(workload)),
               to = from + at_once(workload);
        if (from >= workload->count)
            break;
        if (to > workload->count)
            to = workload->count;
        for (; from < to && r >= 0; from++)
            r = workload->read(workload->userdata, worker, from);
    }
    return r < 0 ? r : 0;
}

static void tick(void *userdata)
{
    struct run *run = userdata;
    size_t done = atomic_load(&run->next), total = run->workload->count;
    capture_progress(run->workload->capture, run->workload->what, done < total ? done : total,
                     total);
}

/* What one worker would take at once, the caller reads by itself. Not so a single thing that is
 * large: its records are taken care of while it is read. */
static bool is_little(const struct workload *workload)
{
    return workload->count <= (workload->at_once == 1 ? 0 : at_once(workload));
}

int workers_run(const struct workload *workload)
{
    const struct capture *capture = workload->capture;
    struct run run = {.workload = workload};
    const struct relay_work relay = {.workers = is_little(workload) ? 0 : WORKERS,
                                     .private_descriptors =
                                         workload->private_descriptors &&
                                         host_has(capture->host, FEATURE_PRIVATE_DESCRIPTORS),
                                     .work = work,
                                     .tick = tick,
                                     .userdata = &run};
    return relay_run(&relay, capture->sink);
}
