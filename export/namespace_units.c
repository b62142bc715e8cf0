/* SPDX-License-Identifier: Apache-2.0 */
#include "export/namespace_units.h"

#include "base/error.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE_PID = 4, TYPE_USER = 6 }; /* in graph_namespace_types */

void namespace_units_free(struct namespace_units *units)
{
    graph_items_free(&units->namespaces);
    graph_items_free(&units->processes);
    graph_items_free(&units->threads);
    free(units->occupants);
    free(units->crews);
    free(units->sole_crews);
    free(units->empty);
    free(units->unit_of);
    free(units->firsts);
    free(units->next);
    free(units->home_crews);
    fold_free(&units->fold);
    *units = (struct namespace_units){0};
}

static bool has_type(const struct namespace_units *units, size_t namespace, unsigned type)
{
    const char *text = record_text(units->namespaces.items[namespace].record, NAMESPACE_TYPE);
    return text && strcmp(text, graph_namespace_types[type].name) == 0;
}

bool namespace_is_usual(const struct namespace_units *units, size_t namespace)
{
    const struct record *record = units->namespaces.items[namespace].record;
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++)
        if (has_type(units, namespace, type))
            return units->usual.inodes[type] >= 0 &&
                   units->usual.inodes[type] == record_integer(record, NAMESPACE_INODE, -1);
    return false;
}

bool unit_is_usual(const struct namespace_units *units, size_t unit)
{
    return namespace_is_usual(units, units->firsts[unit]);
}

bool unit_is_user(const struct namespace_units *units, size_t unit)
{
    return !unit_is_usual(units, unit) && has_type(units, units->firsts[unit], TYPE_USER);
}

bool crew_is_usual(const struct namespace_units *units, const struct crew *crew)
{
    const size_t *namespaces = units->occupants[crew->first].namespaces;
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++)
        if (namespaces[type] != GRAPH_NONE && !namespace_is_usual(units, namespaces[type]))
            return false;
    return true;
}

/* What became of where the task is. */
static enum mark mark_of_place(const struct graph_item *task)
{
    if (!task->change || !task->change->before || !task->change->after)
        return task->mark;
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++)
        if (change_has_field(task->change, graph_namespace_types[type].column))
            return task->mark;
    return MARK_NONE;
}

/* False when a namespace of a type that this host has is not known. */
static bool find_place(const struct namespace_units *units, const struct graph_item *task,
                       struct occupant *ret_occupant)
{
    struct occupant occupant = {.item = task, .mark = mark_of_place(task)};
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++) {
        int64_t inode = record_integer(task->record, graph_namespace_types[type].column, -1);
        occupant.namespaces[type] =
            inode < 0 ? GRAPH_NONE
                      : graph_find_namespace(&units->namespaces, task,
                                             graph_namespace_types[type].name, inode);
        if (occupant.namespaces[type] == GRAPH_NONE && units->usual.inodes[type] >= 0)
            return false;
    }
    *ret_occupant = occupant;
    return true;
}

static bool is_with_its_process(const struct namespace_units *units,
                                const struct graph_item *thread)
{
    int64_t pid = record_integer(thread->record, THREAD_PID, -1);
    size_t process = graph_find_process(&units->processes, thread, pid);
    if (process == GRAPH_NONE)
        return false;
    const struct record *a = thread->record, *b = units->processes.items[process].record;
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++) {
        unsigned column = graph_namespace_types[type].column;
        if (!value_equal(&a->values[column], &b->values[column]))
            return false;
    }
    return true;
}

static int compare_places(const struct occupant *a, const struct occupant *b)
{
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++)
        if (a->namespaces[type] != b->namespaces[type])
            return a->namespaces[type] < b->namespaces[type] ? -1 : 1;
    return 0;
}

/* By place; in the same place the leader first: processes before threads, then by start, then by
 * pid. */
static int compare_occupants(const void *left, const void *right)
{
    const struct occupant *a = left, *b = right;
    const struct record *first = a->item->record, *second = b->item->record;
    int order = compare_places(a, b);
    if (!order)
        order = (first->kind > second->kind) - (first->kind < second->kind);
    if (!order)
        order = value_compare(&first->values[TASK_START_TICKS], &second->values[TASK_START_TICKS]);
    return order ? order : record_compare_keys(first, second);
}

static int find_occupants(struct namespace_units *units)
{
    const size_t most = units->processes.count + units->threads.count;
    units->occupants = calloc(most + 1, sizeof *units->occupants);
    if (!units->occupants)
        return error_memory();
    struct occupant *next = units->occupants;
    for (size_t i = 0; i < units->processes.count; i++) {
        if (find_place(units, &units->processes.items[i], next))
            next++;
        else
            units->unreadable++;
    }
    for (size_t i = 0; i < units->threads.count; i++)
        if (!is_with_its_process(units, &units->threads.items[i]) &&
            find_place(units, &units->threads.items[i], next))
            next++;
    units->occupant_count = (size_t)(next - units->occupants);
    qsort(units->occupants, units->occupant_count, sizeof *units->occupants, compare_occupants);
    return 0;
}

