/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and trees on standard output. They fit themselves into a terminal; a pipe gets every cell
 * uncut. No control character reaches a cell. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/cleanup.h"
#include "cli/terminal.h"
#include "schema/kinds.h"

#include <stddef.h>
#include <stdint.h>

struct record;
struct table;
struct libscols_line;

enum table_flags {
    TABLE_RIGHT = 1 << 0, /* numbers */
    TABLE_CUT = 1 << 1,   /* may lose its end where the terminal is too narrow */
    TABLE_TREE = 1 << 2,  /* shows which row stands below which */
    TABLE_WRAP = 1 << 3,  /* goes on below itself where the terminal is too narrow */
};

/* Owned by the caller. 0 or a negative error. */
int table_new(struct table **ret_table);
void table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free)
#define _cleanup_table_ _cleanup_(table_free_pointer)

/* Adds a column at the end; its heading is `name` in upper case. 0 or a negative error. */
int table_add_column(struct table *table, const char *name, unsigned flags);

/* The column for a kind's column: its heading and flags follow from the table of kinds. `more` are
 * flags to add. */
int table_add_kind_column(struct table *table, enum kind kind, unsigned column, unsigned more);

/* Adds a row, below `parent` (NULL: at the top). Borrowed, valid as long as the table; NULL without
 * memory. */
struct libscols_line *table_add_row(struct table *table, struct libscols_line *parent);

/* Each sets the row's cell of column `number`. 0 or a negative error. `printable` is text that has
 * been through printable_append() already. */
int table_set_text(struct libscols_line *row, size_t number, const char *text);
int table_set_printable(struct libscols_line *row, size_t number, const char *printable);
int table_set_integer(struct libscols_line *row, size_t number, int64_t integer);
int table_set_value(struct libscols_line *row, size_t number, const struct record *record,
                    unsigned column);

/* Colours a whole row. */
void table_set_style(struct libscols_line *row, enum style style);

/* Prints to standard output; nothing at all when there are no rows. 0 or a negative error; failed
 * writes are for output_finish(). */
int table_print(struct table *table);

/* Prints one line of printable text, in a style; it loses its end where the terminal is too narrow.
 */
int table_print_line(const char *printable, enum style style);

#endif
