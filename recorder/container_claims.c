/* SPDX-License-Identifier: Apache-2.0 */
/* What engines tell, held against the kernel and against each other. */
#include "base/error.h"
#include "recorder/cgroup_names.h"
#include "recorder/container_table_internal.h"
#include "recorder/kernel/nsfs.h"
#include "recorder/kernel/proc_stat.h"
#include "recorder/kernel/proc_status.h"

#include <string.h>
#include <sys/stat.h>

/* What the kernel says of the process that a claim names. */
struct first_process {
    pid_t pid, parent;
    int64_t start_ticks;
    uint32_t pid_namespace, mnt_namespace;
    uid_t uid; /* effective */
    struct buffer cgroup_file;
    struct proc_cgroup cgroup; /* borrows cgroup_file */
};

struct claim {
    struct container_table *table;
    const struct host *host;
    const struct number_list *processes;
    const struct engine_found *found;
    const struct record *record;
    const char *id; /* the engine's own, without what is before it */
    struct buffer file;
};

static uint32_t read_namespace(struct claim *claim, int directory, const char *name,
                               enum nsfs_type type)
{
    uint32_t inode;
    struct buffer *file = &claim->file;
    int r = procfs_read_link(directory, name, file);
    return r < 0 || nsfs_parse_link(file->bytes, file->length, type, &inode) < 0 ? 0 : inode;
}

/* False when there is no such process. */
static bool read_first_process(struct claim *claim, int64_t pid, struct first_process *process)
{
    char name[24];
    struct proc_stat stat;
    struct stat status;
    struct buffer *file = &claim->file;
    snprintf(name, sizeof(name), "%lld", (long long)pid);
    _cleanup_close_ int directory = procfs_open_directory(claim->host->proc, name);
    if (directory < 0 || fstat(directory, &status) < 0 ||
        procfs_read(directory, "stat", PROCFS_TEXT_MOST, file) < 0 ||
        proc_stat_parse(buffer_text(file), file->length, &stat) < 0 || proc_stat_is_ending(&stat))
        return false;
    process->pid = (pid_t)pid;
    process->uid = status.st_uid;
    process->parent = (pid_t)stat.fields[STAT_PPID];
    process->start_ticks = stat.fields[STAT_START_TICKS];
    process->pid_namespace = read_namespace(claim, directory, "ns/pid", NSFS_PID);
    process->mnt_namespace = read_namespace(claim, directory, "ns/mnt", NSFS_MNT);
    file = &process->cgroup_file;
    return procfs_read(directory, "cgroup", PROCFS_TEXT_MOST, file) >= 0 &&
           proc_cgroup_parse(buffer_text(file), file->length, &process->cgroup) >= 0;
}

static void read_inner_pids(struct claim *claim, struct inner_pid *process)
{
    char path[32];
    struct proc_status status;
    snprintf(path, sizeof(path), "%d/status", (int)process->pid);
    if (procfs_read(claim->host->proc, path, PROCFS_TEXT_MOST, &claim->file) < 0 ||
        proc_status_parse(buffer_text(&claim->file), claim->file.length, &status) < 0)
        return;
    for (unsigned i = 0; i < CGROUP_NAMES_MOST; i++)
        proc_status_number(&status, STATUS_NS_PIDS, i + 1, 10, &process->inner[i]);
}

/* Read once, and only where an engine has a pid namespace of its own. */
static int load_inner_pids(struct claim *claim)
{
    struct container_table *table = claim->table;
    size_t count = claim->processes->count;
    if (table->inner_pids)
        return 0;
    table->inner_pids = calloc(1, sizeof(*table->inner_pids) + count * sizeof(struct inner_pid));
    if (!table->inner_pids)
        return error_memory();
    table->inner_pids->count = count;
    for (size_t i = 0; i < count; i++) {
        table->inner_pids->list[i].pid = claim->processes->numbers[i];
        read_inner_pids(claim, &table->inner_pids->list[i]);
    }
    return 0;
}

static bool has_inner_pid(const struct inner_pid *process, uint64_t inner)
{
    for (unsigned i = 0; i < CGROUP_NAMES_MOST; i++)
        if (process->inner[i] == inner)
            return true;
    return false;
}

