/* SPDX-License-Identifier: Apache-2.0 */
/* What passes between the rooms: records. A record is one thing as it was at one moment: a kind and
 * a value for each of the kind's columns. Collectors fill records, the writer stores them, readers
 * give them back, diff compares them, export prints them; all of them go by the table in
 * schema/kinds.h.
 *
 * No zero stands for "unknown": a column that could not be read stays VALUE_NULL. */
#ifndef SCHEMA_RECORD_H
#define SCHEMA_RECORD_H

#include "base/digest.h"
#include "schema/kinds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_type { VALUE_NULL, VALUE_INTEGER, VALUE_TEXT };

struct value {
    enum value_type type;
    uint32_t length; /* of text, in bytes, without its NUL */
    union {
        int64_t integer; /* 64-bit ids are kept bit by bit: cast to uint64_t */
        const char *text;
    };
};

/* Text is borrowed from whoever made the record and lives as long as that one says. */
struct record {
    enum kind kind;
    int64_t identity;       /* row of the thing itself, the same as long as it is the same thing */
    int64_t boot;           /* row of the boot that it lives in, 0 for kinds not bound to one */
    int64_t first_snapshot; /* this state held from there ... */
    int64_t last_snapshot;  /* ... to here; 0 while it still holds */
    struct digest digest;   /* over identity and state, see record_digest() */
    struct value values[COLUMNS_MOST];
};

/* An empty record: every column VALUE_NULL. The rest of the fields come from the database. */
void record_begin(struct record *record, enum kind kind);

static inline void record_set_integer(struct record *record, unsigned column, int64_t integer)
{
    record->values[column] = (struct value){.type = VALUE_INTEGER, .integer = integer};
}

/* `text` must already be text as base/text.h says; it is borrowed. NULL sets VALUE_NULL. */
void record_set_text(struct record *record, unsigned column, const char *text);

static inline bool record_has(const struct record *record, unsigned column)
{
    return record->values[column].type != VALUE_NULL;
}

/* The integer, or `otherwise` when the column is null. */
static inline int64_t record_integer(const struct record *record, unsigned column,
                                     int64_t otherwise)
{
    const struct value *value = &record->values[column];
    return value->type == VALUE_INTEGER ? value->integer : otherwise;
}

/* The text, or NULL when the column is null. Borrowed. */
static inline const char *record_text(const struct record *record, unsigned column)
{
    const struct value *value = &record->values[column];
    return value->type == VALUE_TEXT ? value->text : NULL;
}

bool value_equal(const struct value *a, const struct value *b);

/* Orders null before integers before text; integers by size, 64-bit ids included, text by bytes. */
int value_compare(const struct value *a, const struct value *b);

/* Orders records of one kind by their key columns alone: things that had the same numbers, one
 * after the other, are equal. */
int record_compare_numbers(const struct record *a, const struct record *b);

/* Orders records of one kind by their key columns, then by their strong key. */
int record_compare_keys(const struct record *a, const struct record *b);

struct buffer;

/* BLAKE2b-256 over the canonical encoding of identity and state; docs/schema.md has the encoding.
 * `boot_id` is the host's boot (NULL where it is not known) and counts for kinds bound to a boot.
 * `scratch` is overwritten; it saves an allocation for each record. Returns 0 or -ENOMEM. */
int record_digest(const struct record *record, const char *boot_id, struct buffer *scratch,
                  struct digest *ret_digest);

/* A deep copy in one allocation, to be released with free(); NULL without memory. */
struct record *record_copy(const struct record *record);

/* How the thing is written as an ENTITY on the command line: pid:812, net:4026531840,
 * container:web, mount:/host@mnt:4026532177. */
void record_append_key(struct buffer *buffer, const struct record *record);

/* How people call it: a process's comm, a container's name, a mount's target. */
void record_append_name(struct buffer *buffer, const struct record *record);

/* Where records go. `record` returns 0, or a negative error which ends the recording. It may be
 * called from several threads at once only where the sink says so. */
struct sink {
    int (*record)(void *userdata, const struct record *record);
    void *userdata;
};

static inline int sink_record(const struct sink *sink, const struct record *record)
{
    return sink->record(sink->userdata, record);
}

/* A gap: `source` (a collector) could not read `subject` because of `code` (a positive errno, 0
 * where the kernel was not asked); `detail` says which part (may be NULL). `hides` is the kind of
 * record that may be missing, or have null columns, because of it; KIND_COUNT for none.
 * `hides_scope` narrows that to records whose scope column has this value (a PID for processes and
 * threads, a namespace's inode for mounts and namespaces), or to namespaces that no other source
 * than this one has shown, and their mounts; NULL for any. */
struct gap {
    const char *source;
    const char *subject;
    int code;
    const char *detail;
    enum kind hides;
    const char *hides_scope;
};

int sink_gap(const struct sink *sink, const struct gap *gap);

#endif
