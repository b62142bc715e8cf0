/* SPDX-License-Identifier: Apache-2.0 */
/* What Flatpak has of an instance, and Apptainer of one. */
#include "tests/fuzz/engine-files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const paths[] = {"1/info", "1/bwrapinfo.json",
                                        ".apptainer/instances/app/host/jo/web/web.json", NULL};
    static const struct engine_files flatpak = {.engine = &engine_flatpak,
                                                .place.folder = "/",
                                                .files = paths},
                                     apptainer = {.engine = &engine_apptainer,
                                                  .place.folder = "/",
                                                  .files = paths};
    engine_files_read(&flatpak, bytes, length);
    engine_files_read(&apptainer, bytes, length);
    return 0;
}