static int find_crews(struct namespace_units *units)
{
    units->crews = calloc(units->occupant_count + 1, sizeof *units->crews);
    if (!units->crews)
        return error_memory();
    for (size_t i = 0; i < units->occupant_count; i++) {
        const struct occupant *occupant = &units->occupants[i];
        if (i == 0 || compare_places(occupant - 1, occupant) != 0)
            units->crews[units->crew_count++] = (struct crew){.first = i, .home = GRAPH_NONE};
        struct crew *crew = &units->crews[units->crew_count - 1];
        crew->count++;
        crew->marked |= occupant->mark != MARK_NONE;
    }
    return 0;
}

/* Fills `sole_crews` and `empty`, and gives each namespace the digest of its crews. */
static int find_inhabitants(struct namespace_units *units, struct digest *digests)
{
    const size_t room = units->namespaces.count + 1;
    units->sole_crews = calloc(room, sizeof *units->sole_crews);
    units->empty = calloc(room, sizeof *units->empty);
    if (!units->sole_crews || !units->empty)
        return error_memory();
    for (size_t i = 0; i < units->namespaces.count; i++) {
        units->sole_crews[i] = GRAPH_NONE;
        units->empty[i] = true;
    }
    for (size_t crew = 0; crew < units->crew_count; crew++) {
        const size_t *namespaces = units->occupants[units->crews[crew].first].namespaces;
        for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++) {
            const size_t i = namespaces[type];
            if (i == GRAPH_NONE)
                continue;
            struct {
                struct digest before;
                size_t crew;
            } link = {digests[i], crew};
            digest_of(&link, sizeof link, &digests[i]);
            units->sole_crews[i] = units->empty[i] ? crew : GRAPH_NONE;
            units->empty[i] = false;
        }
    }
    return 0;
}

/* The user namespace that owns it; of a user namespace that is its parent. */
static size_t owner_of(const struct namespace_units *units, size_t namespace)
{
    const struct graph_item *item = &units->namespaces.items[namespace];
    int64_t owner = record_integer(item->record, NAMESPACE_OWNER, -1);
    if (owner < 0 && has_type(units, namespace, TYPE_USER))
        owner = record_integer(item->record, NAMESPACE_PARENT, -1);
    return owner < 0 ? GRAPH_NONE : graph_find_namespace(&units->namespaces, item, "user", owner);
}

/* What decides which namespaces are one unit. */
struct unit_key {
    size_t namespace;
    size_t
        apart; /* its own number for what is a unit by itself; equal for what may stand together */
    size_t owner;
    struct digest crews;
};

static int compare_unit_keys(const struct unit_key *a, const struct unit_key *b)
{
    int order = compare_numbers(a->apart, b->apart);
    if (!order)
        order = compare_numbers(a->owner, b->owner);
    return order ? order : digest_compare(&a->crews, &b->crews);
}

static int compare_keys(const void *left, const void *right)
{
    const struct unit_key *a = left, *b = right;
    int order = compare_unit_keys(a, b);
    return order ? order : compare_numbers(a->namespace, b->namespace);
}

static struct unit_key key_of(const struct namespace_units *units, size_t namespace,
                              const struct digest *crews)
{
    enum { USUAL, COMMON, APART };
    if (namespace_is_usual(units, namespace))
        return (struct unit_key){.namespace = namespace, .apart = USUAL};
    if (units->empty[namespace] || has_type(units, namespace, TYPE_USER))
        return (struct unit_key){.namespace = namespace, .apart = APART + namespace};
    return (struct unit_key){.namespace = namespace,
                             .apart = COMMON,
                             .owner = owner_of(units, namespace),
                             .crews = *crews};
}

/* Numbers the units in the order of their first namespaces. */
static void number_units(struct namespace_units *units, const struct unit_key *keys)
{
    const size_t count = units->namespaces.count;
    for (size_t i = 0; i < count; i++) {
        const bool joins = i && compare_unit_keys(&keys[i - 1], &keys[i]) == 0;
        const size_t namespace = keys[i].namespace;
        units->next[namespace] = GRAPH_NONE;
        if (joins)
            units->next[keys[i - 1].namespace] = namespace;
        units->unit_of[namespace] = joins ? units->unit_of[keys[i - 1].namespace] : namespace;
    }
    /* So far unit_of is the unit's first namespace, which comes before its other ones. */
    for (size_t i = 0; i < count; i++) {
        if (units->unit_of[i] == i) {
            units->firsts[units->count] = i;
            units->unit_of[i] = units->count++;
        } else {
            units->unit_of[i] = units->unit_of[units->unit_of[i]];
        }
    }
}

