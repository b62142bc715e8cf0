/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/made_host.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    IN_CONTAINER = 5,   /* processes */
    OWN_NAMESPACES = 6, /* of a container */
    OWN_MOUNTS = 25,
    HOST_MOUNTS = 40,
    HOST_CGROUPS = 60,
    SHORT_MOST = 16,
    TICKS = 100, /* a second */
};

static const char *const programs[] = {
    "systemd-journal", "systemd-udevd", "dbus-daemon",     "systemd-logind", "cron",    "sshd",
    "rsyslogd",        "nginx",         "postgres",        "redis-server",   "java",    "python3",
    "dockerd",         "containerd",    "containerd-shim", "chronyd",        "polkitd", "agetty"};
static const char *const short_ones[] = {"sh",        "run-parts", "sleep", "curl",
                                         "logrotate", "find",      "grep",  "awk"};
static const char *const own_types[OWN_NAMESPACES] = {"cgroup", "ipc", "mnt", "net", "pid", "uts"};
static const char *const all_types[] = {"cgroup", "ipc",  "mnt",  "net",
                                        "pid",    "time", "user", "uts"};
static const unsigned own_columns[OWN_NAMESPACES] = {TASK_CGROUP_NAMESPACE, TASK_IPC_NAMESPACE,
                                                     TASK_MNT_NAMESPACE,    TASK_NET_NAMESPACE,
                                                     TASK_PID_NAMESPACE,    TASK_UTS_NAMESPACE};

enum { INITIAL_INODE = 0xeffffff8u, PROGRAM_COUNT = sizeof(programs) / sizeof(*programs) };

struct made_process {
    int64_t pid, start, inode, user, system, switches, preemptions, resident, faults;
    unsigned program;
    int container; /* -1 for none */
    bool kernel;
};

struct made_container {
    unsigned starts;         /* names what is new with each */
    int64_t first_namespace; /* inodes and ids of its own */
    int64_t first_mount;
    int64_t cgroup;
};

struct made_host {
    struct made_process *processes, brief[SHORT_MOST];
    unsigned process_count, brief_count, container_count;
    struct made_container *containers;
    unsigned next_replaced, next_restarted;
    int64_t minute, last_pid, last_inode, last_namespace, last_mount, last_cgroup, forks;
    uint64_t chance;
};

/* xorshift64*, so that every run makes the same host. */
static unsigned chance(struct made_host *host, unsigned below)
{
    host->chance ^= host->chance >> 12;
    host->chance ^= host->chance << 25;
    host->chance ^= host->chance >> 27;
    return (unsigned)((host->chance * 2685821657736338717u) >> 33) % below;
}

static void begin_process(struct made_host *host, struct made_process *process, int container,
                          bool kernel)
{
    enum { PID_MOST = 4194304 };
    host->last_pid = host->last_pid % PID_MOST + 1 + chance(host, 3);
    host->forks++;
    *process = (struct made_process){.pid = host->last_pid,
                                     .start = host->minute * 60 * TICKS + chance(host, 60 * TICKS),
                                     .inode = ++host->last_inode,
                                     .program = chance(host, PROGRAM_COUNT),
                                     .container = container,
                                     .kernel = kernel,
                                     .resident = kernel ? 0 : 4096 * (200 + chance(host, 20000)),
                                     .switches = 1 + chance(host, 100),
                                     .faults = kernel ? 0 : 100 + chance(host, 5000)};
}

static void begin_container(struct made_host *host, unsigned number)
{
    struct made_container *container = &host->containers[number];
    container->starts++;
    container->first_namespace = host->last_namespace + 1;
    host->last_namespace += OWN_NAMESPACES;
    container->first_mount = host->last_mount + 1;
    host->last_mount += OWN_MOUNTS;
    container->cgroup = ++host->last_cgroup;
}

static bool is_of(const struct made_process *process, unsigned container)
{
    return process->container == (int)container;
}

static void populate(struct made_host *host)
{
    unsigned kernel = host->process_count / 3;
    unsigned contained = host->container_count * IN_CONTAINER;
    for (unsigned i = 0; i < host->container_count; i++)
        begin_container(host, i);
    for (unsigned i = 0; i < host->process_count; i++) {
        bool in_container = i >= host->process_count - contained;
        int container = in_container ? (int)((host->process_count - 1 - i) / IN_CONTAINER) : -1;
        begin_process(host, &host->processes[i], container, i < kernel);
    }
}

