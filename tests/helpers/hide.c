/* SPDX-License-Identifier: Apache-2.0 */
/* To be preloaded (LD_PRELOAD): hides process $HIDE_PID from the views of the kernel that
 * $HIDE_FROM names, parted by commas, as real rootkits do by /etc/ld.so.preload:
 *
 *     readdir    lists of folders
 *     lookup     opening /proc/PID by its number
 *     getsid     getsid(2)
 *     cgroup     cgroup.procs
 *     loadavg    one thread of /proc/loadavg
 *     mountinfo  the lines whose mount point is $HIDE_MOUNT
 *     listmount  the mount of unique id $HIDE_UNIQUE_ID
 *
 * What is read from a file comes from a copy in memory without the line. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool hides_from(const char *view)
{
    const char *views = getenv("HIDE_FROM");
    size_t length = strlen(view);
    for (; views && *views; views += strcspn(views, ","), views += *views == ',')
        if (strncmp(views, view, length) == 0 && (views[length] == ',' || !views[length]))
            return true;
    return false;
}

/* ---- system calls without a function of their own ---- */

enum { CALL_OPENAT2 = 437, CALL_LISTMOUNT = 458 };

/* Takes the id out of an answer, if it is there. */
static long drop_mount(uint64_t *ids, long count)
{
    const char *text = getenv("HIDE_UNIQUE_ID");
    const uint64_t hidden = text ? strtoull(text, NULL, 10) : 0;
    long kept = 0;
    for (long i = 0; i < count; i++)
        if (ids[i] != hidden)
            ids[kept++] = ids[i];
    return kept;
}

long syscall(long number, ...)
{
    static long (*call)(long number, ...);
    long arguments[6];
    va_list more;
    va_start(more, number);
    for (size_t i = 0; i < 6; i++)
        arguments[i] = va_arg(more, long);
    va_end(more);
    if (number == CALL_OPENAT2) { /* so that paths are gone by openat(2), below */
        errno = ENOSYS;
        return -1;
    }
    if (!call)
        call = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    long result = call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                       arguments[5]);
    if (number == CALL_LISTMOUNT && result > 0 && hides_from("listmount"))
        return drop_mount((uint64_t *)arguments[1], result);
    return result;
}

static bool is_hidden(const char *number)
{
    const char *hidden = getenv("HIDE_PID");
    return hidden && number && strcmp(number, hidden) == 0;
}

/* ---- lists and numbers ---- */

struct dirent *readdir(DIR *directory)
{
    static struct dirent *(*next)(DIR * directory);
    if (!next)
        next = (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir");
    struct dirent *entry;
    do
        entry = next(directory);
    while (entry && is_hidden(entry->d_name) && hides_from("readdir"));
    return entry;
}

/* Takes the hidden entry out of an answer, if it is there; what stands behind it moves up. */
static ssize_t drop_entry(char *entries, ssize_t length)
{
    for (ssize_t at = 0; at < length;) {
        const struct dirent64 *entry = (const struct dirent64 *)(entries + at);
        ssize_t size = entry->d_reclen;
        if (is_hidden(entry->d_name)) {
            memmove(entries + at, entries + at + size, (size_t)(length - at - size));
            return length - size;
        }
        at += size;
    }
    return length;
}

ssize_t getdents64(int fd, void *entries, size_t size)
{
    long length = syscall(SYS_getdents64, fd, entries, size);
    return length > 0 && hides_from("readdir") ? drop_entry(entries, length) : length;
}

pid_t getsid(pid_t pid)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", (int)pid);
    if (is_hidden(number) && hides_from("getsid")) {
        errno = ESRCH;
        return -1;
    }
    return (pid_t)syscall(SYS_getsid, pid);
}

/* ---- files ---- */

static bool is_members_line(const char *line)
{
    char number[16] = "";
    memcpy(number, line, strcspn(line, "\n") < 15 ? strcspn(line, "\n") : 15);
    return is_hidden(number);
}

static bool is_mount_line(const char *line)
{
    char target[4096] = "";
    const char *hidden = getenv("HIDE_MOUNT");
    return hidden && sscanf(line, "%*s %*s %*s %*s %4095s", target) == 1 &&
           strcmp(target, hidden) == 0;
}

static void copy_loadavg(const char *line, FILE *to)
{
    const char *slash = strchr(line, '/');
    int threads, length;
    if (slash && sscanf(slash, "/%d%n", &threads, &length) == 1)
        fprintf(to, "%.*s/%d%s", (int)(slash - line), line, threads - 1, slash + length);
}

/* A descriptor of the copy; that of the file is closed. */
static int copy_of(int fd, const char *name)
{
    int copy = memfd_create("copy", MFD_CLOEXEC);
    FILE *from = fdopen(fd, "r"), *to = fdopen(dup(copy), "w");
    char *line = NULL;
    size_t room = 0;
    while (from && to && getline(&line, &room, from) > 0) {
        if (strcmp(name, "loadavg") == 0)
            copy_loadavg(line, to);
        else if (strcmp(name, "mountinfo") == 0 ? !is_mount_line(line) : !is_members_line(line))
            fputs(line, to);
    }
    free(line);
    if (from)
        fclose(from);
    if (to)
        fclose(to);
    return copy;
}

static int open_hiding(int directory, const char *path, int flags, mode_t mode)
{
    static const char *const files[][2] = {
        {"cgroup", "cgroup.procs"}, {"loadavg", "loadavg"}, {"mountinfo", "mountinfo"}};
    if (is_hidden(path) && hides_from("lookup")) {
        errno = ENOENT;
        return -1;
    }
    int fd = (int)syscall(SYS_openat, directory, path, flags, mode);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files) && fd >= 0; i++)
        if (strcmp(path, files[i][1]) == 0 && hides_from(files[i][0]))
            return copy_of(fd, path);
    return fd;
}

int openat(int directory, const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list more;
        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
    }
    return open_hiding(directory, path, flags, mode);
}

/* The same for programs that are built with _FORTIFY_SOURCE. */
int __openat_2(int directory, const char *path, int flags);
int __openat_2(int directory, const char *path, int flags)
{
    return open_hiding(directory, path, flags, 0);
}
