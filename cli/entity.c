/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/entity.h"

#include "base/error.h"
#include "base/text.h"
#include "cli/printable.h"
#include "cli/short_ids.h"
#include "cli/suggestion.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BIT(kind) (1u << (kind))

/* What may stand behind each prefix: a number, a name, or either. */
static const struct {
    const char *prefix;
    unsigned number, name; /* kinds, by bits; 0 where such a thing cannot be */
} prefixes[] = {
    {"pid", BIT(KIND_PROCESS) | BIT(KIND_NAMESPACE), 0},
    {"tid", BIT(KIND_THREAD), 0},
    {"cgroup", BIT(KIND_NAMESPACE), BIT(KIND_CGROUP)},
    {"ipc", BIT(KIND_NAMESPACE), 0},
    {"mnt", BIT(KIND_NAMESPACE), 0},
    {"net", BIT(KIND_NAMESPACE), 0},
    {"time", BIT(KIND_NAMESPACE), 0},
    {"user", BIT(KIND_NAMESPACE), 0},
    {"uts", BIT(KIND_NAMESPACE), 0},
    {"mount", BIT(KIND_MOUNT), BIT(KIND_MOUNT)},
    {"container", BIT(KIND_CONTAINER), BIT(KIND_CONTAINER)},
    {"discrepancy", BIT(KIND_DISCREPANCY), BIT(KIND_DISCREPANCY)},
    {"gap", BIT(KIND_GAP), BIT(KIND_GAP)},
};

enum { PREFIX_COUNT = sizeof(prefixes) / sizeof(*prefixes) };

static const char how_to_write[] =
    "write pid:812, pid:7@pid:4026532201, tid:813, net:4026531840, container:web, mount:/host or "
    "cgroup:/system.slice";

static int unknown_prefix(const char *text, size_t length)
{
    _cleanup_free_ char *prefix = strndup(text, length);
    if (!prefix)
        return error_memory();
    struct suggestion suggestion = {.word = prefix};
    for (size_t i = 0; i < PREFIX_COUNT; i++)
        suggestion_consider(&suggestion, prefixes[i].prefix);
    return error_set(ERROR_USAGE, "nothing is written as '%s:'; %s" SUGGESTION_FORMAT, prefix,
                     how_to_write, SUGGESTION_ARGUMENTS(suggestion));
}

static bool is_number(const char *text, size_t length)
{
    return length && strspn(text, "0123456789") >= length;
}

/* pid:7@pid:4026532201. */
static bool parse_seen_from(const char *text, struct entity *ret_entity)
{
    static const char begin[] = "pid:", middle[] = "@pid:";
    const size_t length = strlen(begin);
    const char *at = strstr(text, middle);
    if (strncmp(text, begin, length) != 0 || !at ||
        !is_number(text + length, (size_t)(at - text) - length) ||
        !is_number(at + strlen(middle), strlen(at + strlen(middle))))
        return false;
    *ret_entity = (struct entity){
        .kinds = BIT(KIND_PROCESS), .text = text, .name = text + length, .seen_from = at + 1};
    return true;
}

int entity_parse(const char *text, struct entity *ret_entity)
{
    if (parse_seen_from(text, ret_entity))
        return 0;
    const char *colon = strchr(text, ':');
    if (!colon || !colon[1])
        return error_set(ERROR_USAGE, "'%s' does not say what kind of thing it is; %s", text,
                         how_to_write);
    size_t length = (size_t)(colon - text);
    bool number = is_number(colon + 1, strlen(colon + 1));
    for (size_t i = 0; i < PREFIX_COUNT; i++) {
        if (strlen(prefixes[i].prefix) != length || memcmp(prefixes[i].prefix, text, length) != 0)
            continue;
        unsigned kinds_meant = number ? prefixes[i].number : prefixes[i].name;
        if (!kinds_meant)
            return error_set(ERROR_USAGE, "'%s': a number has to stand behind '%s:', such as %s",
                             text, prefixes[i].prefix,
                             prefixes[i].number & BIT(KIND_NAMESPACE) && *text != 'p' ? "4026531840"
                                                                                      : "812");
        *ret_entity = (struct entity){.kinds = kinds_meant, .text = text, .name = colon + 1};
        return 0;
    }
    return unknown_prefix(text, length);
}

/* Whether `given`, in any of its three forms, is the stored text. */
static bool is_text(const char *stored, const char *given, struct buffer *scratch)
{
    if (strcmp(stored, given) == 0)
        return true;
    buffer_clear(scratch);
    text_append_captured(scratch, given, strlen(given));
    if (strcmp(stored, buffer_text(scratch)) == 0)
        return true;
    buffer_clear(scratch);
    printable_append(scratch, stored, strlen(stored));
    return strcmp(buffer_text(scratch), given) == 0;
}

