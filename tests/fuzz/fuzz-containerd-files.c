/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of a container in files: its config.json, a NUL, and the state that its engine or
 * its runtime keeps; of containerd, a NUL, and what Docker has of its plugin. The first byte says
 * whose they are, containerd's or CRI-O's. */
#include "tests/fuzz/engine-files.h"

/* No value of a variable is among what is kept. */
static void check_evidence(const struct engine_message *container)
{
    cJSON *document = container->evidence
                          ? cJSON_ParseWithLength(container->evidence, container->evidence_length)
                          : NULL;
    const cJSON *process = cJSON_GetObjectItemCaseSensitive(document, "process"), *variable;
    cJSON_ArrayForEach (variable, cJSON_GetObjectItemCaseSensitive(process, "env")) {
        const char *name = cJSON_GetStringValue(variable);
        fuzz_check(!name || !strchr(name, '='));
    }
    cJSON_Delete(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const of_containerd[] = {
        "io.containerd.runtime.v2.task/plugins.moby/web/config.json",
        "run/containerd/runc/plugins.moby/web/state.json", "plugins/web/config.json", NULL};
    static const char *const of_crio[] = {"overlay-containers/5b94/userdata/config.json",
                                          "overlay-containers/5b94/userdata/state.json", NULL};
    static const struct engine_files both[] = {{.engine = &engine_containerd,
                                                .place = {.folder = "/", .runtime_folder = "/"},
                                                .files = of_containerd,
                                                .check = check_evidence},
                                               {.engine = &engine_crio,
                                                .place = {.folder = "/", .runtime_folder = "/"},
                                                .files = of_crio,
                                                .check = check_evidence}};
    if (length)
        engine_files_read(&both[bytes[0] % 2], bytes + 1, length - 1);
    return 0;
}