static int find_units(struct namespace_units *units)
{
    const size_t count = units->namespaces.count;
    _cleanup_free_ struct digest *digests = calloc(count + 1, sizeof *digests);
    _cleanup_free_ struct unit_key *keys = calloc(count + 1, sizeof *keys);
    units->unit_of = calloc(count + 1, sizeof *units->unit_of);
    units->firsts = calloc(count + 1, sizeof *units->firsts);
    units->next = calloc(count + 1, sizeof *units->next);
    if (!digests || !keys || !units->unit_of || !units->firsts || !units->next)
        return error_memory();
    int r = find_inhabitants(units, digests);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        keys[i] = key_of(units, i, &digests[i]);
    qsort(keys, count, sizeof *keys, compare_keys);
    number_units(units, keys);
    return 0;
}

/* A unit that the crew has for itself, rather one of its other namespaces than its user namespace.
 */
static size_t find_home(const struct namespace_units *units, size_t number)
{
    const struct crew *crew = &units->crews[number];
    const size_t *namespaces = units->occupants[crew->first].namespaces;
    size_t home = GRAPH_NONE;
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++) {
        const size_t i = namespaces[type];
        if (i == GRAPH_NONE || units->sole_crews[i] != number || namespace_is_usual(units, i))
            continue;
        if (home == GRAPH_NONE || (unit_is_user(units, home) && type != TYPE_USER))
            home = units->unit_of[i];
    }
    return home;
}

static int settle_crews(struct namespace_units *units)
{
    units->home_crews = calloc(units->count + 1, sizeof *units->home_crews);
    if (!units->home_crews)
        return error_memory();
    for (size_t unit = 0; unit < units->count; unit++)
        units->home_crews[unit] = GRAPH_NONE;
    for (size_t i = 0; i < units->crew_count; i++) {
        struct crew *crew = &units->crews[i];
        const size_t *namespaces = units->occupants[crew->first].namespaces;
        if (!crew_is_usual(units, crew))
            crew->home = find_home(units, i);
        else
            for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++)
                if (namespaces[type] != GRAPH_NONE)
                    crew->home = units->unit_of[namespaces[type]];
        if (crew->home != GRAPH_NONE && units->home_crews[crew->home] == GRAPH_NONE)
            units->home_crews[crew->home] = i;
    }
    return 0;
}

static bool is_owner(const struct namespace_units *units, size_t owner, size_t unit)
{
    while (unit != GRAPH_NONE && unit != owner)
        unit = units->fold.parents[unit];
    return unit == owner;
}

size_t crew_joins(const struct namespace_units *units, const struct crew *crew, unsigned type)
{
    const size_t *namespaces = units->occupants[crew->first].namespaces;
    if (namespaces[type] == GRAPH_NONE || namespace_is_usual(units, namespaces[type]))
        return GRAPH_NONE;
    const size_t unit = units->unit_of[namespaces[type]];
    if (crew->home != GRAPH_NONE && is_owner(units, unit, crew->home))
        return GRAPH_NONE;
    for (unsigned i = 0; i < GRAPH_NAMESPACE_TYPES; i++) {
        if (namespaces[i] == GRAPH_NONE || namespace_is_usual(units, namespaces[i]))
            continue;
        const size_t other = units->unit_of[namespaces[i]];
        if (other == unit ? i < type : crew->home == GRAPH_NONE && is_owner(units, unit, other))
            return GRAPH_NONE;
    }
    return unit;
}

size_t unit_pid_parent(const struct namespace_units *units, size_t unit)
{
    for (size_t i = units->firsts[unit]; i != GRAPH_NONE; i = units->next[i]) {
        const struct graph_item *item = &units->namespaces.items[i];
        int64_t parent = record_integer(item->record, NAMESPACE_PARENT, -1);
        if (parent < 0 || !has_type(units, i, TYPE_PID))
            continue;
        size_t found = graph_find_namespace(&units->namespaces, item, "pid", parent);
        if (found != GRAPH_NONE && units->unit_of[found] != unit)
            return units->unit_of[found];
    }
    return GRAPH_NONE;
}

