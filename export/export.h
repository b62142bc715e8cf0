/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a snapshot, or the difference of two, in one of several formats. A format is one file and
 * one row of the table in export/formats.c. */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include "diff/diff.h"

#include <stdio.h>

struct export_request {
    struct database *database;
    const struct snapshot *snapshot;     /* of one snapshot, or ... */
    const struct difference *difference; /* ... of a difference; the other one is NULL */
    const char *graph;                   /* a name of the format's `graphs`; NULL for its first */
    FILE *out;
};

struct export_format {
    const char *name;
    const char *description;
    const char *const *graphs; /* names, NULL-terminated; NULL when the format draws none */
    int (*write)(const struct export_request *request);
};

/* Ends with a row whose name is NULL. */
extern const struct export_format export_formats[];

/* NULL if there is no such format. */
const struct export_format *export_format_by_name(const char *name);

/* Writes. 0, or an error with its message: a failed write is -errno (-EPIPE for a closed pipe). */
int export_write(const struct export_format *format, const struct export_request *request);

#endif
