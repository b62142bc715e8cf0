/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/relations.h"

#include "base/buffer.h"
#include "base/error.h"
#include "schema/intervals.h"
#include "schema/pid_chains.h"
#include "schema/statement.h"

#include <string.h>

/* Records ask for their groups in the order of their keys, and the members come in the order of
 * their groups: one walk over both, and no more than one group is held. */
struct relations {
    struct database *database;
    sqlite3_stmt *members; /* group, id, start; by group and id. NULL for kinds without */
    bool at_member;        /* `members` stands on a row */
    struct value group;    /* of that row */
    unsigned type;         /* of the namespaces whose members they are, in `memberships` */
    struct value sought;   /* the group that was asked for last, null before the first */
    struct buffer sought_text;
    struct buffer json; /* the ids of its members, and the first of them by start, then id */
    int64_t leader;     /* NO_LEADER where it has none */
    struct pid_chains pid_chains;
    struct buffer container, pids;
};

enum { GROUP, ID, START, NO_LEADER = -1 };

/* The columns of a process that name a namespace it is in. */
static const struct {
    const char *type;
    unsigned column;
} memberships[] = {
    {"cgroup", PROCESS_CGROUP_NAMESPACE}, {"ipc", PROCESS_IPC_NAMESPACE},
    {"mnt", PROCESS_MNT_NAMESPACE},       {"net", PROCESS_NET_NAMESPACE},
    {"pid", PROCESS_PID_NAMESPACE},       {"time", PROCESS_TIME_NAMESPACE},
    {"user", PROCESS_USER_NAMESPACE},     {"uts", PROCESS_UTS_NAMESPACE},
};
enum { MEMBERSHIPS = sizeof(memberships) / sizeof(*memberships) };

void relations_free(struct relations *relations)
{
    if (!relations)
        return;
    sqlite3_finalize(relations->members);
    buffer_free(&relations->sought_text);
    buffer_free(&relations->json);
    buffer_free(&relations->container);
    buffer_free(&relations->pids);
    pid_chains_free(&relations->pid_chains);
    free(relations);
}

/* Of the type ?1, which is a place in `memberships`: to sort the members of all of them at once
 * would take eight times the memory. */
static int prepare_of_namespaces(struct relations *relations, const struct snapshot *snapshot)
{
    _cleanup_buffer_ struct buffer columns = {0};
    buffer_append_text(&columns, "CASE ?1");
    for (unsigned i = 0; i < MEMBERSHIPS; i++)
        buffer_append_format(&columns, " WHEN %u THEN %s", i,
                             kinds[KIND_PROCESS].columns[memberships[i].column].name);
    buffer_append_text(&columns, " END AS inode, pid, start_ticks");
    int result = buffer_error(&columns);
    return result ? result
                  : intervals_prepare(relations->database, KIND_PROCESS, snapshot,
                                      buffer_text(&columns), "ORDER BY inode, pid",
                                      &relations->members);
}

static int prepare(struct relations *relations, enum kind kind, const struct snapshot *snapshot)
{
    switch (kind) {
    case KIND_NAMESPACE:
        return prepare_of_namespaces(relations, snapshot);
    case KIND_PROCESS:
        return intervals_prepare(relations->database, KIND_THREAD, snapshot,
                                 "pid, tid, start_ticks", "ORDER BY pid, tid", &relations->members);
    case KIND_CONTAINER:
        return intervals_prepare(
            relations->database, KIND_PROCESS, snapshot, "container, pid, start_ticks",
            "AND container IS NOT NULL ORDER BY container, pid", &relations->members);
    default:
        return 0;
    }
}

int relations_open(struct database *database, const struct snapshot *snapshot, enum kind kind,
                   struct relations **ret_relations)
{
    _cleanup_(relations_free_pointer) struct relations *relations = calloc(1, sizeof(*relations));
    if (!relations)
        return error_memory();
    relations->database = database;
    int result = prepare(relations, kind, snapshot);
    if (!result && kind == KIND_PROCESS)
        result = pid_chains_load(&relations->pid_chains, database, snapshot);
    if (result)
        return result;
    *ret_relations = steal_pointer(relations);
    return 0;
}

static int step(struct relations *relations)
{
    sqlite3_stmt *row = relations->members;
    int result = sql_step(relations->database, row);
    relations->at_member = result > 0;
    if (result <= 0)
        return result;
    relations->group = sql_value(row, GROUP);
    if (relations->group.type == VALUE_TEXT && !relations->group.text)
        return error_memory();
    return 0;
}

