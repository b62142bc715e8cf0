/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/container_table_internal.h"

#include "base/error.h"
#include "recorder/cgroup_names.h"

#include <string.h>

int container_table_open(struct container_table *table)
{
    *table = (struct container_table){.arena = arena_new()};
    if (!table->arena)
        return error_memory();
    pthread_mutex_init(&table->lock, NULL);
    table->open = true;
    return 0;
}

void container_table_free(struct container_table *table)
{
    if (!table->open)
        return;
    for (struct container *container = table->containers; container; container = container->hh.next)
        free(container->record);
    free(table->inner_pids);
    HASH_CLEAR(hh_pid, table->by_pid);
    HASH_CLEAR(hh_random_id, table->by_random_id);
    HASH_CLEAR(hh, table->containers);
    HASH_CLEAR(hh, table->cgroups);
    HASH_CLEAR(hh, table->pairs);
    pthread_mutex_destroy(&table->lock);
    arena_free(table->arena);
    table->open = false;
}

struct container *container_table_find_key(const struct container_table *table, const char *key)
{
    struct container *container;
    HASH_FIND(hh, table->containers, key, strlen(key), container);
    return container;
}

struct container *container_table_add(struct container_table *table, const char *key,
                                      const char *outer)
{
    struct container *container = arena_take(table->arena, sizeof(*container));
    if (!container)
        return NULL;
    container->key = arena_copy(table->arena, key, strlen(key));
    container->outer = outer ? arena_copy(table->arena, outer, strlen(outer)) : NULL;
    if (!container->key || (outer && !container->outer))
        return NULL;
    HASH_ADD_KEYPTR(hh, table->containers, container->key, strlen(container->key), container);
    return container->hh.tbl ? container : NULL;
}

static int compare_keys(const struct container *a, const struct container *b)
{
    return strcmp(a->key, b->key);
}

void container_table_sort(struct container_table *table)
{
    HASH_SORT(table->containers, compare_keys);
}

/* ---- cgroups of containers ---- */

static void append_cgroup_key(struct buffer *key, struct span hierarchy, struct span path)
{
    buffer_clear(key);
    buffer_append(key, hierarchy.bytes, hierarchy.length);
    buffer_append_char(key, ':');
    buffer_append(key, path.bytes, path.length);
}

int container_table_add_cgroup(struct container_table *table, struct span hierarchy,
                               struct span path, struct container *container)
{
    _cleanup_buffer_ struct buffer key = {0};
    struct cgroup_of_container *cgroup;
    append_cgroup_key(&key, hierarchy, path);
    if (key.failed)
        return error_memory();
    HASH_FIND(hh, table->cgroups, key.bytes, key.length, cgroup);
    if (cgroup)
        return 0;
    cgroup = arena_take(table->arena, sizeof(*cgroup));
    if (!cgroup || !(cgroup->key = arena_copy(table->arena, key.bytes, key.length)))
        return error_memory();
    cgroup->container = container;
    HASH_ADD_KEYPTR(hh, table->cgroups, cgroup->key, key.length, cgroup);
    return cgroup->hh.tbl ? 0 : error_memory();
}

/* The container whose cgroup is the innermost around the path; `ret_end` is where that one ends in
 * it. */
static struct container *find_around(const struct container_table *table, struct span hierarchy,
                                     struct span path, struct buffer *scratch, size_t *ret_end)
{
    append_cgroup_key(scratch, hierarchy, path);
    if (scratch->failed || !table->cgroups)
        return NULL;
    size_t begin = hierarchy.length + 1;
    for (size_t end = path.length; end; end--) {
        struct cgroup_of_container *cgroup = NULL;
        if (end == path.length || path.bytes[end] == '/')
            HASH_FIND(hh, table->cgroups, scratch->bytes, begin + end, cgroup);
        if (cgroup) {
            *ret_end = end;
            return cgroup->container;
        }
    }
    return NULL;
}

/* ---- which container a process is in ---- */

/* The innermost along one path. */
struct candidate {
    struct container *base; /* whose cgroup is around it */
    struct cgroup_name names[CGROUP_NAMES_MOST];
    size_t first, count; /* of the names: those further inside than base */
};

