/* SPDX-License-Identifier: Apache-2.0 */
/* Many things alike, read by several threads: each takes the next few of them, until none is left.
 */
#ifndef RECORDER_WORKERS_H
#define RECORDER_WORKERS_H

#include "recorder/capture.h"

enum { WORKERS = 2 };

struct workload {
    const struct capture *capture;
    const char *what;         /* is read, for the progress */
    size_t count;             /* of the things, which are known by their numbers from 0 */
    bool private_descriptors; /* what a worker opens, nobody else needs to have open */
    size_t at_once; /* how many a worker takes at a time: 1 where things are large, 0 for some */
    /* Called in each worker, with its number from 0: first (may be NULL), with its sink, and then
     * for each of the things that it takes. 0, or an error with its message, which ends it all. */
    int (*begin)(void *userdata, unsigned worker, const struct sink *sink);
    int (*read)(void *userdata, unsigned worker, size_t thing);
    void *userdata;
};

/* Returns when all is read: 0, or the first error, of a worker or of the capture's sink. */
int workers_run(const struct workload *workload);

#endif
