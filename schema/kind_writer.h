/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the records of one kind in one snapshot: finds what already holds, adds what is new, ends
 * what was not seen again. */
#ifndef SCHEMA_KIND_WRITER_H
#define SCHEMA_KIND_WRITER_H

#include "base/buffer.h"
#include "schema/record.h"
#include "schema/sample.h"
#include "schema/text_table.h"

/* What all kinds of one snapshot share. */
struct write_context {
    struct database *database;
    struct text_table *texts;
    int64_t snapshot, predecessor; /* ids; predecessor 0 for none */
    int64_t host_id, boot;         /* rows */
    const char *boot_id;
    struct buffer scratch;
};

struct kind_writer;

int kind_writer_open(struct write_context *context, enum kind kind,
                     struct kind_writer **ret_writer);
void kind_writer_free(struct kind_writer *writer);

/* Takes one record; a second one of the same thing is left out. */
int kind_writer_record(struct kind_writer *writer, const struct record *record);

/* Ends the states that were not seen in this snapshot. */
int kind_writer_finish(struct kind_writer *writer);

/* How many records hold; their digests are copied to `digests`, which has room for them. */
size_t kind_writer_count(const struct kind_writer *writer);
void kind_writer_digests(const struct kind_writer *writer, struct digest *digests);

struct sample_table *kind_writer_samples(struct kind_writer *writer);

#endif
