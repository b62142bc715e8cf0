/* SPDX-License-Identifier: Apache-2.0 */
/* nslapse show: all that is known of one thing. */
#include "cli/show.h"

#include "base/clock.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/entity.h"
#include "cli/evidence.h"
#include "cli/revision.h"
#include "cli/settings.h"
#include "cli/suggestion.h"

static struct {
    bool json, evidence;
} arguments;

static const struct option_row options[] = {
    OPTION_JSON(arguments.json),
    {.name = "evidence",
     .type = OPTION_FLAG,
     .value = &arguments.evidence,
     .help = "what was kept as evidence alone: a container's document, an environment"},
    OPTION_END,
};

struct search {
    const struct entity *entity;
    struct records found;
    struct buffer scratch;
};

static void search_free(struct search *search)
{
    records_free(&search->found);
    buffer_free(&search->scratch);
}

static void shown_free(struct shown *shown)
{
    history_range_free(&shown->thing);
    history_range_free(&shown->state);
    related_free(&shown->related);
}

static int take_match(void *userdata, const struct record *record)
{
    struct search *search = userdata;
    if (!entity_matches(search->entity, record, &search->scratch))
        return 0;
    return records_add(&search->found, record);
}

static int find_matches(struct database *database, const struct snapshot *snapshot,
                        struct search *search)
{
    int r = 0;
    for (enum kind kind = 0; r >= 0 && kind < KIND_COUNT; kind++) {
        if (search->entity->kinds >> kind & 1)
            r = records_each(database, snapshot, kind, take_match, search);
    }
    return r;
}

static int show_one(struct database *database, const struct snapshot *snapshot,
                    const struct record *record)
{
    _cleanup_(shown_free) struct shown shown = {.database = database, .record = record};
    if (arguments.evidence)
        return show_evidence_json(database, record);
    int r = history_of_thing(database, record, &shown.thing);
    if (r >= 0)
        r = history_of_state(database, record, &shown.state);
    if (r >= 0)
        r = related_find(database, snapshot, record, &shown.related);
    if (r < 0)
        return r;
    return arguments.json ? show_json(&shown) : show_text(&shown);
}

static int show_all(struct database *database, const struct snapshot *snapshot,
                    const struct records *found)
{
    const char *before = arguments.json ? "[\n" : "", *between = arguments.json ? ",\n" : "\n";
    for (size_t i = 0; i < found->count; i++) {
        fputs(i ? between : before, stdout);
        int r = show_one(database, snapshot, found->items[i]);
        if (r < 0)
            return r;
    }
    if (arguments.json)
        fputs("\n]\n", stdout);
    return 0;
}

/* Where else in the host's sequence the thing was seen: 0 for nowhere. */
struct elsewhere {
    int64_t before; /* the last snapshot before the one that was asked for */
    int64_t after;  /* the first one after it */
};

static void note_state(struct elsewhere *elsewhere, const struct snapshot *snapshot,
                       const struct record *state)
{
    if (state->last_snapshot && state->last_snapshot < snapshot->id &&
        state->last_snapshot > elsewhere->before)
        elsewhere->before = state->last_snapshot;
    if (state->first_snapshot > snapshot->id &&
        (!elsewhere->after || state->first_snapshot < elsewhere->after))
        elsewhere->after = state->first_snapshot;
}

static int look_elsewhere(struct database *database, const struct snapshot *snapshot,
                          struct search *search, enum kind kind, struct elsewhere *elsewhere)
{
    _cleanup_cursor_ struct cursor *cursor = NULL;
    const struct record *state;
    int r = cursor_open_all(database, snapshot->host_id, kind, &cursor);
    while (r >= 0 && (r = cursor_next(cursor, &state)) > 0) {
        if (entity_matches(search->entity, state, &search->scratch))
            note_state(elsewhere, snapshot, state);
    }
    return r;
}

/* Of the kinds that are meant the last: a number behind "pid:" is a process's before it is that of
 * a namespace. */
static enum kind usual_kind(const struct entity *entity)
{
    enum kind kind = KIND_COUNT - 1;
    while (kind && !(entity->kinds >> kind & 1))
        kind--;
    return kind;
}

static int take_named(void *userdata, const struct record *record)
{
    struct search *search = userdata;
    return entity_name(record) ? records_add(&search->found, record) : 0;
}