static bool is_inside(const char *key, const struct container_table *table, const char *outer)
{
    for (unsigned depth = 0; key && depth <= CGROUP_NAMES_MOST; depth++) {
        if (strcmp(key, outer) == 0)
            return true;
        const struct container *container = container_table_find_key(table, key);
        key = container ? container->outer : NULL;
    }
    return false;
}

static bool is_in_cgroup_of(const struct claim *claim, const struct first_process *process,
                            const char *outer)
{
    struct container *container = NULL;
    return container_table_find_unlocked(claim->table, &process->cgroup, false, &container) >= 0 &&
           container && is_inside(container->key, claim->table, outer);
}

/* Whether this is its pid namespace, or one above that. */
static bool is_in_pid_namespace(const struct claim *claim, const struct first_process *process,
                                uint32_t wanted)
{
    enum { DEPTH_MOST = 32 }; /* of the kernel */
    char path[32];
    uint32_t inode = 0;
    if (!host_has(claim->host, FEATURE_NS_GET_PARENT))
        return process->pid_namespace == wanted;
    snprintf(path, sizeof(path), "%d/ns/pid", (int)process->pid);
    int fd = nsfs_open(claim->host->proc, path);
    bool same = fd >= 0 && nsfs_inode(fd, &inode) == 0 && inode == process->pid_namespace;
    for (unsigned depth = 0; same && fd >= 0 && inode != wanted && depth < DEPTH_MOST; depth++) {
        int parent = nsfs_open_parent(fd);
        fd_close(fd);
        fd = parent;
        same = fd >= 0 && nsfs_inode(fd, &inode) == 0;
    }
    fd_close(fd);
    return same && inode == wanted;
}

/* The cgroups of an engine in a container aren't below those of the container if it has the host's
 * cgroups mounted; its pid namespaces are below the container's all the same. */
static bool is_in_pid_namespace_of(const struct claim *claim, const struct first_process *process,
                                   const char *outer)
{
    const struct container *container = container_table_find_key(claim->table, outer);
    return container && container->pid_namespace &&
           container->pid_namespace != host_pid_namespace(claim->host) &&
           is_in_pid_namespace(claim, process, container->pid_namespace);
}

/* Whether the process is in the container that the engine runs in; where nothing but its pid
 * namespace is known of that, in there. */
static bool is_in_outer(const struct claim *claim, const struct first_process *process)
{
    const char *outer = claim->found->outer;
    if (!outer)
        return true;
    return engine_search_is_namespace(outer)
               ? is_in_pid_namespace(claim, process, claim->found->pid_namespace)
               : is_in_cgroup_of(claim, process, outer) ||
                     is_in_pid_namespace_of(claim, process, outer);
}

/* The process that an engine in another pid namespace calls `inner`: among those that are in its
 * container, the one that has that number in some namespace of its own. */
static bool find_inner_process(struct claim *claim, int64_t inner, struct first_process *process)
{
    if (load_inner_pids(claim) < 0)
        return false;
    const struct inner_pids *all = claim->table->inner_pids;
    for (size_t i = 0; i < all->count; i++)
        if (has_inner_pid(&all->list[i], (uint64_t)inner) &&
            read_first_process(claim, all->list[i].pid, process) && is_in_outer(claim, process))
            return true;
    return false;
}

/* A random id names a container wherever it stands. */
static bool is_long_id(const char *id)
{
    enum { LONG = 32 };
    size_t length = strlen(id);
    return length >= LONG && strspn(id, "0123456789abcdef") == length;
}

/* A name, which isn't random, names a container only where it is all of a step, or the end of a
 * unit of systemd ("runc-NAME.scope"). 0 where there is no such step. */
static size_t end_of_step(struct span path, const char *name)
{
    static const char suffix[] = ".scope";
    struct span rest = path, step;
    size_t length = strlen(name);
    while (span_take(&rest, '/', &step)) {
        const char *end = step.bytes + step.length;
        size_t prefix =
            step.length > length + strlen(suffix) ? step.length - length - strlen(suffix) : 0;
        bool unit = prefix && step.bytes[prefix - 1] == '-' &&
                    memcmp(step.bytes + prefix, name, length) == 0 &&
                    memcmp(step.bytes + prefix + length, suffix, strlen(suffix)) == 0;
        if (length && (span_is(step, name) || unit))
            return (size_t)(end - path.bytes);
    }
    return 0;
}

/* Whether the host's root has noted the very start of the first process: then a cgroup with its
 * name is its own. */
