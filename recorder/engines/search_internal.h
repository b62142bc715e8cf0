/* SPDX-License-Identifier: Apache-2.0 */
/* The search for engines, between the files of its own. */
#ifndef RECORDER_ENGINES_SEARCH_INTERNAL_H
#define RECORDER_ENGINES_SEARCH_INTERNAL_H

#include "recorder/engines/search.h"

struct engine_search {
    const struct host *host;
    struct engines_found *found;
    const struct engine *engine; /* whose turn it is */
    int directory;               /* of the process that is told of, below proc; -1 between two */
    int64_t start_ticks;
    uint32_t pid_namespace, mnt_namespace, host_pid_namespace, own_mnt_namespace;
    struct buffer file, arguments, text, listeners;
    struct arena *arena; /* of what is told of the process */
};

#endif
