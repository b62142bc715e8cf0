/* SPDX-License-Identifier: Apache-2.0 */
/* nslapse log: the snapshots, newest first. */
#include "base/clock.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "schema/reader.h"

#include <string.h>

static struct {
    int64_t limit;
    bool json;
} arguments;

static const struct option_row options[] = {
    {.name = "lines",
     .letter = 'n',
     .type = OPTION_NUMBER,
     .value = &arguments.limit,
     .argument = "N",
     .help = "the newest N snapshots alone (0: all)"},
    OPTION_JSON(arguments.json),
    OPTION_END,
};

struct listing {
    struct table *table;
    bool several_hosts, discrepancies;
    int64_t host_id;
    size_t count;
};

static int survey(void *userdata, const struct snapshot *snapshot)
{
    struct listing *listing = userdata;
    listing->several_hosts |= listing->host_id && listing->host_id != snapshot->host_id;
    listing->host_id = snapshot->host_id;
    listing->discrepancies |= snapshot->counts[KIND_DISCREPANCY] > 0;
    return 0;
}

/* Whether a number has a column: all of them are too many for a terminal's width, and of
 * discrepancies there are none as a rule. */
static bool counts(const struct listing *listing, enum kind kind)
{
    if (settings.verbose)
        return true;
    return kind == KIND_DISCREPANCY ? listing->discrepancies
                                    : kind != KIND_THREAD && kind != KIND_CGROUP;
}

static int add_columns(const struct listing *listing)
{
    int r = table_add_column(listing->table, "id", TABLE_RIGHT);
    if (r >= 0)
        r = table_add_column(listing->table, "time", 0);
    if (r >= 0)
        r = table_add_column(listing->table, "label", TABLE_CUT);
    if (r >= 0 && listing->several_hosts)
        r = table_add_column(listing->table, "host", TABLE_CUT);
    for (enum kind kind = 0; r >= 0 && kind < KIND_COUNT; kind++) {
        if (counts(listing, kind))
            r = table_add_column(listing->table, kinds[kind].plural, TABLE_RIGHT);
    }
    if (r >= 0 && settings.verbose)
        r = table_add_column(listing->table, "milliseconds", TABLE_RIGHT);
    if (r >= 0 && settings.verbose)
        r = table_add_column(listing->table, "digest", 0);
    return r < 0 ? r : table_add_column(listing->table, "note", TABLE_CUT);
}

static int add_snapshot(void *userdata, const struct snapshot *snapshot)
{
    struct listing *listing = userdata;
    const struct snapshot_facts *facts = &snapshot->facts;
    char moment[CLOCK_TEXT_SIZE], digest[DIGEST_HEX_SIZE];
    size_t column = 0;
    struct libscols_line *row = table_add_row(listing->table, NULL);
    if (!row)
        return error_memory();
    int r = table_set_integer(row, column++, snapshot->id);
    if (r >= 0)
        r = table_set_text(row, column++, clock_format_local(facts->taken_at, moment));
    if (r >= 0)
        r = table_set_text(row, column++, facts->label ? facts->label : "-");
    if (r >= 0 && listing->several_hosts)
        r = table_set_text(row, column++, facts->host);
    for (enum kind kind = 0; r >= 0 && kind < KIND_COUNT; kind++) {
        if (counts(listing, kind))
            r = table_set_integer(row, column++, snapshot->counts[kind]);
    }
    if (r >= 0 && settings.verbose)
        r = table_set_integer(row, column++, facts->duration_ns / 1000000);
    if (r >= 0 && settings.verbose)
        r = table_set_text(row, column++, digest_format(&snapshot->digest, digest));
    return r < 0 ? r : table_set_text(row, column, facts->note ? facts->note : "-");
}

static int print_table(struct database *database)
{
    _cleanup_table_ struct table *table = NULL;
    int r = table_new(&table);
    if (r < 0)
        return r;
    struct listing listing = {.table = table};
    r = snapshot_each(database, settings.host, arguments.limit, survey, &listing);
    if (r < 0)
        return r;
    r = add_columns(&listing);
    if (r < 0)
        return r;
    r = snapshot_each(database, settings.host, arguments.limit, add_snapshot, &listing);
    if (r >= 0 && !listing.host_id && !settings.quiet)
        output_message("there are no snapshots yet; 'nslapse record' makes one");
    return r < 0 ? r : table_print(table);
}

/* One element of the JSON array. */
static int print_element(void *userdata, const struct snapshot *snapshot)
{
    struct listing *listing = userdata;
    fputs(listing->count++ ? ",\n" : "[\n", stdout);
    return output_json_value(stdout, snapshot_json(snapshot));
}

static int print_json(struct database *database)
{
    struct listing listing = {0};
    int r = snapshot_each(database, settings.host, arguments.limit, print_element, &listing);
    if (r < 0)
        return r;
    fputs(listing.count ? "\n]\n" : "[]\n", stdout);
    return 0;
}

static int run(int count, char **words)
{
    (void)count, (void)words;
    _cleanup_database_ struct database *database = NULL;
    int r = settings_open(DATABASE_READ, &database);
    if (r < 0)
        return r;
    return arguments.json ? print_json(database) : print_table(database);
}

const struct command command_log = {
    .name = "log",
    .arguments = "[-n N] [--json]",
    .summary = "list the snapshots, newest first",
    .details = "With -v also the other counts, how long each took, and its digest.\n",
    .examples = "  nslapse log -n 10\n",
    .options = options,
    .run = run,
};
