/* SPDX-License-Identifier: Apache-2.0 */
/* nslapse diff: what is different between two snapshots. */
#include "diff/diff.h"

#include "base/clock.h"
#include "base/error.h"
#include "cli/cell.h"
#include "cli/commands.h"
#include "cli/entity.h"
#include "cli/kind_option.h"
#include "cli/mount_copies.h"
#include "cli/output.h"
#include "cli/revision.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "export/export.h"

static struct {
    struct option_list kinds;
    bool stat, exit_code, json;
} arguments;

static const struct option_row options[] = {
    {.name = "kind",
     .type = OPTION_LIST,
     .value = &arguments.kinds,
     .argument = "KIND[,..]",
     .help = "these kinds alone; gaps are compared only when named"},
    {.name = "stat", .type = OPTION_FLAG, .value = &arguments.stat, .help = "numbers alone"},
    {.name = "exit-code",
     .type = OPTION_FLAG,
     .value = &arguments.exit_code,
     .help = "exit with 1 when there are differences"},
    OPTION_JSON(arguments.json),
    OPTION_END,
};

/* How each sort of change is shown. */
static const struct {
    char mark;
    enum style style;
} looks[CHANGE_OP_COUNT] = {
    [CHANGE_ADDED] = {'+', STYLE_ADDED},
    [CHANGE_REMOVED] = {'-', STYLE_REMOVED},
    [CHANGE_CHANGED] = {'M', STYLE_CHANGED},
    [CHANGE_UNOBSERVED] = {'?', STYLE_UNOBSERVED},
};

enum { DESCRIBING_MOST = 3, NO_COLUMN = -1 };

/* Columns that tell people what a thing is, beside its key. */
static const int describing[KIND_COUNT][DESCRIBING_MOST] = {
    [KIND_NAMESPACE] = {NAMESPACE_SOURCES, NO_COLUMN, NO_COLUMN},
    [KIND_PROCESS] = {PROCESS_COMM, PROCESS_CMDLINE, NO_COLUMN},
    [KIND_THREAD] = {THREAD_COMM, NO_COLUMN, NO_COLUMN},
    [KIND_MOUNT] = {MOUNT_SOURCE, MOUNT_FSTYPE, MOUNT_OPTIONS},
    [KIND_CONTAINER] = {CONTAINER_NAME, CONTAINER_IMAGE, CONTAINER_CONTAINER_STATE},
    [KIND_CGROUP] = {NO_COLUMN, NO_COLUMN, NO_COLUMN},
    [KIND_DISCREPANCY] = {DISCREPANCY_SHOWN_BY, DISCREPANCY_NAME, DISCREPANCY_DETAIL},
    [KIND_GAP] = {GAP_ERROR, NO_COLUMN, NO_COLUMN},
};

static void print_snapshot(const struct snapshot *snapshot)
{
    char moment[CLOCK_TEXT_SIZE];
    printf("snapshot %lld (", (long long)snapshot->id);
    if (snapshot->facts.label) {
        output_printable(stdout, snapshot->facts.label);
        fputs(", ", stdout);
    }
    printf("%s)", clock_format_local(snapshot->facts.taken_at, moment));
}

static void print_heading(const struct difference *difference)
{
    fputs(terminal_style(stdout, STYLE_HEADING), stdout);
    output_printable(stdout, difference->to->facts.host);
    fputs(": ", stdout);
    print_snapshot(difference->from);
    fputs(" -> ", stdout);
    print_snapshot(difference->to);
    puts(terminal_style(stdout, STYLE_PLAIN));
}

/* "+ pid:812  nginx  nginx -g daemon" */
static void append_thing(struct buffer *line, const struct change *change)
{
    const struct record *record = change->after ? change->after : change->before;
    buffer_append_format(line, "  %c ", looks[change->op].mark);
    entity_append(line, record);
    for (size_t i = 0; i < DESCRIBING_MOST; i++) {
        int column = describing[record->kind][i];
        if (column == NO_COLUMN || !record_has(record, (unsigned)column))
            continue;
        buffer_append_text(line, "  ");
        cell_append(line, record, (unsigned)column);
    }
}

