/* SPDX-License-Identifier: Apache-2.0 */
/* On which sockets a process listens that is an engine, or works for one. */
#include "base/array.h"
#include "base/error.h"
#include "recorder/engines/search_internal.h"
#include "recorder/kernel/sockets.h"
#include "recorder/kernel/unix_sockets.h"

/* Longer tables of sockets nobody has; whoever pretends to is not followed. */
enum { SOCKETS_MOST = 32 << 20, DESCRIPTORS_MOST = 4096 };

struct listeners {
    struct engine_search *search;
    const uint64_t *inodes; /* of the process's sockets, ascending */
    size_t count;
    int (*each)(void *userdata, const char *path);
    void *userdata;
};

static int compare_inodes(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

static int note_listener(void *userdata, const struct unix_listener *listener)
{
    struct listeners *listeners = userdata;
    if (!bsearch(&listener->inode, listeners->inodes, listeners->count, sizeof(uint64_t),
                 compare_inodes))
        return 0;
    const char *path =
        arena_copy(listeners->search->arena, listener->path.bytes, listener->path.length);
    return path ? listeners->each(listeners->userdata, path) : error_memory();
}

/* Inodes of the sockets that the process has open. */
static int list_sockets(struct engine_search *search, uint64_t **ret_inodes, size_t *ret_count)
{
    _cleanup_number_list_ struct number_list descriptors = {0};
    _cleanup_free_ uint64_t *inodes = NULL;
    char name[32];
    size_t count = 0, capacity = 0;
    int r = procfs_list_numbers(search->directory, "fd", &descriptors);
    for (size_t i = 0; i <= descriptors.count && i < DESCRIPTORS_MOST && r >= 0; i++) {
        uint64_t inode; /* 0 is no number of such a list */
        snprintf(name, sizeof(name), "fd/%d", i ? (int)descriptors.numbers[i - 1] : 0);
        if (procfs_read_link(search->directory, name, &search->file) < 0 ||
            !socket_parse_link((struct span){search->file.bytes, search->file.length}, &inode))
            continue;
        r = array_reserve(&inodes, &capacity, count + 1, sizeof(*inodes));
        if (r >= 0)
            inodes[count++] = inode;
    }
    if (r < 0)
        return r;
    if (count)
        qsort(inodes, count, sizeof(*inodes), compare_inodes);
    *ret_count = count;
    *ret_inodes = steal_pointer(inodes);
    return 0;
}

int engine_search_listeners(struct engine_search *search, const struct engine_process *process,
                            int (*each)(void *userdata, const char *path), void *userdata)
{
    _cleanup_free_ uint64_t *inodes = NULL;
    struct listeners listeners = {.search = search, .each = each, .userdata = userdata};
    (void)process; /* it is the one that is open */
    if (list_sockets(search, &inodes, &listeners.count) < 0 ||
        procfs_read_table(search->directory, "net/unix", SOCKETS_MOST, &search->listeners) < 0)
        return -EACCES;
    listeners.inodes = inodes;
    return listeners.count ? unix_sockets_parse(buffer_text(&search->listeners),
                                                search->listeners.length, note_listener, &listeners)
                           : 0;
}

/* The one of a process's paths that is meant by another one. */
struct wanted_path {
    const char *path;
    const char *same_step; /* another path with the same last step */
    bool exact, several;
};

static const char *last_step(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int compare_with_wanted(void *userdata, const char *path)
{
    struct wanted_path *wanted = userdata;
    if (strcmp(path, wanted->path) == 0) {
        wanted->exact = true;
    } else if (path[0] == '/' && strcmp(last_step(path), last_step(wanted->path)) == 0) {
        wanted->several |= wanted->same_step && strcmp(wanted->same_step, path) != 0;
        wanted->same_step = path;
    }
    return 0;
}

const char *engine_search_socket(struct engine_search *search, const struct engine_process *process,
                                 const char *path)
{
    struct wanted_path wanted = {.path = path};
    int r = engine_search_listeners(search, process, compare_with_wanted, &wanted);
    if (r == -EACCES || wanted.exact || wanted.several)
        return path;
    return r < 0 ? NULL : wanted.same_step;
}

/* A path that ends with a suffix. */
struct suffixed_path {
    const char *suffix;
    const char *path;
    size_t length; /* without the suffix */
};

static int compare_with_suffixed(void *userdata, const char *path)
{
    struct suffixed_path *suffixed = userdata;
    size_t length = strlen(path), suffix = strlen(suffixed->suffix);
    if (path[0] == '/' && length > suffix &&
        strcmp(path + length - suffix, suffixed->suffix) == 0) {
        suffixed->path = path;
        suffixed->length = length - suffix;
    }
    return 0;
}

const char *engine_search_socket_beside(struct engine_search *search,
                                        const struct engine_process *process, const char *suffix)
{
    struct suffixed_path suffixed = {.suffix = suffix};
    int r = engine_search_listeners(search, process, compare_with_suffixed, &suffixed);
    return r >= 0 && suffixed.path ? arena_copy(search->arena, suffixed.path, suffixed.length)
                                   : NULL;
}