struct made_host *made_host_new(unsigned processes)
{
    struct made_host *host = calloc(1, sizeof(*host));
    if (!host)
        return NULL;
    host->chance = 0x9e3779b97f4a7c15u;
    host->process_count = processes;
    host->container_count = processes / 6 / IN_CONTAINER;
    host->last_mount = HOST_MOUNTS;
    host->last_cgroup = HOST_CGROUPS;
    host->last_namespace = 4096;
    host->processes = calloc(processes + 1, sizeof(*host->processes));
    host->containers = calloc(host->container_count + 1, sizeof(*host->containers));
    if (!host->processes || !host->containers) {
        made_host_free(host);
        return NULL;
    }
    populate(host);
    return host;
}

void made_host_free(struct made_host *host)
{
    if (!host)
        return;
    free(host->processes);
    free(host->containers);
    free(host);
}

/* ---- what happens ---- */

/* Of what the counters of a quiet host do in a minute, the most part is nothing. */
static void run_process(struct made_host *host, struct made_process *process)
{
    if (chance(host, process->kernel ? 6 : 4))
        return;
    process->switches += 1 + chance(host, 600);
    process->preemptions += chance(host, 3);
    process->system += chance(host, 8);
    if (process->kernel)
        return;
    process->user += chance(host, 20);
    if (chance(host, 4) == 0) {
        process->resident += 4096 * ((int64_t)chance(host, 64) - 31);
        process->faults += chance(host, 64);
    }
}

void made_host_minute(struct made_host *host)
{
    host->minute++;
    host->brief_count = 0;
    for (unsigned i = 0; i < host->process_count; i++)
        run_process(host, &host->processes[i]);
}

void made_host_replace(struct made_host *host, unsigned count)
{
    unsigned first = host->process_count / 3; /* kernel threads stay */
    while (count--) {
        unsigned at = first + host->next_replaced++ % (host->process_count - first);
        begin_process(host, &host->processes[at], host->processes[at].container, false);
    }
}

void made_host_run_short(struct made_host *host, unsigned count, unsigned seen)
{
    for (unsigned i = 0; i < count && host->brief_count < SHORT_MOST; i++) {
        begin_process(host, &host->brief[host->brief_count], -1, false);
        host->brief_count += chance(host, seen) == 0;
    }
}

void made_host_restart_container(struct made_host *host)
{
    if (!host->container_count)
        return;
    unsigned number = host->next_restarted++ % host->container_count;
    begin_container(host, number);
    for (unsigned i = 0; i < host->process_count; i++)
        if (is_of(&host->processes[i], number))
            begin_process(host, &host->processes[i], (int)number, false);
}

/* ---- records ---- */

/* Texts of a record, until the next one. */
static struct {
    char bytes[4096];
    size_t used;
} texts;

static void begin(struct record *record, enum kind kind)
{
    texts.used = 0;
    record_begin(record, kind);
}

__attribute__((format(printf, 3, 4))) static void set_text(struct record *record, unsigned column,
                                                           const char *format, ...)
{
    va_list words;
    char *text = texts.bytes + texts.used;
    va_start(words, format);
    texts.used += (size_t)vsnprintf(text, sizeof(texts.bytes) - texts.used, format, words) + 1;
    va_end(words);
    record_set_text(record, column, text);
}

static uint32_t inode_of(int64_t namespace)
{
    return (uint32_t)(0xf0000000u + (uint64_t) namespace % 1000000);
}

static void set_namespaces(const struct made_host *host, struct record *record, int container)
{
    static const unsigned columns[] = {
        TASK_CGROUP_NAMESPACE, TASK_IPC_NAMESPACE,  TASK_MNT_NAMESPACE,  TASK_NET_NAMESPACE,
        TASK_PID_NAMESPACE,    TASK_TIME_NAMESPACE, TASK_USER_NAMESPACE, TASK_UTS_NAMESPACE};
    for (unsigned i = 0; i < sizeof(columns) / sizeof(*columns); i++)
        record_set_integer(record, columns[i], INITIAL_INODE + i);
    for (unsigned i = 0; i < OWN_NAMESPACES && container >= 0; i++)
        record_set_integer(record, own_columns[i],
                           inode_of(host->containers[container].first_namespace + i));
    record_set_integer(record, TASK_PID_FOR_CHILDREN_NAMESPACE,
                       record_integer(record, TASK_PID_NAMESPACE, 0));
    record_set_integer(record, TASK_TIME_FOR_CHILDREN_NAMESPACE,
                       record_integer(record, TASK_TIME_NAMESPACE, 0));
}

