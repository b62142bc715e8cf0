/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts in a mount namespace of their own. */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 256 };

/* A tmpfs for each, below the scratch folder; the folder's own tmpfs is the first one. */
static const struct wanted_mount {
    const char *name;
    const char *source;
    unsigned long propagation; /* MS_SHARED, ...; 0 for private */
} wanted_mounts[] = {
    {"", "scratch", 0},
    {"with space", "a source with spaces", 0},
    {"new\nline", "new\nline", 0},
    {"tab\there", "tab\there", 0},
    {"back\\slash", "back\\slash\\040", 0},
    {"ha#sh", "#commented", 0},
    {"utf8-\xc3\xa9\xe2\x82\xac", "\xc3\xa9", 0},
    {"latin1-\xe9\xff", "\xfe\xff", 0},
    {"escape-\x1b[31m", "\x1b]0;title\x07", 0},
    {"empty-source", "", 0},
    {"shared", "shared", MS_SHARED},
    {"unbindable", "unbindable", MS_UNBINDABLE},
};

enum { WANTED_COUNT = sizeof(wanted_mounts) / sizeof(*wanted_mounts) };

/* Cut only if it were too long, which the folder that mkdtemp(3) made cannot be. */
static const char *target_of(const char *name, char path[static PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s%s%s", scratch_folder(), *name ? "/" : "", name);
    return path;
}

static void mount_tmpfs(const struct wanted_mount *wanted)
{
    char target[PATH_SIZE];
    target_of(wanted->name, target);
    if (*wanted->name)
        check(mkdir(target, 0755), target);
    check(mount(wanted->source, target, "tmpfs", 0, "size=64k"), target);
    if (wanted->propagation)
        check(mount(NULL, target, NULL, wanted->propagation, NULL), target);
}

static void own_mount_namespace(void)
{
    check(unshare(CLONE_NEWNS), "cannot make a mount namespace");
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "cannot keep mounts to ourselves");
}

/* `name` shows the mount at `of` and gets what is mounted below that, not the other way round. */
static void mount_slave(const char *name, const char *of)
{
    char target[PATH_SIZE], source[PATH_SIZE];
    check(mkdir(target_of(name, target), 0755), target);
    check(mount(target_of(of, source), target, NULL, MS_BIND, NULL), target);
    check(mount(NULL, target, NULL, MS_SLAVE, NULL), target);
}

static void mount_all(void *unused)
{
    (void)unused;
    own_mount_namespace();
    for (size_t i = 0; i < WANTED_COUNT; i++)
        mount_tmpfs(&wanted_mounts[i]);
    mount_slave("slave", "shared");
    child_hold();
}

static void add_mount_fact(cJSON *array, const char *name, const char *source,
                           const char *propagation)
{
    char target[PATH_SIZE];
    target_of(name, target);
    cJSON *fact = cJSON_CreateObject();
    fact_bytes(fact, "target_hex", target, strlen(target));
    fact_bytes(fact, "source_hex", source, strlen(source));
    fact_text(fact, "propagation", propagation);
    cJSON_AddItemToArray(array, fact);
}

static void build_mounts(cJSON *facts)
{
    scratch_folder();
    pid_t pid = child_start(0, mount_all, NULL);
    fact_number(facts, "pid", (uint64_t)pid);
    fact_number(facts, "namespace", namespace_of(pid, "mnt"));
    cJSON *array = cJSON_AddArrayToObject(facts, "mounts");
    for (size_t i = 0; i < WANTED_COUNT; i++) {
        const struct wanted_mount *wanted = &wanted_mounts[i];
        add_mount_fact(array, wanted->name, wanted->source,
                       wanted->propagation == MS_SHARED       ? "shared"
                       : wanted->propagation == MS_UNBINDABLE ? "unbindable"
                                                              : "private");
    }
    add_mount_fact(array, "slave", "shared", "slave");
}

enum { MANY = 10000 };