static void append_changed_fields(struct buffer *line, const struct change *change)
{
    for (unsigned i = 0; i < kinds[change->kind].column_count; i++) {
        if (!change_has_field(change, i))
            continue;
        buffer_append_format(line, "      %s: ", kinds[change->kind].columns[i].name);
        cell_append(line, change->before, i);
        buffer_append_text(line, " -> ");
        cell_append(line, change->after, i);
        buffer_append_char(line, '\n');
    }
}

/* Says what a gap hides: that the thing is gone or new, or some of its columns. */
static void append_hidden(struct buffer *line, const struct change *change)
{
    if (!change->after) {
        buffer_append_text(line, "      not seen any more, but a gap may hide it\n");
        return;
    }
    if (!change->before) {
        buffer_append_text(line, "      not seen before, but a gap may have hidden it\n");
        return;
    }
    const char *separator = "      hidden by a gap: ";
    for (unsigned i = 0; i < kinds[change->kind].column_count; i++) {
        if (!change_has_field(change, i))
            continue;
        buffer_append_format(line, "%s%s", separator, kinds[change->kind].columns[i].name);
        separator = ", ";
    }
    buffer_append_char(line, '\n');
}

static int print_change(const struct change *change)
{
    _cleanup_buffer_ struct buffer thing = {0}, rest = {0};
    append_thing(&thing, change);
    if (change->op == CHANGE_CHANGED)
        append_changed_fields(&rest, change);
    else if (change->op == CHANGE_UNOBSERVED)
        append_hidden(&rest, change);
    int r = thing.failed ? buffer_error(&thing) : buffer_error(&rest);
    if (r >= 0)
        r = table_print_line(buffer_text(&thing), looks[change->op].style);
    if (r < 0)
        return r;
    fputs(buffer_text(&rest), stdout);
    return ferror(stdout) ? output_finish(stdout) : 0;
}

/* "processes: 2 added, 1 removed" */
static void print_kind_heading(const struct difference *difference, enum kind kind)
{
    printf("\n%s%s%s", terminal_style(stdout, STYLE_HEADING), kinds[kind].plural,
           terminal_style(stdout, STYLE_PLAIN));
    const char *separator = ": ";
    for (enum change_op op = 0; op < CHANGE_OP_COUNT; op++) {
        if (!difference->summary[kind][op])
            continue;
        printf("%s%lld %s", separator, (long long)difference->summary[kind][op],
               change_op_names[op]);
        separator = ", ";
    }
    putchar('\n');
}

/* Whether two changes next to each other are of mounts in the same namespace that both came, or
 * went. */
static bool are_of_one_namespace(const struct change *a, const struct change *b)
{
    const struct record *left = a->after ? a->after : a->before;
    const struct record *right = b->after ? b->after : b->before;
    return a->kind == KIND_MOUNT && b->kind == KIND_MOUNT && a->op == b->op &&
           record_integer(left, MOUNT_NAMESPACE, 0) == record_integer(right, MOUNT_NAMESPACE, 0);
}

/* One line for mounts that a namespace began (or ended) with like others; clears the count. */
static int print_copies(const struct change *last, size_t *count)
{
    _cleanup_buffer_ struct buffer line = {0};
    if (!*count)
        return 0;
    const struct record *mount = last->after ? last->after : last->before;
    buffer_append_format(&line,
                         "  %c %zu mount%s of mnt:%lld that other namespaces have as well "
                         "(-v lists them)",
                         looks[last->op].mark, *count, *count == 1 ? "" : "s",
                         (long long)record_integer(mount, MOUNT_NAMESPACE, 0));
    *count = 0;
    int r = buffer_error(&line);
    return r < 0 ? r : table_print_line(buffer_text(&line), looks[last->op].style);
}

