/* SPDX-License-Identifier: Apache-2.0 */
/* What engines tell, as values of a container's columns. */
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "recorder/engines/reading.h"

#include <string.h>

static const char *keep_text(struct engine_reading *reading, const struct buffer *text)
{
    const char *copy =
        text->failed ? NULL : arena_copy(reading->arena, buffer_text(text), text->length);
    reading->failed |= !copy;
    return copy;
}

const char *engine_text(struct engine_reading *reading, const char *captured)
{
    if (!captured)
        return NULL;
    buffer_clear(&reading->text);
    text_append_captured(&reading->text, captured, strlen(captured));
    return keep_text(reading, &reading->text);
}

void engine_set_text(struct engine_reading *reading, unsigned column, const char *captured)
{
    record_set_text(&reading->record, column, engine_text(reading, captured));
}

void engine_set_string(struct engine_reading *reading, unsigned column, const cJSON *json)
{
    const char *string = cJSON_GetStringValue(json);
    engine_set_text(reading, column, string && *string ? string : NULL);
}

/* 2^53: what is larger a double can't tell from its neighbour. */
static const double whole_most = 9007199254740992.0;

void engine_set_number(struct engine_reading *reading, unsigned column, const cJSON *json)
{
    if (cJSON_IsBool(json))
        record_set_integer(&reading->record, column, cJSON_IsTrue(json));
    else if (cJSON_IsNumber(json) && json->valuedouble >= -whole_most &&
             json->valuedouble <= whole_most)
        record_set_integer(&reading->record, column, (int64_t)json->valuedouble);
}