static bool is_column(const struct record *record, unsigned column, const char *given,
                      struct buffer *scratch)
{
    const char *stored = record_text(record, column);
    return stored && is_text(stored, given, scratch);
}

/* A container by its name, by its id as a table shows it, or by at least four characters of that,
 * with or without its engine, and with or without what comes before the last part of it. */
static bool is_container(const struct record *record, const char *name, struct buffer *scratch)
{
    const char *engine = record_text(record, CONTAINER_ENGINE);
    const char *id = record_text(record, CONTAINER_ID);
    size_t length = engine ? strlen(engine) : 0;
    if (length && strncmp(name, engine, length) == 0 && name[length] == ':')
        name += length + 1;
    const char *slash = id ? strrchr(id, '/') : NULL;
    if (id && strlen(name) >= 4 &&
        (strncmp(id, name, strlen(name)) == 0 ||
         (slash && strncmp(slash + 1, name, strlen(name)) == 0)))
        return true;
    buffer_clear(scratch);
    short_ids_append(scratch, id ? id : "");
    if (strcmp(buffer_text(scratch), name) == 0)
        return true;
    return is_column(record, CONTAINER_NAME, name, scratch) ||
           is_column(record, CONTAINER_ID, name, scratch);
}

static long long last_number(const cJSON *numbers)
{
    const cJSON *last = cJSON_GetArrayItem(numbers, cJSON_GetArraySize(numbers) - 1);
    return cJSON_IsNumber(last) ? last->valueint : -1;
}

/* Without what is related to the record, no number is known but the one in the process's own
 * namespace. */
static bool is_own_number(const struct entity *entity, const struct record *process)
{
    const char *text = record_text(process, PROCESS_NS_PIDS);
    cJSON *numbers = text ? cJSON_Parse(text) : NULL;
    long long inode = strtoll(entity->seen_from + strlen("pid:"), NULL, 10);
    bool is = record_integer(process, PROCESS_PID_NAMESPACE, -1) == inode &&
              last_number(numbers) == strtoll(entity->name, NULL, 10);
    cJSON_Delete(numbers);
    return is;
}

static bool is_seen_from(const struct entity *entity, const struct record *process)
{
    const char *text = record_text(process, PROCESS_PIDS);
    if (!text)
        return is_own_number(entity, process);
    cJSON *pids = cJSON_Parse(text);
    const cJSON *pid = cJSON_GetObjectItemCaseSensitive(pids, entity->seen_from);
    bool is = cJSON_IsNumber(pid) && pid->valueint == strtoll(entity->name, NULL, 10);
    cJSON_Delete(pids);
    return is;
}

const char *entity_name(const struct record *record)
{
    switch (record->kind) {
    case KIND_MOUNT:
        return record_text(record, MOUNT_TARGET);
    case KIND_CONTAINER:
        return record_text(record,
                           record_has(record, CONTAINER_NAME) ? CONTAINER_NAME : CONTAINER_ID);
    case KIND_CGROUP:
        return record_text(record, CGROUP_PATH);
    case KIND_DISCREPANCY:
        return record_text(record, DISCREPANCY_SUBJECT);
    default:
        return NULL;
    }
}

/* The shorter ways to say it. */
static bool is_named(const struct entity *entity, const struct record *record,
                     struct buffer *scratch)
{
    const char *name = entity_name(record);
    return (name && is_text(name, entity->name, scratch)) ||
           (record->kind == KIND_CONTAINER && is_container(record, entity->name, scratch));
}

bool entity_matches(const struct entity *entity, const struct record *record,
                    struct buffer *scratch)
{
    _cleanup_buffer_ struct buffer key = {0};
    if (entity->seen_from)
        return is_seen_from(entity, record);
    record_append_key(&key, record);
    return is_text(buffer_text(&key), entity->text, scratch) || is_named(entity, record, scratch);
}

void entity_append(struct buffer *buffer, const struct record *record)
{
    _cleanup_buffer_ struct buffer key = {0}, with_short_ids = {0};
    struct buffer *shown = &key;
    record_append_key(&key, record);
    if (record->kind == KIND_CONTAINER && isatty(STDOUT_FILENO)) {
        shown = &with_short_ids;
        short_ids_append(shown, buffer_text(&key));
    }
    printable_append(buffer, buffer_text(shown), shown->length);
    buffer->failed |= key.failed || shown->failed;
}
