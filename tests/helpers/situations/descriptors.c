/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces that nothing keeps but what a process, or one of its threads, has open. */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* What the keeper tells, shared. */
static struct kept {
    const char *type;
    int flags; /* of the namespaces to be made */
    int descriptor;
    uint64_t namespace, owner;
    pid_t tid;
} * kept;

enum { PATH_SIZE = 256 };

/* A file system of one's own in the scratch folder, which ends with the process. */
static void own_folder(void)
{
    check(unshare(CLONE_NEWNS), "cannot make a mount namespace");
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "cannot keep mounts to ourselves");
    check(mount("scratch", scratch_folder(), "tmpfs", 0, "size=1m"), scratch_folder());
}

static void hold(void *unused)
{
    (void)unused;
    child_hold();
}

static int open_namespace(pid_t pid, const char *type)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, type);
    return check(open(path, O_RDONLY | O_CLOEXEC), path);
}

/* A process makes it and goes. */
static void keep_file(void *unused)
{
    (void)unused;
    pid_t maker = child_start(kept->flags, hold, NULL);
    kept->namespace = namespace_of(maker, kept->type);
    kept->owner = namespace_of(maker, "user");
    kept->descriptor = open_namespace(maker, kept->type);
    child_end(maker);
    child_hold();
}

static void keep_file_in_own_table(void *unused)
{
    check(unshare(CLONE_FILES), "cannot have a table of descriptors of one's own");
    keep_file(unused);
}

static void have_keeping_thread(void *unused)
{
    kept->tid = thread_start(keep_file_in_own_table, unused);
    child_hold();
}

/* `open_it` is called in a network namespace whose maker then goes, with its user namespace. */
static void keep_opened(int (*open_it)(void))
{
    pid_t maker = child_start(CLONE_NEWUSER | CLONE_NEWNET, hold, NULL);
    int own = open_namespace(getpid(), "net"), made = open_namespace(maker, "net");
    kept->namespace = namespace_of(maker, "net");
    kept->owner = namespace_of(maker, "user");
    check(setns(made, CLONE_NEWNET), "cannot enter the network namespace");
    kept->descriptor = open_it();
    check(setns(own, CLONE_NEWNET), "cannot leave the network namespace");
    close(own);
    close(made);
    child_end(maker);
    child_hold();
}

static int open_socket(void)
{
    return check(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "cannot make a socket");
}

static void keep_socket(void *unused)
{
    (void)unused;
    keep_opened(open_socket);
}

static void keep_socket_in_own_table(void *unused)
{
    check(unshare(CLONE_FILES), "cannot have a table of descriptors of one's own");
    keep_socket(unused);
}

static void have_thread_with_socket(void *unused)
{
    kept->tid = thread_start(keep_socket_in_own_table, unused);
    child_hold();
}

static int open_tun_node(const char *node)
{
    struct ifreq request = {.ifr_name = "situation%d", .ifr_flags = IFF_TUN | IFF_NO_PI};
    int tun = check(open(node, O_RDWR | O_CLOEXEC), node);
    check(ioctl(tun, TUNSETIFF, &request), "cannot make a TUN device");
    return tun;
}

static int open_tun(void)
{
    return open_tun_node("/dev/net/tun");
}

/* It is the node's number that makes it one, not its name. */
static int open_renamed_tun(void)
{
    char node[PATH_SIZE];
    own_folder();
    snprintf(node, sizeof(node), "%s/null", scratch_folder());
    check(mknod(node, S_IFCHR | 0600, makedev(10, 200)), node);
    return open_tun_node(node);
}

static void keep_tun(void *unused)
{
    (void)unused;
    keep_opened(open_tun);
}

static void keep_renamed_tun(void *unused)
{
    (void)unused;
    keep_opened(open_renamed_tun);
}

/* ---- what a link doesn't tell ---- */

/* Its link is a path, and then the root of a mount that is nowhere any more. */
static void keep_mounted_file(void *unused)
{
    (void)unused;
    char target[PATH_SIZE], file[64];
    own_folder();
    snprintf(target, sizeof(target), "%s/namespace", scratch_folder());
    check(close(check(creat(target, 0600), target)), target);
    pid_t maker = child_start(kept->flags, hold, NULL);
    kept->namespace = namespace_of(maker, kept->type);
    snprintf(file, sizeof(file), "/proc/%d/ns/%s", maker, kept->type);
    check(mount(file, target, NULL, MS_BIND, NULL), target);
    kept->descriptor = check(open(target, O_RDONLY | O_CLOEXEC), target);
    check(umount2(target, MNT_DETACH), target);
    child_end(maker);
    child_hold();
}

/* Whatever the file system of this descriptor's file is asked is never answered. */
static void keep_silent_file(void *unused)
{
    (void)unused;
    char options[64];
    int server = check(open("/dev/fuse", O_RDWR | O_CLOEXEC), "/dev/fuse");
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
             server);
    check(unshare(CLONE_NEWNS), "cannot make a mount namespace");
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "cannot keep mounts to ourselves");
    check(mount("silent", scratch_folder(), "fuse", MS_NOSUID | MS_NODEV, options), "fuse");
    kept->descriptor = check(open(scratch_folder(), O_PATH | O_CLOEXEC), scratch_folder());
    keep_file(NULL);
}

