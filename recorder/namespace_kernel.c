/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces that the kernel itself lists, whatever keeps them: mount namespaces by a walk along
 * their ids (kernel 6.12), all of them by listns(2) (6.19). */
#include "recorder/namespace_kernel.h"

#include "base/error.h"

/* 0 or the sink's error. Without the list, what no other source shows stays hidden. */
static int report(const struct namespace_search *search, const char *subject, int code)
{
    return collector_gap(search->sink, SOURCE_KERNEL, subject, -code, "cannot be listed",
                         KIND_NAMESPACE, collectors[SOURCE_KERNEL].sighting);
}

/* Adds an open namespace; `fd` is taken over. */
static int see(struct namespace_search *search, enum nsfs_type type, int fd)
{
    _cleanup_close_ int owned = fd;
    struct namespace *namespace;
    uint32_t inode;
    int r = nsfs_inode(fd, &inode);
    if (r < 0)
        return error_set(-r, "cannot tell the inode of a namespace: %s", strerror(-r));
    r = namespace_table_add(search->table, type, inode, SIGHTING_KERNEL, &namespace);
    return r < 0 || namespace->resolved
               ? r
               : namespace_search_resolve(search, namespace, steal_fd(&owned));
}

/* ---- the walk over mount namespaces ---- */

/* Each is held while the next one is looked for: it stays in the kernel's list as long. */
static int walk(struct namespace_search *search, int own, bool forward)
{
    _cleanup_close_ int at = nsfs_open_neighbour(own, forward);
    int r = 0;
    while (at >= 0) {
        int next = nsfs_open_neighbour(at, forward);
        r = see(search, NSFS_MNT, steal_fd(&at));
        at = next;
        if (r < 0)
            return r;
    }
    return at == -ENOENT ? 0 : report(search, "mount namespaces", at);
}

static int walk_both_ways(struct namespace_search *search)
{
    _cleanup_close_ int own = nsfs_open(search->capture->host->proc, "self/ns/mnt");
    if (own < 0)
        return report(search, "mount namespaces", own);
    int r = walk(search, own, true);
    if (r >= 0)
        r = walk(search, own, false);
    return r < 0 ? r : see(search, NSFS_MNT, steal_fd(&own));
}

/* ---- the list of all ---- */

struct known {
    uint64_t id;
    struct namespace *namespace;
};

static int compare_known(const void *a, const void *b)
{
    const struct known *one = a, *other = b;
    return (one->id > other->id) - (one->id < other->id);
}

/* Those of the type whose ids are known, ordered by these. */
static int find_known(const struct namespace_search *search, enum nsfs_type type,
                      struct known **ret_known, size_t *ret_count)
{
    struct namespace *namespace;
    size_t count = 0;
    struct known *known = calloc(HASH_COUNT(search->table->namespaces) + 1, sizeof(*known));
    if (!known)
        return error_memory();
    for (namespace = search->table->namespaces; namespace; namespace = namespace->hh.next)
        if (namespace->key.type == type && namespace->has_id)
            known[count++] = (struct known){namespace->id, namespace};
    if (count)
        qsort(known, count, sizeof(*known), compare_known);
    *ret_known = known;
    *ret_count = count;
    return 0;
}

static int see_listed_type(struct namespace_search *search, const struct namespace_lister *lister,
                           enum nsfs_type type, int any)
{
    _cleanup_listns_ids_ struct listns_ids list = {0};
    _cleanup_free_ struct known *known = NULL;
    size_t count;
    int r = listns_list(lister->list, type, &list);
    if (r == -ENOMEM)
        return error_memory();
    if (r < 0)
        return report(search, nsfs_type_names[type], r);
    r = find_known(search, type, &known, &count);
    for (size_t i = 0; i < list.count && r >= 0; i++) {
        const struct known key = {.id = list.ids[i]};
        struct known *found = bsearch(&key, known, count, sizeof(key), compare_known);
        if (found) {
            found->namespace->sightings |= 1u << SIGHTING_KERNEL;
            continue;
        }
        int fd = lister->open(any, type, list.ids[i]);
        if (fd >= 0)
            r = see(search, type, fd);
        else if (fd != -ESTALE) /* else it has gone meanwhile */
            r = report(search, nsfs_type_names[type], fd);
    }
    return r;
}

int namespaces_see_listed(struct namespace_search *search, const struct namespace_lister *lister)
{
    _cleanup_close_ int any = nsfs_open(search->capture->host->proc, "self/ns/mnt");
    int r = any < 0 ? report(search, "namespaces", any) : 0;
    for (unsigned type = 0; type < NSFS_TYPE_COUNT && r >= 0 && any >= 0; type++)
        r = see_listed_type(search, lister, (enum nsfs_type)type, any);
    return r;
}

/* A file handle without the inode will do where listns(2) is. */
static int open_by_id(int any, enum nsfs_type type, uint64_t id)
{
    return nsfs_open_by_id(any, type, id, 0);
}

/* ---- both ---- */

/* Where the kernel has it and doesn't let us, that is a gap; where it hasn't, that is how it is. */
static int report_refusal(const struct namespace_search *search, enum feature feature)
{
    int code = search->capture->host->features.states[feature].code;
    return code == EPERM || code == EACCES ? report(search, "mount namespaces", -code) : 0;
}

int namespaces_see_kernel(struct namespace_search *search)
{
    static const struct namespace_lister listns = {NULL, open_by_id};
    const struct host *host = search->capture->host;
    if (!host->live || !capture_wants(search->capture, SOURCE_KERNEL))
        return 0;
    int r = host_has(host, FEATURE_NS_MNT_GET_NEXT)
                ? walk_both_ways(search)
                : report_refusal(search, FEATURE_NS_MNT_GET_NEXT);
    return r < 0 || !host_has(host, FEATURE_LISTNS) ? r : namespaces_see_listed(search, &listns);
}
