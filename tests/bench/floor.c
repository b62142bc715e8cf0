/* SPDX-License-Identifier: Apache-2.0 */
/* floor [--without WHAT,..]: the system calls that a snapshot's fields need, and nothing more: no
 * parsing beyond what leads to the next call, no record, no second look. With the same number of
 * threads as the recorder, each with a descriptor table of its own. It tells what the kernel takes
 * for the answers; whoever wants the same fields can hardly be faster.
 *
 * WHAT: descriptors (what keeps namespaces by an open file or a socket), crossviews, mounts,
 * cgroups. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ASK_OWNER    _IO(0xb7, 1)
#define ASK_PARENT   _IO(0xb7, 2)
#define ASK_ID       _IOR(0xb7, 13, uint64_t)
#define ASK_NEXT     _IOR(0xb7, 11, struct mount_namespace)
#define ASK_PREVIOUS _IOR(0xb7, 12, struct mount_namespace)
#define ASK_SOCKET   0x894c /* SIOCGSKNS */

enum {
    THREADS = 2,
    AT_ONCE = 16,
    PROCESSES_MOST = 1 << 16,
    SYS_STATMOUNT = 457,
    SYS_LISTMOUNT = 458,
    CREATE_FILE_SYSTEM = 6, /* fsconfig(2) */
    PIDFD_THREAD_FLAG = O_EXCL
};

struct mount_namespace {
    uint32_t size, mounts;
    uint64_t id;
};

struct mount_request {
    uint32_t size, spare;
    uint64_t mount, mask, namespace;
};

static int proc;
static int processes[PROCESSES_MOST];
static size_t process_count;
static bool no_descriptors, no_crossviews, no_mounts, no_cgroups;

/* ---- threads ---- */

struct work {
    void (*read)(size_t number);
    size_t count;
    atomic_size_t next;
};

static void *run(void *argument)
{
    struct work *work = argument;
    unshare(CLONE_FILES);
    for (size_t from; (from = atomic_fetch_add(&work->next, AT_ONCE)) < work->count;)
        for (size_t i = from; i < from + AT_ONCE && i < work->count; i++)
            work->read(i);
    return NULL;
}

/* Calls `read` for all numbers below `count`, in several threads. */
static void with_threads(size_t count, void (*read)(size_t number))
{
    pthread_t threads[THREADS];
    struct work work = {.read = read, .count = count};
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, &work) != 0)
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

/* Open-addressing sets of what was asked already: of namespaces, and of sockets. */
enum { SET_SIZE = 1 << 20 };

struct set {
    _Atomic uint64_t members[SET_SIZE];
};

static struct set namespaces, sockets;

static bool is_new(struct set *set, uint64_t member)
{
    for (size_t at = member * 0x9e3779b97f4a7c15u >> 44;; at = (at + 1) % SET_SIZE) {
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&set->members[at], &there, member))
            return true;
        if (there == member)
            return false;
    }
}

static void read_file(int directory, const char *name, char *bytes, size_t size)
{
    ssize_t length = 0;
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        length = read(fd, bytes, size - 1);
        close(fd);
    }
    bytes[length > 0 ? length : 0] = '\0';
}

/* Calls `each` for every entry but the two dots. */
static void list(int fd, void (*each)(int fd, const char *name, unsigned char type, void *userdata),
                 void *userdata)
{
    char bytes[32 << 10];
    for (long length; (length = syscall(SYS_getdents64, fd, bytes, sizeof(bytes))) > 0;)
        for (long at = 0; at < length;) {
            const struct dirent64 *entry = (const struct dirent64 *)(bytes + at);
            at += entry->d_reclen;
            if (entry->d_name[0] != '.')
                each(fd, entry->d_name, entry->d_type, userdata);
        }
}

/* ---- namespaces ---- */

static void ask_namespace(int fd)
{
    uint64_t id;
    struct stat status;
    if (fd < 0)
        return;
    fstat(fd, &status);
    ioctl(fd, ASK_ID, &id);
    int owner = ioctl(fd, ASK_OWNER);
    int parent = ioctl(fd, ASK_PARENT);
    if (owner >= 0)
        close(owner);
    if (parent >= 0)
        close(parent);
    close(fd);
}

static void read_namespaces(int task)
{
    static const char *const names[] = {
        "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children",
        "user",   "uts"};
    int folder = openat(task, "ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char link[64];
        ssize_t length = readlinkat(folder, names[i], link, sizeof(link) - 1);
        link[length > 0 ? length : 0] = '\0';
        const char *number = strchr(link, '[');
        if (number && is_new(&namespaces, strtoull(number + 1, NULL, 10)))
            ask_namespace(openat(folder, names[i], O_RDONLY | O_CLOEXEC));
    }
    close(folder);
}