static bool has_told_start(const struct claim *claim)
{
    return claim->found->trusted && record_has(claim->record, CONTAINER_START_TICKS);
}

/* containerd's clients call a cgroup by the container's namespace and name, which can be anything:
 * the last two steps of its id, and of the path. Who isn't root could call the host's cgroups so.
 */
static size_t end_of_named_cgroup(const struct claim *claim, struct span path)
{
    const char *id = record_text(claim->record, CONTAINER_ID), *begin = claim->id;
    if (!claim->found->trusted || begin - id < 2)
        return 0;
    for (begin -= 1; begin > id && begin[-1] != '/'; begin--)
        ;
    size_t length = strlen(begin);
    bool whole = path.length > length && path.bytes[path.length - length - 1] == '/';
    return whole && memcmp(path.bytes + path.length - length, begin, length) == 0 ? path.length : 0;
}

/* Where the container's own cgroup ends in the path of its first process: at the step that names
 * it. 0 where none does. */
static size_t end_of_own_cgroup(const struct claim *claim, struct span path)
{
    struct cgroup_name names[CGROUP_NAMES_MOST];
    size_t end = 0;
    for (size_t i = cgroup_names_parse(path, names); i-- > 0 && !end;) {
        _cleanup_buffer_ struct buffer key = {0};
        cgroup_names_append_key(&key, NULL, &names[i], 1);
        const char *id = strchr(buffer_text(&key), ':');
        size_t prefix = strlen(names[i].prefix);
        if (id && strlen(id + 1) >= prefix && strcmp(id + 1 + prefix, claim->id) == 0)
            end = names[i].end;
    }
    if (!end)
        end = end_of_named_cgroup(claim, path);
    if (!end && has_told_start(claim))
        end = end_of_step(path, claim->id);
    const char *at = !end && is_long_id(claim->id)
                         ? memmem(path.bytes, path.length, claim->id, strlen(claim->id))
                         : NULL;
    if (at) {
        const char *stop = memchr(at, '/', path.length - (size_t)(at - path.bytes));
        end = stop ? (size_t)(stop - path.bytes) : path.length;
    }
    return end;
}

/* Some engines call the cgroup by another name than the container: where the name was taken (LXC:
 * "web-1"), or of each run (flatpak). Whose very start is told by the host's root, or by the user
 * whose process it is, is in its own one. */
static size_t end_of_otherwise_named(const struct claim *claim, const struct first_process *process,
                                     struct span path)
{
    struct cgroup_name names[CGROUP_NAMES_MOST];
    const struct engine_found *found = claim->found;
    const struct record *record = claim->record;
    size_t count = cgroup_names_parse(path, names);
    const struct cgroup_name *innermost = count ? &names[count - 1] : NULL;
    const char *engine = found->engine->cgroup_name;
    bool own = found->trusted || (!found->outer && process->uid == found->place.uid);
    return own && engine && innermost && innermost->is_name &&
                   record_integer(record, CONTAINER_START_TICKS, -1) == process->start_ticks &&
                   strcmp(innermost->engine, engine) == 0
               ? innermost->end
               : 0;
}

static size_t end_of_cgroup(const struct claim *claim, const struct first_process *process,
                            struct span path)
{
    size_t end = end_of_own_cgroup(claim, path);
    return end ? end : end_of_otherwise_named(claim, process, path);
}

static bool is_named_by_cgroup(const struct claim *claim, const struct first_process *process)
{
    for (size_t i = 0; i < process->cgroup.count; i++)
        if (end_of_cgroup(claim, process, process->cgroup.entries[i].path))
            return true;
    return false;
}

/* Without its name in a cgroup: the engine, which runs, must have put it into a mount namespace
 * that isn't its own, or its files must have its very start. */
static bool is_confirmed(const struct claim *claim, const struct first_process *process)
{
    const struct record *record = claim->record;
    const char *tier = record_text(record, CONTAINER_TIER);
    bool start_told = record_has(record, CONTAINER_START_TICKS);
    if (start_told && record_integer(record, CONTAINER_START_TICKS, -1) != process->start_ticks)
        return false;
    bool asked = tier && strcmp(tier, "asked") == 0;
    return start_told || is_named_by_cgroup(claim, process) ||
           (asked && process->mnt_namespace && claim->found->mnt_namespace &&
            process->mnt_namespace != claim->found->mnt_namespace);
}

