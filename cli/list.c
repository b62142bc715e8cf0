/* SPDX-License-Identifier: Apache-2.0 */
/* nslapse list: the things of one kind in a snapshot. */
#include "base/error.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/inside.h"
#include "cli/kind_option.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/revision.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "cli/tree.h"

#include <cjson/cJSON.h>
#include <string.h>

static struct {
    struct option_list output;
    const char *in;
    bool tree, json;
} arguments;

static const struct option_row options[] = {
    {.name = "output",
     .letter = 'o',
     .type = OPTION_LIST,
     .value = &arguments.output,
     .argument = "COLUMNS",
     .help = "columns, parted by commas; +COLUMNS adds to the usual ones; all"},
    {.name = "in",
     .type = OPTION_TEXT,
     .value = &arguments.in,
     .argument = "NAMESPACE",
     .help = "only processes, threads or mounts that are in it, such as mnt:4026531841"},
    {.name = "tree",
     .type = OPTION_FLAG,
     .value = &arguments.tree,
     .help = "show which one stands below which"},
    OPTION_JSON(arguments.json),
    OPTION_END,
};

struct listing {
    enum kind kind;
    const struct columns *columns;
    const struct inside *inside;
    struct table *table;
    size_t count;
};

/* A hidden mount stays in the tree, and steps back in it. */
static bool is_hidden(const struct record *record)
{
    const char *visibility =
        record->kind == KIND_MOUNT ? record_text(record, MOUNT_VISIBILITY) : NULL;
    return visibility && strcmp(visibility, "visible") != 0;
}

static int add_row(struct listing *listing, const struct record *record,
                   struct libscols_line *parent, struct libscols_line **ret_row)
{
    struct libscols_line *row = table_add_row(listing->table, parent);
    if (!row)
        return error_memory();
    for (size_t i = 0; i < listing->columns->count; i++) {
        int r = table_set_value(row, i, record, listing->columns->numbers[i]);
        if (r < 0)
            return r;
    }
    if (is_hidden(record))
        table_set_style(row, STYLE_FAINT);
    listing->count++;
    if (ret_row)
        *ret_row = row;
    return 0;
}

static int add_flat_row(void *userdata, const struct record *record)
{
    struct listing *listing = userdata;
    return inside_has(listing->inside, record) ? add_row(listing, record, NULL, NULL) : 0;
}

/* What --in leaves. */
struct selection {
    const struct inside *inside;
    struct records records;
};

static void selection_free(struct selection *selection)
{
    records_free(&selection->records);
}

static int select_record(void *userdata, const struct record *record)
{
    struct selection *selection = userdata;
    return inside_has(selection->inside, record) ? records_add(&selection->records, record) : 0;
}

/* The tree is drawn in the kind's own column, or in the first one where that is not shown. */
static size_t choose_tree_column(const struct listing *listing)
{
    for (size_t i = 0; i < listing->columns->count; i++) {
        if (listing->columns->numbers[i] == tree_column(listing->kind))
            return i;
    }
    return 0;
}

