/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/mount_calls.h"

#include "base/cleanup.h"
#include "recorder/kernel/statmount.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

#ifndef SYS_statmount
#define SYS_statmount 457
#endif
#ifndef SYS_listmount
#define SYS_listmount 458
#endif

static const uint64_t root_of_namespace = UINT64_MAX; /* LSMT_ROOT */

/* struct mnt_id_req; its first version was shorter, without the namespace. */
struct request {
    uint32_t size;
    uint32_t spare;
    uint64_t mount;
    uint64_t parameter;
    uint64_t namespace_id;
};

static struct request request_of(uint64_t namespace_id, uint64_t mount, uint64_t parameter)
{
    const uint32_t first_version = 24;
    return (struct request){.size = namespace_id ? sizeof(struct request) : first_version,
                            .mount = mount,
                            .parameter = parameter,
                            .namespace_id = namespace_id};
}

void mount_ids_list_free(struct mount_ids_list *list)
{
    free(list->mounts);
    *list = (struct mount_ids_list){0};
}

struct unique_ids {
    uint64_t *ids;
    size_t count;
};

static void unique_ids_free(struct unique_ids *list)
{
    free(list->ids);
}

/* The unique ids alone, in ascending order. */
static int list_unique_ids(uint64_t namespace_id, struct unique_ids *list)
{
    enum { AT_ONCE = 1024 };
    for (;;) {
        uint64_t *ids = reallocarray(list->ids, list->count + AT_ONCE, sizeof(*ids));
        if (!ids)
            return -ENOMEM;
        list->ids = ids;
        uint64_t last = list->count ? ids[list->count - 1] : 0;
        struct request request = request_of(namespace_id, root_of_namespace, last);
        long n = syscall(SYS_listmount, &request, ids + list->count, (size_t)AT_ONCE, 0u);
        if (n < 0)
            return -errno;
        list->count += (size_t)n;
        if (n < AT_ONCE)
            return 0;
    }
}

static int ask(uint64_t namespace_id, uint64_t unique_id, uint64_t wanted,
               struct statmount_answer *answer, size_t size)
{
    struct request request = request_of(namespace_id, unique_id, wanted);
    return syscall(SYS_statmount, &request, answer, size, 0u) < 0 ? -errno : 0;
}

static int stat_mount(uint64_t namespace_id, uint64_t unique_id, struct mount_ids *ret_mount)
{
    struct statmount_answer answer;
    int r = ask(namespace_id, unique_id, STATMOUNT_WANTS_MOUNT, &answer, sizeof(answer));
    if (r < 0)
        return r;
    if (!(answer.mask & STATMOUNT_WANTS_MOUNT))
        return -ENODATA;
    *ret_mount = (struct mount_ids){.id = answer.id, .unique_id = unique_id};
    return 0;
}

int mount_calls_list(uint64_t namespace_id, struct mount_ids_list *ret_list)
{
    _cleanup_(unique_ids_free) struct unique_ids unique = {0};
    _cleanup_mount_ids_list_ struct mount_ids_list list = {0};
    int r = list_unique_ids(namespace_id, &unique);
    if (r < 0)
        return r;
    list.mounts = calloc(unique.count + 1, sizeof(*list.mounts));
    if (!list.mounts)
        return -ENOMEM;
    for (size_t i = 0; i < unique.count; i++) {
        r = stat_mount(namespace_id, unique.ids[i], &list.mounts[list.count]);
        if (r >= 0)
            list.count++;
        else if (r != -ENOENT)
            return r;
    }
    *ret_list = (struct mount_ids_list){steal_pointer(list.mounts), list.count};
    return 0;
}

int mount_calls_count(uint64_t namespace_id, size_t *ret_count)
{
    _cleanup_(unique_ids_free) struct unique_ids unique = {0};
    int r = list_unique_ids(namespace_id, &unique);
    if (r >= 0)
        *ret_count = unique.count;
    return r;
}

int mount_calls_confirm(uint64_t namespace_id, struct mount_ids_list *list)
{
    _cleanup_(unique_ids_free) struct unique_ids unique = {0};
    int r = list_unique_ids(namespace_id, &unique);
    if (r < 0)
        return r;
    size_t kept = 0;
    for (size_t i = 0, j = 0; i < list->count; i++) {
        while (j < unique.count && unique.ids[j] < list->mounts[i].unique_id)
            j++;
        if (j < unique.count && unique.ids[j] == list->mounts[i].unique_id)
            list->mounts[kept++] = list->mounts[i];
    }
    list->count = kept;
    return 0;
}

/* ---- whole tables ---- */

/* How long an answer may become: options have no limit of their own. */
enum { ANSWER_FIRST = 4096, ANSWER_MOST = 16 << 20 };

/* Asks for everything that a line has; `answer` grows until it is enough. */
static int ask_line(uint64_t namespace_id, uint64_t unique_id, struct buffer *answer)
{
    for (size_t size = ANSWER_FIRST; size <= ANSWER_MOST; size *= 2) {
        buffer_clear(answer);
        char *bytes = buffer_reserve(answer, size);
        if (!bytes)
            return -ENOMEM;
        struct statmount_answer *head = (struct statmount_answer *)(void *)bytes;
        int r = ask(namespace_id, unique_id, STATMOUNT_WANTS_LINE, head, size);
        if (r == -EOVERFLOW)
            continue;
        if (r < 0)
            return r;
        buffer_commit(answer, head->size < size ? head->size : size);
        return 0;
    }
    return -EOVERFLOW;
}

