/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/revision.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/settings.h"
#include "cli/suggestion.h"

#include <stdlib.h>
#include <string.h>

static bool is_number(const char *text)
{
    return *text && !text[strspn(text, "0123456789")];
}

static int parse_number(const char *text, const char *whole, int64_t *ret_number)
{
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    if (errno)
        return error_set(ERROR_USAGE, "revision '%s': %s is too large", whole, text);
    *ret_number = number;
    return 0;
}

/* Parts "base~N" at its last "~"; `ret_back` is 0 where there is none. */
static int split_back(const char *text, char **ret_base, int64_t *ret_back)
{
    const char *tilde = strrchr(text, '~');
    int64_t back = tilde ? 1 : 0;
    if (tilde && tilde[1]) {
        if (!is_number(tilde + 1))
            return error_set(ERROR_USAGE,
                             "revision '%s': after '~' stands how many snapshots to go back, as "
                             "in latest~3",
                             text);
        int r = parse_number(tilde + 1, text, &back);
        if (r < 0)
            return r;
    }
    char *base = strndup(text, tilde ? (size_t)(tilde - text) : strlen(text));
    if (!base)
        return error_memory();
    *ret_base = base;
    *ret_back = back;
    return 0;
}

static bool is_of_host(const struct snapshot *snapshot, const char *host)
{
    const struct snapshot_facts *facts = &snapshot->facts;
    return !host || strcmp(facts->host, host) == 0 ||
           (facts->machine_id && strcmp(facts->machine_id, host) == 0);
}

static int find_number(struct database *database, const char *text, struct snapshot **ret_snapshot)
{
    int64_t id;
    int r = parse_number(text, text, &id);
    if (r < 0)
        return r;
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    r = snapshot_find(database, id, &snapshot);
    if (r < 0)
        return r;
    if (!is_of_host(snapshot, settings.host))
        return error_set(ERROR_NO_SNAPSHOT,
                         "snapshot %s is of host '%s', not of '%s'; leave --host out to see it",
                         text, snapshot->facts.host, settings.host);
    *ret_snapshot = steal_pointer(snapshot);
    return 0;
}

static int find_moment(struct database *database, const char *host, const char *text,
                       struct snapshot **ret_snapshot)
{
    int64_t moment;
    int r = clock_parse(text, clock_now(CLOCK_REALTIME), &moment);
    if (r < 0)
        return r;
    return snapshot_find_moment(database, host, moment, ret_snapshot);
}

struct label_search {
    struct suggestion suggestion;
    char *closest; /* what the suggestion borrows */
};

static int consider_label(void *userdata, const struct snapshot *snapshot)
{
    struct label_search *search = userdata;
    struct suggestion with_it = search->suggestion;
    if (!snapshot->facts.label)
        return 0;
    suggestion_consider(&with_it, snapshot->facts.label);
    if (with_it.closest != snapshot->facts.label)
        return 0;
    free(search->closest);
    search->closest = strdup(snapshot->facts.label);
    with_it.closest = search->closest;
    search->suggestion = with_it;
    return search->closest ? 0 : error_memory();
}

static const char *host_of(const struct snapshot *snapshot)
{
    return snapshot->facts.machine_id ? snapshot->facts.machine_id : snapshot->facts.host;
}

/* Ends the message that there is no such label by the one that was meant. */
static int suggest_label(struct database *database, const char *host, const char *label)
{
    _cleanup_free_ char *message = strdup(error_message());
    _cleanup_snapshot_ struct snapshot *newest = NULL;
    struct label_search search = {.suggestion = {.word = label}};
    if (!message)
        return error_memory();
    suggestion_consider(&search.suggestion, "latest");
    int r = snapshot_find_latest(database, host, 0, &newest);
    if (r >= 0)
        r = snapshot_each(database, host_of(newest), 0, consider_label, &search);
    if (r >= 0)
        r = error_set(ERROR_NO_SNAPSHOT, "%s" SUGGESTION_FORMAT, message,
                      SUGGESTION_ARGUMENTS(search.suggestion));
    free(search.closest);
    return r;
}