static void mount_many(void *unused)
{
    (void)unused;
    char target[PATH_SIZE];
    own_mount_namespace();
    check(mount("many", scratch_folder(), "tmpfs", 0, NULL), scratch_folder());
    for (int i = 1; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%d", i);
        check(mkdir(target_of(name, target), 0755), target);
        check(mount(scratch_folder(), target, NULL, MS_BIND, NULL), target);
    }
    child_hold();
}

static void build_many_mounts(cJSON *facts)
{
    scratch_folder();
    pid_t pid = child_start(0, mount_many, NULL);
    fact_number(facts, "pid", (uint64_t)pid);
    fact_number(facts, "namespace", namespace_of(pid, "mnt"));
    fact_number(facts, "count", MANY);
    fact_text(facts, "below", scratch_folder());
}

/* --- An overlay of so many layers that its options take more than 64 KiB. --- */

enum { LAYERS = 400, LAYER_NAME_SIZE = 200, LAYER_PATH_SIZE = PATH_SIZE + LAYER_NAME_SIZE };

/* linux/mount.h, kernel 5.2; the C library has the calls since glibc 2.36 alone. */
enum {
    CALL_MOVE_MOUNT = 429,
    CALL_FSOPEN = 430,
    CALL_FSCONFIG = 431,
    CALL_FSMOUNT = 432,
    CONFIG_SET_STRING = 1,
    CONFIG_CREATE = 6,
    FROM_EMPTY_PATH = 4,
};

static void configure(int context, int command, const char *key, const char *value)
{
    if (syscall(CALL_FSCONFIG, context, command, key, value, 0) == 0)
        return;
    if (errno == EINVAL) /* "lowerdir+" came with kernel 6.7 */
        errno = EOPNOTSUPP;
    fail("cannot make an overlay of many layers");
}

static void mount_layers(void *unused)
{
    (void)unused;
    char layer[LAYER_PATH_SIZE], target[PATH_SIZE];
    own_mount_namespace();
    check(mount("layers", scratch_folder(), "tmpfs", 0, NULL), scratch_folder());
    int context = check((int)syscall(CALL_FSOPEN, "overlay", 0), "cannot open overlay");
    for (int i = 0; i < LAYERS; i++) {
        snprintf(layer, sizeof(layer), "%s/%0*d", scratch_folder(), LAYER_NAME_SIZE, i);
        check(mkdir(layer, 0755), layer);
        configure(context, CONFIG_SET_STRING, "lowerdir+", layer);
    }
    configure(context, CONFIG_CREATE, NULL, NULL);
    int overlay = check((int)syscall(CALL_FSMOUNT, context, 0, 0), "cannot mount an overlay");
    check(mkdir(target_of("overlay", target), 0755), target);
    check((int)syscall(CALL_MOVE_MOUNT, overlay, "", AT_FDCWD, target, FROM_EMPTY_PATH), target);
    close(overlay);
    close(context);
    check(mkdir(target_of("after", target), 0755), target);
    check(mount("after", target, "tmpfs", 0, NULL), target);
    child_hold();
}

static void build_long_options(cJSON *facts)
{
    char path[PATH_SIZE];
    scratch_folder();
    pid_t pid = child_start(0, mount_layers, NULL);
    fact_number(facts, "pid", (uint64_t)pid);
    fact_number(facts, "namespace", namespace_of(pid, "mnt"));
    fact_text(facts, "target", target_of("overlay", path));
    fact_text(facts, "after", target_of("after", path));
    fact_number(facts, "layers", LAYERS);
}

const struct situation situations_mounts[] = {
    {"mounts", "names of all sorts, an empty source, shared, slave and unbindable mounts",
     build_mounts, NULL, 0},
    {"many-mounts", "ten thousand mounts in one namespace", build_many_mounts, NULL, 0},
    {"long-options", "an overlay whose options take more than 64 KiB", build_long_options, NULL, 0},
    {0},
};
