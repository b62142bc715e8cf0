/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of record and their columns, in one table each. A column stands here once; its
 * enumerator, its place in the database, in JSON, in tables and in differences all follow from its
 * row.
 *
 * A new column goes to the END of its kind's list (its number is part of the digests), gets a
 * migration in schema/sql/, and a line in the kind's view. */
#ifndef SCHEMA_KINDS_H
#define SCHEMA_KINDS_H

#include <stdbool.h>
#include <stddef.h>

enum column_type {
    TYPE_INTEGER, /* JSON number */
    TYPE_ID,      /* 64-bit id without sign; JSON string */
    TYPE_BOOLEAN, /* 0 or 1; JSON true and false */
    TYPE_TEXT,    /* text as in base/text.h; JSON string */
    TYPE_JSON,    /* JSON text, as it stands in the document */
    TYPE_TIME,    /* nanoseconds since 1970; JSON string, RFC 3339 in UTC */
};

enum column_class {
    IDENTITY, /* makes it the same thing tomorrow */
    STATE,    /* may change; a change of it is a change */
    SAMPLE,   /* differs in every snapshot; kept in a block per snapshot, never a change */
    DERIVED,  /* not stored: follows from the record's other columns (the views have it) */
    RELATED,  /* not stored: follows from other records of the same snapshot */
};

enum column_flags {
    KEY = 1 << 0,    /* finds the thing among those of its kind and boot; the order of lists */
    STRONG = 1 << 1, /* both known and unlike: another thing; both known and equal: the same */
    WEAK =
        1 << 2, /* asked where STRONG is not known on both sides: both known and unlike: another */
    SCOPE = 1 << 3, /* what a gap's hides_scope is held against */
    SHARED =
        1
        << 4, /* long or frequent text, stored once in table text; the table's column is NAME_id */
    DEFAULT = 1 << 5, /* shown by `list` without -o */
    OPTIONAL =
        1 << 6,     /* recorded only when asked for, or where a source has it: null says nothing */
    FOUND = 1 << 7, /* how the thing was found, not how it is: unlike is no change */
};

/* C(kind, enumerator, SQL name, JSON path, type, class, flags, what it is)
 * A JSON path of several steps makes objects; a step that is a number makes an array. */

