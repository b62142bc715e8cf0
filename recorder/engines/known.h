/* SPDX-License-Identifier: Apache-2.0 */
/* The containers of the last snapshot, so that nothing is asked twice. */
#ifndef RECORDER_ENGINES_KNOWN_H
#define RECORDER_ENGINES_KNOWN_H

#include "schema/record.h"

struct known_container;

/* Zero-initialise it. */
struct known_containers {
    struct known_container *by_key;
};

void known_containers_free(struct known_containers *known);

/* Copies the record. 0 or -ENOMEM. */
int known_containers_add(struct known_containers *known, const struct record *record);

/* Borrowed; NULL if there is none. */
const struct record *known_containers_find(const struct known_containers *known, const char *engine,
                                           const char *id);

/* Calls `each` with all of them. A negative return ends it and is returned. */
int known_containers_each(const struct known_containers *known,
                          int (*each)(void *userdata, const struct record *record), void *userdata);

#endif
