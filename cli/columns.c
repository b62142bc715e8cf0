/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/columns.h"

#include "base/error.h"
#include "cli/options.h"
#include "cli/suggestion.h"

#include <string.h>

static void add_flagged(struct columns *columns, enum kind kind, unsigned flags)
{
    for (unsigned i = 0; i < kinds[kind].column_count; i++) {
        if ((kinds[kind].columns[i].flags & flags) == flags)
            columns->numbers[columns->count++] = i;
    }
}

static int unknown_column(enum kind kind, const char *name)
{
    struct suggestion suggestion = {.word = name};
    for (unsigned i = 0; i < kinds[kind].column_count; i++)
        suggestion_consider(&suggestion, kinds[kind].columns[i].name);
    return error_set(
        ERROR_USAGE, "%s have no column '%s' ('nslapse help %s' lists them)" SUGGESTION_FORMAT,
        kinds[kind].plural, name, kinds[kind].plural, SUGGESTION_ARGUMENTS(suggestion));
}

static int add_named(struct columns *columns, enum kind kind, const char *name)
{
    enum { ROOM = sizeof(columns->numbers) / sizeof(*columns->numbers) };
    int column = column_by_name(kind, name);
    bool all = strcmp(name, "all") == 0;
    if (column < 0 && !all)
        return unknown_column(kind, name);
    if (columns->count + (all ? kinds[kind].column_count : 1) > ROOM)
        return error_set(ERROR_USAGE, "option --output: more than %d columns", ROOM);
    if (all)
        add_flagged(columns, kind, 0);
    else
        columns->numbers[columns->count++] = (unsigned)column;
    return 0;
}

int columns_choose(enum kind kind, const struct option_list *names, struct columns *ret_columns)
{
    struct columns columns = {.count = 0};
    bool adds = names->count && *names->words[0] == '+';
    if (!names->count || adds)
        add_flagged(&columns, kind, DEFAULT);
    for (size_t i = 0; i < names->count; i++) {
        int r = add_named(&columns, kind, names->words[i] + (i == 0 && adds));
        if (r < 0)
            return r;
    }
    *ret_columns = columns;
    return 0;
}