// clang-format off
/* What processes and threads have in common; the first columns of both. */
#define TASK_COLUMNS(C, K)                                                                                                                         \
    C(K, PID, "pid", "pid", INTEGER, IDENTITY, KEY | SCOPE | DEFAULT, "process id in the recorder's pid namespace")                                \
    C(K, START_TICKS, "start_ticks", "start_ticks", INTEGER, IDENTITY, KEY, "start after boot, in clock ticks (proc_pid_stat(5), field 22)")       \
    C(K, PIDFS_INODE, "pidfs_inode", "pidfs_inode", ID, IDENTITY, STRONG, "inode of the process's pidfd: unique during a boot (kernel 6.9)")       \
    C(K, COMM, "comm", "comm", TEXT, STATE, DEFAULT, "command name; of a kernel worker without what it works on")                                  \
    C(K, CONDITION, "condition", "condition", TEXT, STATE, SHARED, "alive, zombie, or unreadable (there, but its namespaces may not be read)")     \
    C(K, REAL_UID, "real_uid", "uid.0", INTEGER, STATE, 0, "real user id")                                                                         \
    C(K, EFFECTIVE_UID, "effective_uid", "uid.1", INTEGER, STATE, 0, "effective user id")                                                          \
    C(K, SAVED_UID, "saved_uid", "uid.2", INTEGER, STATE, 0, "saved set-user-id")                                                                  \
    C(K, FILESYSTEM_UID, "filesystem_uid", "uid.3", INTEGER, STATE, 0, "file system user id")                                                      \
    C(K, REAL_GID, "real_gid", "gid.0", INTEGER, STATE, 0, "real group id")                                                                        \
    C(K, EFFECTIVE_GID, "effective_gid", "gid.1", INTEGER, STATE, 0, "effective group id")                                                         \
    C(K, SAVED_GID, "saved_gid", "gid.2", INTEGER, STATE, 0, "saved set-group-id")                                                                 \
    C(K, FILESYSTEM_GID, "filesystem_gid", "gid.3", INTEGER, STATE, 0, "file system group id")                                                     \
    C(K, GROUPS, "groups", "groups", JSON, STATE, SHARED, "supplementary group ids")                                                               \
    C(K, CAPABILITIES_EFFECTIVE, "capabilities_effective", "capabilities.effective", TEXT, STATE, SHARED, "hexadecimal mask, capabilities(7)")     \
    C(K, CAPABILITIES_PERMITTED, "capabilities_permitted", "capabilities.permitted", TEXT, STATE, SHARED, "hexadecimal mask")                      \
    C(K, CAPABILITIES_INHERITABLE, "capabilities_inheritable", "capabilities.inheritable", TEXT, STATE, SHARED, "hexadecimal mask")                \
    C(K, CAPABILITIES_BOUNDING, "capabilities_bounding", "capabilities.bounding", TEXT, STATE, SHARED, "hexadecimal mask")                         \
    C(K, CAPABILITIES_AMBIENT, "capabilities_ambient", "capabilities.ambient", TEXT, STATE, SHARED, "hexadecimal mask (kernel 4.3)")               \
    C(K, SECCOMP, "seccomp", "seccomp", TEXT, STATE, SHARED, "disabled, strict or filter")                                                         \
    C(K, NO_NEW_PRIVS, "no_new_privs", "no_new_privs", BOOLEAN, STATE, 0, "the no_new_privs bit (kernel 4.10)")                                    \
    C(K, SECURITY_LABEL, "security_label", "security_label", TEXT, STATE, SHARED, "label of the security module (attr/current)")                   \
    C(K, CGROUP, "cgroup", "cgroup", JSON, STATE, SHARED, "path by hierarchy: controllers, name=..., or unified for v2; cgroups(7)")               \
    C(K, FROZEN, "frozen", "frozen", BOOLEAN, STATE, 0, "its cgroup is frozen (v1 freezer or v2)")                                                 \
    C(K, CGROUP_NAMESPACE, "cgroup_namespace", "namespaces.cgroup", INTEGER, STATE, 0, "inode of its cgroup namespace")                            \
    C(K, IPC_NAMESPACE, "ipc_namespace", "namespaces.ipc", INTEGER, STATE, 0, "inode of its ipc namespace")                                        \
    C(K, MNT_NAMESPACE, "mnt_namespace", "namespaces.mnt", INTEGER, STATE, 0, "inode of its mount namespace")                                      \
    C(K, NET_NAMESPACE, "net_namespace", "namespaces.net", INTEGER, STATE, 0, "inode of its network namespace")                                    \
    C(K, PID_NAMESPACE, "pid_namespace", "namespaces.pid", INTEGER, STATE, 0, "inode of its pid namespace")                                        \
    C(K, PID_FOR_CHILDREN_NAMESPACE, "pid_for_children_namespace", "namespaces.pid_for_children", INTEGER, STATE, 0, "pid namespace of children")  \
    C(K, TIME_NAMESPACE, "time_namespace", "namespaces.time", INTEGER, STATE, 0, "inode of its time namespace")                                    \
    C(K, TIME_FOR_CHILDREN_NAMESPACE, "time_for_children_namespace", "namespaces.time_for_children", INTEGER, STATE, 0, "of its children")         \
    C(K, USER_NAMESPACE, "user_namespace", "namespaces.user", INTEGER, STATE, 0, "inode of its user namespace")                                    \
    C(K, UTS_NAMESPACE, "uts_namespace", "namespaces.uts", INTEGER, STATE, 0, "inode of its uts namespace")                                        \
    C(K, SCHEDULING_POLICY, "scheduling_policy", "scheduling.policy", TEXT, STATE, SHARED, "other, fifo, rr, batch, idle, deadline, ext")          \
    C(K, SCHEDULING_PRIORITY, "scheduling_priority", "scheduling.priority", INTEGER, STATE, 0, "real-time priority, 1 to 99; 0 for the others")    \
    C(K, NICE, "nice", "scheduling.nice", INTEGER, STATE, 0, "-20 to 19")                                                                          \
    C(K, CPU_AFFINITY, "cpu_affinity", "scheduling.cpu_affinity", TEXT, STATE, SHARED, "processors it may run on: 0-3,7")                          \
    C(K, USER_TICKS, "user_ticks", "sample.user_ticks", INTEGER, SAMPLE, 0, "processor time in user mode, in clock ticks")                         \
    C(K, SYSTEM_TICKS, "system_ticks", "sample.system_ticks", INTEGER, SAMPLE, 0, "processor time in the kernel, in clock ticks")                  \
    C(K, RUN_STATE, "run_state", "sample.run_state", INTEGER, SAMPLE, 0, "the letter of its state, as its code: 82 (R), 83 (S), 68 (D), ...")      \
    C(K, VOLUNTARY_SWITCHES, "voluntary_switches", "sample.voluntary_switches", INTEGER, SAMPLE, 0, "voluntary context switches")                  \
    C(K, INVOLUNTARY_SWITCHES, "involuntary_switches", "sample.involuntary_switches", INTEGER, SAMPLE, 0, "involuntary context switches")

