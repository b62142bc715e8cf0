/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/mount_copies.h"

#include "base/array.h"
#include "base/buffer.h"
#include "base/error.h"

#include <string.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* What a mount shows and where, as one text. */
struct place {
    UT_hash_handle hh;
    char key[];
};

/* One side of the difference: the namespaces that only this side has, and the places of the others.
 */
struct side {
    int64_t *namespaces;
    size_t count, capacity;
    struct place *places;
};

struct mount_copies {
    struct side added, removed;
    struct buffer key;
};

static void side_free(struct side *side)
{
    struct place *place, *next;
    HASH_ITER (hh, side->places, place, next) {
        HASH_DEL(side->places, place);
        free(place);
    }
    free(side->namespaces);
}

void mount_copies_free(struct mount_copies *copies)
{
    if (!copies)
        return;
    side_free(&copies->added);
    side_free(&copies->removed);
    buffer_free(&copies->key);
    free(copies);
}

static bool has_namespace(const struct side *side, const struct record *mount)
{
    int64_t inode = record_integer(mount, MOUNT_NAMESPACE, 0);
    for (size_t i = 0; i < side->count; i++)
        if (side->namespaces[i] == inode)
            return true;
    return false;
}

static int make_key(struct buffer *key, const struct record *mount)
{
    static const unsigned columns[] = {MOUNT_DEVICE, MOUNT_ROOT, MOUNT_TARGET, MOUNT_SOURCE,
                                       MOUNT_FSTYPE};
    buffer_clear(key);
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
        const char *text = record_text(mount, columns[i]);
        buffer_append(key, text ? text : "", text ? strlen(text) + 1 : 1);
    }
    return buffer_error(key);
}

static struct place *find_place(const struct side *side, const struct buffer *key)
{
    struct place *found;
    HASH_FIND(hh, side->places, key->bytes, key->length, found);
    return found;
}

static int add_place(struct side *side, const struct buffer *key)
{
    if (find_place(side, key))
        return 0;
    struct place *place = calloc(1, sizeof(*place) + key->length);
    if (!place)
        return error_memory();
    memcpy(place->key, key->bytes, key->length);
    HASH_ADD_KEYPTR(hh, side->places, place->key, key->length, place);
    if (place->hh.tbl)
        return 0;
    free(place);
    return error_memory();
}

static int note_namespaces(struct mount_copies *copies, const struct difference *difference)
{
    for (size_t i = 0; i < difference->count; i++) {
        const struct change *change = &difference->changes[i];
        const struct record *record = change->after ? change->after : change->before;
        if (change->kind != KIND_NAMESPACE || strcmp(record_text(record, NAMESPACE_TYPE), "mnt") ||
            (change->op != CHANGE_ADDED && change->op != CHANGE_REMOVED))
            continue;
        struct side *side = change->op == CHANGE_ADDED ? &copies->added : &copies->removed;
        int r = array_reserve(&side->namespaces, &side->capacity, side->count + 1,
                              sizeof(*side->namespaces));
        if (r < 0)
            return r;
        side->namespaces[side->count++] = record_integer(record, NAMESPACE_INODE, 0);
    }
    return 0;
}

/* The places of all mounts of the snapshot but those of the side's own namespaces. */
static int load_places(struct mount_copies *copies, struct side *side, struct database *database,
                       const struct snapshot *snapshot)
{
    _cleanup_cursor_ struct cursor *cursor = NULL;
    const struct record *mount;
    if (!side->count)
        return 0;
    int r = cursor_open(database, snapshot, KIND_MOUNT, &cursor);
    while (r >= 0 && (r = cursor_next(cursor, &mount)) > 0) {
        if (has_namespace(side, mount))
            continue;
        r = make_key(&copies->key, mount);
        if (r >= 0)
            r = add_place(side, &copies->key);
    }
    return r;
}

int mount_copies_find(struct database *database, const struct difference *difference,
                      struct mount_copies **ret_copies)
{
    _cleanup_mount_copies_ struct mount_copies *copies = calloc(1, sizeof(*copies));
    int r = copies ? note_namespaces(copies, difference) : error_memory();
    if (r >= 0)
        r = load_places(copies, &copies->added, database, difference->to);
    if (r >= 0)
        r = load_places(copies, &copies->removed, database, difference->from);
    if (r < 0)
        return r;
    *ret_copies = steal_pointer(copies);
    return 0;
}

bool mount_copies_has(struct mount_copies *copies, const struct change *change)
{
    const struct record *mount = change->after ? change->after : change->before;
    if (change->kind != KIND_MOUNT || (change->op != CHANGE_ADDED && change->op != CHANGE_REMOVED))
        return false;
    const struct side *side = change->op == CHANGE_ADDED ? &copies->added : &copies->removed;
    return has_namespace(side, mount) && make_key(&copies->key, mount) >= 0 &&
           find_place(side, &copies->key);
}
