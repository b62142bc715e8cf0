/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/features.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "recorder/kernel/detached_procfs.h"
#include "recorder/kernel/kcmp.h"
#include "recorder/kernel/listns.h"
#include "recorder/kernel/mount_calls.h"
#include "recorder/kernel/nsfs.h"
#include "recorder/kernel/pidfd.h"
#include "recorder/kernel/procfs.h"

#include <sched.h>
#include <strings.h>
#include <sys/ioctl.h>

const struct feature_info feature_infos[FEATURE_COUNT] = {
#define FEATURE_INFO(enumerator, name, description) {name, description},
    FEATURES(FEATURE_INFO)
#undef FEATURE_INFO
};

/* Each probe: 0, or a negative errno. Namespaces to ask about are those of the recorder. */

/* A descriptor of the recorder. pidfd_open(2) takes the numbers of our own pid namespace: to a
 * procfs of another one they mean other processes, so there it is as if the call weren't. */
static int open_self(int proc, bool thread)
{
    _cleanup_buffer_ struct buffer link = {0};
    uint64_t self;
    int r = procfs_read_link(proc, "self", &link);
    if (r < 0)
        return r;
    if (!span_unsigned((struct span){link.bytes, link.length}, 10, &self) ||
        self != (uint64_t)getpid())
        return -ESRCH;
    return pidfd_open_task(thread ? gettid() : getpid(), thread);
}

static int probe_pidfd(int proc)
{
    _cleanup_close_ int fd = open_self(proc, false);
    return fd < 0 ? fd : 0;
}

static int probe_identity(int proc, bool thread)
{
    _cleanup_close_ int fd = open_self(proc, thread);
    if (fd < 0)
        return fd;
    return pidfd_is_pidfs(fd) ? 0 : -EOPNOTSUPP;
}

static int probe_pidfs(int proc)
{
    return probe_identity(proc, false);
}

static int probe_pidfd_thread(int proc)
{
    return probe_identity(proc, true);
}

static int probe_pidfd_getfd(int proc)
{
    _cleanup_close_ int pidfd = pidfd_open_task(getpid(), false);
    _cleanup_close_ int fd = pidfd < 0 ? pidfd : pidfd_copy_descriptor(pidfd, proc);
    return fd < 0 ? fd : 0;
}

static int probe_kcmp(int proc)
{
    (void)proc;
    int r = kcmp_same_descriptors(getpid(), getpid());
    return r < 0 ? r : 0;
}

/* The kernel answers EPERM where a parent or owner is out of reach; so does a seccomp filter that
 * refuses the call. On a descriptor that isn't open only the filter says so. */
static int probe_relation(int proc, unsigned long request, const char *namespace)
{
    uint64_t unused;
    if (ioctl(-1, request, &unused) < 0 && errno != EBADF)
        return -errno;
    _cleanup_close_ int fd = nsfs_open(proc, namespace);
    if (fd < 0)
        return fd;
    _cleanup_close_ int related = ioctl(fd, request, &unused);
    return related < 0 && errno != EPERM ? -errno : 0;
}

static int probe_userns(int proc)
{
    return probe_relation(proc, NSFS_GET_USERNS, "self/ns/uts");
}

static int probe_parent(int proc)
{
    return probe_relation(proc, NSFS_GET_PARENT, "self/ns/pid");
}

static int probe_owner_uid(int proc)
{
    uid_t uid;
    _cleanup_close_ int fd = nsfs_open(proc, "self/ns/user");
    return fd < 0 ? fd : nsfs_owner_uid(fd, &uid);
}

static int probe_mount_namespace_id(int proc)
{
    uint64_t id;
    _cleanup_close_ int fd = nsfs_open(proc, "self/ns/mnt");
    return fd < 0 ? fd : nsfs_mount_namespace_id(fd, &id);
}

static int probe_id(int proc)
{
    uint64_t id;
    _cleanup_close_ int fd = nsfs_open(proc, "self/ns/net");
    return fd < 0 ? fd : nsfs_id(fd, &id);
}

/* Behind the last one is an answer too. */
static int probe_neighbour(int proc)
{
    _cleanup_close_ int fd = nsfs_open(proc, "self/ns/mnt");
    _cleanup_close_ int next = fd < 0 ? fd : nsfs_open_neighbour(fd, true);
    return next < 0 && next != -ENOENT ? next : 0;
}