#define PROCESS_COLUMNS(C)                                                                                                                         \
    TASK_COLUMNS(C, PROCESS)                                                                                                                       \
    C(PROCESS, STARTED_AT, "started_at", "started_at", TIME, DERIVED, DEFAULT, "moment of its start, by the clock of its boot's first snapshot")   \
    C(PROCESS, PPID, "ppid", "ppid", INTEGER, STATE, DEFAULT, "process id of its parent, 0 for none in this pid namespace")                        \
    C(PROCESS, TGID, "tgid", "tgid", INTEGER, DERIVED, 0, "thread group id: for a process its pid")                                                \
    C(PROCESS, PROCESS_GROUP, "process_group", "process_group", INTEGER, STATE, 0, "process group id")                                             \
    C(PROCESS, SESSION, "session", "session", INTEGER, STATE, 0, "session id")                                                                     \
    C(PROCESS, TERMINAL, "terminal", "terminal", TEXT, STATE, SHARED, "major:minor of its controlling terminal")                                   \
    C(PROCESS, LOGIN_UID, "login_uid", "login_uid", INTEGER, STATE, 0, "who logged in, by audit; null when nobody did")                            \
    C(PROCESS, CMDLINE, "cmdline", "cmdline", JSON, STATE, SHARED | DEFAULT, "its arguments")                                                      \
    C(PROCESS, EXE, "exe", "exe", TEXT, STATE, SHARED, "the file it executes, as the kernel names it (with ' (deleted)')")                         \
    C(PROCESS, CWD, "cwd", "cwd", TEXT, STATE, SHARED, "its working directory")                                                                    \
    C(PROCESS, ROOT, "root", "root", TEXT, STATE, SHARED, "its root directory")                                                                    \
    C(PROCESS, NS_PIDS, "ns_pids", "ns_pids", JSON, STATE, 0, "its pid in each pid namespace, from the recorder's inwards (NSpid)")                \
    C(PROCESS, TRACER_PID, "tracer_pid", "tracer_pid", INTEGER, STATE, 0, "process that traces it, 0 for none")                                    \
    C(PROCESS, KERNEL_THREAD, "kernel_thread", "kernel_thread", BOOLEAN, STATE, 0, "it is a kernel thread")                                        \
    C(PROCESS, THREADS, "threads", "threads", JSON, RELATED, 0, "thread ids of the threads beside the first one")                                  \
    C(PROCESS, CONTAINER, "container", "container", TEXT, STATE, SHARED | OPTIONAL, "engine:id of the container it belongs to")                        \
    C(PROCESS, ENVIRONMENT, "environment", "environment", TEXT, STATE, SHARED | OPTIONAL, "digest of its environment in table blob; --with environment") \
    C(PROCESS, RESIDENT_BYTES, "resident_bytes", "sample.resident_bytes", INTEGER, SAMPLE, 0, "resident memory, bytes")                            \
    C(PROCESS, MINOR_FAULTS, "minor_faults", "sample.minor_faults", INTEGER, SAMPLE, 0, "page faults without input")                               \
    C(PROCESS, MAJOR_FAULTS, "major_faults", "sample.major_faults", INTEGER, SAMPLE, 0, "page faults with input")                                  \
    C(PROCESS, PIDS, "pids", "pids", JSON, RELATED, 0, "its pid by the pid namespaces that have it, from the recorder's inwards")

/* A thread row stands for every thread but the first of its process, which is the process row. */
#define THREAD_COLUMNS(C)                                                                                                                          \
    TASK_COLUMNS(C, THREAD)                                                                                                                        \
    C(THREAD, TID, "tid", "tid", INTEGER, IDENTITY, KEY | DEFAULT, "thread id in the recorder's pid namespace")

