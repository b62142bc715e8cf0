/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/rooted.h"

#include "base/buffer.h"
#include "recorder/kernel/span.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

enum { DEEPEST = 64, LINKS_MOST = 40 }; /* links: as the kernel, path_resolution(7) */

/* The directories from the root to where we are, and what is still to go. */
struct walk {
    int steps[DEEPEST]; /* steps[0] is the root */
    unsigned depth;     /* of the last one */
    unsigned links;
    char name[NAME_MAX + 1];     /* of the last one in the one before */
    struct buffer rest, scratch; /* path that is left to go */
};

static void leave_to(struct walk *walk, unsigned depth)
{
    for (; walk->depth > depth; walk->depth--)
        fd_close(walk->steps[walk->depth]);
}

static void end_walk(struct walk *walk)
{
    leave_to(walk, 0);
    fd_close(walk->steps[0]);
    buffer_free(&walk->rest);
    buffer_free(&walk->scratch);
}

/* Puts the link's target before what is left to go. */
static int follow(struct walk *walk, int link, struct span rest)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(link, "", target, sizeof(target));
    if (length < 0)
        return -errno;
    if (length == sizeof(target) || walk->links++ == LINKS_MOST)
        return -ELOOP;
    buffer_clear(&walk->scratch);
    buffer_append(&walk->scratch, target, (size_t)length);
    buffer_append_char(&walk->scratch, '/');
    buffer_append(&walk->scratch, rest.bytes, rest.length);
    struct buffer swapped = walk->rest;
    walk->rest = walk->scratch;
    walk->scratch = swapped;
    if (length && target[0] == '/')
        leave_to(walk, 0);
    return walk->rest.failed ? -ENOMEM : 0;
}

/* `ret_link`: it was a link, and `walk->rest` is another one now. */
static int take_step(struct walk *walk, struct span step, struct span rest, bool *ret_link)
{
    struct stat status;
    if (step.length > NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(walk->name, step.bytes, step.length);
    walk->name[step.length] = '\0';
    _cleanup_close_ int fd =
        openat(walk->steps[walk->depth], walk->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    *ret_link = S_ISLNK(status.st_mode);
    if (*ret_link)
        return follow(walk, fd, rest);
    if (walk->depth + 1 == DEEPEST)
        return -ENAMETOOLONG;
    walk->steps[++walk->depth] = steal_fd(&fd);
    return 0;
}

static int walk_rest(struct walk *walk)
{
    struct span rest = {buffer_text(&walk->rest), walk->rest.length}, step;
    int r = 0;
    while (r >= 0 && span_take(&rest, '/', &step)) {
        bool link = false;
        if (span_is(step, ".."))
            leave_to(walk, walk->depth ? walk->depth - 1 : 0);
        else if (step.length && !span_is(step, "."))
            r = take_step(walk, step, rest, &link);
        if (link)
            rest = (struct span){buffer_text(&walk->rest), walk->rest.length};
    }
    return r;
}

static int begin_walk(struct walk *walk, int root, const char *path)
{
    walk->steps[0] = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (walk->steps[0] < 0)
        return -errno;
    buffer_append_text(&walk->rest, path);
    return walk->rest.failed ? -ENOMEM : walk_rest(walk);
}

/* What was looked at, opened once more: it may have been replaced meanwhile. */
static int open_again(struct walk *walk, int flags)
{
    struct stat looked_at, opened;
    int step = walk->steps[walk->depth];
    if (fstat(step, &looked_at) < 0)
        return -errno;
    bool directory = flags & O_DIRECTORY;
    if (!directory && !S_ISREG(looked_at.st_mode))
        return S_ISDIR(looked_at.st_mode) ? -EISDIR : -EINVAL;
    flags |= O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = directory ? openat(step, ".", flags)
                       : openat(walk->steps[walk->depth - 1], walk->name, flags);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &opened) < 0 || opened.st_dev != looked_at.st_dev ||
        opened.st_ino != looked_at.st_ino) {
        fd_close(fd);
        return -ESTALE;
    }
    return fd;
}

int rooted_open_path(int root, const char *path)
{
    _cleanup_(end_walk) struct walk walk = {0};
    int r = begin_walk(&walk, root, path);
    if (r >= 0) {
        r = fcntl(walk.steps[walk.depth], F_DUPFD_CLOEXEC, 0);
        r = r < 0 ? -errno : r;
    }
    return r;
}

int rooted_open_file(int root, const char *path)
{
    _cleanup_(end_walk) struct walk walk = {0};
    int r = begin_walk(&walk, root, path);
    return r < 0 ? r : open_again(&walk, 0);
}

int rooted_open_directory(int root, const char *path)
{
    _cleanup_(end_walk) struct walk walk = {0};
    int r = begin_walk(&walk, root, path);
    return r < 0 ? r : open_again(&walk, O_DIRECTORY);
}
