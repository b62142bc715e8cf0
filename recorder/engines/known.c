/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/known.h"

#include "base/buffer.h"
#include "base/error.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct known_container {
    UT_hash_handle hh;
    struct record *record;
    char *key; /* engine:id */
};

static void free_container(struct known_container *container)
{
    free(container->record);
    free(container->key);
    free(container);
}

void known_containers_free(struct known_containers *known)
{
    struct known_container *container, *next;
    HASH_ITER (hh, known->by_key, container, next) {
        HASH_DEL(known->by_key, container);
        free_container(container);
    }
}

int known_containers_add(struct known_containers *known, const struct record *record)
{
    struct buffer key = {0};
    struct known_container *container = calloc(1, sizeof(*container));
    if (!container)
        return error_memory();
    buffer_append_format(&key, "%s:%s", record_text(record, CONTAINER_ENGINE),
                         record_text(record, CONTAINER_ID));
    container->record = record_copy(record);
    container->key = key.bytes;
    if (key.failed || !container->record) {
        free_container(container);
        return error_memory();
    }
    HASH_ADD_KEYPTR(hh, known->by_key, container->key, key.length, container);
    if (!container->hh.tbl) {
        free_container(container);
        return error_memory();
    }
    return 0;
}

const struct record *known_containers_find(const struct known_containers *known, const char *engine,
                                           const char *id)
{
    _cleanup_buffer_ struct buffer key = {0};
    struct known_container *container = NULL;
    buffer_append_format(&key, "%s:%s", engine, id);
    if (!key.failed)
        HASH_FIND(hh, known->by_key, key.bytes, key.length, container);
    return container ? container->record : NULL;
}

int known_containers_each(const struct known_containers *known,
                          int (*each)(void *userdata, const struct record *record), void *userdata)
{
    int r = 0;
    for (const struct known_container *container = known->by_key; container && r >= 0;
         container = container->hh.next)
        r = each(userdata, container->record);
    return r;
}
