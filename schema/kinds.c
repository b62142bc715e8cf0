/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/kinds.h"

#include <string.h>

#define COLUMN_ROW(kind, enumerator, sql, json_path, value_type, column_class, column_flags,       \
                   words)                                                                          \
    {                                                                                              \
        .name = sql,                                                                               \
        .json = json_path,                                                                         \
        .type = TYPE_##value_type,                                                                 \
        .class = column_class,                                                                     \
        .flags = column_flags,                                                                     \
        .description = words,                                                                      \
    },
#define COLUMN_TABLE(kind, columns, ...)                                                           \
    static const struct column kind##_columns[] = {columns(COLUMN_ROW)};
KINDS(COLUMN_TABLE)

#define KIND_ROW(kind, columns_macro, singular, plural_name, boot)                                 \
    [KIND_##kind] = {                                                                              \
        .name = singular,                                                                          \
        .plural = plural_name,                                                                     \
        .bound_to_boot = boot,                                                                     \
        .columns = kind##_columns,                                                                 \
        .column_count = kind##_COLUMN_COUNT,                                                       \
    },
const struct kind_info kinds[KIND_COUNT] = {KINDS(KIND_ROW)};

enum kind kind_by_name(const char *name)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        if (strcmp(name, kinds[kind].name) == 0 || strcmp(name, kinds[kind].plural) == 0)
            return kind;
    return KIND_COUNT;
}

int column_by_name(enum kind kind, const char *name)
{
    for (unsigned column = 0; column < kinds[kind].column_count; column++)
        if (strcmp(name, kinds[kind].columns[column].name) == 0)
            return (int)column;
    return -1;
}

int column_by_flags(enum kind kind, unsigned flags)
{
    for (unsigned column = 0; column < kinds[kind].column_count; column++)
        if ((kinds[kind].columns[column].flags & flags) == flags)
            return (int)column;
    return -1;
}
