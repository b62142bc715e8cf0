/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/error.h"
#include "cli/cell.h"
#include "cli/columns.h"
#include "cli/entity.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/show.h"
#include "cli/table.h"

enum { NAME_WIDTH = 28 };

static void print_heading(const char *words)
{
    printf("%s%s%s\n", terminal_style(stdout, STYLE_HEADING), words,
           terminal_style(stdout, STYLE_PLAIN));
}

static int print_title(const struct record *record)
{
    _cleanup_buffer_ struct buffer title = {0}, name = {0};
    buffer_append_format(&title, "%s ", kinds[record->kind].name);
    entity_append(&title, record);
    record_append_name(&name, record);
    int r = buffer_error(&title);
    if (r >= 0)
        r = buffer_error(&name);
    if (r < 0)
        return r;
    printf("%s%s%s", terminal_style(stdout, STYLE_HEADING), buffer_text(&title),
           terminal_style(stdout, STYLE_PLAIN));
    if (record->kind == KIND_PROCESS || record->kind == KIND_THREAD ||
        record->kind == KIND_CONTAINER) {
        fputs("  ", stdout);
        output_printable(stdout, buffer_text(&name));
    }
    putchar('\n');
    return 0;
}

static int print_columns(const struct record *record)
{
    for (unsigned i = 0; i < kinds[record->kind].column_count; i++) {
        _cleanup_buffer_ struct buffer value = {0};
        cell_append(&value, record, i);
        int r = buffer_error(&value);
        if (r < 0)
            return r;
        printf("  %-*s%s%s%s\n", NAME_WIDTH, kinds[record->kind].columns[i].name,
               record_has(record, i) ? "" : terminal_style(stdout, STYLE_FAINT),
               buffer_text(&value),
               record_has(record, i) ? "" : terminal_style(stdout, STYLE_PLAIN));
    }
    return 0;
}

static void print_snapshot(const struct snapshot *snapshot)
{
    char moment[CLOCK_TEXT_SIZE];
    printf("snapshot %lld (%s)", (long long)snapshot->id,
           clock_format_local(snapshot->facts.taken_at, moment));
}

static void print_range(const char *name, const struct history_range *range)
{
    printf("  %-*s", NAME_WIDTH, name);
    print_snapshot(range->first);
    fputs(" to ", stdout);
    if (range->last)
        print_snapshot(range->last);
    else
        fputs("the newest snapshot", stdout);
    putchar('\n');
}

static int print_event(void *userdata, const struct history_event *event)
{
    static const char *const words[] = {
        [HISTORY_FIRST_SEEN] = "first seen",
        [HISTORY_CHANGED] = "changed",
        [HISTORY_LAST_SEEN] = "last seen",
        [HISTORY_SEEN_AGAIN] = "seen again",
    };
    (void)userdata;
    fputs("  ", stdout);
    print_snapshot(event->snapshot);
    printf(": %s\n", words[event->op]);
    for (unsigned i = 0; event->after && i < kinds[event->after->kind].column_count; i++) {
        if (!history_has_field(event, i))
            continue;
        _cleanup_buffer_ struct buffer line = {0};
        buffer_append_format(&line, "      %s: ", kinds[event->after->kind].columns[i].name);
        cell_append(&line, event->before, i);
        buffer_append_text(&line, " -> ");
        cell_append(&line, event->after, i);
        int r = buffer_error(&line);
        if (r < 0)
            return r;
        puts(buffer_text(&line));
    }
    return 0;
}

static int add_row(struct table *table, const struct columns *columns, const struct record *record)
{
    struct libscols_line *row = table_add_row(table, NULL);
    int r = row ? 0 : error_memory();
    for (size_t i = 0; r >= 0 && i < columns->count; i++)
        r = table_set_value(row, i, record, columns->numbers[i]);
    return r;
}

static int print_records(const char *name, const struct records *records)
{
    static const struct option_list usual;
    struct columns columns;
    _cleanup_table_ struct table *table = NULL;
    enum kind kind = records->items[0]->kind;
    int r = table_new(&table);
    if (r >= 0)
        r = columns_choose(kind, &usual, &columns);
    for (size_t i = 0; r >= 0 && i < columns.count; i++)
        r = table_add_kind_column(table, kind, columns.numbers[i], 0);
    for (size_t i = 0; r >= 0 && i < records->count; i++)
        r = add_row(table, &columns, records->items[i]);
    if (r < 0)
        return r;
    putchar('\n');
    print_heading(name);
    return table_print(table);
}

int show_text(const struct shown *shown)
{
    int r = print_title(shown->record);
    if (r >= 0)
        r = print_columns(shown->record);
    if (r < 0)
        return r;
    putchar('\n');
    print_range("in this state", &shown->state);
    print_range("seen", &shown->thing);
    for (size_t i = 0; r >= 0 && i < shown->related.count; i++)
        r = print_records(shown->related.groups[i].name, &shown->related.groups[i].records);
    if (r < 0)
        return r;
    putchar('\n');
    print_heading("history");
    return history_each(shown->database, shown->record, print_event, NULL);
}