/* ---- descriptors ---- */

struct table {
    int pid, pidfd;
};

static void read_descriptor(int folder, const char *name, unsigned char type, void *userdata)
{
    struct table *table = userdata;
    char link[4096];
    struct stat status;
    (void)type;
    ssize_t length = readlinkat(folder, name, link, sizeof(link) - 1);
    link[length > 0 ? length : 0] = '\0';
    if (link[0] == '/') {
        fstatat(folder, name, &status, 0);
    } else if (!strncmp(link, "socket:[", 8) && is_new(&sockets, strtoull(link + 8, NULL, 10))) {
        if (table->pidfd < 0)
            table->pidfd = (int)syscall(SYS_pidfd_open, table->pid, 0);
        int copy = (int)syscall(SYS_pidfd_getfd, table->pidfd, atoi(name), 0);
        int namespace = ioctl(copy, ASK_SOCKET);
        if (namespace >= 0 && !fstat(namespace, &status) && is_new(&namespaces, status.st_ino))
            ask_namespace(dup(namespace));
        close(namespace);
        close(copy);
    }
}

static void read_descriptors(int task, int pid)
{
    struct table table = {pid, -1};
    int folder = openat(task, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    list(folder, read_descriptor, &table);
    close(folder);
    close(table.pidfd);
}

/* ---- tasks ---- */

static void read_identity(int id, unsigned flags)
{
    struct stat status;
    int pidfd = (int)syscall(SYS_pidfd_open, id, flags);
    fstat(pidfd, &status);
    close(pidfd);
}

static void read_task(int task, char *stat, size_t size)
{
    static char status[THREADS][8192];
    static _Thread_local char *own;
    static atomic_int taken;
    if (!own)
        own = status[atomic_fetch_add(&taken, 1) % THREADS];
    read_file(task, "stat", stat, size);
    read_file(task, "status", own, sizeof(status[0]));
    read_namespaces(task);
    read_file(task, "cgroup", own, sizeof(status[0]));
}

static void read_thread(int folder, const char *name, unsigned char type, void *userdata)
{
    const int *pid = userdata;
    char stat[1024];
    (void)type;
    if (atoi(name) == *pid)
        return;
    int task = openat(folder, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    read_identity(atoi(name), PIDFD_THREAD_FLAG);
    read_task(task, stat, sizeof(stat));
    close(task);
}

static void read_threads(int task, int pid)
{
    int folder = openat(task, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    list(folder, read_thread, &pid);
    close(folder);
}

/* proc_pid_stat(5); the numbers behind the name count from 3. */
static uint64_t field_of(const char *stat, unsigned wanted)
{
    const char *at = strrchr(stat, ')');
    for (unsigned field = 2; at && field < wanted; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

static void read_program(int task)
{
    static const char *const links[] = {"exe", "cwd", "root"};
    char bytes[4096];
    read_file(task, "cmdline", bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
        if (readlinkat(task, links[i], bytes, sizeof(bytes)) < 0)
            continue;
}

static void read_process(int pid)
{
    enum { KERNEL_THREAD = 0x00200000 };
    char name[16], stat[1024];
    snprintf(name, sizeof(name), "%d", pid);
    int task = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (task < 0)
        return;
    read_identity(pid, 0);
    read_task(task, stat, sizeof(stat));
    bool program = !(field_of(stat, 9) & KERNEL_THREAD);
    if (program)
        read_program(task);
    if (program && !no_descriptors)
        read_descriptors(task, pid);
    if (field_of(stat, 20) > 1)
        read_threads(task, pid);
    read_file(task, "loginuid", stat, sizeof(stat));
    close(task);
}

static void add_process(int folder, const char *name, unsigned char type, void *userdata)
{
    int pid = atoi(name);
    (void)folder, (void)type, (void)userdata;
    if (pid > 0 && process_count < PROCESSES_MOST)
        processes[process_count++] = pid;
}

static void list_processes(int procfs)
{
    int folder = openat(procfs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    process_count = 0;
    list(folder, add_process, NULL);
    close(folder);
}

static void read_nth_process(size_t number)
{
    read_process(processes[number]);
}

/* ---- mounts ---- */

static struct mount_request *mounts; /* those that are to be asked for */
static size_t mount_count, mount_capacity;

static void add_mount(uint64_t namespace, uint64_t mount)
{
    if (mount_count == mount_capacity) {
        mount_capacity = mount_capacity ? mount_capacity * 2 : 1 << 12;
        mounts = realloc(mounts, mount_capacity * sizeof(*mounts));
        if (!mounts)
            abort();
    }
    mounts[mount_count++] =
        (struct mount_request){sizeof(struct mount_request), 0, mount, 0xfff, namespace};
}

static void list_mounts(uint64_t namespace)
{
    uint64_t ids[512];
    struct mount_request request = {sizeof(request), 0, UINT64_MAX, 0, namespace};
    for (long count; (count = syscall(SYS_LISTMOUNT, &request, ids, 512, 0)) > 0;) {
        for (long i = 0; i < count; i++)
            add_mount(namespace, ids[i]);
        request.mask = ids[count - 1];
    }
}

static void read_nth_mount(size_t number)
{
    static _Thread_local char bytes[64 << 10];
    syscall(SYS_STATMOUNT, &mounts[number], bytes, sizeof(bytes), 0);
}

static void list_namespaces_one_way(unsigned long way)
{
    struct mount_namespace info = {.size = sizeof(info)};
    int fd = openat(proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
    for (int other; fd >= 0 && (other = ioctl(fd, way, &info)) >= 0; fd = other) {
        close(fd);
        list_mounts(info.id);
    }
    close(fd);
}

static void read_all_mounts(void)
{
    uint64_t own = 0;
    int fd = openat(proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
    ioctl(fd, ASK_ID, &own);
    close(fd);
    list_mounts(own);
    list_namespaces_one_way(ASK_NEXT);
    list_namespaces_one_way(ASK_PREVIOUS);
    with_threads(mount_count, read_nth_mount);
}

/* ---- control groups ---- */

static void read_cgroup(int folder, const char *name, unsigned char type, void *userdata)
{
    char bytes[256];
    struct stat status;
    if (type != DT_DIR)
        return;
    int child = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (child < 0)
        return;
    fstat(child, &status);
    read_file(child, "cgroup.freeze", bytes, sizeof(bytes));
    list(child, read_cgroup, userdata);
    close(child);
}

static void read_cgroups(void)
{
    int folder = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    list(folder, read_cgroup, NULL);
    close(folder);
}

/* ---- the views of the process list against each other ---- */

static void read_members(int folder, const char *name, unsigned char type, void *userdata)
{
    static char bytes[1 << 20];
    if (type != DT_DIR)
        return;
    int child = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (child < 0)
        return;
    read_file(child, "cgroup.procs", bytes, sizeof(bytes));
    list(child, read_members, userdata);
    close(child);
}

/* Of one hierarchy: that of version 2, or the first one. */
static void read_one_hierarchy(void)
{
    int folder = open("/sys/fs/cgroup/unified", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        folder = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    list(folder, read_members, NULL);
    close(folder);
}

/* One of our own, that is mounted nowhere. */
static void list_other_procfs(void)
{
    int context = (int)syscall(SYS_fsopen, "proc", 0);
    syscall(SYS_fsconfig, context, CREATE_FILE_SYSTEM, NULL, NULL, 0);
    int procfs = (int)syscall(SYS_fsmount, context, 0, 0);
    list_processes(procfs);
    close(procfs);
    close(context);
}

static void ask_for_number(size_t number)
{
    getsid((pid_t)number + 1);
}

static void count_threads(size_t number)
{
    char name[32];
    struct stat status;
    snprintf(name, sizeof(name), "%d/task", processes[number]);
    fstatat(proc, name, &status, 0);
}

static void compare_views(void)
{
    char bytes[64];
    read_file(proc, "sys/kernel/pid_max", bytes, sizeof(bytes));
    int highest = atoi(bytes);
    with_threads(highest < PROCESSES_MOST ? (size_t)highest : PROCESSES_MOST, ask_for_number);
    read_one_hierarchy();
    list_other_procfs();
    list_processes(proc);
    read_file(proc, "loadavg", bytes, sizeof(bytes));
    with_threads(process_count, count_threads);
    read_file(proc, "loadavg", bytes, sizeof(bytes));
}

int main(int count, char **words)
{
    const char *without = count > 2 && !strcmp(words[1], "--without") ? words[2] : "";
    no_descriptors = strstr(without, "descriptors");
    no_crossviews = strstr(without, "crossviews");
    no_mounts = strstr(without, "mounts");
    no_cgroups = strstr(without, "cgroups");
    proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0) {
        perror("bench-floor: /proc");
        return 1;
    }
    list_processes(proc);
    with_threads(process_count, read_nth_process);
    if (!no_mounts)
        read_all_mounts();
    if (!no_cgroups)
        read_cgroups();
    if (!no_crossviews)
        compare_views();
    return 0;
}