static void append_cgroup(char *path, size_t size, const struct made_process *process)
{
    if (process->container >= 0)
        snprintf(path, size, "/system.slice/docker-%064d.scope", process->container);
    else if (process->kernel)
        snprintf(path, size, "/");
    else
        snprintf(path, size, "/system.slice/%s.service", programs[process->program]);
}

static void fill_task(const struct made_host *host, struct record *record,
                      const struct made_process *process)
{
    static const unsigned zeros[] = {
        TASK_REAL_UID,     TASK_EFFECTIVE_UID, TASK_SAVED_UID,           TASK_FILESYSTEM_UID,
        TASK_REAL_GID,     TASK_EFFECTIVE_GID, TASK_SAVED_GID,           TASK_FILESYSTEM_GID,
        TASK_NO_NEW_PRIVS, TASK_FROZEN,        TASK_SCHEDULING_PRIORITY, TASK_NICE};
    static const unsigned masks[] = {TASK_CAPABILITIES_EFFECTIVE, TASK_CAPABILITIES_PERMITTED,
                                     TASK_CAPABILITIES_BOUNDING};
    char cgroup[128];
    for (size_t i = 0; i < sizeof(zeros) / sizeof(*zeros); i++)
        record_set_integer(record, zeros[i], 0);
    for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++)
        record_set_text(record, masks[i],
                        process->container < 0 ? "000001ffffffffff" : "00000000a80425fb");
    record_set_text(record, TASK_CAPABILITIES_INHERITABLE, "0000000000000000");
    record_set_text(record, TASK_CAPABILITIES_AMBIENT, "0000000000000000");
    record_set_integer(record, TASK_PID, process->pid);
    record_set_integer(record, TASK_START_TICKS, process->start);
    record_set_integer(record, TASK_PIDFS_INODE, process->inode);
    record_set_text(record, TASK_COMM, programs[process->program]);
    record_set_text(record, TASK_CONDITION, "alive");
    record_set_text(record, TASK_GROUPS, "[]");
    record_set_text(record, TASK_SECCOMP, process->container < 0 ? "disabled" : "filter");
    append_cgroup(cgroup, sizeof(cgroup), process);
    set_text(record, TASK_CGROUP, "{\"unified\":\"%s\"}", cgroup);
    set_namespaces(host, record, process->container);
    record_set_text(record, TASK_SCHEDULING_POLICY, "other");
    record_set_text(record, TASK_CPU_AFFINITY, "0-7");
    record_set_integer(record, TASK_USER_TICKS, process->user);
    record_set_integer(record, TASK_SYSTEM_TICKS, process->system);
    record_set_integer(record, TASK_RUN_STATE, 'S');
    record_set_integer(record, TASK_VOLUNTARY_SWITCHES, process->switches);
    record_set_integer(record, TASK_INVOLUNTARY_SWITCHES, process->preemptions);
}

