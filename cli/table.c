/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include "base/buffer.h"
#include "base/error.h"
#include "cli/cell.h"
#include "cli/printable.h"
#include "cli/short_ids.h"
#include "schema/record.h"

#include <ctype.h>
#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>
#include <string.h>

struct table {
    struct libscols_table *scols;
};

void table_free(struct table *table)
{
    if (!table)
        return;
    scols_unref_table(table->scols);
    free(table);
}

int table_new(struct table **ret_table)
{
    _cleanup_table_ struct table *table = calloc(1, sizeof(*table));
    if (!table)
        return error_memory();
    table->scols = scols_new_table();
    if (!table->scols)
        return error_memory();
    scols_table_enable_colors(table->scols, terminal_has_color(stdout));
    scols_table_enable_ascii(table->scols, terminal_is_ascii());
    /* Cells hold printable text already; a second encoding would garble its escapes. */
    scols_table_enable_noencoding(table->scols, 1);
    if (!isatty(STDOUT_FILENO))
        scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_NEVER);
    *ret_table = steal_pointer(table);
    return 0;
}

static int scols_flags(unsigned flags)
{
    return (flags & TABLE_RIGHT ? SCOLS_FL_RIGHT : 0) | (flags & TABLE_CUT ? SCOLS_FL_TRUNC : 0) |
           (flags & TABLE_TREE ? SCOLS_FL_TREE : 0) | (flags & TABLE_WRAP ? SCOLS_FL_WRAP : 0);
}

int table_add_column(struct table *table, const char *name, unsigned flags)
{
    _cleanup_free_ char *heading = strdup(name);
    if (!heading)
        return error_memory();
    for (char *c = heading; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    struct libscols_column *column =
        scols_table_new_column(table->scols, heading, 0, scols_flags(flags));
    if (!column)
        return error_memory();
    if (terminal_has_color(stdout))
        scols_cell_set_color(scols_column_get_header(column), "bold");
    return 0;
}

int table_add_kind_column(struct table *table, enum kind kind, unsigned column, unsigned more)
{
    const struct column *info = &kinds[kind].columns[column];
    bool number = info->type == TYPE_INTEGER || info->type == TYPE_ID;
    bool text = info->type == TYPE_TEXT || info->type == TYPE_JSON;
    return table_add_column(table, info->name,
                            (number ? TABLE_RIGHT : 0) | (text ? TABLE_CUT : 0) | more);
}

struct libscols_line *table_add_row(struct table *table, struct libscols_line *parent)
{
    return scols_table_new_line(table->scols, parent);
}

int table_set_printable(struct libscols_line *row, size_t number, const char *printable)
{
    return scols_line_set_data(row, number, printable) < 0 ? error_memory() : 0;
}

int table_set_text(struct libscols_line *row, size_t number, const char *text)
{
    _cleanup_buffer_ struct buffer printable = {0};
    printable_append(&printable, text, strlen(text));
    int r = buffer_error(&printable);
    return r < 0 ? r : table_set_printable(row, number, buffer_text(&printable));
}

int table_set_integer(struct libscols_line *row, size_t number, int64_t integer)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)integer);
    return table_set_printable(row, number, text);
}

static bool has_container_id(enum kind kind, unsigned column)
{
    return kind == KIND_CONTAINER ? column == CONTAINER_ID || column == CONTAINER_OUTER
                                  : kind == KIND_PROCESS && column == PROCESS_CONTAINER;
}

int table_set_value(struct libscols_line *row, size_t number, const struct record *record,
                    unsigned column)
{
    _cleanup_buffer_ struct buffer text = {0}, with_short_ids = {0};
    struct buffer *cell = &text;
    cell_append(&text, record, column);
    if (has_container_id(record->kind, column) && isatty(STDOUT_FILENO)) {
        cell = &with_short_ids;
        short_ids_append(cell, buffer_text(&text));
    }
    int r = text.failed ? error_memory() : buffer_error(cell);
    return r < 0 ? r : table_set_printable(row, number, buffer_text(cell));
}

void table_set_style(struct libscols_line *row, enum style style)
{
    if (terminal_has_color(stdout))
        scols_line_set_color(row, terminal_style(stdout, style));
}

/* Where a terminal is too narrow, the last of the columns that may lose their ends gives way first:
 * names stand in front of what goes on and on. The hints are parts of the terminal's width. */
static void hint_widths(const struct table *table)
{
    double hint = 0.1;
    for (size_t i = scols_table_get_ncols(table->scols); i-- > 0;) {
        struct libscols_column *column = scols_table_get_column(table->scols, i);
        if (!scols_column_is_trunc(column))
            continue;
        scols_column_set_whint(column, hint);
        hint = 0.3;
    }
}

int table_print(struct table *table)
{
    hint_widths(table);
    int r = scols_print_table(table->scols);
    return r < 0 ? error_set(-r, "could not print a table: %s", strerror(-r)) : 0;
}

int table_print_line(const char *printable, enum style style)
{
    if (!isatty(STDOUT_FILENO)) {
        printf("%s%s%s\n", terminal_style(stdout, style), printable,
               terminal_style(stdout, STYLE_PLAIN));
        return 0;
    }
    _cleanup_table_ struct table *table = NULL;
    int r = table_new(&table);
    if (r >= 0)
        r = table_add_column(table, "", TABLE_CUT);
    if (r < 0)
        return r;
    scols_table_enable_noheadings(table->scols, 1);
    struct libscols_line *row = table_add_row(table, NULL);
    if (!row)
        return error_memory();
    table_set_style(row, style);
    r = table_set_printable(row, 0, printable);
    return r < 0 ? r : table_print(table);
}