/* Some of a namespace's mounts. */
struct part {
    uint64_t namespace_id;
    const uint64_t *unique_ids;
    size_t unique_count;
    struct buffer lines;
    struct mount_ids *mounts; /* with room for all; not owned */
    size_t count;
    int code;
};

static int read_lines(struct part *part)
{
    _cleanup_buffer_ struct buffer answer = {0};
    for (size_t i = 0; i < part->unique_count; i++) {
        int r = ask_line(part->namespace_id, part->unique_ids[i], &answer);
        if (r == -ENOENT) /* it has gone meanwhile */
            continue;
        if (r < 0)
            return r;
        const struct statmount_answer *head = (const void *)answer.bytes;
        if (statmount_append_line(&part->lines, head, answer.length))
            part->mounts[part->count++] = (struct mount_ids){head->id, part->unique_ids[i]};
    }
    return part->lines.failed ? -ENOMEM : 0;
}

static void *read_part(void *argument)
{
    struct part *part = argument;
    part->code = read_lines(part);
    return NULL;
}

/* One here, the other by a thread of its own, if there is one to be had. */
static void read_both(struct part *first, struct part *second)
{
    pthread_t thread;
    bool started = second->unique_count && !pthread_create(&thread, NULL, read_part, second);
    read_part(first);
    if (started)
        pthread_join(thread, NULL);
    else
        read_part(second);
}

/* Replaces what both hold; `ids` has room for all. The many mounts of one namespace are read by two
 * threads, which are worth it from about a thousand on. */
static int read_all_lines(uint64_t namespace_id, const struct unique_ids *unique,
                          struct buffer *table, struct mount_ids_list *ids)
{
    enum { SHARED_FROM = 1024 };
    size_t alone = unique->count < SHARED_FROM ? unique->count : unique->count / 2;
    struct part first = {.namespace_id = namespace_id,
                         .unique_ids = unique->ids,
                         .unique_count = alone,
                         .lines = *table,
                         .mounts = ids->mounts};
    struct part second = {.namespace_id = namespace_id,
                          .unique_ids = unique->ids + alone,
                          .unique_count = unique->count - alone,
                          .mounts = ids->mounts + alone};
    buffer_clear(&first.lines);
    read_both(&first, &second);
    buffer_append(&first.lines, second.lines.bytes, second.lines.length);
    memmove(ids->mounts + first.count, second.mounts, second.count * sizeof(*second.mounts));
    ids->count = first.count + second.count;
    *table = first.lines;
    buffer_free(&second.lines);
    return first.code < 0    ? first.code
           : second.code < 0 ? second.code
           : table->failed   ? -ENOMEM
                             : 0;
}

static bool same_ids(const struct unique_ids *a, const struct unique_ids *b)
{
    return a->count == b->count &&
           (!a->count || !memcmp(a->ids, b->ids, a->count * sizeof(*a->ids)));
}

/* 0, 1 if mounts came or went meanwhile, or an error. */
static int read_once(uint64_t namespace_id, struct buffer *table, struct mount_ids_list *ids)
{
    _cleanup_(unique_ids_free) struct unique_ids before = {0}, after = {0};
    int r = list_unique_ids(namespace_id, &before);
    if (r < 0)
        return r;
    mount_ids_list_free(ids);
    ids->mounts = calloc(before.count + 1, sizeof(*ids->mounts));
    r = ids->mounts ? read_all_lines(namespace_id, &before, table, ids) : -ENOMEM;
    if (r >= 0)
        r = list_unique_ids(namespace_id, &after);
    return r < 0 ? r : !same_ids(&before, &after);
}

int mount_calls_read(uint64_t namespace_id, struct buffer *table, struct mount_ids_list *ret_ids)
{
    enum { READS_MOST = 4 };
    _cleanup_mount_ids_list_ struct mount_ids_list ids = {0};
    int r = 1;
    for (unsigned reads = 0; reads < READS_MOST && r > 0; reads++)
        r = read_once(namespace_id, table, &ids);
    if (r >= 0)
        *ret_ids = (struct mount_ids_list){steal_pointer(ids.mounts), ids.count};
    return r;
}

/* ---- probes ---- */

int mount_calls_probe_list(void)
{
    uint64_t first;
    struct request request = request_of(0, root_of_namespace, 0);
    return syscall(SYS_listmount, &request, &first, (size_t)1, 0u) < 0 ? -errno : 0;
}

/* Of a mount that isn't there, so that the answer needs no listmount: no mount has this id. */
int mount_calls_probe_stat(void)
{
    struct mount_ids unused;
    int r = stat_mount(0, UINT64_MAX - 1, &unused);
    return r == -ENOENT ? 0 : r;
}

/* Every mount has a source, but for those few of the kernel's own: any of ours does. */
int mount_calls_probe_lines(void)
{
    _cleanup_(unique_ids_free) struct unique_ids unique = {0};
    _cleanup_buffer_ struct buffer answer = {0};
    int r = list_unique_ids(0, &unique);
    for (size_t i = 0; i < unique.count && r >= 0; i++) {
        r = ask_line(0, unique.ids[i], &answer);
        const struct statmount_answer *head = (const void *)answer.bytes;
        if (r >= 0 && head->mask & STATMOUNT_WANTS_SOURCE)
            return 0;
        r = r == -ENOENT ? 0 : r;
    }
    return r < 0 ? r : -EOPNOTSUPP;
}