#define NAMESPACE_COLUMNS(C)                                                                                                                       \
    C(NAMESPACE, TYPE, "type", "type", TEXT, IDENTITY, KEY | DEFAULT, "cgroup, ipc, mnt, net, pid, time, user or uts; namespaces(7)")              \
    C(NAMESPACE, INODE, "inode", "inode", INTEGER, IDENTITY, KEY | SCOPE | DEFAULT, "inode number; used again after its end")                      \
    C(NAMESPACE, ID, "kernel_id", "id", ID, IDENTITY, STRONG, "the kernel's 64-bit id, never used again (NS_GET_ID; mnt: NS_GET_MNTNS_ID)")               \
    C(NAMESPACE, PARENT, "parent", "parent", INTEGER, STATE, WEAK | DEFAULT, "inode of the parent namespace (user, pid); null for the root")       \
    C(NAMESPACE, OWNER, "owner", "owner", INTEGER, STATE, WEAK | DEFAULT, "inode of the owning user namespace")                                    \
    C(NAMESPACE, OWNER_UID, "owner_uid", "owner_uid", INTEGER, STATE, DEFAULT, "user that made it (user namespaces)")                              \
    C(NAMESPACE, INITIAL, "initial", "initial", BOOLEAN, STATE, 0, "it is the host's first of its type")                                           \
    C(NAMESPACE, SOURCES, "sources", "sources", JSON, STATE, SHARED | FOUND, "everything that led to it")                                          \
    C(NAMESPACE, REFERENCE, "reference", "reference", JSON, STATE, SHARED | FOUND, "paths to open it again, one after the other")                  \
    C(NAMESPACE, PROCESSES, "processes", "processes", JSON, RELATED, 0, "processes in it")                                                         \
    C(NAMESPACE, LEADER, "leader", "leader", INTEGER, RELATED, DEFAULT, "its first process by start, then pid")

#define MOUNT_COLUMNS(C)                                                                                                                           \
    C(MOUNT, NAMESPACE, "namespace", "namespace", INTEGER, IDENTITY, KEY | SCOPE | DEFAULT, "inode of its mount namespace")                        \
    C(MOUNT, ID, "kernel_id", "id", INTEGER, IDENTITY, KEY | DEFAULT, "mount id; used again after its end; proc_pid_mountinfo(5)")                  \
    C(MOUNT, UNIQUE_ID, "unique_id", "unique_id", ID, IDENTITY, STRONG, "64-bit mount id, never used again (kernel 6.8)")                          \
    C(MOUNT, PARENT, "parent", "parent", INTEGER, STATE, WEAK, "mount id of the mount that it sits on")                                            \
    C(MOUNT, ROOT, "root", "root", TEXT, STATE, WEAK | SHARED, "directory of its file system that it shows")                                       \
    C(MOUNT, TARGET, "target", "target", TEXT, STATE, WEAK | SHARED | DEFAULT, "mount point, seen from the namespace's root")                      \
    C(MOUNT, SOURCE, "source", "source", TEXT, STATE, SHARED | DEFAULT, "what is mounted, as the file system names it")                            \
    C(MOUNT, FSTYPE, "fstype", "fstype", TEXT, STATE, SHARED | DEFAULT, "file system type, with its subtype")                                      \
    C(MOUNT, OPTIONS, "options", "options", TEXT, STATE, SHARED | DEFAULT, "options of the mount")                                                 \
    C(MOUNT, SUPER_OPTIONS, "super_options", "super_options", TEXT, STATE, SHARED, "options of the file system")                                   \
    C(MOUNT, DEVICE, "device", "device", TEXT, STATE, WEAK | SHARED, "major:minor of the file system")                                             \
    C(MOUNT, SHARED_GROUP, "shared", "propagation.shared", INTEGER, STATE, 0, "peer group id of a shared mount; mount_namespaces(7)")              \
    C(MOUNT, MASTER, "master", "propagation.master", INTEGER, STATE, 0, "peer group that it is a slave of")                                        \
    C(MOUNT, PROPAGATE_FROM, "propagate_from", "propagation.propagate_from", INTEGER, STATE, 0, "nearest dominant peer group under the root")      \
    C(MOUNT, UNBINDABLE, "unbindable", "propagation.unbindable", BOOLEAN, STATE, 0, "it cannot be bind-mounted")                                   \
    C(MOUNT, VISIBILITY, "visibility", "visibility", TEXT, STATE, SHARED, "visible, overmounted, shadowed or unreachable")                         \
    C(MOUNT, COVERED_BY, "covered_by", "covered_by", INTEGER, STATE, 0, "mount id of the nearest mount that hides it")

