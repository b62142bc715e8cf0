/* SPDX-License-Identifier: Apache-2.0 */
/* What is captured, in one table. A collector is one file and one row. */
#ifndef RECORDER_COLLECTORS_H
#define RECORDER_COLLECTORS_H

#include "schema/record.h"

#include <stdbool.h>

/* In the order in which they run: later ones use what earlier ones found. */
enum source {
    SOURCE_PROCESSES,
    SOURCE_THREADS,
    SOURCE_FOR_CHILDREN,
    SOURCE_FD,
    SOURCE_SOCKET,
    SOURCE_CROSS_VIEWS,
    SOURCE_KERNEL,
    SOURCE_BIND_MOUNT,
    SOURCE_MOUNTS,
    SOURCE_NAMESPACES,
    SOURCE_CGROUPS,
    SOURCE_CONTAINERS,
    SOURCE_COUNT,
};

struct capture;

struct collector {
    const char *name; /* of its gaps' source, and for `without` */
    /* Streams records into capture->sink; NULL for what is read along with an earlier one. 0 or an
     * error: of the sink, or no memory. What cannot be read becomes a gap. */
    int (*collect)(struct capture *capture);
    bool optional;  /* `without` may leave it out */
    unsigned hides; /* bit 1 << kind: records that are missing, or have null columns, without it */
    const char *sighting; /* ... and namespaces that nothing else shows: its name among sources */
};

extern const struct collector collectors[SOURCE_COUNT];

int processes_collect(struct capture *capture);
int crossviews_collect(struct capture *capture);
int namespaces_collect(struct capture *capture);
int cgroups_collect(struct capture *capture);
int containers_collect(struct capture *capture);

/* A gap of one of the collectors. `code` is a positive errno, 0 where nothing was asked. */
int collector_gap(const struct sink *sink, enum source source, const char *subject, int code,
                  const char *detail, enum kind hides, const char *scope);

#endif