static unsigned depth_of(const struct container_table *table, const struct container *container)
{
    unsigned depth = 0;
    while (container && depth < CGROUP_NAMES_MOST) {
        depth++;
        container = container->outer ? container_table_find_key(table, container->outer) : NULL;
    }
    return depth;
}

static void read_candidate(const struct container_table *table,
                           const struct proc_cgroup_entry *entry, struct buffer *scratch,
                           struct candidate *ret_candidate)
{
    size_t end = 0;
    ret_candidate->base = find_around(table, entry->hierarchy, entry->path, scratch, &end);
    ret_candidate->count = cgroup_names_parse(entry->path, ret_candidate->names);
    ret_candidate->first = 0;
    while (ret_candidate->first < ret_candidate->count &&
           ret_candidate->names[ret_candidate->first].end <= end)
        ret_candidate->first++;
}

static size_t candidate_depth(const struct container_table *table,
                              const struct candidate *candidate)
{
    return depth_of(table, candidate->base) + candidate->count - candidate->first;
}

/* Goes inwards from the base by the names. Who isn't known is added, or ends it. A name of a
 * container that has its cgroup elsewhere is a lie: there it ends, too. */
static int follow_names(struct container_table *table, const struct candidate *candidate, bool add,
                        struct container **ret_container)
{
    struct container *container = candidate->base;
    _cleanup_buffer_ struct buffer key = {0};
    for (size_t i = candidate->first; i < candidate->count; i++) {
        const char *outer = container ? container->key : NULL;
        buffer_clear(&key);
        cgroup_names_append_key(&key, outer, &candidate->names[i], 1);
        if (key.failed)
            return error_memory();
        struct container *inner = container_table_find_key(table, key.bytes);
        if (inner ? inner->confirmed : !add)
            break;
        if (!inner && !(inner = container_table_add(table, key.bytes, outer)))
            return error_memory();
        container = inner;
    }
    *ret_container = container;
    return 0;
}

int container_table_find_unlocked(struct container_table *table, const struct proc_cgroup *cgroup,
                                  bool add, struct container **ret_container)
{
    _cleanup_buffer_ struct buffer scratch = {0};
    struct candidate best = {0};
    size_t best_depth = 0;
    for (size_t i = 0; i < cgroup->count; i++) {
        struct candidate candidate;
        read_candidate(table, &cgroup->entries[i], &scratch, &candidate);
        size_t depth = candidate_depth(table, &candidate);
        if (depth > best_depth) {
            best = candidate;
            best_depth = depth;
        }
    }
    *ret_container = NULL;
    return scratch.failed ? error_memory() : follow_names(table, &best, add, ret_container);
}

int container_table_find(struct container_table *table, const struct proc_cgroup *cgroup,
                         struct container **ret_container)
{
    pthread_mutex_lock(&table->lock);
    int r = container_table_find_unlocked(table, cgroup, true, ret_container);
    pthread_mutex_unlock(&table->lock);
    return r;
}

/* A later process with a maker's number isn't that one. */
bool container_is_made_by(const struct container *container, pid_t pid, int64_t start_ticks)
{
    for (size_t i = 0; i < CONTAINER_MAKERS_MOST && container->makers[i]; i++)
        if (container->makers[i] == pid)
            return start_ticks <= container->start_ticks;
    return false;
}

struct container *container_table_find_pair(struct container_table *table, uint32_t pid_namespace,
                                            uint32_t mnt_namespace)
{
    const uint32_t inodes[2] = {pid_namespace, mnt_namespace};
    struct pair_of_namespaces *pair = NULL;
    if (pid_namespace && mnt_namespace)
        HASH_FIND(hh, table->pairs, inodes, sizeof(inodes), pair); /* stays as it is by now */
    return pair ? pair->container : NULL;
}

void container_table_note(struct container_table *table, struct container *container, pid_t pid,
                          int64_t start_ticks, bool frozen)
{
    pthread_mutex_lock(&table->lock);
    bool earlier = !container->pid || start_ticks < container->start_ticks ||
                   (start_ticks == container->start_ticks && pid < container->pid);
    if (!container->confirmed && earlier) {
        container->pid = pid;
        container->start_ticks = start_ticks;
    }
    if (container->pid == pid && container->start_ticks == start_ticks)
        container->frozen = frozen;
    pthread_mutex_unlock(&table->lock);
}
