/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/search_internal.h"

#include "base/array.h"
#include "base/error.h"
#include "base/text.h"
#include "recorder/cgroup_names.h"
#include "recorder/engines/programs.h"
#include "recorder/kernel/nsfs.h"
#include "recorder/kernel/proc_cgroup.h"
#include "recorder/kernel/proc_stat.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

/* More engines nobody has; whoever pretends to is not followed, and takes no room from those of the
 * host's root, nor from where each user of the host may have some. */
enum { ENGINES_MOST = 4096, ENGINES_THAT_RUN_MOST = 128, ENGINES_OF_OTHERS_MOST = 64 };

/* Accounts of people, as opposed to those of the system: login.defs(5), UID_MIN and UID_MAX. */
enum { FIRST_USER = 1000, LAST_USER = 59999 };

/* ---- what is known of a process ---- */

const char *engine_process_option(const struct engine_process *process, const char *name)
{
    size_t length = strlen(name);
    for (const char *const *argument = process->arguments; *argument; argument++) {
        if (strncmp(*argument, name, length) != 0)
            continue;
        if ((*argument)[length] == '=')
            return *argument + length + 1;
        if (!(*argument)[length])
            return argument[1];
    }
    return NULL;
}

static uint32_t read_namespace(struct engine_search *search, int directory, const char *link,
                               enum nsfs_type type)
{
    uint32_t inode;
    int r = procfs_read_link(directory, link, &search->file);
    return r < 0 || nsfs_parse_link(search->file.bytes, search->file.length, type, &inode) < 0
               ? 0
               : inode;
}

/* The arguments as a list in the search's memory. */
static const char *const *read_arguments(struct engine_search *search)
{
    enum { ARGUMENTS_MOST = 1024 };
    struct span rest, argument;
    size_t count = 0;
    const char **list = arena_take(search->arena, (ARGUMENTS_MOST + 1) * sizeof(*list));
    if (procfs_read(search->directory, "cmdline", PROCFS_ARGUMENTS_MOST, &search->file) < 0)
        buffer_clear(&search->file);
    rest = (struct span){search->file.bytes, search->file.length};
    while (list && count < ARGUMENTS_MOST && span_take(&rest, '\0', &argument)) {
        list[count] = arena_copy(search->arena, argument.bytes, argument.length);
        if (!list[count++])
            return NULL;
    }
    return list;
}

/* "engine:id" of the innermost container that the cgroups name, or NULL. Where several hierarchies
 * say different things, the innermost of all. */
static int read_outer(struct engine_search *search, const char **ret_outer)
{
    struct proc_cgroup cgroup;
    struct cgroup_name names[CGROUP_NAMES_MOST], deepest[CGROUP_NAMES_MOST];
    size_t depth = 0;
    *ret_outer = NULL;
    if (procfs_read(search->directory, "cgroup", PROCFS_TEXT_MOST, &search->file) >= 0 &&
        proc_cgroup_parse(buffer_text(&search->file), search->file.length, &cgroup) >= 0)
        for (size_t i = 0; i < cgroup.count; i++) {
            size_t count = cgroup_names_parse(cgroup.entries[i].path, names);
            if (count <= depth)
                continue;
            depth = count;
            memcpy(deepest, names, sizeof(names));
        }
    if (!depth)
        return 0;
    _cleanup_buffer_ struct buffer outer = {0};
    cgroup_names_append_key(&outer, NULL, deepest, depth);
    *ret_outer = outer.failed ? NULL : arena_copy(search->arena, outer.bytes, outer.length);
    return *ret_outer ? 0 : error_memory();
}

#define OF_NAMESPACE "namespace:"

bool engine_search_is_namespace(const char *outer)
{
    return strncmp(outer, OF_NAMESPACE, strlen(OF_NAMESPACE)) == 0;
}

/* In a pid namespace of its own, and in no cgroup that says whose: it is in some container. */
static int name_by_namespace(struct engine_search *search, const char **ret_outer)
{
    if (*ret_outer || !search->pid_namespace || !search->host_pid_namespace ||
        search->pid_namespace == search->host_pid_namespace)
        return 0;
    buffer_clear(&search->text);
    buffer_append_format(&search->text, OF_NAMESPACE "pid-%u", search->pid_namespace);
    *ret_outer = arena_copy(search->arena, buffer_text(&search->text), search->text.length);
    return *ret_outer ? 0 : error_memory();
}