/* The changes; copies of mounts counted and told at the end of their namespace. */
static int print_runs(const struct difference *difference, struct mount_copies *copies)
{
    size_t copied = 0;
    for (size_t i = 0; i < difference->count; i++) {
        const struct change *change = &difference->changes[i];
        if (i == 0 || change->kind != change[-1].kind)
            print_kind_heading(difference, change->kind);
        bool copy = copies && mount_copies_has(copies, change);
        int r = copy ? 0 : print_change(change);
        copied += copy;
        bool more = i + 1 < difference->count && are_of_one_namespace(change, change + 1);
        if (r >= 0 && !more)
            r = print_copies(change, &copied);
        if (r < 0)
            return r;
    }
    return 0;
}

static int print_changes(struct database *database, const struct difference *difference)
{
    _cleanup_mount_copies_ struct mount_copies *copies = NULL;
    int r = settings.verbose ? 0 : mount_copies_find(database, difference, &copies);
    if (r < 0)
        return r;
    print_heading(difference);
    r = print_runs(difference, copies);
    if (r >= 0 && !difference->count)
        puts("no differences");
    return r;
}

static int add_statistics_row(struct table *table, const struct difference *difference,
                              enum kind kind)
{
    struct libscols_line *row = table_add_row(table, NULL);
    if (!row)
        return error_memory();
    int r = table_set_text(row, 0, kinds[kind].plural);
    for (enum change_op op = 0; r >= 0 && op < CHANGE_OP_COUNT; op++)
        r = table_set_integer(row, op + 1, difference->summary[kind][op]);
    return r;
}

static int print_statistics(const struct difference *difference, unsigned mask)
{
    _cleanup_table_ struct table *table = NULL;
    int r = table_new(&table);
    if (r >= 0)
        r = table_add_column(table, "kind", 0);
    for (enum change_op op = 0; r >= 0 && op < CHANGE_OP_COUNT; op++)
        r = table_add_column(table, change_op_names[op], TABLE_RIGHT);
    for (enum kind kind = 0; r >= 0 && kind < KIND_COUNT; kind++) {
        if (mask >> kind & 1)
            r = add_statistics_row(table, difference, kind);
    }
    if (r < 0)
        return r;
    print_heading(difference);
    return table_print(table);
}

static int print_json(struct database *database, const struct difference *difference)
{
    struct export_request request = {
        .database = database,
        .difference = difference,
        .out = stdout,
    };
    return export_write(export_format_by_name("json"), &request);
}

static int print(struct database *database, const struct difference *difference, unsigned mask)
{
    if (arguments.json)
        return print_json(database, difference);
    if (arguments.stat)
        return print_statistics(difference, mask);
    return settings.quiet && !difference->count ? 0 : print_changes(database, difference);
}

static int run(int count, char **words)
{
    unsigned mask;
    int r = kind_option_mask(&arguments.kinds, DIFF_KINDS, &mask);
    if (r < 0)
        return r;
    if (arguments.stat && arguments.json)
        return error_set(ERROR_USAGE, "--stat prints a table, and --json has the numbers in its "
                                      "summary; leave one of them out");
    _cleanup_database_ struct database *database = NULL;
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    _cleanup_difference_ struct difference *difference = NULL;
    r = settings_open(DATABASE_READ, &database);
    if (r >= 0)
        r = revision_find_pair(database, count > 0 ? words[0] : NULL, count > 1 ? words[1] : NULL,
                               &from, &to);
    if (r >= 0)
        r = difference_of(database, from, to, mask, &difference);
    if (r < 0)
        return r;
    r = print(database, difference, mask);
    if (r < 0 && r != -EPIPE) /* whoever closed the pipe may still ask for the exit code */
        return r;
    return arguments.exit_code && difference->count ? EXIT_DIFFERENT : 0;
}

const struct command command_diff = {
    .name = "diff",
    .arguments = "[A [B] | A..B] [--kind KIND[,..]] [--stat] [--exit-code] [--json]",
    .summary = "tell what changed between two snapshots",
    .details =
        "Without revisions: the newest snapshot and the one before it. A alone: from A to the\n"
        "newest one. The marks: + added, - removed, M changed, ? a gap hides what happened.\n",
    .examples = "  nslapse diff\n"
                "  nslapse diff @yesterday --kind mounts,namespaces\n"
                "  nslapse diff before..after --stat\n",
    .options = options,
    .help = kind_option_help,
    .most = 2,
    .run = run,
};