/* ---- in flight ---- */

static void have_mount(void *unused)
{
    (void)unused;
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "cannot keep mounts to ourselves");
    check(mount("in flight", scratch_folder(), "tmpfs", 0, "size=64k"), scratch_folder());
    child_hold();
}

static void send_descriptor(int socket, int descriptor)
{
    char byte = 0, control[CMSG_SPACE(sizeof(descriptor))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(descriptor));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
    check((int)sendmsg(socket, &message, 0), "cannot send a descriptor");
}

/* Sent and not received: it is in no table of descriptors. */
static void keep_in_flight(void *unused)
{
    (void)unused;
    int sockets[2];
    check(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets), "cannot make sockets");
    pid_t maker = child_start(CLONE_NEWNS, have_mount, NULL);
    kept->namespace = namespace_of(maker, "mnt");
    int file = open_namespace(maker, "mnt");
    send_descriptor(sockets[0], file);
    close(file);
    child_end(maker);
    child_hold();
}

/* ---- all of them ---- */

static void build(cJSON *facts, const char *type, int flags, child_role keep)
{
    scratch_folder();
    kept = share(sizeof(*kept));
    *kept = (struct kept){.type = type, .flags = flags};
    fact_number(facts, "pid", (uint64_t)child_start(0, keep, NULL));
    if (kept->tid)
        fact_number(facts, "tid", (uint64_t)kept->tid);
    fact_text(facts, "type", type);
    fact_number(facts, "descriptor", (uint64_t)kept->descriptor);
    fact_number(facts, "namespace", kept->namespace);
    fact_number(facts, "outer_namespace", namespace_of(getpid(), type));
    if (flags == 0)
        fact_number(facts, "owner_namespace", kept->owner);
}

#define FILE_OF(type, flag)                                                                        \
    static void build_##type(cJSON *facts)                                                         \
    {                                                                                              \
        build(facts, #type, flag, keep_file);                                                      \
    }
FILE_OF(cgroup, CLONE_NEWCGROUP)
FILE_OF(ipc, CLONE_NEWIPC)
FILE_OF(mnt, CLONE_NEWNS)
FILE_OF(net, CLONE_NEWNET)
FILE_OF(pid, CLONE_NEWPID)
FILE_OF(time, CLONE_NEWTIME)
FILE_OF(user, CLONE_NEWUSER)
FILE_OF(uts, CLONE_NEWUTS)

static void build_thread(cJSON *facts)
{
    build(facts, "uts", CLONE_NEWUTS, have_keeping_thread);
}

static void build_socket(cJSON *facts)
{
    build(facts, "net", 0, keep_socket);
}

static void build_thread_socket(cJSON *facts)
{
    build(facts, "net", 0, have_thread_with_socket);
}

static void build_tun(cJSON *facts)
{
    build(facts, "net", 0, keep_tun);
}

static void build_renamed_tun(cJSON *facts)
{
    build(facts, "net", 0, keep_renamed_tun);
}

static void build_mounted(cJSON *facts)
{
    build(facts, "net", CLONE_NEWNET, keep_mounted_file);
}

static void build_silent(cJSON *facts)
{
    build(facts, "uts", CLONE_NEWUTS, keep_silent_file);
}

static void build_in_flight(cJSON *facts)
{
    build(facts, "mnt", CLONE_NEWNS, keep_in_flight);
}

const struct situation situations_descriptors[] = {
    {"fd-cgroup", "a cgroup namespace that only a descriptor keeps", build_cgroup, NULL, 0},
    {"fd-ipc", "an ipc namespace that only a descriptor keeps", build_ipc, NULL, 0},
    {"fd-mnt", "a mount namespace that only a descriptor keeps", build_mnt, NULL, 0},
    {"fd-net", "a network namespace that only a descriptor keeps", build_net, NULL, 0},
    {"fd-pid", "a pid namespace that only a descriptor keeps", build_pid, NULL, 0},
    {"fd-time", "a time namespace that only a descriptor keeps", build_time, NULL, 0},
    {"fd-user", "a user namespace that only a descriptor keeps", build_user, NULL, 0},
    {"fd-uts", "a uts namespace that only a descriptor keeps", build_uts, NULL, 0},
    {"fd-thread", "a uts namespace kept only in a thread's own table of descriptors", build_thread,
     NULL, 0},
    {"socket", "a network namespace that only a socket keeps", build_socket, NULL, 0},
    {"socket-thread", "a network namespace kept only by a socket in a thread's own table",
     build_thread_socket, NULL, 0},
    {"tun", "a network namespace that only the descriptor of a TUN device keeps", build_tun, NULL,
     0},
    {"tun-renamed", "the same, where the device's node has the name of another one",
     build_renamed_tun, NULL, 0},
    {"fd-mounted", "a network namespace kept by a descriptor of a bind mount that was taken away",
     build_mounted, NULL, 0},
    {"fd-silent", "a uts namespace kept by a descriptor beside one whose file system never answers",
     build_silent, NULL, 0},
    {"in-flight", "a mount namespace whose only descriptor is in flight in a socket",
     build_in_flight, NULL, 0},
    {0},
};
