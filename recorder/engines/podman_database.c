/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/podman_database.h"

#include "recorder/engines/bolt.h"

#define HASH_NONFATAL_OOM 1
#include <errno.h>
#include <uthash.h>

/* A container or a pod. */
struct podman_entry {
    UT_hash_handle hh;
    const char *id;
    struct podman_kept kept;
};

/* Where the entries of a bucket go. */
struct loading {
    struct podman_database *database;
    struct podman_entry **entries;
    struct podman_entry *current;
};

static int copy(struct loading *loading, struct span text, struct span *ret_copy)
{
    ret_copy->bytes = arena_copy(loading->database->arena, text.bytes, text.length);
    ret_copy->length = text.length;
    return ret_copy->bytes ? 0 : -ENOMEM;
}

static int take_member(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct loading *loading = userdata;
    struct podman_kept *kept = &loading->current->kept;
    (void)bolt;
    if (item->value.bytes && span_is(item->key, "config"))
        return copy(loading, item->value, &kept->config);
    return item->value.bytes && span_is(item->key, "state")
               ? copy(loading, item->value, &kept->state)
               : 0;
}

static struct podman_entry *find(struct podman_entry *entries, const char *id)
{
    struct podman_entry *entry;
    HASH_FIND(hh, entries, id, strlen(id), entry);
    return entry;
}

static int take_entry(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct loading *loading = userdata;
    struct podman_entry *entry = arena_take(loading->database->arena, sizeof(*entry));
    struct span id;
    if (item->value.bytes)
        return 0;
    if (!entry || copy(loading, item->key, &id) < 0)
        return -ENOMEM;
    if (find(*loading->entries, id.bytes))
        return 0;
    entry->id = id.bytes;
    HASH_ADD_KEYPTR(hh, *loading->entries, entry->id, strlen(entry->id), entry);
    if (!entry->hh.tbl)
        return -ENOMEM;
    loading->current = entry;
    return bolt_each(bolt, &item->bucket, take_member, loading);
}

static int take_bucket(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    return item->value.bytes ? 0 : bolt_each(bolt, &item->bucket, take_entry, userdata);
}

static void forget(struct podman_database *database)
{
    HASH_CLEAR(hh, database->containers);
    HASH_CLEAR(hh, database->pods);
    arena_reset(database->arena);
}

static int load(void *userdata, struct bolt *bolt)
{
    struct podman_database *database = userdata;
    struct loading containers = {.database = database, .entries = &database->containers};
    struct loading pods = {.database = database, .entries = &database->pods};
    const struct bolt_bucket root = bolt_root(bolt);
    forget(database);
    int r = bolt_find(bolt, &root, (struct span){"ctr", 3}, take_bucket, &containers);
    return r < 0 ? r : bolt_find(bolt, &root, (struct span){"pod", 3}, take_bucket, &pods);
}

int podman_database_read(struct podman_database *database, int fd)
{
    if (!database->arena && !(database->arena = arena_new()))
        return -ENOMEM;
    int r = bolt_read(fd, load, database);
    if (r < 0)
        forget(database);
    return r < 0 ? r : 0;
}

void podman_database_free(struct podman_database *database)
{
    if (database->arena)
        forget(database);
    arena_free(database->arena);
    *database = (struct podman_database){0};
}

static const struct podman_kept *kept_of(struct podman_entry *entries, const char *id)
{
    const struct podman_entry *entry = find(entries, id);
    return entry ? &entry->kept : NULL;
}

const struct podman_kept *podman_database_container(const struct podman_database *database,
                                                    const char *id)
{
    return kept_of(database->containers, id);
}

const struct podman_kept *podman_database_pod(const struct podman_database *database,
                                              const char *id)
{
    return kept_of(database->pods, id);
}
