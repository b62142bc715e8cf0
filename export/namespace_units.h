/* SPDX-License-Identifier: Apache-2.0 */
/* Groups namespaces and tasks into what the namespaces graph draws:
 *
 *   a crew   tasks that are in exactly the same namespaces
 *   a unit   a user namespace; or the other namespaces of one owner that hold exactly the same
 * crews (as those of a container do); or all usual namespaces of the host together
 *
 * Units hang on the unit of their owner: that is a forest, in which alike units fold. */
#ifndef EXPORT_NAMESPACE_UNITS_H
#define EXPORT_NAMESPACE_UNITS_H

#include "export/fold.h"
#include "export/graph.h"

/* A process, or a thread that is not where its process is. */
struct occupant {
    const struct graph_item *item;
    enum mark mark; /* of where it is: that it changed otherwise doesn't count here */
    size_t namespaces[GRAPH_NAMESPACE_TYPES]; /* items; GRAPH_NONE where this host has none */
};

struct crew {
    size_t first, count; /* in occupants; the first one leads */
    size_t home;         /* the unit that it has for itself and is drawn in; GRAPH_NONE for none */
    bool marked;         /* something became of one of its tasks */
};

struct namespace_units {
    struct graph_items namespaces, processes, threads;
    struct graph_usual usual;
    struct occupant *occupants; /* by crew, then by start and pid */
    size_t occupant_count;
    size_t unreadable; /* processes whose namespaces are not all known: in no crew */
    struct crew *crews;
    size_t crew_count;
    size_t *sole_crews; /* by namespace: its only crew, GRAPH_NONE for no crew or several */
    bool *empty;        /* by namespace: in no crew */
    size_t *unit_of;    /* by namespace */
    size_t *firsts;     /* by unit: its first namespace ... */
    size_t *next;       /* ... and by namespace: the next one of its unit, GRAPH_NONE at the end */
    size_t *home_crews; /* by unit: the first crew whose home it is, GRAPH_NONE for none */
    size_t count;       /* of units */
    struct fold fold;   /* a node for each unit */
};

/* 0 or an error with its message. */
int namespace_units_load(const struct export_request *request, struct namespace_units *ret_units);
void namespace_units_free(struct namespace_units *units);
#define _cleanup_namespace_units_ _cleanup_(namespace_units_free)

bool namespace_is_usual(const struct namespace_units *units, size_t namespace);
bool unit_is_usual(const struct namespace_units *units, size_t unit);
bool unit_is_user(const struct namespace_units *units, size_t unit);

/* All of the crew's namespaces are usual ones. */
bool crew_is_usual(const struct namespace_units *units, const struct crew *crew);

/* The crew's unit of this type, if there is an edge to be drawn to it: it is neither usual, nor
 * where the crew is drawn, nor an owner of that, nor the unit of an earlier type. Else GRAPH_NONE.
 */
size_t crew_joins(const struct namespace_units *units, const struct crew *crew, unsigned type);

/* The unit of the parent of the unit's pid namespace; GRAPH_NONE if it has none, or is it itself.
 */
size_t unit_pid_parent(const struct namespace_units *units, size_t unit);

#endif
