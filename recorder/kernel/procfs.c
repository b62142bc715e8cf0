/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/procfs.h"

#include "base/array.h"
#include "recorder/kernel/span.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

int procfs_open_directory(int directory, const char *name)
{
    int fd = openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int open_step(int directory, struct span step)
{
    char name[NAME_MAX + 1];
    if (step.length > NAME_MAX)
        return -ENAMETOOLONG;
    if (span_is(step, ".."))
        return -EXDEV;
    memcpy(name, step.bytes, step.length);
    name[step.length] = '\0';
    return procfs_open_directory(directory, name);
}

static int open_steps(int directory, struct span steps)
{
    _cleanup_close_ int fd = -1;
    struct span step;
    while (span_take(&steps, '/', &step)) {
        if (!step.length)
            continue;
        int next = open_step(fd < 0 ? directory : fd, step);
        if (next < 0)
            return next;
        fd_close(fd);
        fd = next;
    }
    return fd < 0 ? procfs_open_directory(directory, ".") : steal_fd(&fd);
}

int procfs_open_beneath(int directory, const char *path)
{
    return open_steps(directory, (struct span){path, strlen(path)});
}

/* The folder in which the last step of `*name` stands, and in `*name` that step. O_NOFOLLOW looks
 * at the last step alone, so the ones before are taken one by one. Most names have one step, and
 * stand in `directory` itself; else the folder is `*opened`, to be closed by the caller. */
static int find_folder(int directory, const char **name, int *opened, int *ret_folder)
{
    const char *slash = strrchr(*name, '/');
    *ret_folder = directory;
    if (!slash)
        return 0;
    *opened = open_steps(directory, (struct span){*name, (size_t)(slash - *name)});
    if (*opened < 0)
        return *opened;
    *ret_folder = *opened;
    *name = slash + 1;
    return 0;
}

/* All steps in one call, openat2(2), 5.6. Why it fails, where it does, is told by going them one by
 * one. */
static int open_path(int directory, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)flags,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    path += strspn(path, "/");
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
}

static int open_to_read(int directory, const char *name, int flags)
{
    _cleanup_close_ int opened = -1;
    flags |= O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
    if (strchr(name, '/') && !strstr(name, "..")) {
        int fd = open_path(directory, name, flags);
        if (fd >= 0)
            return fd;
    }
    int folder, r = find_folder(directory, &name, &opened, &folder);
    if (r < 0)
        return r;
    int fd = openat(folder, name, flags);
    return fd < 0 ? -errno : fd;
}

int procfs_open_file(int directory, const char *name)
{
    return open_to_read(directory, name, O_NOCTTY | O_NONBLOCK);
}

static int read_file(int fd, size_t limit, bool in_one_piece, struct buffer *into)
{
    enum { AT_ONCE = 4096 };
    buffer_clear(into);
    for (;;) {
        char *bytes = buffer_reserve(into, AT_ONCE);
        if (!bytes)
            return -ENOMEM;
        size_t room = into->capacity - into->length - 1;
        ssize_t n = pread(fd, bytes, room, (off_t)into->length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        buffer_commit(into, (size_t)n);
        if (into->length > limit) {
            into->length = limit;
            into->bytes[limit] = '\0';
            return -EFBIG;
        }
        if (in_one_piece && (size_t)n < room)
            return 0;
    }
}

int procfs_read_descriptor(int fd, size_t limit, struct buffer *into)
{
    return read_file(fd, limit, true, into);
}

int procfs_read_table_descriptor(int fd, size_t limit, struct buffer *into)
{
    return read_file(fd, limit, false, into);
}

int procfs_read(int directory, const char *name, size_t limit, struct buffer *into)
{
    _cleanup_close_ int fd = procfs_open_file(directory, name);
    buffer_clear(into);
    return fd < 0 ? fd : procfs_read_descriptor(fd, limit, into);
}

int procfs_read_table(int directory, const char *name, size_t limit, struct buffer *into)
{
    _cleanup_close_ int fd = procfs_open_file(directory, name);
    buffer_clear(into);
    return fd < 0 ? fd : procfs_read_table_descriptor(fd, limit, into);
}

int procfs_read_link(int directory, const char *name, struct buffer *into)
{
    _cleanup_close_ int opened = -1;
    buffer_clear(into);
    char *room = buffer_reserve(into, PATH_MAX);
    if (!room)
        return -ENOMEM;
    int folder, r = find_folder(directory, &name, &opened, &folder);
    if (r < 0)
        return r;
    ssize_t n = readlinkat(folder, name, room, PATH_MAX);
    if (n < 0)
        return -errno;
    if (n == PATH_MAX)
        return -ENAMETOOLONG;
    buffer_commit(into, (size_t)n);
    return 0;
}

void number_list_free(struct number_list *list)
{
    free(list->numbers);
    *list = (struct number_list){0};
}

int number_list_add(struct number_list *list, pid_t number)
{
    int r = array_reserve(&list->numbers, &list->capacity, list->count + 1, sizeof(number));
    if (r >= 0)
        list->numbers[list->count++] = number;
    return r;
}

static int compare_numbers(const void *a, const void *b)
{
    const pid_t *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

void number_list_sort(struct number_list *list)
{
    if (list->count)
        qsort(list->numbers, list->count, sizeof(*list->numbers), compare_numbers);
}

int procfs_open_listing(int directory, const char *name, DIR **ret_listing)
{
    _cleanup_close_ int fd = open_to_read(directory, name, O_DIRECTORY);
    if (fd < 0)
        return fd;
    DIR *listing = fdopendir(fd);
    if (!listing)
        return -errno;
    steal_fd(&fd);
    *ret_listing = listing;
    return 0;
}

int procfs_open_folder(int directory, const char *name)
{
    return open_to_read(directory, name, O_DIRECTORY);
}

/* The entries of one getdents64(2). */
static int add_numbers(const char *entries, size_t length, struct number_list *into)
{
    int r = 0;
    for (size_t at = 0; at < length && r >= 0;) {
        const struct dirent64 *entry = (const struct dirent64 *)(entries + at);
        struct span text = {entry->d_name, strlen(entry->d_name)};
        uint64_t number;
        at += entry->d_reclen;
        if (span_unsigned(text, 10, &number) && number && number <= INT_MAX)
            r = number_list_add(into, (pid_t)number);
    }
    return r;
}

/* readdir(3) would take two system calls more, and memory, for each of many small folders. */
int procfs_list_folder(int folder, struct number_list *into)
{
    enum { AT_ONCE = 32 << 10 };
    _Alignas(struct dirent64) char entries[AT_ONCE];
    into->count = 0;
    for (;;) {
        ssize_t length = getdents64(folder, entries, sizeof(entries));
        if (length <= 0)
            return length < 0 ? -errno : 0;
        int r = add_numbers(entries, (size_t)length, into);
        if (r < 0)
            return r;
    }
}

int procfs_list_numbers(int directory, const char *name, struct number_list *into)
{
    _cleanup_close_ int folder = procfs_open_folder(directory, name);
    into->count = 0;
    return folder < 0 ? folder : procfs_list_folder(folder, into);
}