/* Nobody has ever seen it: what there is in the snapshot under nearly that name may be meant. */
static int never_seen(struct database *database, const struct snapshot *snapshot,
                      struct search *search)
{
    const struct entity *entity = search->entity;
    struct suggestion suggestion = {.word = entity->name};
    _cleanup_buffer_ struct buffer meant = {0};
    int r = 0;
    for (enum kind kind = 0; r >= 0 && kind < KIND_COUNT; kind++)
        if (entity->kinds >> kind & 1)
            r = records_each(database, snapshot, kind, take_named, search);
    for (size_t i = 0; r >= 0 && i < search->found.count; i++)
        suggestion_consider(&suggestion, entity_name(search->found.items[i]));
    buffer_append(&meant, entity->text, (size_t)(entity->name - entity->text));
    if (suggestion.closest) {
        buffer_append_text(&meant, suggestion.closest);
        suggestion.closest = buffer_text(&meant);
    }
    if (r < 0 || meant.failed)
        return r < 0 ? r : error_memory();
    return error_set(ERROR_USAGE,
                     "%s is not in snapshot %lld%s; 'nslapse list %s%s' shows what there "
                     "is" SUGGESTION_FORMAT,
                     entity->text, (long long)snapshot->id,
                     entity->seen_from ? "" : ", nor in any other",
                     kinds[usual_kind(entity)].plural, entity->seen_from ? " -o pid,pids" : "",
                     SUGGESTION_ARGUMENTS(suggestion));
}

static int not_found(struct database *database, const struct snapshot *snapshot,
                     struct search *search)
{
    struct elsewhere elsewhere = {0};
    _cleanup_snapshot_ struct snapshot *near = NULL;
    char moment[CLOCK_TEXT_SIZE];
    int r = 0;
    for (enum kind kind = 0; r >= 0 && kind < KIND_COUNT; kind++) {
        if (search->entity->kinds >> kind & 1)
            r = look_elsewhere(database, snapshot, search, kind, &elsewhere);
    }
    int64_t id = elsewhere.before ? elsewhere.before : elsewhere.after;
    if (r >= 0 && id)
        r = snapshot_find(database, id, &near);
    if (r < 0)
        return r;
    if (!near)
        return never_seen(database, snapshot, search);
    return error_set(ERROR_USAGE,
                     "%s is not in snapshot %lld; it was %s seen in snapshot %lld (%s): 'nslapse "
                     "show %s %lld'",
                     search->entity->text, (long long)snapshot->id,
                     elsewhere.before ? "last" : "first", (long long)id,
                     clock_format_local(near->facts.taken_at, moment), search->entity->text,
                     (long long)id);
}

static int run(int count, char **words)
{
    struct entity entity;
    _cleanup_database_ struct database *database = NULL;
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    _cleanup_(search_free) struct search search = {.entity = &entity};
    int r = entity_parse(words[0], &entity);
    if (r >= 0)
        r = settings_open(DATABASE_READ, &database);
    if (r >= 0)
        r = revision_find(database, count > 1 ? words[1] : "latest", &snapshot);
    if (r >= 0)
        r = find_matches(database, snapshot, &search);
    if (r < 0)
        return r;
    if (arguments.evidence && !arguments.json && search.found.count)
        return evidence_show(database, &search.found);
    return search.found.count ? show_all(database, snapshot, &search.found)
                              : not_found(database, snapshot, &search);
}

const struct command command_show = {
    .name = "show",
    .arguments = "ENTITY [REV] [--evidence] [--json]",
    .summary = "show all that is known of one thing, and its history",
    .details =
        "ENTITY is pid:812, tid:813, net:4026531840 (and every other type of namespace),\n"
        "container:NAME, mount:PATH[@mnt:INODE], cgroup:[HIERARCHY:]PATH; pid:7@pid:4026532201\n"
        "is the process that has this number in that pid namespace. All that match are shown.\n",
    .examples = "  nslapse show pid:1\n"
                "  nslapse show pid:7@pid:4026532201\n"
                "  nslapse show container:web --evidence\n"
                "  nslapse show mount:/host @3h\n",
    .options = options,
    .least = 1,
    .most = 2,
    .run = run,
};
