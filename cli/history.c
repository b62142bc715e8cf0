/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/history.h"

#include "cli/records.h"

const char *const history_op_names[] = {
    [HISTORY_FIRST_SEEN] = "first_seen",
    [HISTORY_CHANGED] = "changed",
    [HISTORY_LAST_SEEN] = "last_seen",
    [HISTORY_SEEN_AGAIN] = "seen_again",
};

bool history_has_field(const struct history_event *event, unsigned column)
{
    if (!event->before || !event->after)
        return false;
    enum column_class class = kinds[event->after->kind].columns[column].class;
    return (class == IDENTITY || class == STATE) &&
           !value_equal(&event->before->values[column], &event->after->values[column]);
}

struct teller {
    struct database *database;
    int (*each)(void *userdata, const struct history_event *event);
    void *userdata;
};

static int tell(const struct teller *teller, enum history_op op, const struct snapshot *snapshot,
                const struct record *before, const struct record *after)
{
    struct history_event event = {op, snapshot, before, after};
    return teller->each(teller->userdata, &event);
}

static int tell_last_seen(const struct teller *teller, const struct record *state)
{
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    int r = snapshot_find(teller->database, state->last_snapshot, &snapshot);
    return r < 0 ? r : tell(teller, HISTORY_LAST_SEEN, snapshot, NULL, NULL);
}

/* `before` is the state before `state`, NULL for none. */
static int tell_state(const struct teller *teller, const struct record *before,
                      const struct record *state)
{
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    int r = snapshot_find(teller->database, state->first_snapshot, &snapshot);
    if (r < 0)
        return r;
    if (!before)
        return tell(teller, HISTORY_FIRST_SEEN, snapshot, NULL, state);
    if (snapshot->predecessor == before->last_snapshot)
        return tell(teller, HISTORY_CHANGED, snapshot, before, state);
    r = tell_last_seen(teller, before);
    return r < 0 ? r : tell(teller, HISTORY_SEEN_AGAIN, snapshot, before, state);
}

static int read_states(struct database *database, const struct record *record,
                       struct records *states)
{
    _cleanup_cursor_ struct cursor *cursor = NULL;
    int r = cursor_open_history(database, record->kind, record->identity, &cursor);
    const struct record *state;
    while (r >= 0 && (r = cursor_next(cursor, &state)) > 0)
        r = records_add(states, state);
    return r;
}

int history_each(struct database *database, const struct record *record,
                 int (*each)(void *userdata, const struct history_event *event), void *userdata)
{
    struct teller teller = {database, each, userdata};
    _cleanup_records_ struct records states = {0};
    int r = read_states(database, record, &states);
    for (size_t i = 0; r >= 0 && i < states.count; i++)
        r = tell_state(&teller, i ? states.items[i - 1] : NULL, states.items[i]);
    if (r < 0 || !states.count)
        return r;
    const struct record *last = states.items[states.count - 1];
    return last->last_snapshot ? tell_last_seen(&teller, last) : 0;
}

void history_range_free(struct history_range *range)
{
    snapshot_free(range->first);
    snapshot_free(range->last);
    *range = (struct history_range){0};
}

static int find_range(struct database *database, int64_t first, int64_t last,
                      struct history_range *ret_range)
{
    int r = snapshot_find(database, first, &ret_range->first);
    return r < 0 || !last ? r : snapshot_find(database, last, &ret_range->last);
}

int history_of_thing(struct database *database, const struct record *record,
                     struct history_range *ret_range)
{
    int64_t first, last;
    int r = history_span(database, record->kind, record->identity, &first, &last);
    return r < 0 ? r : find_range(database, first, last, ret_range);
}

int history_of_state(struct database *database, const struct record *record,
                     struct history_range *ret_range)
{
    return find_range(database, record->first_snapshot, record->last_snapshot, ret_range);
}
