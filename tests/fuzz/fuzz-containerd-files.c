/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of a container in files: its config.json, a NUL, and the state that its engine or
 * its runtime keeps. The first byte says whose they are, containerd's or CRI-O's. */
#include "recorder/engines/message.h"
#include "recorder/engines/reading.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char *const folders[] = {"io.containerd.runtime.v2.task",
                                      "io.containerd.runtime.v2.task/ns",
                                      "io.containerd.runtime.v2.task/ns/web",
                                      "run",
                                      "run/containerd",
                                      "run/containerd/runc",
                                      "run/containerd/runc/ns",
                                      "run/containerd/runc/ns/web",
                                      "overlay-containers",
                                      "overlay-containers/5b94",
                                      "overlay-containers/5b94/userdata"};
static const struct files {
    const struct engine *engine;
    const char *config, *state;
} all_files[] = {
    {&engine_containerd, "io.containerd.runtime.v2.task/ns/web/config.json",
     "run/containerd/runc/ns/web/state.json"},
    {&engine_crio, "overlay-containers/5b94/userdata/config.json",
     "overlay-containers/5b94/userdata/state.json"},
};
enum {
    FILES = sizeof(all_files) / sizeof(*all_files),
    FOLDERS = sizeof(folders) / sizeof(*folders)
};
static char path[] = "/tmp/nslapse-fuzz-XXXXXX";

static void remove_folder(void)
{
    int root = open(path, O_DIRECTORY | O_RDONLY);
    for (size_t i = 0; i < FILES; i++) {
        unlinkat(root, all_files[i].config, 0);
        unlinkat(root, all_files[i].state, 0);
    }
    for (size_t i = FOLDERS; i-- > 0;)
        unlinkat(root, folders[i], AT_REMOVEDIR);
    close(root);
    rmdir(path);
}

static int make_folder(void)
{
    fuzz_check(mkdtemp(path));
    int root = open(path, O_DIRECTORY | O_RDONLY);
    fuzz_check(root >= 0);
    for (size_t i = 0; i < FOLDERS; i++)
        fuzz_check(mkdirat(root, folders[i], 0700) == 0);
    atexit(remove_folder);
    return root;
}

static void write_file(int root, const char *name, const void *bytes, size_t length)
{
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    fuzz_check(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    close(fd);
}

/* No value of a variable is among what is kept. */
static void check_evidence(const struct engine_message *message)
{
    cJSON *document = message->evidence
                          ? cJSON_ParseWithLength(message->evidence, message->evidence_length)
                          : NULL;
    const cJSON *process = cJSON_GetObjectItemCaseSensitive(document, "process"), *variable;
    cJSON_ArrayForEach (variable, cJSON_GetObjectItemCaseSensitive(process, "env")) {
        const char *name = cJSON_GetStringValue(variable);
        fuzz_check(!name || !strchr(name, '='));
    }
    cJSON_Delete(document);
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
    check_evidence(&message);
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
    if (!length)
        return 0;
    if (root < 0)
        root = make_folder();
    const struct files *files = &all_files[bytes[0] % FILES];
    struct engine_reader reader = {
        .known = &none, .proc = root, .write = check, .userdata = &messages};
    struct engine_found found = {.engine = files->engine,
                                 .place = {.folder = "/", .runtime_folder = "/"},
                                 .instance = "/",
                                 .root = root};
    const uint8_t *begin = bytes + 1, *end = memchr(begin, '\0', length - 1);
    size_t first = end ? (size_t)(end - begin) : length - 1, behind = end ? first + 1 : length - 1;
    write_file(root, files->config, begin, first);
    write_file(root, files->state, begin + behind, length - 1 - behind);
    fuzz_check(engine_read_place(&reader, &found) == 0);
    fuzz_check(messages >= 1);
    return 0;
}
