/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/containerd_database.h"

#include "recorder/engines/bolt.h"
#include "recorder/engines/unpack.h"

#include <endian.h>

struct loading {
    struct arena *arena;
    struct containerd_stored *first, **last;
    const char *namespace;
    struct containerd_stored *of_namespace; /* its first one */
    struct containerd_stored *current;
    size_t label_capacity;
};

static int copy(struct loading *loading, struct span text, char **ret_text)
{
    *ret_text = arena_copy(loading->arena, text.bytes, text.length);
    return *ret_text ? 0 : -ENOMEM;
}

/* What has no members where it should have some has none. */
static int each(struct bolt *bolt, const struct bolt_item *item, bolt_take take, void *userdata)
{
    return item->value.bytes ? 0 : bolt_each(bolt, &item->bucket, take, userdata);
}

static int find(struct bolt *bolt, const struct bolt_item *item, const char *name, bolt_take take,
                void *userdata)
{
    const struct span key = {name, strlen(name)};
    return item->value.bytes ? 0 : bolt_find(bolt, &item->bucket, key, take, userdata);
}

/* ---- a container ---- */

/* time.Time.MarshalBinary() of Go: a version, seconds since the year 1, nanoseconds, and the zone,
 * which is UTC. */
static int set_moment(struct loading *loading, struct span value, Containerd__Timestamp **moment)
{
    enum { SECONDS = 1, NANOSECONDS = 9, ZONE = 13 };
    static const int64_t until_1970 = 62135596800;
    uint64_t seconds;
    uint32_t nanoseconds;
    if (value.length < ZONE || (value.bytes[0] != 1 && value.bytes[0] != 2))
        return 0;
    memcpy(&seconds, value.bytes + SECONDS, sizeof(seconds));
    memcpy(&nanoseconds, value.bytes + NANOSECONDS, sizeof(nanoseconds));
    seconds = be64toh(seconds);
    nanoseconds = be32toh(nanoseconds);
    if (seconds <= (uint64_t)until_1970 || seconds > INT64_MAX || nanoseconds > 999999999)
        return 0;
    *moment = arena_take(loading->arena, sizeof(**moment));
    if (!*moment)
        return -ENOMEM;
    containerd__timestamp__init(*moment);
    (*moment)->seconds = (int64_t)seconds - until_1970;
    (*moment)->nanos = (int32_t)nanoseconds;
    return 0;
}

static int unpack(struct loading *loading, struct span packed, const Containerd__Any **ret_any)
{
    const ProtobufCMessage *message;
    int r = engine_unpack(&containerd__any__descriptor, packed, loading->arena, &message);
    if (r >= 0)
        *ret_any = (const Containerd__Any *)message;
    return r;
}

static int reserve_label(struct loading *loading)
{
    enum { FIRST = 16 };
    Containerd__Container *container = &loading->current->container;
    size_t count = container->n_labels;
    if (count < loading->label_capacity)
        return 0;
    loading->label_capacity = count ? 2 * count : FIRST;
    Containerd__Container__LabelsEntry **labels =
        arena_take(loading->arena, loading->label_capacity * sizeof(*labels));
    if (!labels)
        return -ENOMEM;
    if (count)
        memcpy(labels, container->labels, count * sizeof(*labels));
    container->labels = labels;
    return 0;
}

static int take_label(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct loading *loading = userdata;
    Containerd__Container *container = &loading->current->container;
    Containerd__Container__LabelsEntry *label = arena_take(loading->arena, sizeof(*label));
    (void)bolt;
    if (!item->value.bytes)
        return 0;
    int r = label ? reserve_label(loading) : -ENOMEM;
    if (r < 0)
        return r;
    containerd__container__labels_entry__init(label);
    r = copy(loading, item->key, &label->key);
    if (r >= 0)
        r = copy(loading, item->value, &label->value);
    container->labels[container->n_labels++] = label;
    return r;
}

static int take_runtime(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct loading *loading = userdata;
    Containerd__Runtime *runtime = arena_take(loading->arena, sizeof(*runtime));
    (void)bolt;
    if (!item->value.bytes)
        return 0;
    if (!runtime)
        return -ENOMEM;
    containerd__runtime__init(runtime);
    loading->current->container.runtime = runtime;
    return copy(loading, item->value, &runtime->name);
}