/* Everything that the unit's label says but numbers, and where its edges lead. */
static void append_look(struct buffer *look, const struct namespace_units *units, size_t unit)
{
    for (size_t i = units->firsts[unit]; i != GRAPH_NONE; i = units->next[i]) {
        const struct graph_item *item = &units->namespaces.items[i];
        const char *type = record_text(item->record, NAMESPACE_TYPE);
        buffer_append_format(look, "%s %d %lld\n", type ? type : "?", item->mark,
                             (long long)record_integer(item->record, NAMESPACE_OWNER_UID, -1));
        graph_label_changes(look, item, UINT_MAX);
        if (units->empty[i])
            graph_label_holder(look, item);
    }
    buffer_append_format(look, "pid %zu\n", unit_pid_parent(units, unit));
    if (units->home_crews[unit] == GRAPH_NONE)
        return;
    const struct crew *crew = &units->crews[units->home_crews[unit]];
    for (size_t i = crew->first; i < crew->first + crew->count; i++) {
        const char *comm = record_text(units->occupants[i].item->record, TASK_COMM);
        buffer_append_format(look, "%d %s\n", units->occupants[i].mark, comm ? comm : "?");
    }
}

/* Units with edges of their own are drawn each for itself. */
static void find_singles(const struct namespace_units *units, bool *singles)
{
    for (size_t i = 0; i < units->crew_count; i++) {
        const struct crew *crew = &units->crews[i];
        for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++) {
            const size_t unit = crew_joins(units, crew, type);
            if (unit == GRAPH_NONE)
                continue;
            singles[unit] = true;
            if (crew->home != GRAPH_NONE)
                singles[crew->home] = true;
        }
    }
    for (size_t unit = 0; unit < units->count; unit++) {
        const size_t parent = unit_pid_parent(units, unit);
        if (parent != GRAPH_NONE)
            singles[parent] = true;
    }
}

static int set_looks(struct namespace_units *units)
{
    _cleanup_free_ bool *singles = calloc(units->count + 1, sizeof *singles);
    if (!singles)
        return error_memory();
    find_singles(units, singles);
    int r = 0;
    for (size_t unit = 0; unit < units->count && r >= 0; unit++) {
        _cleanup_buffer_ struct buffer look = {0};
        if (singles[unit])
            buffer_append_format(&look, "single %zu\n", unit);
        append_look(&look, units, unit);
        r = fold_set_look(&units->fold, unit, &look);
    }
    return r;
}

/* In a difference: what changed, and what it stands on; fold_run() adds the owners. */
static void choose_wanted(struct namespace_units *units)
{
    bool *wanted = units->fold.wanted;
    for (size_t unit = 0; unit < units->count; unit++)
        wanted[unit] = unit_is_usual(units, unit);
    for (size_t i = 0; i < units->namespaces.count; i++)
        if (units->namespaces.items[i].mark)
            wanted[units->unit_of[i]] = true;
    for (size_t i = 0; i < units->crew_count; i++) {
        const struct crew *crew = &units->crews[i];
        if (!crew->marked)
            continue;
        if (crew->home != GRAPH_NONE)
            wanted[crew->home] = true;
        for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++)
            if (crew_joins(units, crew, type) != GRAPH_NONE)
                wanted[crew_joins(units, crew, type)] = true;
    }
    for (size_t i = 0; i < units->count; i++) {
        size_t parent = wanted[i] ? unit_pid_parent(units, i) : GRAPH_NONE;
        for (; parent != GRAPH_NONE && !wanted[parent]; parent = unit_pid_parent(units, parent))
            wanted[parent] = true;
    }
}

static int fold_units(struct namespace_units *units, bool only_marked)
{
    int r = fold_new(units->count, &units->fold);
    if (r < 0)
        return r;
    for (size_t unit = 0; unit < units->count; unit++) {
        const size_t owner =
            unit_is_usual(units, unit) ? GRAPH_NONE : owner_of(units, units->firsts[unit]);
        units->fold.parents[unit] = owner == GRAPH_NONE ? FOLD_NONE : units->unit_of[owner];
    }
    fold_cut_circles(&units->fold);
    r = set_looks(units);
    if (r < 0)
        return r;
    if (only_marked)
        choose_wanted(units);
    return fold_run(&units->fold);
}

int namespace_units_load(const struct export_request *request, struct namespace_units *ret_units)
{
    _cleanup_namespace_units_ struct namespace_units units = {0};
    int r = graph_items_load(request, KIND_NAMESPACE, &units.namespaces);
    if (r >= 0)
        r = graph_items_load(request, KIND_PROCESS, &units.processes);
    if (r >= 0)
        r = graph_items_load(request, KIND_THREAD, &units.threads);
    if (r < 0)
        return r;
    graph_usual_of(&units.namespaces, &units.processes, &units.usual);
    r = find_occupants(&units);
    if (r >= 0)
        r = find_crews(&units);
    if (r >= 0)
        r = find_units(&units);
    if (r < 0)
        return r;
    r = settle_crews(&units);
    if (r >= 0)
        r = fold_units(&units, request->difference != NULL);
    if (r < 0)
        return r;
    *ret_units = units;
    units = (struct namespace_units){0};
    return 0;
}
