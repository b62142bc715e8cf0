/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces that nothing keeps but what a process, or one of its threads, has open. */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

static int open_tun(void)
{
    struct ifreq request = {.ifr_name = "situation%d", .ifr_flags = IFF_TUN | IFF_NO_PI};
    int tun = check(open("/dev/net/tun", O_RDWR | O_CLOEXEC), "/dev/net/tun");
    check(ioctl(tun, TUNSETIFF, &request), "cannot make a TUN device");
    return tun;
}

static void keep_tun(void *unused)
{
    (void)unused;
    keep_opened(open_tun);
}

static void build(cJSON *facts, const char *type, int flags, child_role keep)
{
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
    {0},
};
