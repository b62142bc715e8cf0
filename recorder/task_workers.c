/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/task_workers.h"

#include "recorder/workers.h"

struct readers {
    struct capture *capture;
    const struct task_work *work;
    struct task_reader readers[WORKERS];
};

static int begin_reader(void *userdata, unsigned worker, const struct sink *sink)
{
    struct readers *readers = userdata;
    return task_reader_begin(&readers->readers[worker], readers->capture, sink);
}

static int read_one(void *userdata, unsigned worker, size_t number)
{
    struct readers *readers = userdata;
    const struct task_work *work = readers->work;
    return work->read(work->userdata, &readers->readers[worker], number);
}

static int gather(struct readers *readers)
{
    struct capture *capture = readers->capture;
    int r = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        struct task_reader *reader = &readers->readers[i];
        if (r >= 0)
            r = census_merge(&capture->census, &reader->census);
        capture->processes_ended += reader->ended;
        task_reader_free(reader);
    }
    census_sort(&capture->census);
    return r;
}

int task_workers_run(struct capture *capture, const struct task_work *work)
{
    struct readers readers = {.capture = capture, .work = work};
    const struct workload workload = {
        .capture = capture,
        .what = work->what,
        .count = work->count,
        /* keep_blob() works in the readers' threads, perhaps on files that others use too */
        .private_descriptors = !capture->options->environment,
        .begin = begin_reader,
        .read = read_one,
        .userdata = &readers};
    int r = workers_run(&workload);
    int gathered = gather(&readers);
    return r < 0 ? r : gathered;
}
