/* SPDX-License-Identifier: Apache-2.0 */
/* list --in NAMESPACE: the processes, threads or mounts that are in one namespace. */
#ifndef CLI_INSIDE_H
#define CLI_INSIDE_H

#include "cli/entity.h"
#include "cli/records.h"

#include <stdbool.h>

struct inside {
    const char *text; /* as it was given; borrowed. NULL: everything is inside */
    struct entity entity;
    unsigned column; /* of the kind that is listed: the inode of the namespace it is in */
    int64_t *inodes; /* ascending; whatever is in one of them is inside */
    size_t count;
};

void inside_free(struct inside *inside);
#define _cleanup_inside_ _cleanup_(inside_free)

/* 0, or -ERROR_USAGE where things of the kind are in no such namespace. */
int inside_parse(const char *text, enum kind kind, struct inside *ret_inside);

/* Finds the namespace and, of a pid namespace, those below it: what is in them has a number in it
 * too. 0 or a negative error. */
int inside_load(struct inside *inside, struct database *database, const struct snapshot *snapshot);

bool inside_has(const struct inside *inside, const struct record *record);

/* Whether it is a pid namespace, in which processes have numbers of their own. */
bool inside_is_pid(const struct inside *inside);

#endif
