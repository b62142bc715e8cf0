/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/host.h"

#include "base/error.h"
#include "recorder/kernel/detached_procfs.h"
#include "recorder/kernel/mountinfo.h"
#include "recorder/kernel/nsfs.h"
#include "recorder/kernel/procfs.h"
#include "recorder/kernel/span.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/capability.h>
#include <sys/vfs.h>

/* Whether the kernel has a file for each process, asked once for the recorder's own instead of in
 * vain for all. */
static bool has_own_file(const struct host *host, const char *name)
{
    _cleanup_buffer_ struct buffer path = {0}, file = {0};
    buffer_append_format(&path, "%d/%s", (int)host->self, name);
    return procfs_read(host->proc, buffer_text(&path), PROCFS_TEXT_MOST, &file) >= 0 && file.length;
}

static bool is_procfs(int directory)
{
    struct statfs file_system;
    return directory >= 0 && fstatfs(directory, &file_system) == 0 &&
           file_system.f_type == PROC_SUPER_MAGIC;
}

/* Files of processes, of the host; not binfmt_misc, which is below sys/ everywhere. */
static int note_cover(void *userdata, const struct mountinfo_mount *mount)
{
    bool *covered = userdata;
    struct span target = {mount->target, strlen(mount->target)};
    *covered |= span_starts(target, "/proc/") && !span_starts(target, "/proc/sys/");
    return 0;
}

static int is_covered(const struct host *host, bool *ret_covered)
{
    _cleanup_buffer_ struct buffer path = {0}, file = {0};
    size_t skipped;
    *ret_covered = false;
    buffer_append_format(&path, "%d/mountinfo", (int)host->self);
    if (procfs_read_table(host->proc, buffer_text(&path), PROCFS_TABLE_MOST, &file) < 0)
        return 0;
    return mountinfo_parse(buffer_text(&file), file.length, note_cover, ret_covered, &skipped);
}

/* Which process we are, by the number that proc has for us: it may be that of another pid namespace
 * than ours (an outer one, after unshare(2) without a new mount; an inner one, after setns(2)), in
 * which we have another number, or none. */
static void read_self(struct host *host)
{
    _cleanup_buffer_ struct buffer link = {0};
    uint64_t self;
    if (procfs_read_link(host->proc, "self", &link) >= 0 &&
        span_unsigned((struct span){link.bytes, link.length}, 10, &self) && self <= INT_MAX)
        host->self = (pid_t)self;
}

/* A bind mount over /proc/PID hides a process; container engines cover the host's own files. Then a
 * procfs of our own shows what is below. It isn't used always, because the kernel makes every file
 * of a new one anew, which takes longer than reading those of /proc. */
static int look_below(struct host *host)
{
    bool covered;
    int r = is_covered(host, &covered);
    if (r < 0 || (is_procfs(host->proc) && !covered) || !host_has(host, FEATURE_DETACHED_PROCFS))
        return r;
    int detached = detached_procfs_open();
    if (detached < 0)
        return 0;
    fd_close(host->proc);
    host->proc = detached;
    host->detached = true;
    read_self(host);
    return features_probe(host->proc, &host->features); /* what was hidden may be there now */
}

static int open_live(struct host *host)
{
    host->root = procfs_open_directory(AT_FDCWD, "/");
    host->proc = procfs_open_directory(AT_FDCWD, "/proc");
    host->sys = procfs_open_directory(AT_FDCWD, "/sys");
    host->etc = procfs_open_directory(AT_FDCWD, "/etc");
    read_self(host);
    int r = features_probe(host->proc, &host->features);
    if (r >= 0)
        r = look_below(host);
    if (r < 0)
        return r;
    if (!is_procfs(host->proc))
        return error_set(ENOENT, "cannot read the processes: /proc is not a procfs; mount it "
                                 "(mount -t proc proc /proc) or give a copied one with --root");
    host->has_security_labels = has_own_file(host, "attr/current");
    host->has_login_uids = has_own_file(host, "loginuid");
    return 0;
}

/* A copied disk has at most the folder on which proc was mounted. */
static int open_copied_processes(struct host *host, const char *root)
{
    _cleanup_number_list_ struct number_list processes = {0};
    int directory = procfs_open_directory(host->root, "proc");
    int r = directory < 0 ? directory : procfs_list_numbers(directory, ".", &processes);
    if (r >= 0 && processes.count)
        host->proc = directory;
    else
        fd_close(directory);
    return r < 0 && r != -ENOENT
               ? error_set(-r, "cannot list the processes in %s/proc: %s", root, strerror(-r))
               : 0;
}

static int open_copy(struct host *host, const char *root)
{
    int directory = host->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return error_set(errno,
                         "cannot open the folder %s: %s; give the one that holds the copied host",
                         root, strerror(errno));
    host->sys = procfs_open_directory(directory, "sys");
    host->etc = procfs_open_directory(directory, "etc");
    host->has_security_labels = host->has_login_uids = true;
    int r = open_copied_processes(host, root);
    if (r >= 0)
        read_self(host);
    return r;
}

static void read_capabilities(struct host *host)
{
    cap_t capabilities = cap_get_proc();
    if (!capabilities)
        return;
    for (unsigned i = 0; i < 64; i++) {
        cap_flag_value_t value;
        if (cap_get_flag(capabilities, (cap_value_t)i, CAP_EFFECTIVE, &value) < 0)
            break;
        host->capabilities |= (uint64_t)(value == CAP_SET) << i;
    }
    host->has_capabilities = true;
    cap_free(capabilities);
}

int host_open(const char *root, struct host **ret_host)
{
    _cleanup_host_ struct host *host = calloc(1, sizeof(*host));
    if (!host)
        return error_memory();
    host->proc = host->sys = host->etc = host->root = -1;
    host->live = !root;
    host->arena = arena_new();
    if (!host->arena)
        return error_memory();
    read_capabilities(host);
    int r = root ? open_copy(host, root) : open_live(host);
    if (r >= 0)
        r = host_read_facts(host);
    if (r < 0)
        return r;
    *ret_host = steal_pointer(host);
    return 0;
}

void host_free(struct host *host)
{
    if (!host)
        return;
    fd_close(host->proc);
    fd_close(host->sys);
    fd_close(host->etc);
    fd_close(host->root);
    arena_free(host->arena);
    free(host);
}

/* A procfs shows one pid namespace: ours as a rule, always that of its process 1. */
uint32_t host_pid_namespace(const struct host *host)
{
    _cleanup_buffer_ struct buffer link = {0}, path = {0};
    uint32_t inode;
    buffer_append_format(&path, "%d/ns/pid", host->self == getpid() ? (int)host->self : 1);
    int r = procfs_read_link(host->proc, buffer_text(&path), &link);
    return r < 0 || nsfs_parse_link(link.bytes, link.length, NSFS_PID, &inode) < 0 ? 0 : inode;
}

bool host_may(const struct host *host, unsigned capability)
{
    return host->capabilities >> capability & 1;
}