static int add_columns(struct listing *listing)
{
    size_t tree = arguments.tree ? choose_tree_column(listing) : SIZE_MAX;
    for (size_t i = 0; i < listing->columns->count; i++) {
        int r = table_add_kind_column(listing->table, listing->kind, listing->columns->numbers[i],
                                      i == tree ? TABLE_TREE : 0);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_tree_rows(struct listing *listing, const struct records *records)
{
    _cleanup_tree_ struct tree tree = {0};
    int r = tree_make(records, &tree);
    if (r < 0)
        return r;
    _cleanup_free_ struct libscols_line **rows = calloc(records->count + 1, sizeof(*rows));
    if (!rows)
        return error_memory();
    for (size_t i = 0; i < records->count; i++) {
        size_t number = tree.order[i];
        ptrdiff_t parent = tree.parents[number];
        r = add_row(listing, records->items[number], parent < 0 ? NULL : rows[parent],
                    &rows[number]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_rows(struct listing *listing, struct database *database,
                    const struct snapshot *snapshot)
{
    if (!arguments.tree)
        return records_each(database, snapshot, listing->kind, add_flat_row, listing);
    _cleanup_(selection_free) struct selection selection = {.inside = listing->inside};
    int r = records_each(database, snapshot, listing->kind, select_record, &selection);
    return r < 0 ? r : add_tree_rows(listing, &selection.records);
}

static int print_table(struct listing *listing, struct database *database,
                       const struct snapshot *snapshot)
{
    _cleanup_table_ struct table *table = NULL;
    int r = table_new(&table);
    if (r < 0)
        return r;
    listing->table = table;
    r = add_columns(listing);
    if (r >= 0)
        r = add_rows(listing, database, snapshot);
    if (r < 0)
        return r;
    if (!listing->count && !settings.quiet)
        output_message("snapshot %lld has no %s%s%s", (long long)snapshot->id,
                       kinds[listing->kind].plural, arguments.in ? " in " : "",
                       arguments.in ? arguments.in : "");
    return table_print(table);
}

/* The chosen columns by their names. */
static cJSON *chosen_json(const struct record *record, const struct columns *columns)
{
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; object && i < columns->count; i++) {
        const char *name = kinds[record->kind].columns[columns->numbers[i]].name;
        if (cJSON_GetObjectItemCaseSensitive(object, name))
            continue; /* asked for twice */
        cJSON *value = record_value_json(record, columns->numbers[i]);
        if (!value || !cJSON_AddItemToObject(object, name, value)) {
            cJSON_Delete(value);
            cJSON_Delete(object);
            return NULL;
        }
    }
    return object;
}

static int print_element(void *userdata, const struct record *record)
{
    struct listing *listing = userdata;
    if (!inside_has(listing->inside, record))
        return 0;
    fputs(listing->count++ ? ",\n" : "[\n", stdout);
    cJSON *json =
        arguments.output.count ? chosen_json(record, listing->columns) : record_json(record);
    int r = output_json_value(stdout, json);
    return r < 0 ? r : ferror(stdout) ? output_finish(stdout) : 0;
}

static int print_json(struct listing *listing, struct database *database,
                      const struct snapshot *snapshot)
{
    int r = records_each(database, snapshot, listing->kind, print_element, listing);
    if (r < 0)
        return r;
    fputs(listing->count ? "\n]\n" : "[]\n", stdout);
    return 0;
}

static int check_tree(enum kind kind)
{
    if (arguments.tree && arguments.json)
        return error_set(ERROR_USAGE, "--tree draws a table; leave it or --json out");
    if (arguments.tree && !tree_exists(kind))
        return error_set(ERROR_USAGE,
                         "%s have no tree; --tree is for namespaces, processes, mounts and cgroups",
                         kinds[kind].plural);
    return 0;
}

/* Where nothing was asked for: of processes in a pid namespace also the numbers that they have
 * there; of a tree of mounts, which are hidden by what, in place of the options. */
static int choose_columns(const struct inside *inside, enum kind kind, struct columns *ret_columns)
{
    static const struct columns mount_tree = {.numbers = {MOUNT_NAMESPACE, MOUNT_ID, MOUNT_TARGET,
                                                          MOUNT_VISIBILITY, MOUNT_COVERED_BY,
                                                          MOUNT_SOURCE, MOUNT_FSTYPE},
                                              .count = 7};
    int r = columns_choose(kind, &arguments.output, ret_columns);
    if (r < 0 || arguments.output.count)
        return r;
    if (kind == KIND_MOUNT && arguments.tree)
        *ret_columns = mount_tree;
    else if (kind == KIND_PROCESS && inside_is_pid(inside))
        ret_columns->numbers[ret_columns->count++] = PROCESS_PIDS;
    return 0;
}

static int list(struct listing *listing, struct inside *inside, const char *revision)
{
    _cleanup_database_ struct database *database = NULL;
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    int r = settings_open(DATABASE_READ, &database);
    if (r >= 0)
        r = revision_find(database, revision, &snapshot);
    if (r >= 0)
        r = inside_load(inside, database, snapshot);
    if (r < 0)
        return r;
    return arguments.json ? print_json(listing, database, snapshot)
                          : print_table(listing, database, snapshot);
}

static int run(int count, char **words)
{
    enum kind kind;
    struct columns columns;
    _cleanup_inside_ struct inside inside = {0};
    int r = kind_option_parse(words[0], &kind);
    if (r >= 0)
        r = check_tree(kind);
    if (r >= 0)
        r = inside_parse(arguments.in, kind, &inside);
    if (r >= 0)
        r = choose_columns(&inside, kind, &columns);
    if (r < 0)
        return r;
    struct listing listing = {.kind = kind, .columns = &columns, .inside = &inside};
    return list(&listing, &inside, count > 1 ? words[1] : "latest");
}

const struct command command_list = {
    .name = "list",
    .arguments = "KIND [REV] [-o COLUMNS] [--in NAMESPACE] [--tree] [--json]",
    .summary = "list the things of one kind in a snapshot",
    .details =
        "'nslapse help KIND' lists a kind's columns. REV is the newest snapshot unless given.\n"
        "In a pid namespace is also what is in those below it: all that have a pid there.\n",
    .help = kind_option_help,
    .examples = "  nslapse list processes --tree\n"
                "  nslapse list mounts @yesterday -o namespace,target,shared\n"
                "  nslapse list mounts --tree --in mnt:4026531841\n"
                "  nslapse list processes before -o +exe,cwd\n",
    .options = options,
    .least = 1,
    .most = 2,
    .run = run,
};
