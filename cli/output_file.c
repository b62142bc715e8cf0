/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_file.h"

#include "base/error.h"
#include "cli/interrupt.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct output_file {
    FILE *stream;
    char *path;      /* its place, symbolic links resolved; NULL for standard output */
    char *temporary; /* the name it grows under; NULL where it is written directly */
};

void output_file_free(struct output_file *file)
{
    if (!file)
        return;
    if (file->stream && file->stream != stdout)
        fclose(file->stream);
    if (file->temporary)
        unlink(file->temporary);
    interrupt_remove(NULL);
    free(file->temporary);
    free(file->path);
    free(file);
}

static int failed(const char *what, const char *path, int code)
{
    return error_set(code, "could not %s '%s': %s; name another file with -o", what, path,
                     strerror(code));
}

static int open_directly(struct output_file *file)
{
    file->stream = fopen(file->path, "we");
    return file->stream ? 0 : failed("write to", file->path, errno);
}

/* `mode` is that of the file to be replaced, or what the umask leaves of a new one; never
 * set-user-id, which would now be ours. */
static int open_beside(struct output_file *file, mode_t mode)
{
    if (asprintf(&file->temporary, "%s.XXXXXX", file->path) < 0) {
        file->temporary = NULL;
        return error_memory();
    }
    _cleanup_close_ int fd = mkostemp(file->temporary, O_CLOEXEC);
    if (fd < 0) {
        int code = errno;
        free(steal_pointer(file->temporary));
        return failed("make a file beside", file->path, code);
    }
    interrupt_remove(file->temporary);
    if (fchmod(fd, mode) < 0)
        return failed("set the mode of", file->temporary, errno);
    file->stream = fdopen(fd, "w");
    if (!file->stream)
        return failed("write to", file->temporary, errno);
    steal_fd(&fd);
    return 0;
}

static mode_t mode_of_new_file(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

int output_file_open(const char *path, struct output_file **ret_file)
{
    _cleanup_output_file_ struct output_file *file = calloc(1, sizeof(*file));
    struct stat status;
    if (!file)
        return error_memory();
    if (!path || strcmp(path, "-") == 0) {
        file->stream = stdout;
        *ret_file = steal_pointer(file);
        return 0;
    }
    bool exists = stat(path, &status) == 0;
    /* /dev/stdout and its like lead to names that do not exist as files. */
    file->path = exists && S_ISREG(status.st_mode) ? realpath(path, NULL) : strdup(path);
    if (!file->path)
        return failed("find", path, errno);
    int r = exists && !S_ISREG(status.st_mode)
                ? open_directly(file)
                : open_beside(file, exists ? status.st_mode & 0777 : mode_of_new_file());
    if (r < 0)
        return r;
    *ret_file = steal_pointer(file);
    return 0;
}

FILE *output_file_stream(struct output_file *file)
{
    return file->stream;
}

int output_file_commit(struct output_file *file)
{
    if (fflush(file->stream) != 0 || ferror(file->stream))
        return failed("write to", file->path ? file->path : "standard output", errno ? errno : EIO);
    if (!file->temporary)
        return 0;
    /* The rename must not reach the disk before what it names. */
    if (fsync(fileno(file->stream)) < 0)
        return failed("write to", file->path, errno);
    if (rename(file->temporary, file->path) < 0)
        return failed("put into place", file->path, errno);
    interrupt_remove(NULL);
    free(steal_pointer(file->temporary));
    return 0;
}
