/* SPDX-License-Identifier: Apache-2.0 */
/* What dockerd keeps of a container: config.v2.json, a NUL, hostconfig.json. */
#include "recorder/engines/message.h"
#include "recorder/engines/reading.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char folder[] = "containers/5b94";
static char path[] = "/tmp/nslapse-fuzz-XXXXXX";

static void remove_folder(void)
{
    static const char *const names[] = {"containers/5b94/config.v2.json",
                                        "containers/5b94/hostconfig.json"};
    int root = open(path, O_DIRECTORY | O_RDONLY);
    for (size_t i = 0; i < 2; i++)
        unlinkat(root, names[i], 0);
    unlinkat(root, folder, AT_REMOVEDIR);
    unlinkat(root, "containers", AT_REMOVEDIR);
    close(root);
    rmdir(path);
}

static int make_folder(void)
{
    fuzz_check(mkdtemp(path));
    int root = open(path, O_DIRECTORY | O_RDONLY);
    fuzz_check(root >= 0 && mkdirat(root, "containers", 0700) == 0 &&
               mkdirat(root, folder, 0700) == 0);
    atexit(remove_folder);
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
    static int root = -1;
    static const struct known_containers none;
    unsigned messages = 0;
    struct engine_reader reader = {.known = &none, .write = check, .userdata = &messages};
    struct engine_found found = {
        .engine = &engine_docker, .place.folder = "/", .instance = "/", .root = root};
    const uint8_t *end = length ? memchr(bytes, '\0', length) : NULL;
    size_t first = end ? (size_t)(end - bytes) : length;
    if (root < 0)
        found.root = root = make_folder();
    write_file(root, "containers/5b94/config.v2.json", bytes, first);
    size_t behind = end ? first + 1 : length;
    write_file(root, "containers/5b94/hostconfig.json", bytes + behind, length - behind);
    fuzz_check(engine_read_place(&reader, &found) == 0);
    fuzz_check(messages >= 1);
    return 0;
}