#define CONTAINER_COLUMNS(C)                                                                                                                       \
    C(CONTAINER, ENGINE, "engine", "engine", TEXT, IDENTITY, KEY | SCOPE | DEFAULT, "docker, podman, containerd, ...")                                     \
    C(CONTAINER, ID, "engine_id", "id", TEXT, IDENTITY, KEY | DEFAULT, "the engine's id of it")                                         \
    C(CONTAINER, NAME, "name", "name", TEXT, STATE, DEFAULT, "the engine's name for it")                                                           \
    C(CONTAINER, IMAGE, "image", "image", TEXT, STATE, SHARED | DEFAULT | OPTIONAL, "name of the image")                                               \
    C(CONTAINER, CONTAINER_STATE, "state", "state", TEXT, STATE, SHARED | DEFAULT, "running, paused, exited, created, ...")                        \
    C(CONTAINER, PID, "pid", "pid", INTEGER, STATE, DEFAULT, "its first process")                                                                  \
    C(CONTAINER, LABELS, "labels", "labels", JSON, STATE, SHARED | OPTIONAL, "labels")                                                                 \
    C(CONTAINER, GROUPS, "groups", "groups", JSON, STATE, SHARED | OPTIONAL, "projects, pods and the like that it belongs to")                         \
    C(CONTAINER, PIDS, "pids", "pids", JSON, RELATED, 0, "its processes")                                                                              \
    C(CONTAINER, TIER, "tier", "tier", TEXT, STATE, SHARED | FOUND | OPTIONAL, "how it is known: asked (its engine was), files (of its engine), cgroup (by its name alone)")\
    C(CONTAINER, INSTANCE, "instance", "instance", TEXT, STATE, SCOPE | SHARED | FOUND | OPTIONAL, "which engine of its kind: the folder of its containers, after the container that it runs in")\
    C(CONTAINER, OUTER, "outer", "outer", TEXT, STATE, SHARED | OPTIONAL, "engine:id of the container that its engine runs in")                        \
    C(CONTAINER, START_TICKS, "start_ticks", "start_ticks", INTEGER, STATE, OPTIONAL, "start of its first process after boot, in clock ticks")         \
    C(CONTAINER, IMAGE_DIGEST, "image_digest", "image_digest", TEXT, STATE, SHARED | OPTIONAL, "digest of the image, as the engine has it")            \
    C(CONTAINER, ENGINE_VERSION, "engine_version", "engine_version", TEXT, STATE, SHARED | OPTIONAL, "version of the engine")                          \
    C(CONTAINER, RUNTIME, "runtime", "runtime", TEXT, STATE, SHARED | OPTIONAL, "what starts its processes: runc, crun, ...")                          \
    C(CONTAINER, CREATED_AT, "created_at", "created_at", TIME, STATE, OPTIONAL, "moment of its creation, by its engine")                               \
    C(CONTAINER, BEGUN_AT, "started_at", "started_at", TIME, STATE, OPTIONAL, "moment of its last start, by its engine")                               \
    C(CONTAINER, FINISHED_AT, "finished_at", "finished_at", TIME, STATE, OPTIONAL, "moment of its last end, by its engine")                            \
    C(CONTAINER, EXIT_CODE, "exit_code", "exit_code", INTEGER, STATE, OPTIONAL, "exit code of its last end")                                           \
    C(CONTAINER, RESTARTS, "restart_count", "restart_count", INTEGER, STATE, OPTIONAL, "how often its engine has started it again")                    \
    C(CONTAINER, COMMAND, "command", "command", JSON, STATE, SHARED | DEFAULT | OPTIONAL, "program and arguments of its first process")                \
    C(CONTAINER, VARIABLES, "environment_names", "environment_names", JSON, STATE, SHARED | OPTIONAL, "names of its environment variables; their values are in the evidence, --with environment")\
    C(CONTAINER, ANNOTATIONS, "annotations", "annotations", JSON, STATE, SHARED | OPTIONAL, "annotations")                                             \
    C(CONTAINER, PRIVILEGED, "privileged", "privileged", BOOLEAN, STATE, OPTIONAL, "it was started with all privileges of the host")                   \
    C(CONTAINER, ADDED_CAPABILITIES, "added_capabilities", "added_capabilities", JSON, STATE, SHARED | OPTIONAL, "capabilities(7) asked for beyond the engine's usual ones")\
    C(CONTAINER, SECURITY_OPTIONS, "security_options", "security_options", JSON, STATE, SHARED | OPTIONAL, "seccomp, AppArmor, SELinux and the like, as asked for")\
    C(CONTAINER, HOST_NAMESPACES, "host_namespaces", "host_namespaces", JSON, STATE, SHARED | OPTIONAL, "types of namespaces(7) that it was asked to share with its host")\
    C(CONTAINER, MOUNTS, "mounts", "mounts", JSON, STATE, SHARED | OPTIONAL, "mounts asked for: type, source, target, read_only")                      \
    C(CONTAINER, DEVICES, "devices", "devices", JSON, STATE, SHARED | OPTIONAL, "devices asked for")                                                   \
    C(CONTAINER, PORTS, "ports", "ports", JSON, STATE, SHARED | OPTIONAL, "ports published: protocol, port, and host addresses")                       \
    C(CONTAINER, EVIDENCE, "evidence", "evidence", TEXT, STATE, SHARED | FOUND | OPTIONAL, "digest of the engine's document about it, in table blob")  \
    C(CONTAINER, LISTING, "listing", "listing", TEXT, STATE, SHARED | FOUND | OPTIONAL, "digest of what its engine listed of it when the document was asked for")

