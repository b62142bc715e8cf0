/* SPDX-License-Identifier: Apache-2.0 */
/* For fuzzing what an engine reads: a folder with files of hostile content, and what comes of it.
 */
#ifndef TESTS_FUZZ_ENGINE_FILES_H
#define TESTS_FUZZ_ENGINE_FILES_H

#include "recorder/engines/message.h"
#include "recorder/engines/reading.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* The files, below the engine's root: paths without a '/' before them, NULL-terminated; `check`, or
 * NULL, sees each container that is told of. */
struct engine_files {
    const struct engine *engine;
    struct engine_place place;
    const char *const *files;
    void (*check)(const struct engine_message *container);
};

/* What is told while a place is read. */
struct engine_files_told {
    const struct engine_files *files;
    unsigned messages;
};

static char engine_files_path[] = "/tmp/nslapse-fuzz-XXXXXX";

static int engine_files_remove_one(const char *path, const struct stat *status, int type,
                                   struct FTW *state)
{
    (void)status;
    (void)type;
    (void)state;
    return remove(path);
}

static void engine_files_remove(void)
{
    nftw(engine_files_path, engine_files_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void engine_files_make_folders(int root, const char *file)
{
    char folder[PATH_MAX];
    for (const char *slash = strchr(file, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - file), file);
        fuzz_check(mkdirat(root, folder, 0700) == 0 || errno == EEXIST);
    }
}

static int engine_files_open_root(void)
{
    static int root = -1;
    if (root >= 0)
        return root;
    fuzz_check(mkdtemp(engine_files_path));
    atexit(engine_files_remove);
    root = open(engine_files_path, O_DIRECTORY | O_RDONLY);
    return root;
}

/* What is told is whole, and what should be JSON is. */
static int engine_files_check(void *userdata, const struct buffer *bytes)
{
    struct engine_message message;
    struct engine_files_told *told = userdata;
    told->messages++;
    fuzz_check(engine_message_parse(bytes->bytes, bytes->length, &message) ==
               (int64_t)bytes->length);
    if (message.type != MESSAGE_CONTAINER)
        return 0;
    if (told->files->check)
        told->files->check(&message);
    for (unsigned column = 0; column < CONTAINER_COLUMN_COUNT; column++) {
        const char *text = record_text(&message.record, column);
        if (!text || kinds[KIND_CONTAINER].columns[column].type != TYPE_JSON)
            continue;
        cJSON *json = cJSON_Parse(text);
        fuzz_check(json);
        cJSON_Delete(json);
    }
    return 0;
}

static int engine_files_create(int root, const char *file)
{
    enum { HOW = O_WRONLY | O_CREAT | O_TRUNC };
    int fd = openat(root, file, HOW, 0600);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    engine_files_make_folders(root, file);
    return openat(root, file, HOW, 0600);
}

static void engine_files_write(int root, const char *const *files, const uint8_t *bytes,
                               size_t length)
{
    for (; *files; files++) {
        const uint8_t *end = length && files[1] ? memchr(bytes, '\0', length) : NULL;
        size_t taken = end ? (size_t)(end - bytes) : length;
        int fd = engine_files_create(root, *files);
        fuzz_check(fd >= 0 && write(fd, bytes, taken) == (ssize_t)taken);
        close(fd);
        bytes += taken + (end != NULL);
        length -= taken + (end != NULL);
    }
}

/* Reads the place with these bytes in its files, a NUL between two. */
static void engine_files_read(const struct engine_files *files, const uint8_t *bytes, size_t length)
{
    static const struct known_containers none;
    struct engine_files_told told = {.files = files};
    int root = engine_files_open_root();
    engine_files_write(root, files->files, bytes, length);
    struct engine_reader reader = {
        .known = &none, .proc = root, .write = engine_files_check, .userdata = &told};
    struct engine_found found = {
        .engine = files->engine, .place = files->place, .instance = "/", .root = root};
    fuzz_check(engine_read_place(&reader, &found) == 0);
    fuzz_check(told.messages >= 1);
}

#endif
