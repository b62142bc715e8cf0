/* SPDX-License-Identifier: Apache-2.0 */
/* Reads in several threads, records in one. Each worker thread gets a sink of its own; what goes
 * into it is copied and handed on, in batches, to the thread that called relay_run(), which alone
 * touches the real sink. So a sink needs no locks, and workers may have descriptor tables of their
 * own: a database whose file one of them opened would not be open in the other threads. */
#ifndef RECORDER_RELAY_H
#define RECORDER_RELAY_H

#include "schema/record.h"

struct relay_work {
    unsigned workers; /* how many threads; with 0, or where none can be made, the caller's alone */
    bool private_descriptors; /* unshare(CLONE_FILES), which spares them the kernel's lock of the
                                 table */
    /* Runs in each worker, with its number from 0. 0, or an error with its message. */
    int (*work)(void *userdata, unsigned worker, const struct sink *sink);
    /* Told now and then in the caller's thread; may be NULL. */
    void (*tick)(void *userdata);
    void *userdata;
};

/* Returns when all workers have: 0, or the first error, of a worker or of the sink, with its
 * message. After an error of the sink the workers' sinks answer -ECANCELED. */
int relay_run(const struct relay_work *work, const struct sink *sink);

#endif