static int emit_process(const struct made_host *host, const struct sink *sink,
                        const struct made_process *process, const char *name)
{
    struct record record;
    begin(&record, KIND_PROCESS);
    fill_task(host, &record, process);
    record_set_text(&record, PROCESS_COMM, name);
    record_set_integer(&record, PROCESS_PPID, process->kernel ? 2 : 1);
    record_set_integer(&record, PROCESS_PROCESS_GROUP, process->pid);
    record_set_integer(&record, PROCESS_SESSION, process->pid);
    record_set_integer(&record, PROCESS_TRACER_PID, 0);
    record_set_integer(&record, PROCESS_KERNEL_THREAD, process->kernel);
    record_set_integer(&record, PROCESS_RESIDENT_BYTES, process->resident);
    record_set_integer(&record, PROCESS_MINOR_FAULTS, process->faults);
    record_set_integer(&record, PROCESS_MAJOR_FAULTS, process->faults / 100);
    if (process->container < 0)
        set_text(&record, PROCESS_NS_PIDS, "[%" PRId64 "]", process->pid);
    else
        set_text(&record, PROCESS_NS_PIDS, "[%" PRId64 ",%" PRId64 "]", process->pid,
                 process->pid % 5 + 1);
    if (!process->kernel) {
        set_text(&record, PROCESS_CMDLINE, "[\"/usr/sbin/%s\",\"--config\",\"/etc/%s.conf\"]", name,
                 name);
        set_text(&record, PROCESS_EXE, "/usr/sbin/%s", name);
        record_set_text(&record, PROCESS_CWD, "/");
        record_set_text(&record, PROCESS_ROOT, "/");
    }
    return sink_record(sink, &record);
}

/* Every second program has one thread more. */
static int emit_thread(const struct made_host *host, const struct sink *sink,
                       const struct made_process *process)
{
    struct record record;
    if (process->kernel || process->program % 2)
        return 0;
    begin(&record, KIND_THREAD);
    fill_task(host, &record, process);
    record_set_integer(&record, THREAD_TID, process->pid + 1);
    record_set_integer(&record, THREAD_PIDFS_INODE, process->inode + INT64_C(1000000000000));
    return sink_record(sink, &record);
}

static int emit_processes(const struct made_host *host, const struct sink *sink)
{
    int r = 0;
    for (unsigned i = 0; i < host->process_count && r >= 0; i++) {
        r = emit_process(host, sink, &host->processes[i], programs[host->processes[i].program]);
        if (r >= 0)
            r = emit_thread(host, sink, &host->processes[i]);
    }
    for (unsigned i = 0; i < host->brief_count && r >= 0; i++) {
        unsigned program = host->brief[i].program % (sizeof(short_ones) / sizeof(*short_ones));
        r = emit_process(host, sink, &host->brief[i], short_ones[program]);
    }
    return r;
}

static int emit_namespace(const struct sink *sink, const char *type, int64_t inode, int64_t id,
                          bool initial)
{
    struct record record;
    begin(&record, KIND_NAMESPACE);
    record_set_text(&record, NAMESPACE_TYPE, type);
    record_set_integer(&record, NAMESPACE_INODE, inode);
    record_set_integer(&record, NAMESPACE_ID, id);
    record_set_integer(&record, NAMESPACE_OWNER, INITIAL_INODE + 6);
    record_set_integer(&record, NAMESPACE_INITIAL, initial);
    record_set_text(&record, NAMESPACE_SOURCES, "[\"process\"]");
    set_text(&record, NAMESPACE_REFERENCE, "[\"/proc/%" PRId64 "/ns/%s\"]",
             initial ? 1 : inode % 32768, type);
    return sink_record(sink, &record);
}

static int emit_namespaces(const struct made_host *host, const struct sink *sink)
{
    int r = 0;
    for (unsigned i = 0; i < sizeof(all_types) / sizeof(*all_types) && r >= 0; i++)
        r = emit_namespace(sink, all_types[i], INITIAL_INODE + i, i + 1, true);
    for (unsigned c = 0; c < host->container_count; c++)
        for (unsigned i = 0; i < OWN_NAMESPACES && r >= 0; i++) {
            int64_t id = host->containers[c].first_namespace + i;
            r = emit_namespace(sink, own_types[i], inode_of(id), id, false);
        }
    return r;
}

static int emit_mount(const struct sink *sink, int64_t namespace, int64_t id, int64_t parent,
                      int container)
{
    struct record record;
    begin(&record, KIND_MOUNT);
    record_set_integer(&record, MOUNT_NAMESPACE, namespace);
    record_set_integer(&record, MOUNT_ID, id % 100000);
    record_set_integer(&record, MOUNT_UNIQUE_ID, INT64_C(4294967296) + id);
    record_set_integer(&record, MOUNT_PARENT, parent % 100000);
    record_set_text(&record, MOUNT_ROOT, "/");
    set_text(&record, MOUNT_TARGET, id == parent ? "/" : "/run/%" PRId64, id - parent);
    record_set_text(&record, MOUNT_SOURCE, id == parent ? "overlay" : "tmpfs");
    record_set_text(&record, MOUNT_FSTYPE, id == parent ? "overlay" : "tmpfs");
    record_set_text(&record, MOUNT_OPTIONS, "rw,nosuid,nodev,relatime");
    set_text(
        &record, MOUNT_SUPER_OPTIONS,
        "rw,lowerdir=/var/lib/docker/overlay2/l/%064d,upperdir=/var/lib/docker/overlay2/%064d/diff",
        container, container);
    set_text(&record, MOUNT_DEVICE, "0:%d", 30 + container);
    record_set_integer(&record, MOUNT_UNBINDABLE, 0);
    record_set_text(&record, MOUNT_VISIBILITY, "visible");
    return sink_record(sink, &record);
}

