/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of snapshot_verify() share. For schema/ only. */
#ifndef SCHEMA_VERIFY_H
#define SCHEMA_VERIFY_H

#include "schema/database.h"

#include <stdint.h>

struct verification {
    struct database *database;
    void (*broken)(void *userdata, const char *sentence); /* may be NULL */
    void *userdata;
    int64_t broken_count;
};

/* Counts a thing that does not fit, and hands on the sentence. */
void verification_report(struct verification *verification, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Checks what no seal covers: that the file is sound, that its tables and views are the ones that
 * the migrations make, that what a row refers to is there, that intervals and identities are such
 * as the writer makes, and that evidence is what its digest says. 0 also where something was
 * reported, or an error. */
int verify_tables(struct verification *verification);

#endif
