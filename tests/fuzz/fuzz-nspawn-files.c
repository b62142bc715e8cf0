/* SPDX-License-Identifier: Apache-2.0 */
/* What machined has of a machine that runs, the settings of it and of one that doesn't run; then
 * the arguments of a systemd-nspawn, a NUL behind each. */
#include "recorder/engines/nspawn_config.h"
#include "tests/fuzz/engine-files.h"

static void take_arguments(const uint8_t *bytes, size_t length)
{
    enum { MOST = 64 };
    _cleanup_free_ char *text = malloc(length + 1);
    const char *words[MOST + 1] = {NULL};
    struct nspawn_config config;
    fuzz_check(text && nspawn_config_open(&config) == 0);
    if (length)
        memcpy(text, bytes, length);
    text[length] = '\0';
    for (size_t at = 0, count = 0; at < length && count < MOST; at += strlen(text + at) + 1)
        words[count++] = text + at;
    nspawn_config_take_arguments(&config, words);
    fuzz_check(!config.machine || strlen(config.machine) <= length);
    fuzz_check(cJSON_IsArray(config.environment) && cJSON_IsArray(config.mounts));
    nspawn_config_close(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const paths[] = {"run/systemd/machines/web", "etc/systemd/nspawn/web.nspawn",
                                        "var/lib/machines/idle/os-release",
                                        "run/systemd/nspawn/idle.nspawn", NULL};
    static const struct engine_files files = {
        .engine = &engine_nspawn, .place.folder = "/var/lib/machines", .files = paths};
    engine_files_read(&files, bytes, length);
    take_arguments(bytes, length);
    return 0;
}