/* The first process, as far as it can be made sure of. */
static bool find_first_process(struct claim *claim, bool pid_is_ours, struct first_process *process)
{
    int64_t pid = record_integer(claim->record, CONTAINER_PID, 0);
    bool inner = claim->found->pid_namespace && !pid_is_ours;
    if (pid <= 0 || pid > INT32_MAX)
        return false;
    bool found = inner ? find_inner_process(claim, pid, process)
                       : read_first_process(claim, pid, process) && is_in_outer(claim, process);
    return found && is_confirmed(claim, process);
}

static int add_cgroups(const struct claim *claim, const struct first_process *process,
                       struct container *container)
{
    int r = 0;
    bool named = is_named_by_cgroup(claim, process);
    for (size_t i = 0; named && i < process->cgroup.count && r >= 0; i++) {
        const struct proc_cgroup_entry *entry = &process->cgroup.entries[i];
        size_t end = end_of_cgroup(claim, process, entry->path);
        if (end)
            r = container_table_add_cgroup(claim->table, entry->hierarchy,
                                           (struct span){entry->path.bytes, end}, container);
    }
    return r;
}

static bool differ(uint32_t one, uint32_t other)
{
    return one && other && one != other;
}

/* From the parent of its first process upwards, as long as they are in its cgroup. */
static void note_makers(struct claim *claim, const struct first_process *first,
                        struct container *container)
{
    struct first_process process = {.parent = first->parent};
    for (size_t i = 0; i < CONTAINER_MAKERS_MOST && process.parent > 1; i++) {
        bool outside = read_first_process(claim, process.parent, &process) &&
                       (differ(process.pid_namespace, first->pid_namespace) ||
                        differ(process.mnt_namespace, first->mnt_namespace)) &&
                       is_in_cgroup_of(claim, &process, container->key);
        if (!outside)
            break;
        container->makers[i] = process.pid;
    }
    buffer_free(&process.cgroup_file);
}

/* Whether it is the mount namespace of the host's own processes: of the first one, if that may be
 * seen, and of the recorder. */
static bool is_of_host(struct claim *claim, uint32_t mnt_namespace)
{
    char path[32];
    int self = claim->host->self > 0 ? (int)claim->host->self : 1;
    snprintf(path, sizeof(path), "%d/ns/mnt", self);
    uint32_t of_first = read_namespace(claim, claim->host->proc, "1/ns/mnt", NSFS_MNT);
    uint32_t own = read_namespace(claim, claim->host->proc, path, NSFS_MNT);
    return !own || mnt_namespace == of_first || mnt_namespace == own;
}

/* Whoever shares the host's pid namespace is known by its cgroup; where that has no name, as with
 * Apptainer, by the mount namespace that has been made for it. */
static bool may_be_known_by_pair(struct claim *claim, const struct first_process *process)
{
    if (!process->pid_namespace || !process->mnt_namespace ||
        process->mnt_namespace == claim->found->mnt_namespace)
        return false;
    return process->pid_namespace != host_pid_namespace(claim->host) ||
           (!is_named_by_cgroup(claim, process) && !is_of_host(claim, process->mnt_namespace));
}

/* A container of its own for whoever shares both namespaces with its first process: but not those
 * of the engine, nor those of several containers. */
static int add_pair(struct claim *claim, const struct first_process *process,
                    struct container *container)
{
    struct container_table *table = claim->table;
    uint32_t inodes[2] = {process->pid_namespace, process->mnt_namespace};
    struct pair_of_namespaces *pair;
    if (!may_be_known_by_pair(claim, process))
        return 0;
    HASH_FIND(hh, table->pairs, inodes, sizeof(inodes), pair);
    if (pair) {
        pair->container = NULL;
        return 0;
    }
    pair = arena_take(table->arena, sizeof(*pair));
    if (!pair)
        return error_memory();
    memcpy(pair->inodes, inodes, sizeof(inodes));
    pair->container = container;
    HASH_ADD(hh, table->pairs, inodes, sizeof(pair->inodes), pair);
    return pair->hh.tbl ? 0 : error_memory();
}

static const char *last_part(const char *id)
{
    const char *slash = strrchr(id, '/');
    return slash ? slash + 1 : id;
}