static int emit_mounts(const struct made_host *host, const struct sink *sink)
{
    int r = 0;
    for (int64_t id = 1; id <= HOST_MOUNTS && r >= 0; id++)
        r = emit_mount(sink, INITIAL_INODE + 2, id, 1, -1);
    for (unsigned c = 0; c < host->container_count; c++)
        for (int64_t i = 0; i < OWN_MOUNTS && r >= 0; i++)
            r = emit_mount(sink, inode_of(host->containers[c].first_namespace + 2),
                           host->containers[c].first_mount + i, host->containers[c].first_mount,
                           (int)c);
    return r;
}

static int emit_cgroup(const struct sink *sink, int64_t inode, const char *path)
{
    struct record record;
    begin(&record, KIND_CGROUP);
    record_set_text(&record, CGROUP_HIERARCHY, "unified");
    record_set_text(&record, CGROUP_PATH, path);
    record_set_integer(&record, CGROUP_INODE, inode);
    record_set_integer(&record, CGROUP_VERSION, 2);
    record_set_text(&record, CGROUP_CGROUP_TYPE, "domain");
    record_set_text(&record, CGROUP_CONTROLLERS, "[\"cpu\",\"memory\",\"pids\"]");
    record_set_integer(&record, CGROUP_FROZEN, 0);
    return sink_record(sink, &record);
}

static int emit_cgroups(const struct made_host *host, const struct sink *sink)
{
    char path[128];
    int r = 0;
    for (int64_t inode = 1; inode <= HOST_CGROUPS && r >= 0; inode++) {
        snprintf(path, sizeof(path), "/system.slice/unit-%" PRId64 ".service", inode);
        r = emit_cgroup(sink, inode, path);
    }
    for (unsigned c = 0; c < host->container_count && r >= 0; c++) {
        snprintf(path, sizeof(path), "/system.slice/docker-%064u.scope", c);
        r = emit_cgroup(sink, host->containers[c].cgroup, path);
    }
    return r;
}

int made_host_emit(struct made_host *host, const struct sink *sink)
{
    int r = emit_processes(host, sink);
    if (r >= 0)
        r = emit_namespaces(host, sink);
    if (r >= 0)
        r = emit_mounts(host, sink);
    return r < 0 ? r : emit_cgroups(host, sink);
}

void made_host_facts(const struct made_host *host, struct snapshot_facts *ret_facts)
{
    static char load[64];
    const int64_t began = INT64_C(1767225600); /* 2026-01-01 */
    int64_t taken = (began + host->minute * 60) * 1000000000 + host->minute * 104729 % 1000000000;
    snprintf(load, sizeof(load), "0.%02d 0.%02d 0.05 1/%u %" PRId64, (int)(host->minute * 7 % 100),
             (int)(host->minute * 3 % 100), host->process_count + 200, host->last_pid);
    *ret_facts = (struct snapshot_facts){
        .host = "made",
        .machine_id = "00000000000000000000000000000001",
        .boot_id = "00000000-0000-4000-8000-000000000001",
        .kernel = "6.18.0",
        .architecture = "x86_64",
        .recorder = "nslapse",
        .privileges = "{}",
        .without = "[]",
        .taken_at = taken,
        .boottime = taken - began * 1000000000,
        .booted_at = began * 1000000000,
        .clock_ticks = TICKS,
        .clock_synchronized = 1,
        .load_average = load,
        .forks = host->forks,
        .duration_ns = 20000000 + host->minute * 7919 % 3000000,
    };
}
