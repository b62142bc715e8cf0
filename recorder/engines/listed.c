/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/listed.h"

#include "base/error.h"
#include "recorder/engines/inspected.h"

#include <string.h>

struct asking {
    const struct listed_api *api;
    struct engine_reading *reading;
    struct buffer body;
    char version[64];
    char *folder;      /* NULL where it isn't told */
    bool time_is_over; /* for details */
};

static int get_json(struct asking *asking, const char *path, cJSON **ret_json)
{
    int r = engine_client_get(engine_reading_client(asking->reading), path, &asking->body);
    if (r < 0)
        return r;
    *ret_json = cJSON_ParseWithLength(buffer_text(&asking->body), asking->body.length);
    return *ret_json
               ? 0
               : error_set(EPROTO, "%s: the answer to %s is no JSON", asking->api->engine, path);
}

/* One that has run since then, and is listed as before, has its file written anew. Of one that runs
 * the first process tells. */
static void add_written(const struct asking *asking, cJSON *entry)
{
    const struct listed_api *api = asking->api;
    const char *id = json_get_string(entry, "Id"), *state = json_get_string(entry, "State");
    _cleanup_buffer_ struct buffer path = {0};
    char moment[64];
    struct timespec written;
    if (!asking->folder || !api->before_written || (state && strcmp(state, "running") == 0))
        return;
    buffer_append_format(&path, "%s%s%s%s", asking->folder, api->before_written, id,
                         api->after_written);
    if (path.failed || engine_file_written(asking->reading, path.bytes, &written) < 0)
        return;
    snprintf(moment, sizeof(moment), "%lld.%09ld", (long long)written.tv_sec, written.tv_nsec);
    cJSON_AddStringToObject(entry, "written", moment);
}

static const char *listing_digest(const struct asking *asking, const cJSON *entry)
{
    _cleanup_json_ cJSON *copy = cJSON_Duplicate(entry, true);
    for (const char *const *member = asking->api->volatile_members; *member; member++)
        cJSON_DeleteItemFromObjectCaseSensitive(copy, *member);
    add_written(asking, copy);
    return copy ? engine_digest(asking->reading, copy) : NULL;
}

static int set_details(struct asking *asking, const cJSON *entry, const char *id)
{
    struct engine_reading *reading = asking->reading;
    _cleanup_json_ cJSON *document = NULL;
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "%s%s%s", asking->api->before_id, id, asking->api->after_id);
    int r = buffer_error(&path);
    if (r >= 0)
        r = get_json(asking, buffer_text(&path), &document);
    if (r < 0)
        return r;
    asking->api->set_document(reading, entry, document);
    engine_keep_document(reading, &asking->body, document, asking->api->environments);
    return 0;
}

static int take_entry(struct asking *asking, const cJSON *entry)
{
    struct engine_reading *reading = asking->reading;
    const char *id = json_get_string(entry, "Id");
    if (!id || !*id)
        return engine_gap(reading, NULL, EPROTO, "it lists a container without an id");
    const struct record *known = engine_known(reading, id);
    struct record *record = engine_container_begin(reading, id);
    const char *digest = record ? listing_digest(asking, entry) : NULL;
    if (!digest)
        return error_memory();
    int r = 0;
    record_set_text(record, CONTAINER_ENGINE_VERSION, asking->version[0] ? asking->version : NULL);
    if (engine_is_unchanged(reading, known, digest))
        return engine_container_end_as_known(reading, known);
    r = asking->time_is_over
            ? error_set(ETIMEDOUT, "there was no time to ask for more than it is listed with")
            : set_details(asking, entry, id);
    asking->time_is_over |= r == -ETIMEDOUT;
    if (r < 0)
        asking->api->set_entry(reading, entry, known);
    return engine_container_end_asked(reading, id, digest, r);
}

static int take_list(struct asking *asking)
{
    _cleanup_json_ cJSON *information = NULL, *list = NULL;
    const cJSON *entry;
    int r = get_json(asking, asking->api->version, &information);
    if (r < 0)
        return r;
    const char *version = json_get_string(information, asking->api->version_member);
    snprintf(asking->version, sizeof(asking->version), "%s", version ? version : "");
    const char *folder = json_get_string(information, asking->api->folder_member);
    asking->folder = folder ? strdup(folder) : NULL;
    r = get_json(asking, asking->api->list, &list);
    if (r >= 0 && !cJSON_IsArray(list))
        r = error_set(EPROTO, "%s: its list of containers is no list", asking->api->engine);
    if (r < 0)
        return r;
    cJSON_ArrayForEach (entry, list) {
        r = take_entry(asking, entry);
        if (r < 0)
            return r;
    }
    return 0;
}

int listed_ask(struct engine_reading *reading, const struct listed_api *api)
{
    struct asking asking = {.api = api, .reading = reading};
    int r = take_list(&asking);
    free(asking.folder);
    buffer_free(&asking.body);
    return r;
}