static int compare_members(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static void append_json(struct buffer *buffer, const cJSON *json);

static void append_object(struct buffer *buffer, const cJSON *json)
{
    size_t count = (size_t)cJSON_GetArraySize(json), filled = 0;
    const cJSON *member;
    _cleanup_free_ const cJSON **members = calloc(count + 1, sizeof(*members));
    buffer->failed |= !members;
    if (!members)
        return;
    cJSON_ArrayForEach (member, json)
        members[filled++] = member;
    qsort(members, count, sizeof(*members), compare_members);
    buffer_append_char(buffer, '{');
    for (size_t i = 0; i < count; i++) {
        if (i && strcmp(members[i - 1]->string, members[i]->string) == 0)
            continue; /* a name twice: the order of equals is not told */
        if (buffer->bytes[buffer->length - 1] != '{')
            buffer_append_char(buffer, ',');
        json_append_captured(buffer, members[i]->string, strlen(members[i]->string));
        buffer_append_char(buffer, ':');
        append_json(buffer, members[i]);
    }
    buffer_append_char(buffer, '}');
}

static void append_list(struct buffer *buffer, const cJSON *json)
{
    const cJSON *element;
    buffer_append_char(buffer, '[');
    cJSON_ArrayForEach (element, json) {
        if (element != json->child)
            buffer_append_char(buffer, ',');
        append_json(buffer, element);
    }
    buffer_append_char(buffer, ']');
}

static void append_json(struct buffer *buffer, const cJSON *json)
{
    const char *string = cJSON_GetStringValue(json);
    if (buffer->failed)
        return;
    if (string)
        json_append_captured(buffer, string, strlen(string));
    else if (cJSON_IsObject(json))
        append_object(buffer, json);
    else if (cJSON_IsArray(json))
        append_list(buffer, json);
    else if (cJSON_IsBool(json))
        buffer_append_text(buffer, cJSON_IsTrue(json) ? "true" : "false");
    else if (cJSON_IsNumber(json))
        buffer_append_format(buffer, "%.17g", json->valuedouble);
    else
        buffer_append_text(buffer, "null");
}

void engine_set_json(struct engine_reading *reading, unsigned column, const cJSON *json,
                     const char *otherwise)
{
    if (cJSON_IsArray(json) || cJSON_IsObject(json)) {
        buffer_clear(&reading->text);
        append_json(&reading->text, json);
        record_set_text(&reading->record, column, keep_text(reading, &reading->text));
    } else if (!json || cJSON_IsNull(json)) {
        record_set_text(&reading->record, column, otherwise);
    }
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each element as it is printed, sorted. NULL without memory. */
static char **print_elements(const cJSON *list, size_t count)
{
    const cJSON *element;
    size_t filled = 0;
    char **texts = calloc(count + 1, sizeof(*texts));
    if (!texts)
        return NULL;
    cJSON_ArrayForEach (element, list) {
        struct buffer text = {0};
        append_json(&text, element);
        texts[filled++] = text.bytes;
        if (text.failed || !text.bytes)
            break;
    }
    if (filled == count && (!count || texts[count - 1])) {
        qsort(texts, count, sizeof(*texts), compare_texts);
        return texts;
    }
    while (filled)
        free(texts[--filled]);
    free(texts);
    return NULL;
}

void engine_set_sorted(struct engine_reading *reading, unsigned column, const cJSON *list)
{
    size_t count = (size_t)cJSON_GetArraySize(list);
    _cleanup_free_ char **texts = print_elements(list, count);
    reading->failed |= !texts;
    if (!texts)
        return;
    buffer_clear(&reading->text);
    for (size_t i = 0; i < count; i++) {
        buffer_append_char(&reading->text, i ? ',' : '[');
        buffer_append_text(&reading->text, texts[i]);
        free(texts[i]);
    }
    buffer_append_text(&reading->text, count ? "]" : "[]");
    record_set_text(&reading->record, column, keep_text(reading, &reading->text));
}

void engine_set_capabilities(struct engine_reading *reading, unsigned column, const cJSON *list)
{
    const cJSON *element;
    _cleanup_json_ cJSON *named = cJSON_CreateArray();
    cJSON_ArrayForEach (element, list) {
        char name[64];
        const char *given = cJSON_GetStringValue(element);
        bool bare = given && strncmp(given, "CAP_", 4) != 0 && strcmp(given, "ALL") != 0;
        snprintf(name, sizeof(name), "%s%s", bare ? "CAP_" : "", given ? given : "");
        reading->failed |= !cJSON_AddItemToArray(named, cJSON_CreateString(name));
    }
    engine_set_sorted(reading, column, named);
}

const char *engine_digest(struct engine_reading *reading, const cJSON *json)
{
    struct digest digest;
    char hex[DIGEST_HEX_SIZE];
    buffer_clear(&reading->text);
    append_json(&reading->text, json);
    if (reading->text.failed)
        return NULL;
    digest_of(reading->text.bytes, reading->text.length, &digest);
    return engine_text(reading, digest_format(&digest, hex));
}

void engine_set_time(struct engine_reading *reading, unsigned column, const cJSON *json)
{
    const char *string = cJSON_GetStringValue(json);
    int64_t moment;
    if (string && string[0] >= '0' && string[0] <= '9' && strchr(string, 'T') &&
        strncmp(string, "0001-", 5) != 0 && clock_parse(string, 0, &moment) >= 0)
        record_set_integer(&reading->record, column, moment);
    else if (cJSON_IsNumber(json) && json->valuedouble > 0 && json->valuedouble < 9e9)
        record_set_integer(&reading->record, column, (int64_t)json->valuedouble * NSEC_PER_SEC);
}

/* ---- environments ---- */

static size_t name_length(const char *variable)
{
    return strcspn(variable, "=");
}

void engine_set_environment(struct engine_reading *reading, const cJSON *list)
{
    const cJSON *element;
    if (!cJSON_IsArray(list) && !cJSON_IsNull(list)) /* as Go writes an empty list */
        return;
    buffer_clear(&reading->text);
    buffer_append_char(&reading->text, '[');
    cJSON_ArrayForEach (element, list) {
        const char *variable = cJSON_GetStringValue(element);
        if (!variable)
            continue;
        if (reading->text.length > 1)
            buffer_append_char(&reading->text, ',');
        json_append_captured(&reading->text, variable, name_length(variable));
    }
    buffer_append_char(&reading->text, ']');
    record_set_text(&reading->record, CONTAINER_VARIABLES, keep_text(reading, &reading->text));
}

static cJSON *find_path(cJSON *json, const char *path)
{
    char name[64];
    while (json && *path) {
        size_t length = strcspn(path, ".");
        snprintf(name, sizeof(name), "%.*s", (int)length, path);
        json = cJSON_GetObjectItemCaseSensitive(json, name);
        path += length + (path[length] == '.');
    }
    return json;
}

/* Of NAME=VALUE the name alone, of {"key": NAME, "value": VALUE} the key. Whatever else stands
 * there is no variable, and goes altogether. */
static cJSON *without_value(const cJSON *variable)
{
    const char *text = cJSON_GetStringValue(variable);
    const char *key = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(variable, "key"));
    _cleanup_free_ char *name = text ? strndup(text, name_length(text)) : NULL;
    if (text)
        return name ? cJSON_CreateString(name) : NULL;
    cJSON *object = key ? cJSON_CreateObject() : cJSON_CreateNull();
    if (key && !cJSON_AddStringToObject(object, "key", key)) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

static int take_values_out(cJSON *list)
{
    cJSON *element;
    for (unsigned i = 0; (element = cJSON_GetArrayItem(list, (int)i)); i++) {
        cJSON *replacement = without_value(element);
        if (!replacement || !cJSON_ReplaceItemInArray(list, (int)i, replacement)) {
            cJSON_Delete(replacement);
            return error_memory();
        }
    }
    return 0;
}

/* An annotation that has the manifest of a pod in it, as kubectl leaves it there: by its name, or
 * all annotations of the pod as one text. */
static bool has_manifest(const cJSON *member)
{
    static const char manifest[] = "kubectl.kubernetes.io/last-applied-configuration";
    const char *text = cJSON_GetStringValue(member);
    return text && *text &&
           ((member->string && strstr(member->string, manifest)) || strstr(text, manifest));
}

/* Whether there was one. The depth of a document is bounded by who parsed it. */
static bool take_manifests_out(cJSON *json)
{
    bool changed = false;
    cJSON *member;
    cJSON_ArrayForEach (member, json) {
        bool manifest = has_manifest(member);
        if (manifest)
            cJSON_SetValuestring(member, "");
        changed |= manifest || take_manifests_out(member);
    }
    return changed;
}

void engine_set_annotations(struct engine_reading *reading, const cJSON *annotations)
{
    _cleanup_json_ cJSON *copy = cJSON_Duplicate(annotations, true);
    reading->failed |= annotations && !copy;
    if (!reading->reader->environment)
        take_manifests_out(copy);
    engine_set_json(reading, CONTAINER_ANNOTATIONS, copy, "{}");
}

void engine_keep_document(struct engine_reading *reading, const struct buffer *text,
                          cJSON *document, const char *const *environments)
{
    bool wanted = reading->reader->environment;
    bool changed = !wanted && take_manifests_out(document);
    for (; !wanted && *environments; environments++) {
        cJSON *list = find_path(document, *environments);
        if (!list || !list->child)
            continue;
        changed = true;
        if (take_values_out(list) < 0)
            reading->failed = true;
    }
    _cleanup_free_ char *printed = changed ? cJSON_PrintUnformatted(document) : NULL;
    buffer_clear(&reading->evidence);
    if (printed)
        buffer_append_text(&reading->evidence, printed);
    else if (!changed)
        buffer_append(&reading->evidence, text->bytes, text->length);
    reading->failed |= changed && !printed;
}

/* ---- groups ---- */

void engine_add_group(struct engine_reading *reading, const char *type, const char *name)
{
    struct buffer *groups = &reading->groups, *group = &reading->text;
    buffer_clear(group);
    buffer_append_format(group, "{\"type\":\"%s\",\"name\":", type);
    json_append_captured(group, name, strlen(name));
    buffer_append_char(group, '}');
    groups->failed |= group->failed;
    if (groups->failed || strstr(buffer_text(groups), buffer_text(group)))
        return;
    buffer_append_char(groups, groups->length ? ',' : '[');
    buffer_append_text(groups, buffer_text(group));
}

void engine_add_groups_of_labels(struct engine_reading *reading, const cJSON *labels)
{
    static const struct {
        const char *type, *label;
    } known[] = {
        {"compose-project", "com.docker.compose.project"},
        {"kubernetes-namespace", "io.kubernetes.pod.namespace"},
        {"kubernetes-pod", "io.kubernetes.pod.uid"},
        {"kubernetes-pod-name", "io.kubernetes.pod.name"},
        {"dev-container", "devcontainer.local_folder"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        const char *name =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(labels, known[i].label));
        if (name && *name)
            engine_add_group(reading, known[i].type, name);
    }
}
