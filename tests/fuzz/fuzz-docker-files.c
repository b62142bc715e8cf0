/* SPDX-License-Identifier: Apache-2.0 */
/* What dockerd keeps of a container: config.v2.json, a NUL, hostconfig.json. */
#include "tests/fuzz/engine-files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const paths[] = {"containers/5b94/config.v2.json",
                                        "containers/5b94/hostconfig.json", NULL};
    static const struct engine_files files = {
        .engine = &engine_docker, .place.folder = "/", .files = paths};
    engine_files_read(&files, bytes, length);
    return 0;
}