static int probe_handle(int proc)
{
    uint64_t id;
    uint32_t inode;
    _cleanup_close_ int fd = nsfs_open(proc, "self/ns/net");
    int r = fd < 0 ? fd : nsfs_id(fd, &id);
    if (r >= 0)
        r = nsfs_inode(fd, &inode);
    _cleanup_close_ int opened = r < 0 ? r : nsfs_open_by_id(fd, NSFS_NET, id, inode);
    return opened < 0 ? opened : 0;
}

static int probe_listns(int proc)
{
    (void)proc;
    return listns_probe();
}

/* Tried without a flag, which has no effect: this thread's descriptors stay shared. */
static int probe_private_descriptors(int proc)
{
    (void)proc;
    return unshare(0) < 0 ? -errno : 0;
}

static int probe_list_mounts(int proc)
{
    (void)proc;
    return mount_calls_probe_list();
}

static int probe_stat_mount(int proc)
{
    (void)proc;
    return mount_calls_probe_stat();
}

static int probe_mount_lines(int proc)
{
    (void)proc;
    return mount_calls_probe_lines();
}

static int probe_detached_procfs(int proc)
{
    (void)proc;
    _cleanup_close_ int fd = detached_procfs_open();
    return fd < 0 ? fd : 0;
}

static int (*const probes[FEATURE_COUNT])(int proc) = {
    [FEATURE_PIDFD] = probe_pidfd,
    [FEATURE_PIDFS] = probe_pidfs,
    [FEATURE_PIDFD_THREAD] = probe_pidfd_thread,
    [FEATURE_PIDFD_GETFD] = probe_pidfd_getfd,
    [FEATURE_KCMP] = probe_kcmp,
    [FEATURE_NS_GET_USERNS] = probe_userns,
    [FEATURE_NS_GET_PARENT] = probe_parent,
    [FEATURE_NS_GET_OWNER_UID] = probe_owner_uid,
    [FEATURE_NS_GET_MNTNS_ID] = probe_mount_namespace_id,
    [FEATURE_NS_GET_ID] = probe_id,
    [FEATURE_NS_MNT_GET_NEXT] = probe_neighbour,
    [FEATURE_NSFS_HANDLE] = probe_handle,
    [FEATURE_LISTNS] = probe_listns,
    [FEATURE_LISTMOUNT] = probe_list_mounts,
    [FEATURE_STATMOUNT] = probe_stat_mount,
    [FEATURE_STATMOUNT_LINES] = probe_mount_lines,
    [FEATURE_DETACHED_PROCFS] = probe_detached_procfs,
    [FEATURE_PRIVATE_DESCRIPTORS] = probe_private_descriptors,
};

static int refuse(struct features *features, const char *name, size_t length)
{
    for (unsigned i = 0; i < FEATURE_COUNT; i++)
        if (strlen(feature_infos[i].name) == length &&
            strncasecmp(feature_infos[i].name, name, length) == 0) {
            features->states[i].refused = true;
            return 0;
        }
    return error_set(ERROR_USAGE,
                     "cannot refuse '%.*s' as NSLAPSE_WITHOUT asks: there is no such feature; "
                     "`nslapse doctor` lists them",
                     (int)length, name);
}

/* What the environment refuses, and what cannot be used without that. */
static int refuse_all(struct features *features)
{
    const char *names = getenv("NSLAPSE_WITHOUT");
    struct span rest = {names, names ? strlen(names) : 0}, name;
    while (span_take(&rest, ',', &name)) {
        name = span_trim(name);
        int r = name.length ? refuse(features, name.bytes, name.length) : 0;
        if (r < 0)
            return r;
    }
    struct feature_state *states = features->states;
    states[FEATURE_PIDFS].refused |= states[FEATURE_PIDFD].refused;
    states[FEATURE_PIDFD_GETFD].refused |= states[FEATURE_PIDFD].refused;
    /* Ids alone say nothing: they are opened by their handles. */
    states[FEATURE_NSFS_HANDLE].refused |= states[FEATURE_NS_GET_ID].refused;
    states[FEATURE_LISTNS].refused |= states[FEATURE_NSFS_HANDLE].refused;
    states[FEATURE_STATMOUNT_LINES].refused |=
        states[FEATURE_STATMOUNT].refused || states[FEATURE_LISTMOUNT].refused;
    states[FEATURE_PIDFD_THREAD].refused |= states[FEATURE_PIDFS].refused;
    return 0;
}

int features_probe(int proc, struct features *ret_features)
{
    struct features features = {0};
    int r = refuse_all(&features);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < FEATURE_COUNT; i++) {
        struct feature_state *state = &features.states[i];
        int code = state->refused ? 0 : probes[i](proc);
        state->code = -code;
        state->available = !state->refused && !code;
    }
    *ret_features = features;
    return 0;
}