#define CGROUP_COLUMNS(C)                                                                                                                          \
    C(CGROUP, HIERARCHY, "hierarchy", "hierarchy", TEXT, IDENTITY, KEY | DEFAULT, "controllers or name=... (v1), unified (v2)")                    \
    C(CGROUP, PATH, "path", "path", TEXT, IDENTITY, KEY | SCOPE | DEFAULT, "path in its hierarchy")                                                \
    C(CGROUP, INODE, "inode", "inode", ID, IDENTITY, STRONG, "its kernfs id")                                                                      \
    C(CGROUP, VERSION, "version", "version", INTEGER, STATE, DEFAULT, "1 or 2; cgroups(7)")                                                        \
    C(CGROUP, CGROUP_TYPE, "type", "type", TEXT, STATE, SHARED, "domain, threaded, ... (v2)")                                                      \
    C(CGROUP, CONTROLLERS, "controllers", "controllers", JSON, STATE, SHARED, "controllers that it has")                                           \
    C(CGROUP, FROZEN, "frozen", "frozen", BOOLEAN, STATE, DEFAULT, "its processes are frozen")

/* Two views of the kernel that should show the same thing, and don't. One record for each view that
 * lacks it. */
#define DISCREPANCY_COLUMNS(C)                                                                                                                         \
    C(DISCREPANCY, SUBJECT, "subject", "subject", TEXT, IDENTITY, KEY | SCOPE | DEFAULT, "what the views disagree about: pid:812, mount:..., threads") \
    C(DISCREPANCY, MISSING_FROM, "missing_from", "missing_from", TEXT, IDENTITY, KEY | DEFAULT, "the view of the kernel that doesn't show it")         \
    C(DISCREPANCY, ID, "kernel_id", "id", ID, IDENTITY, STRONG, "the subject's own id, never used again: inode of a pidfd, unique mount id")           \
    C(DISCREPANCY, START_TICKS, "start_ticks", "start_ticks", INTEGER, STATE, WEAK, "start of the process after boot, in clock ticks (proc_pid_stat(5), field 22)")\
    C(DISCREPANCY, SHOWN_BY, "shown_by", "shown_by", JSON, STATE, SHARED | DEFAULT, "the views that show it")                                          \
    C(DISCREPANCY, NAME, "name", "name", TEXT, STATE, DEFAULT, "command name of the process, target of the mount")                                     \
    C(DISCREPANCY, DETAIL, "detail", "detail", TEXT, STATE, SHARED | DEFAULT, "in what they disagree: what covers it, two numbers")