/* Its name as text in the search's memory. 0, or -ESRCH when it has ended. */
static int read_stat(struct engine_search *search, struct engine_process *ret_process)
{
    struct proc_stat stat;
    if (procfs_read(search->directory, "stat", PROCFS_TEXT_MOST, &search->file) < 0 ||
        proc_stat_parse(buffer_text(&search->file), search->file.length, &stat) < 0)
        return -ESRCH;
    search->start_ticks = stat.fields[STAT_START_TICKS];
    ret_process->command_name = arena_copy(search->arena, stat.comm.bytes, stat.comm.length);
    return ret_process->command_name ? 0 : error_memory();
}

/* Opens the process and reads what found() is told. -ESRCH when it has ended. */
static int read_process(struct engine_search *search, pid_t pid, struct engine_process *ret_process)
{
    char name[16];
    struct stat status;
    snprintf(name, sizeof(name), "%d", (int)pid);
    search->directory = procfs_open_directory(search->host->proc, name);
    if (search->directory < 0 || fstat(search->directory, &status) < 0)
        return -ESRCH;
    *ret_process = (struct engine_process){.pid = pid, .uid = status.st_uid};
    int r = read_stat(search, ret_process);
    if (r < 0)
        return r;
    search->pid_namespace = read_namespace(search, search->directory, "ns/pid", NSFS_PID);
    search->mnt_namespace = read_namespace(search, search->directory, "ns/mnt", NSFS_MNT);
    ret_process->arguments = read_arguments(search);
    r = ret_process->arguments ? read_outer(search, &ret_process->outer) : error_memory();
    if (r >= 0)
        r = name_by_namespace(search, &ret_process->outer);
    if (r >= 0 && procfs_read_link(search->directory, "cwd", &search->file) < 0)
        buffer_clear(&search->file);
    if (r >= 0 && !(ret_process->directory =
                        arena_copy(search->arena, buffer_text(&search->file), search->file.length)))
        r = error_memory();
    return r;
}

/* ---- what is found ---- */

static uid_t owner_of(const struct engine_process *process, const struct engine_place *place)
{
    return process ? process->uid : place->uid;
}

/* Of the host's root. */
static bool is_trusted(const struct engine_process *process, const struct engine_place *place)
{
    return !(process && process->outer) && owner_of(process, place) == 0;
}

static size_t order_of(const struct engine *engine)
{
    size_t order = 0;
    while (engines[order] && engines[order] != engine)
        order++;
    return order;
}

/* Whose it is counts: nobody adds a socket of his own to the engine of somebody else. */
static bool is_same_place(const struct engine_search *search, const struct engine_found *found,
                          const struct engine_process *process, const struct engine_place *place)
{
    const char *of_found = found->outer ? found->outer : "";
    const char *outer = process && process->outer ? process->outer : "";
    return found->engine == search->engine && strcmp(of_found, outer) == 0 &&
           found->place.uid == owner_of(process, place) &&
           strcmp(found->place.folder, place->folder) == 0;
}

static const char *copy(struct engines_found *found, const char *text, bool *failed)
{
    const char *copied = text ? arena_copy(found->arena, text, strlen(text)) : NULL;
    *failed |= text && !copied;
    return copied;
}

/* What an instance begins with that isn't root's. */
#define OF_USER "uid-"

static const char *make_instance(struct engine_search *search, const struct engine_found *added)
{
    struct buffer *text = &search->text;
    buffer_clear(text);
    if (added->outer)
        buffer_append_format(text, "%s:", added->outer);
    if (added->place.uid)
        buffer_append_format(text, OF_USER "%u:", (unsigned)added->place.uid);
    text_append_captured(text, added->place.folder, strlen(added->place.folder));
    return text->failed ? NULL : arena_copy(search->found->arena, text->bytes, text->length);
}