static int take_extension(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct loading *loading = userdata;
    (void)bolt;
    bool of_cri =
        item->value.bytes && (span_is(item->key, "io.cri-containerd.container.metadata") ||
                              span_is(item->key, "io.cri-containerd.sandbox.metadata"));
    return of_cri ? unpack(loading, item->value, &loading->current->cri_extension) : 0;
}

static int take_value(struct loading *loading, const struct bolt_item *item)
{
    Containerd__Container *container = &loading->current->container;
    const Containerd__Any *spec;
    if (span_is(item->key, "image"))
        return copy(loading, item->value, &container->image);
    if (span_is(item->key, "createdat"))
        return set_moment(loading, item->value, &container->created_at);
    if (span_is(item->key, "updatedat"))
        return set_moment(loading, item->value, &container->updated_at);
    if (!span_is(item->key, "spec"))
        return 0;
    int r = unpack(loading, item->value, &spec);
    if (r >= 0)
        container->spec = (Containerd__Any *)(uintptr_t)spec; /* it is read, nothing else */
    return r;
}

static int take_member(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct loading *loading = userdata;
    if (item->value.bytes)
        return take_value(loading, item);
    if (span_is(item->key, "labels"))
        return each(bolt, item, take_label, loading);
    if (span_is(item->key, "runtime"))
        return find(bolt, item, "name", take_runtime, loading);
    return span_is(item->key, "extensions") ? each(bolt, item, take_extension, loading) : 0;
}

static int take_container(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct loading *loading = userdata;
    struct containerd_stored *stored = arena_take(loading->arena, sizeof(*stored));
    if (item->value.bytes || !item->key.length)
        return 0;
    if (!stored)
        return -ENOMEM;
    containerd__container__init(&stored->container);
    stored->namespace = loading->namespace;
    *loading->last = loading->current = stored;
    loading->last = &stored->next;
    loading->label_capacity = 0;
    if (!loading->of_namespace)
        loading->of_namespace = stored;
    int r = copy(loading, item->key, &stored->container.id);
    return r < 0 ? r : each(bolt, item, take_member, loading);
}

/* ---- all of them ---- */

static int take_digest(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct loading *loading = userdata;
    (void)bolt;
    char *digest;
    int r = item->value.bytes ? copy(loading, item->value, &digest) : 0;
    if (r >= 0 && item->value.bytes)
        loading->current->image_digest = digest;
    return r;
}

static int take_target(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    return find(bolt, item, "digest", take_digest, userdata);
}

static int take_image(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    return find(bolt, item, "target", take_target, userdata);
}

static int take_images(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct loading *loading = userdata;
    int r = 0;
    for (struct containerd_stored *stored = loading->of_namespace; stored && r >= 0;
         stored = stored->next) {
        loading->current = stored;
        r = find(bolt, item, stored->container.image, take_image, loading);
    }
    return r;
}

static int take_containers(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    return each(bolt, item, take_container, userdata);
}

/* Beside them stands the version of the schema, which is a value. */
static int take_namespace(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct loading *loading = userdata;
    char *namespace;
    int r = copy(loading, item->key, &namespace);
    if (r < 0)
        return r;
    loading->namespace = namespace;
    loading->of_namespace = NULL;
    r = find(bolt, item, "containers", take_containers, loading);
    return r < 0 ? r : find(bolt, item, "images", take_images, loading);
}

static int take_schema(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    return each(bolt, item, take_namespace, userdata);
}

static int load(void *userdata, struct bolt *bolt)
{
    struct loading *loading = userdata;
    const struct bolt_item root = {.bucket = bolt_root(bolt)};
    arena_reset(loading->arena);
    loading->first = NULL;
    loading->last = &loading->first;
    return find(bolt, &root, "v1", take_schema, loading);
}

int containerd_read_database(int fd, struct arena *arena, struct containerd_stored **ret_first)
{
    struct loading loading = {.arena = arena};
    int r = bolt_read(fd, load, &loading);
    if (r >= 0)
        *ret_first = loading.first;
    return r < 0 ? r : 0;
}
