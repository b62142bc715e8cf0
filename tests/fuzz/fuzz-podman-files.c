/* SPDX-License-Identifier: Apache-2.0 */
/* What Podman and the runtimes leave in files, four of them with a NUL between: containers.json,
 * the config.json of one container, runc's state.json and crun's status of it. */
#include "tests/fuzz/engine-files.h"

#define ID "5b94"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const paths[] = {
        "vfs-containers/containers.json", "vfs-containers/" ID "/userdata/config.json",
        "run/runc/" ID "/state.json", "run/crun/" ID "/status", NULL};
    static const struct engine_files all[] = {
        {.engine = &engine_podman, .place.folder = "/", .files = paths},
        {.engine = &engine_runc, .place.folder = "/run/runc", .files = paths},
        {.engine = &engine_crun, .place.folder = "/run/crun", .files = paths}};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        engine_files_read(&all[i], bytes, length);
    return 0;
}