static int find_label(struct database *database, const char *host, const char *label,
                      struct snapshot **ret_snapshot)
{
    int r = snapshot_find_label(database, host, label, ret_snapshot);
    return r == -ERROR_NO_SNAPSHOT ? suggest_label(database, host, label) : r;
}

static int find_base(struct database *database, const char *host, const char *base,
                     struct snapshot **ret_snapshot)
{
    if (is_number(base))
        return find_number(database, base, ret_snapshot);
    if (*base == '@')
        return find_moment(database, host, base + 1, ret_snapshot);
    if (!*base)
        return error_set(ERROR_USAGE, "an empty revision; write latest, latest~3, a snapshot's "
                                      "number, a label, or a time such as @3h");
    return find_label(database, host, base, ret_snapshot);
}

static int find_for_host(struct database *database, const char *host, const char *text,
                         struct snapshot **ret_snapshot)
{
    _cleanup_free_ char *base = NULL;
    int64_t back;
    int r = split_back(text, &base, &back);
    if (r < 0)
        return r;
    if (strcmp(base, "latest") == 0)
        return snapshot_find_latest(database, host, back, ret_snapshot);
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    r = find_base(database, host, base, &snapshot);
    if (r < 0)
        return r;
    if (back)
        return snapshot_find_before(database, snapshot, back, ret_snapshot);
    *ret_snapshot = steal_pointer(snapshot);
    return 0;
}

int revision_find(struct database *database, const char *text, struct snapshot **ret_snapshot)
{
    return find_for_host(database, settings.host, text, ret_snapshot);
}

bool revision_is_range(const char *text)
{
    return strstr(text, "..") != NULL;
}

static int find_pair(struct database *database, const char *a, const char *b,
                     struct snapshot **ret_from, struct snapshot **ret_to)
{
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    int r = find_for_host(database, settings.host, a, &from);
    if (r < 0)
        return r;
    r = find_for_host(database, settings.host ? settings.host : host_of(from), b, &to);
    if (r < 0)
        return r;
    *ret_from = steal_pointer(from);
    *ret_to = steal_pointer(to);
    return 0;
}

int revision_find_pair(struct database *database, const char *a, const char *b,
                       struct snapshot **ret_from, struct snapshot **ret_to)
{
    const char *dots = a ? strstr(a, "..") : NULL;
    if (!dots)
        return find_pair(database, a ? a : "latest~1", b ? b : "latest", ret_from, ret_to);
    if (b)
        return error_set(ERROR_USAGE, "'%s' is two revisions already; '%s' is one too many", a, b);
    if (dots == a || strstr(dots + 2, ".."))
        return error_set(ERROR_USAGE,
                         "'%s' is no range of two revisions; write A..B, such as latest~3..latest",
                         a);
    _cleanup_free_ char *from = strndup(a, (size_t)(dots - a));
    if (!from)
        return error_memory();
    return find_pair(database, from, dots[2] ? dots + 2 : "latest", ret_from, ret_to);
}

static bool is_utf8(const char *text)
{
    size_t length = strlen(text);
    while (length) {
        size_t size = text_utf8_sequence(text, length, NULL);
        if (!size)
            return false;
        text += size;
        length -= size;
    }
    return true;
}

int revision_check_label(const char *label)
{
    const char *reason = NULL;
    if (!*label)
        reason = "it is empty";
    else if (is_number(label))
        reason = "it reads as a snapshot's number";
    else if (strcmp(label, "latest") == 0)
        reason = "that word means the newest snapshot";
    else if (*label == '@')
        reason = "'@' begins a time";
    else if (*label == '-')
        reason = "'-' begins an option";
    else if (strchr(label, '~'))
        reason = "'~' goes back from a revision";
    else if (strstr(label, ".."))
        reason = "'..' parts two revisions";
    else if (!is_utf8(label))
        reason = "it is not UTF-8";
    if (!reason)
        return 0;
    return error_set(ERROR_USAGE, "'%s' cannot be a label: %s; choose another word", label, reason);
}

int revision_check_note(const char *note)
{
    if (is_utf8(note))
        return 0;
    return error_set(ERROR_USAGE, "the note is not UTF-8; write it without those bytes");
}
