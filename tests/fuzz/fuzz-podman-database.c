/* SPDX-License-Identifier: Apache-2.0 */
/* Podman's database, as an engine's reader takes it, beside a storage that has the container "c".
 */
#include "tests/fuzz/bolt-checksum.h"
#include "tests/fuzz/engine-files.h"

enum { LONGEST = 1 << 16 };

/* No value of a variable is among what is kept. */
static void check_evidence(const struct engine_message *container)
{
    cJSON *document = container->evidence
                          ? cJSON_ParseWithLength(container->evidence, container->evidence_length)
                          : NULL;
    const cJSON *database = cJSON_GetObjectItemCaseSensitive(document, "database"), *variable;
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(database, "spec");
    const cJSON *process = cJSON_GetObjectItemCaseSensitive(spec, "process");
    cJSON_ArrayForEach (variable, cJSON_GetObjectItemCaseSensitive(process, "env")) {
        const char *name = cJSON_GetStringValue(variable);
        fuzz_check(!name || !strchr(name, '='));
    }
    cJSON_Delete(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    /* With the NUL that ends it. */
    static const char storage[] = "[{\"id\":\"c\",\"metadata\":\"{\\\"name\\\":\\\"web\\\"}\"}]";
    static uint8_t copy[sizeof(storage) + LONGEST];
    static const char *const paths[] = {"vfs-containers/containers.json", "libpod/bolt_state.db",
                                        NULL};
    static const struct engine_files files = {.engine = &engine_podman,
                                              .place = {.folder = "/", .runtime_folder = "/run"},
                                              .files = paths,
                                              .check = check_evidence};
    if (length > LONGEST)
        return 0;
    memcpy(copy, storage, sizeof(storage));
    memcpy(copy + sizeof(storage), bytes, length);
    bolt_put_checksums(copy + sizeof(storage), length);
    engine_files_read(&files, copy, sizeof(storage) + length);
    return 0;
}
