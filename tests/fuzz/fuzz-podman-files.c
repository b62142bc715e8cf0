/* SPDX-License-Identifier: Apache-2.0 */
/* What Podman and the runtimes leave in files, four of them with a NUL between: containers.json,
 * the config.json of one container, runc's state.json and crun's status of it. */
#include "recorder/engines/message.h"
#include "recorder/engines/reading.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define ID "5b94"

static const char *const folders[] = {"vfs-containers",
                                      "vfs-containers/" ID,
                                      "vfs-containers/" ID "/userdata",
                                      "run",
                                      "run/runc",
                                      "run/runc/" ID,
                                      "run/crun",
                                      "run/crun/" ID};
static const char *const files[] = {"vfs-containers/containers.json",
                                    "vfs-containers/" ID "/userdata/config.json",
                                    "run/runc/" ID "/state.json", "run/crun/" ID "/status"};
enum { FOLDERS = sizeof(folders) / sizeof(*folders), FILES = sizeof(files) / sizeof(*files) };

static char path[] = "/tmp/nslapse-fuzz-XXXXXX";

static void remove_folders(void)
{
    int root = open(path, O_DIRECTORY | O_RDONLY);
    for (size_t i = 0; i < FILES; i++)
        unlinkat(root, files[i], 0);
    for (size_t i = FOLDERS; i-- > 0;)
        unlinkat(root, folders[i], AT_REMOVEDIR);
    close(root);
    rmdir(path);
}

static int make_folders(void)
{
    fuzz_check(mkdtemp(path));
    int root = open(path, O_DIRECTORY | O_RDONLY);
    for (size_t i = 0; i < FOLDERS; i++)
        fuzz_check(mkdirat(root, folders[i], 0700) == 0);
    atexit(remove_folders);
    return root;
}

static void write_file(int root, const char *name, const void *bytes, size_t length)
{
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    fuzz_check(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    close(fd);
}

/* What comes out is whole, and text. */
static int check(void *userdata, const struct buffer *bytes)
{
    struct engine_message message;
    unsigned *messages = userdata;
    ++*messages;
    fuzz_check(engine_message_parse(bytes->bytes, bytes->length, &message) ==
               (int64_t)bytes->length);
    if (message.type != MESSAGE_CONTAINER)
        return 0;
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct {
        const struct engine *engine;
        const char *folder;
    } readings[] = {
        {&engine_podman, "/"}, {&engine_runc, "/run/runc"}, {&engine_crun, "/run/crun"}};
    static int root = -1;
    static const struct known_containers none;
    if (root < 0)
        root = make_folders();
    for (size_t i = 0; i < FILES; i++) {
        const uint8_t *end = length ? memchr(bytes, '\0', length) : NULL;
        size_t taken = end ? (size_t)(end - bytes) : length;
        write_file(root, files[i], bytes, taken);
        bytes += taken + (end != NULL);
        length -= taken + (end != NULL);
    }
    for (size_t i = 0; i < sizeof(readings) / sizeof(*readings); i++) {
        unsigned messages = 0;
        struct engine_reader reader = {
            .known = &none, .proc = -1, .write = check, .userdata = &messages};
        struct engine_found found = {.engine = readings[i].engine,
                                     .place.folder = readings[i].folder,
                                     .instance = "/",
                                     .root = root};
        fuzz_check(engine_read_place(&reader, &found) == 0);
        fuzz_check(messages >= 1);
    }
    return 0;
}