/* Where the paths begin: through the kernel's own link, which no name in a container can turn. A
 * copy has the files of the host alone. */
static int open_root(const struct engine_search *search, const struct engine_process *process,
                     bool *ret_is_own)
{
    const struct host *host = search->host;
    bool inside = process && process->outer;
    bool elsewhere = process && search->mnt_namespace != search->own_mnt_namespace;
    *ret_is_own = host->live && (inside || elsewhere);
    if (*ret_is_own) {
        int fd = openat(search->directory, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
    }
    return inside ? -ENOENT : host->root;
}

static int add_found(struct engine_search *search, const struct engine_process *process,
                     const struct engine_place *place)
{
    struct engines_found *found = search->found;
    bool failed =
        array_reserve(&found->list, &found->capacity, found->count + 1, sizeof(*found->list)) < 0;
    if (failed)
        return -ENOMEM;
    const char *outer = process ? process->outer : NULL;
    struct engine_found *added = &found->list[found->count];
    *added = (struct engine_found){.engine = search->engine, .root = -1};
    added->place =
        (struct engine_place){.folder = copy(found, place->folder, &failed),
                              .runtime_folder = copy(found, place->runtime_folder, &failed),
                              .stored_folder = copy(found, place->stored_folder, &failed),
                              .socket = copy(found, place->socket, &failed),
                              .prefix = copy(found, place->prefix, &failed),
                              .uid = owner_of(process, place)};
    added->outer = copy(found, outer, &failed);
    added->trusted = is_trusted(process, place);
    if (process) {
        added->pid = process->pid;
        added->start_ticks = search->start_ticks;
        added->mnt_namespace = search->mnt_namespace;
        if (search->host_pid_namespace && search->pid_namespace != search->host_pid_namespace)
            added->pid_namespace = search->pid_namespace;
    }
    if (!failed)
        added->instance = make_instance(search, added);
    if (!added->instance)
        return error_memory();
    added->root = open_root(search, process, &added->root_is_own);
    if (added->root >= 0 || added->root == -EACCES) {
        found->count++;
        found->running += process != NULL;
        found->of_others += process && !added->trusted;
    }
    return 0;
}

static struct engine_found *find_place(const struct engine_search *search,
                                       const struct engine_process *process,
                                       const struct engine_place *place)
{
    struct engines_found *found = search->found;
    for (size_t i = 0; i < found->count; i++)
        if (is_same_place(search, &found->list[i], process, place))
            return &found->list[i];
    return NULL;
}

static bool is_too_much(const struct engines_found *found, const struct engine_process *process,
                        const struct engine_place *place)
{
    bool of_others = process && !is_trusted(process, place);
    return found->count == ENGINES_MOST || (process && found->running == ENGINES_THAT_RUN_MOST) ||
           (of_others && found->of_others == ENGINES_OF_OTHERS_MOST);
}

int engine_search_add(struct engine_search *search, const struct engine_process *process,
                      const struct engine_place *place)
{
    struct engines_found *found = search->found;
    struct engine_found *known = find_place(search, process, place);
    if (place->folder[0] != '/')
        return 0;
    if (known) {
        bool failed = false;
        if (!known->place.socket)
            known->place.socket = copy(found, place->socket, &failed);
        if (!known->place.runtime_folder)
            known->place.runtime_folder = copy(found, place->runtime_folder, &failed);
        if (!known->place.stored_folder)
            known->place.stored_folder = copy(found, place->stored_folder, &failed);
        return failed ? error_memory() : 0;
    }
    if (is_too_much(found, process, place)) {
        found->left_out |= 1u << order_of(search->engine);
        return 0;
    }
    return add_found(search, process, place);
}

static const char *const *copy_arguments(struct engines_found *found, const char *const *arguments,
                                         bool *failed)
{
    size_t count = 0;
    while (arguments[count])
        count++;
    const char **list = arena_take(found->arena, (count + 1) * sizeof(*list));
    *failed |= !list;
    for (size_t i = 0; i < count && list; i++)
        list[i] = copy(found, arguments[i], failed);
    return list;
}

/* Whether a keeper is in the cgroup of what it keeps, but of the host. */
static bool is_beside_its_own(const struct engine_search *search,
                              const struct engine_process *process)
{
    const char *engine = search->engine->cgroup_name, *outer = process->outer;
    size_t length = engine ? strlen(engine) : 0;
    bool of_host = !search->host_pid_namespace || !search->pid_namespace ||
                   search->pid_namespace == search->host_pid_namespace;
    return of_host && length && outer && strncmp(outer, engine, length) == 0 &&
           outer[length] == ':' && !strchr(outer, '/');
}

int engine_search_add_keeper(struct engine_search *search,
                             const struct engine_process *found_process,
                             const struct engine_place *place, const char *name)
{
    struct engines_found *all = search->found;
    struct engine_process keeper_process = *found_process, *process = &keeper_process;
    if (is_beside_its_own(search, process))
        process->outer = NULL;
    int r = engine_search_add(search, process, place);
    struct engine_found *found = find_place(search, process, place);
    if (r < 0 || !found)
        return r;
    bool failed = false;
    struct engine_keeper *keeper = arena_take(all->arena, sizeof(*keeper));
    if (!keeper)
        return error_memory();
    *keeper = (struct engine_keeper){.pid = process->pid,
                                     .start_ticks = search->start_ticks,
                                     .name = copy(all, name, &failed),
                                     .directory = copy(all, process->directory, &failed),
                                     .arguments = copy_arguments(all, process->arguments, &failed)};
    if (found->last_keeper)
        found->last_keeper->next = keeper;
    else
        found->keepers = keeper;
    found->last_keeper = keeper;
    return failed ? error_memory() : 0;
}

/* The next user of the passwd(5) file that has a home: name:password:uid:gid:comment:home:shell. */
static bool take_user(struct span *rest, char home[static PATH_MAX], uid_t *ret_uid)
{
    struct span line, word = {0};
    while (span_take(rest, '\n', &line)) {
        uint64_t uid = UINT64_MAX;
        bool whole = true;
        for (unsigned field = 0; field < 6 && whole; field++) {
            whole = span_take(&line, ':', &word);
            if (whole && field == 2 && (!span_unsigned(word, 10, &uid) || uid >= UINT32_MAX))
                whole = false;
        }
        if (!whole || word.length < 2 || word.bytes[0] != '/' || word.length >= PATH_MAX)
            continue;
        snprintf(home, PATH_MAX, "%.*s", (int)word.length, word.bytes);
        *ret_uid = (uid_t)uid;
        return true;
    }
    return false;
}

struct span engine_search_read_etc(struct engine_search *search, const char *name,
                                   struct buffer *into)
{
    if (search->host->etc < 0 || procfs_read(search->host->etc, name, PROCFS_TEXT_MOST, into) < 0)
        return (struct span){0};
    return (struct span){buffer_text(into), into->length};
}

int engine_search_users(struct engine_search *search,
                        int (*each)(struct engine_search *search, const char *home, uid_t uid))
{
    _cleanup_buffer_ struct buffer file = {0};
    char home[PATH_MAX];
    struct span rest = engine_search_read_etc(search, "passwd", &file);
    uid_t uid;
    int r = 0;
    while (r >= 0 && take_user(&rest, home, &uid))
        if (uid >= FIRST_USER && uid <= LAST_USER)
            r = each(search, home, uid);
    return r;
}

const char *engine_search_home(struct engine_search *search, uid_t uid)
{
    _cleanup_buffer_ struct buffer file = {0};
    char home[PATH_MAX];
    struct span rest = engine_search_read_etc(search, "passwd", &file);
    uid_t of_home;
    while (take_user(&rest, home, &of_home))
        if (of_home == uid)
            return arena_copy(search->arena, home, strlen(home));
    return NULL;
}

/* ---- the search ---- */

/* Tells all engines of it that have such programs. */
static int tell(struct engine_search *search, pid_t pid)
{
    struct engine_process process = {0};
    arena_reset(search->arena);
    int r = read_process(search, pid, &process);
    for (const struct engine *const *engine = engines; *engine && r >= 0; engine++) {
        search->engine = *engine;
        if ((*engine)->found && engine_has_program(*engine, process.command_name))
            r = (*engine)->found(search, &process);
    }
    search->directory = fd_close(search->directory);
    return r == -ESRCH ? 0 : r;
}

static int look_where_they_usually_are(struct engine_search *search)
{
    int r = 0;
    for (const struct engine *const *engine = engines; *engine && r >= 0; engine++) {
        search->engine = *engine;
        if ((*engine)->usual)
            r = (*engine)->usual(search);
    }
    return r;
}

/* Where an engine of the host was in the last snapshot: "/var/lib/docker", "uid-1000:/home/...". */
static int look_where_it_was(void *userdata, const struct record *known)
{
    struct engine_search *search = userdata;
    const char *instance = record_text(known, CONTAINER_INSTANCE);
    const char *name = record_text(known, CONTAINER_ENGINE);
    unsigned uid = 0;
    int begin = 0;
    if (!instance || record_has(known, CONTAINER_OUTER))
        return 0;
    if (sscanf(instance, OF_USER "%u:%n", &uid, &begin) != 1)
        begin = 0;
    buffer_clear(&search->text);
    text_append_original(&search->text, instance + begin);
    _cleanup_free_ char *folder = strdup(buffer_text(&search->text));
    if (!folder)
        return error_memory();
    struct engine_place place = {.folder = folder, .uid = begin ? uid : 0};
    int r = 0;
    for (const struct engine *const *engine = engines; *engine && r >= 0; engine++)
        if (strcmp((*engine)->name, name) == 0) {
            search->engine = *engine;
            r = engine_search_add(search, NULL, &place);
        }
    return r;
}

/* Those of the host's root before others, and these before those in containers; all of a user
 * together; then by the order of the engines; then who runs longer. */
static int compare_found(const void *a, const void *b)
{
    const struct engine_found *one = a, *other = b;
    if (one->trusted != other->trusted)
        return one->trusted ? -1 : 1;
    if (!one->outer != !other->outer)
        return one->outer ? 1 : -1;
    if (one->place.uid != other->place.uid)
        return one->place.uid < other->place.uid ? -1 : 1;
    if (one->engine != other->engine)
        return order_of(one->engine) < order_of(other->engine) ? -1 : 1;
    if (one->start_ticks != other->start_ticks)
        return one->start_ticks < other->start_ticks ? -1 : 1;
    return strcmp(one->instance, other->instance);
}

void engines_found_free(struct engines_found *found)
{
    for (size_t i = 0; i < found->count; i++)
        fd_close(found->list[i].root_is_own ? found->list[i].root : -1);
    free(found->list);
    arena_free(found->arena);
    *found = (struct engines_found){0};
}

static int search_all(struct engine_search *search, const struct number_list *programs,
                      const struct known_containers *known)
{
    int own = search->host->self > 0 ? (int)search->host->self : 1;
    char path[32];
    snprintf(path, sizeof(path), "%d/ns/mnt", own);
    search->own_mnt_namespace = read_namespace(search, search->host->proc, path, NSFS_MNT);
    search->host_pid_namespace = host_pid_namespace(search->host);
    int r = 0;
    for (size_t i = 0; i < programs->count && r >= 0; i++)
        r = tell(search, programs->numbers[i]);
    if (r >= 0)
        r = look_where_they_usually_are(search);
    if (r >= 0)
        r = known_containers_each(known, look_where_it_was, search);
    struct engines_found *found = search->found;
    if (found->count)
        qsort(found->list, found->count, sizeof(*found->list), compare_found);
    return r;
}

int engines_search(const struct host *host, const struct number_list *programs,
                   const struct known_containers *known, struct engines_found *ret_found)
{
    struct engine_search search = {.host = host, .found = ret_found, .directory = -1};
    search.arena = arena_new();
    ret_found->arena = arena_new();
    int r =
        search.arena && ret_found->arena ? search_all(&search, programs, known) : error_memory();
    struct buffer *buffers[] = {&search.file, &search.arguments, &search.text, &search.listeners};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        buffer_free(buffers[i]);
    arena_free(search.arena);
    return r;
}