/* A random id together with where it is one; NULL without memory, or if it is none. */
static char *make_random_id(const struct claim *claim)
{
    struct buffer text = {0};
    if (!is_long_id(claim->id))
        return NULL;
    buffer_append_format(&text, "%s/%s", claim->found->outer ? claim->found->outer : "", claim->id);
    return text.failed ? NULL : text.bytes;
}

/* Whether another engine tells of the same container: with that first process, or that random id.
 */
static bool is_told_already(const struct claim *claim, const struct first_process *process)
{
    const struct container_table *table = claim->table;
    struct container *same_process = NULL, *same_id = NULL;
    _cleanup_free_ char *random_id = make_random_id(claim);
    if (process->pid)
        HASH_FIND(hh_pid, table->by_pid, &process->pid, sizeof(process->pid), same_process);
    if (random_id)
        HASH_FIND(hh_random_id, table->by_random_id, random_id, strlen(random_id), same_id);
    return same_process || same_id;
}

static int add_random_id(struct claim *claim, struct container *container)
{
    struct container_table *table = claim->table;
    _cleanup_free_ char *random_id = make_random_id(claim);
    if (!random_id)
        return 0;
    container->random_id = arena_copy(table->arena, random_id, strlen(random_id));
    if (!container->random_id)
        return error_memory();
    HASH_ADD_KEYPTR(hh_random_id, table->by_random_id, container->random_id, strlen(random_id),
                    container);
    return container->hh_random_id.tbl ? 0 : error_memory();
}

static int add_first_process(struct claim *claim, const struct first_process *process,
                             struct container *container)
{
    container->pid = process->pid;
    container->start_ticks = process->start_ticks;
    container->pid_namespace = process->pid_namespace;
    container->mnt_namespace = process->mnt_namespace;
    container->confirmed = true;
    HASH_ADD(hh_pid, claim->table->by_pid, pid, sizeof(container->pid), container);
    if (!container->hh_pid.tbl)
        return error_memory();
    int r = add_cgroups(claim, process, container);
    note_makers(claim, process, container);
    return r < 0 ? r : add_pair(claim, process, container);
}

static int accept(struct claim *claim, const char *key, const struct first_process *process,
                  struct container **ret_container)
{
    struct container *container = container_table_find_key(claim->table, key);
    if (!container && !(container = container_table_add(claim->table, key, claim->found->outer)))
        return error_memory();
    *ret_container = container;
    container->state_is_seen = claim->found->engine->state_is_seen;
    int r = add_random_id(claim, container);
    return r < 0 || !process->pid ? r : add_first_process(claim, process, container);
}

static int decide(struct claim *claim, bool pid_is_ours, struct container **ret_container,
                  enum claim_outcome *ret_outcome)
{
    _cleanup_buffer_ struct buffer key = {0};
    struct first_process process = {0};
    int r = 0;
    buffer_append_format(&key, "%s:%s", record_text(claim->record, CONTAINER_ENGINE),
                         record_text(claim->record, CONTAINER_ID));
    if (key.failed)
        return error_memory();
    const struct container *known = container_table_find_key(claim->table, key.bytes);
    if (known && known->record) {
        const char *instance = record_text(known->record, CONTAINER_INSTANCE);
        bool same = instance && strcmp(instance, claim->found->instance) == 0;
        *ret_outcome = same ? CLAIM_KNOWN : CLAIM_REFUSED;
        return 0;
    }
    if (!find_first_process(claim, pid_is_ours, &process))
        process.pid = 0;
    *ret_outcome = is_told_already(claim, &process) ? CLAIM_KNOWN : CLAIM_TAKEN;
    if (*ret_outcome == CLAIM_TAKEN)
        r = accept(claim, key.bytes, &process, ret_container);
    buffer_free(&process.cgroup_file);
    return r;
}

int container_table_claim(struct container_table *table, const struct host *host,
                          const struct number_list *processes, const struct engine_found *found,
                          struct record *record, bool pid_is_ours, enum claim_outcome *ret_outcome)
{
    struct container *container = NULL;
    struct claim claim = {.table = table,
                          .host = host,
                          .processes = processes,
                          .found = found,
                          .record = record,
                          .id = last_part(record_text(record, CONTAINER_ID))};
    int r = decide(&claim, pid_is_ours, &container, ret_outcome);
    buffer_free(&claim.file);
    if (r >= 0 && container)
        container->record = record;
    else
        free(record);
    return r;
}
