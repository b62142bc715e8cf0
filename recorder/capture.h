/* SPDX-License-Identifier: Apache-2.0 */
/* One run over a host: what its collectors share. */
#ifndef RECORDER_CAPTURE_H
#define RECORDER_CAPTURE_H

#include "recorder/census.h"
#include "recorder/collectors.h"
#include "recorder/container_table.h"
#include "recorder/hierarchies.h"
#include "recorder/host.h"
#include "recorder/kernel/procfs.h"
#include "recorder/namespace_table.h"
#include "recorder/recorder.h"

struct capture {
    const struct host *host;
    const struct recorder_options *options;
    const struct sink *sink;           /* called in the thread that runs the collectors alone */
    unsigned without;                  /* bit 1 << enum source: left out */
    unsigned unseen;                   /* the same: of what this host has not */
    struct hierarchies hierarchies;    /* filled before the first collector */
    struct container_table containers; /* as engines tell of them: before the first collector */
    struct number_list processes;      /* as /proc has listed them */
    struct census census;              /* by the processes, for those behind them */
    struct namespace_table namespaces; /* by the namespaces, for those behind them */
    int64_t processes_ended;
};

static inline bool capture_wants(const struct capture *capture, enum source source)
{
    return !((capture->without | capture->unseen) >> source & 1);
}

static inline void capture_progress(const struct capture *capture, const char *what, size_t done,
                                    size_t total)
{
    if (capture->options->progress)
        capture->options->progress(capture->options->userdata, what, done, total);
}

#endif
