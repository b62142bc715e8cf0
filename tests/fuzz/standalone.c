/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-NAME PATH..: gives each file, and each file in each folder, to the target, without
 * libFuzzer. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <err.h>
#include <string.h>
#include <sys/stat.h>

static size_t replayed;

static void replay_bytes(const uint8_t *bytes, size_t length)
{
    /* A copy of just that size: the sanitizers see the first byte read behind its end. */
    uint8_t *copy = malloc(length ? length : 1);
    if (!copy)
        err(1, "no memory");
    if (length)
        memcpy(copy, bytes, length);
    LLVMFuzzerTestOneInput(copy, length);
    free(copy);
    replayed++;
}

static void replay_file(const char *path, off_t size)
{
    uint8_t *bytes = malloc((size_t)size + 1);
    FILE *file = fopen(path, "re");
    if (!bytes || !file)
        err(1, "%s", path);
    size_t length = fread(bytes, 1, (size_t)size, file);
    fclose(file);
    replay_bytes(bytes, length);
    free(bytes);
}

static void replay(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        err(1, "%s", path);
    if (!S_ISDIR(status.st_mode)) {
        replay_file(path, status.st_size);
        return;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        err(1, "%s", path);
    for (int i = 0; i < count; i++) {
        char below[4096];
        snprintf(below, sizeof(below), "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            replay(below);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    replay_bytes(NULL, 0);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%zu inputs\n", replayed);
    return 0;
}