#define GAP_COLUMNS(C)                                                                                                                             \
    C(GAP, SOURCE, "source", "source", TEXT, IDENTITY, KEY | DEFAULT, "the collector that could not read")                                         \
    C(GAP, SUBJECT, "subject", "subject", TEXT, IDENTITY, KEY | SCOPE | DEFAULT, "what it could not read")                                         \
    C(GAP, ERRNO, "errno", "errno", INTEGER, IDENTITY, KEY, "errno(3), 0 where nothing was asked")                                                 \
    C(GAP, ERROR, "error", "error", TEXT, STATE, SHARED | DEFAULT, "the same in words")                                                            \
    C(GAP, HIDES, "hides", "hides", TEXT, STATE, SHARED, "kind of record that may be missing or incomplete because of it")                         \
    C(GAP, HIDES_SCOPE, "hides_scope", "hides_scope", TEXT, STATE, 0, "only of this process, mount namespace, ..., or what this source alone shows; null for any")

/* K(kind, columns, singular, plural, bound to a boot) */
#define KINDS(K)                                                                                                                                   \
    K(NAMESPACE, NAMESPACE_COLUMNS, "namespace", "namespaces", true)                                                                               \
    K(PROCESS, PROCESS_COLUMNS, "process", "processes", true)                                                                                      \
    K(THREAD, THREAD_COLUMNS, "thread", "threads", true)                                                                                           \
    K(MOUNT, MOUNT_COLUMNS, "mount", "mounts", true)                                                                                               \
    K(CONTAINER, CONTAINER_COLUMNS, "container", "containers", false)                                                                              \
    K(CGROUP, CGROUP_COLUMNS, "cgroup", "cgroups", true)                                                                                           \
    K(DISCREPANCY, DISCREPANCY_COLUMNS, "discrepancy", "discrepancies", true)                                                                          \
    K(GAP, GAP_COLUMNS, "gap", "gaps", true)

// clang-format on

/* KIND_NAMESPACE, KIND_PROCESS, ..., KIND_COUNT */
enum kind {
#define KIND_ENUMERATOR(kind, ...) KIND_##kind,
    KINDS(KIND_ENUMERATOR)
#undef KIND_ENUMERATOR
        KIND_COUNT
};

#define COLUMN_ENUMERATOR(kind, name, ...) kind##_##name,
#define TASK_ENUMERATOR(C)                 TASK_COLUMNS(C, TASK)
/* TASK_PID, ...: the columns that PROCESS_* and THREAD_* share, with the same numbers. */
enum task_column { TASK_ENUMERATOR(COLUMN_ENUMERATOR) TASK_COLUMN_COUNT };
enum process_column { PROCESS_COLUMNS(COLUMN_ENUMERATOR) PROCESS_COLUMN_COUNT };
enum thread_column { THREAD_COLUMNS(COLUMN_ENUMERATOR) THREAD_COLUMN_COUNT };
enum namespace_column { NAMESPACE_COLUMNS(COLUMN_ENUMERATOR) NAMESPACE_COLUMN_COUNT };
enum mount_column { MOUNT_COLUMNS(COLUMN_ENUMERATOR) MOUNT_COLUMN_COUNT };
enum container_column { CONTAINER_COLUMNS(COLUMN_ENUMERATOR) CONTAINER_COLUMN_COUNT };
enum cgroup_column { CGROUP_COLUMNS(COLUMN_ENUMERATOR) CGROUP_COLUMN_COUNT };
enum discrepancy_column { DISCREPANCY_COLUMNS(COLUMN_ENUMERATOR) DISCREPANCY_COLUMN_COUNT };
enum gap_column { GAP_COLUMNS(COLUMN_ENUMERATOR) GAP_COLUMN_COUNT };
#undef COLUMN_ENUMERATOR
#undef TASK_ENUMERATOR

enum { COLUMNS_MOST = PROCESS_COLUMN_COUNT };

struct column {
    const char *name; /* in SQL, and for -o */
    const char *json; /* path in the record's JSON object */
    enum column_type type;
    enum column_class class;
    unsigned flags; /* of enum column_flags */
    const char *description;
};

struct kind_info {
    const char *name;   /* also the table's name */
    const char *plural; /* on the command line and in JSON */
    bool bound_to_boot; /* its things end with the boot */
    const struct column *columns;
    unsigned column_count;
};

/* By enum kind. */
extern const struct kind_info kinds[KIND_COUNT];

/* The kind with this singular or plural name, KIND_COUNT if there is none. */
enum kind kind_by_name(const char *name);

/* The number of the kind's column with this SQL name, -1 if there is none. */
int column_by_name(enum kind kind, const char *name);

/* The first column of the kind that has all of `flags`, -1 if there is none. */
int column_by_flags(enum kind kind, unsigned flags);

#endif