static int remember(struct relations *relations, const struct value *group)
{
    relations->sought = *group;
    if (group->type != VALUE_TEXT)
        return 0;
    buffer_clear(&relations->sought_text);
    buffer_append(&relations->sought_text, group->text, group->length);
    relations->sought.text = buffer_text(&relations->sought_text);
    return buffer_error(&relations->sought_text);
}

/* Goes on to the first member of the group, or of one behind it. Groups are asked for in the order
 * in which they stand, but for engines whose name begins with another's: then the walk begins anew.
 */
static int seek(struct relations *relations, const struct value *group)
{
    int result = 0;
    if (relations->sought.type == VALUE_NULL || value_compare(group, &relations->sought) < 0) {
        sqlite3_reset(relations->members);
        result = step(relations);
    }
    while (!result && relations->at_member && value_compare(&relations->group, group) < 0)
        result = step(relations);
    return result ? result : remember(relations, group);
}

/* Takes the member at hand. */
static int take(struct relations *relations, int64_t *earliest)
{
    int64_t id = sqlite3_column_int64(relations->members, ID);
    int64_t start = sqlite3_column_int64(relations->members, START);
    if (relations->leader == NO_LEADER || start < *earliest) {
        relations->leader = id;
        *earliest = start;
    }
    if (relations->json.length > 1)
        buffer_append_char(&relations->json, ',');
    buffer_append_integer(&relations->json, id);
    return step(relations);
}

/* Gathers the members of the group, in numeric order. */
static int gather(struct relations *relations, const struct value *group)
{
    int64_t earliest = 0;
    if (relations->sought.type != VALUE_NULL && value_compare(group, &relations->sought) == 0)
        return 0; /* two things with one number */
    buffer_clear(&relations->json);
    buffer_append_char(&relations->json, '[');
    relations->leader = NO_LEADER;
    int result = seek(relations, group);
    while (!result && relations->at_member && value_compare(&relations->group, group) == 0)
        result = take(relations, &earliest);
    buffer_append_char(&relations->json, ']');
    return result ? result : buffer_error(&relations->json);
}

static int gather_of_namespace(struct relations *relations, struct record *record)
{
    const char *text = record_text(record, NAMESPACE_TYPE);
    unsigned type = 0;
    while (type < MEMBERSHIPS && (!text || strcmp(memberships[type].type, text) != 0))
        type++; /* an altered database has namespaces of any type: they have no members */
    if (type != relations->type || relations->sought.type == VALUE_NULL) {
        sqlite3_reset(relations->members);
        sqlite3_bind_int(relations->members, 1, (int)type);
        relations->type = type;
        relations->sought = (struct value){.type = VALUE_NULL};
    }
    int result = gather(relations, &record->values[NAMESPACE_INODE]);
    if (!result && relations->leader != NO_LEADER)
        record_set_integer(record, NAMESPACE_LEADER, relations->leader);
    return result;
}

static int gather_of_process(struct relations *relations, struct record *record)
{
    buffer_clear(&relations->pids);
    int result = pid_chains_append(&relations->pid_chains, record, &relations->pids);
    if (relations->pids.length)
        record_set_text(record, PROCESS_PIDS, buffer_text(&relations->pids));
    return result ? result : gather(relations, &record->values[PROCESS_PID]);
}

/* A process names its container as ENGINE:ID. */
static int gather_of_container(struct relations *relations, struct record *record)
{
    const char *engine = record_text(record, CONTAINER_ENGINE);
    const char *id = record_text(record, CONTAINER_ID);
    buffer_clear(&relations->container);
    buffer_append_format(&relations->container, "%s:%s", engine ? engine : "", id ? id : "");
    int result = buffer_error(&relations->container);
    const struct value group = {.type = VALUE_TEXT,
                                .text = buffer_text(&relations->container),
                                .length = (uint32_t)relations->container.length};
    return result ? result : gather(relations, &group);
}

int relations_fill(struct relations *relations, struct record *record)
{
    unsigned list;
    int result;
    switch (record->kind) {
    case KIND_NAMESPACE:
        result = gather_of_namespace(relations, record);
        list = NAMESPACE_PROCESSES;
        break;
    case KIND_PROCESS:
        result = gather_of_process(relations, record);
        list = PROCESS_THREADS;
        break;
    case KIND_CONTAINER:
        result = gather_of_container(relations, record);
        list = CONTAINER_PIDS;
        break;
    default:
        return 0;
    }
    if (!result)
        record_set_text(record, list, buffer_text(&relations->json));
    return result;
}
