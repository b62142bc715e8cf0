-- SPDX-License-Identifier: Apache-2.0
-- Version 1: everything. docs/schema.md tells how to read it.
--
-- Each kind of thing has a table of the things themselves (KIND: what makes one the same thing
-- tomorrow), and a table of their states (KIND_state), each with the interval of snapshots in which it
-- held. Two views put them together: KIND_history and KIND_at. Moments are nanoseconds since
-- 1970-01-01 UTC: datetime(taken_at / 1000000000, 'unixepoch').
--
-- Captured text is UTF-8; bytes that are not stand as \xHH, a backslash as \\.

CREATE TABLE host (
    -- A machine that was recorded.
    id INTEGER PRIMARY KEY,                                -- the host, in this file
    machine_id TEXT UNIQUE,                                -- machine-id(5); null: known by its name only
    name TEXT NOT NULL                                     -- nodename in its newest snapshot
) STRICT;

CREATE TABLE boot (
    -- One run of a host's kernel.
    id INTEGER PRIMARY KEY,                                -- the boot, in this file
    host_id INTEGER NOT NULL REFERENCES host (id),         -- its host
    boot_id TEXT,                                          -- /proc/sys/kernel/random/boot_id; null: not known
    booted_at INTEGER,                                     -- moment of the boot, by the clock of its first snapshot
    clock_ticks INTEGER NOT NULL,                          -- clock ticks per second
    kernel TEXT,                                           -- kernel release
    architecture TEXT                                      -- uname -m
) STRICT;
CREATE INDEX boot_key ON boot (host_id, boot_id);

CREATE TABLE text (
    -- Long or frequent texts, once each. Columns named NAME_id refer to it.
    id INTEGER PRIMARY KEY,                                -- the text, in this file
    hash INTEGER NOT NULL,                                 -- first 8 bytes of its BLAKE2b-256, little-endian
    value TEXT NOT NULL                                    -- the text
) STRICT;
CREATE INDEX text_hash ON text (hash);

CREATE TABLE snapshot (
    -- One recording, all or nothing.
    id INTEGER PRIMARY KEY AUTOINCREMENT,                  -- its number, never used again
    host_id INTEGER NOT NULL REFERENCES host (id),         -- whose
    boot INTEGER NOT NULL REFERENCES boot (id),            -- in which run of its kernel
    predecessor_id INTEGER REFERENCES snapshot (id),       -- the host's snapshot before it
    uuid TEXT NOT NULL UNIQUE,                             -- names it across files
    taken_at INTEGER NOT NULL,                             -- moment the reading began
    boottime INTEGER,                                      -- the same moment, nanoseconds since the boot
    duration_ns INTEGER,                                   -- how long the reading took
    clock_synchronized INTEGER,                            -- 1 when the clock was, adjtimex(2)
    load_average TEXT,                                     -- /proc/loadavg
    forks INTEGER,                                         -- processes made since the boot, /proc/stat
    processes_ended INTEGER,                               -- listed, but gone before they could be read
    label TEXT,                                            -- given by who recorded
    note TEXT,                                             -- given by who recorded
    hostname_id INTEGER NOT NULL REFERENCES text (id),     -- nodename at that moment
    recorder_id INTEGER REFERENCES text (id),              -- program and version
    privileges_id INTEGER REFERENCES text (id),            -- of the recorder, JSON
    without_id INTEGER REFERENCES text (id),               -- sources left out, JSON array
    namespace_count INTEGER NOT NULL,                      -- namespaces in it
    process_count INTEGER NOT NULL,                        -- processes in it
    thread_count INTEGER NOT NULL,                         -- threads beside first ones in it
    mount_count INTEGER NOT NULL,                          -- mounts in it
    container_count INTEGER NOT NULL,                      -- containers in it
    cgroup_count INTEGER NOT NULL,                         -- control groups in it
    discrepancy_count INTEGER NOT NULL,                    -- discrepancies in it
    gap_count INTEGER NOT NULL,                            -- gaps in it
    digest BLOB NOT NULL                                   -- the seal: over its facts, all that holds in it, and the predecessor's
) STRICT;
CREATE INDEX snapshot_host ON snapshot (host_id);
CREATE INDEX snapshot_moment ON snapshot (host_id, taken_at);
CREATE INDEX snapshot_label ON snapshot (label) WHERE label IS NOT NULL;

CREATE TABLE sample (
    -- What differs in every snapshot (processor time, memory, ...), as compressed columns.
    snapshot_id INTEGER NOT NULL REFERENCES snapshot (id) DEFERRABLE INITIALLY DEFERRED, -- when
    kind TEXT NOT NULL,                                    -- of which kind of thing
    ordinal INTEGER NOT NULL,                              -- place since the last block that leans on none, 0 for that one
    base_snapshot INTEGER,                                 -- snapshot whose block it tells the changes of; null for none
    block BLOB NOT NULL,                                   -- zstd; the columns are described in docs/schema.md
    PRIMARY KEY (snapshot_id, kind)
) STRICT; -- with row ids: there, a row of more than a quarter of a page needs no page of its own

CREATE TABLE blob (
    -- Large evidence (environments, documents), once by content.
    digest BLOB PRIMARY KEY,                               -- BLAKE2b-256 of the content
    size INTEGER NOT NULL,                                 -- of the content, bytes
    content BLOB NOT NULL                                  -- zstd
) STRICT, WITHOUT ROWID;

CREATE TABLE namespace (
    -- A namespace of one boot. One row is one thing for as long as it is the same thing.
    id INTEGER PRIMARY KEY,                                -- the thing, in this file
    boot INTEGER NOT NULL REFERENCES boot (id),            -- the boot that it lives in
    type TEXT NOT NULL,                                    -- cgroup, ipc, mnt, net, pid, time, user or uts; namespaces(7)
    inode INTEGER NOT NULL                                 -- inode number; used again after its end
) STRICT;
CREATE INDEX namespace_key ON namespace (boot, type, inode);

CREATE TABLE namespace_state (
    -- How it was, and from which snapshot to which.
    id INTEGER PRIMARY KEY,                                -- the state, in this file
    namespace_id INTEGER NOT NULL REFERENCES namespace (id), -- the thing
    host_id INTEGER NOT NULL REFERENCES host (id),         -- whose snapshots the interval counts in
    first_snapshot INTEGER NOT NULL REFERENCES snapshot (id) DEFERRABLE INITIALLY DEFERRED, -- held from this snapshot
    last_snapshot INTEGER REFERENCES snapshot (id) CHECK (last_snapshot >= first_snapshot), -- to this one; null while it holds
    digest BLOB NOT NULL,                                  -- BLAKE2b-256 over identity and state, see docs/schema.md
    kernel_id INTEGER,                                     -- the kernel's 64-bit id, never used again (NS_GET_ID; mnt: NS_GET_MNTNS_ID)
    parent INTEGER,                                        -- inode of the parent namespace (user, pid); null for the root
    owner INTEGER,                                         -- inode of the owning user namespace
    owner_uid INTEGER,                                     -- user that made it (user namespaces)
    initial INTEGER,                                       -- it is the host's first of its type
    sources_id INTEGER REFERENCES text (id),               -- everything that led to it
    reference_id INTEGER REFERENCES text (id)              -- paths to open it again, one after the other
) STRICT;
CREATE INDEX namespace_state_of ON namespace_state (namespace_id, first_snapshot);
CREATE INDEX namespace_state_begin ON namespace_state (host_id, first_snapshot);
CREATE INDEX namespace_state_end ON namespace_state (host_id, last_snapshot, first_snapshot);
CREATE INDEX namespace_state_open ON namespace_state (host_id, digest, namespace_id) WHERE last_snapshot IS NULL;

CREATE VIEW namespace_history AS
-- Every state of every namespace, with its texts.
SELECT
    state.namespace_id,
    state.host_id,
    thing.boot,
    state.first_snapshot,
    state.last_snapshot,
    state.digest,
    thing.type,
    thing.inode,
    state.kernel_id,
    state.parent,
    state.owner,
    state.owner_uid,
    state.initial,
    (SELECT value FROM text WHERE text.id = state.sources_id) AS sources,
    (SELECT value FROM text WHERE text.id = state.reference_id) AS reference
FROM namespace_state AS state JOIN namespace AS thing ON thing.id = state.namespace_id;

CREATE VIEW namespace_at AS
-- What held in the snapshot snapshot_id.
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN namespace_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot IS NULL AND +history.first_snapshot <= snapshot.id
UNION ALL
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN namespace_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot >= snapshot.id AND +history.first_snapshot <= snapshot.id;

CREATE TABLE process (
    -- A process (thread group) of one boot. One row is one thing for as long as it is the same thing.
    id INTEGER PRIMARY KEY,                                -- the thing, in this file
    boot INTEGER NOT NULL REFERENCES boot (id),            -- the boot that it lives in
    pid INTEGER NOT NULL,                                  -- process id in the recorder's pid namespace
    start_ticks INTEGER                                    -- start after boot, in clock ticks (proc_pid_stat(5), field 22)
) STRICT;
CREATE INDEX process_key ON process (boot, pid, start_ticks);

CREATE TABLE process_state (
    -- How it was, and from which snapshot to which.
    id INTEGER PRIMARY KEY,                                -- the state, in this file
    process_id INTEGER NOT NULL REFERENCES process (id),   -- the thing
    host_id INTEGER NOT NULL REFERENCES host (id),         -- whose snapshots the interval counts in
    first_snapshot INTEGER NOT NULL REFERENCES snapshot (id) DEFERRABLE INITIALLY DEFERRED, -- held from this snapshot
    last_snapshot INTEGER REFERENCES snapshot (id) CHECK (last_snapshot >= first_snapshot), -- to this one; null while it holds
    digest BLOB NOT NULL,                                  -- BLAKE2b-256 over identity and state, see docs/schema.md
    pidfs_inode INTEGER,                                   -- inode of the process's pidfd: unique during a boot (kernel 6.9)
    comm TEXT,                                             -- command name; of a kernel worker without what it works on
    condition_id INTEGER REFERENCES text (id),             -- alive, zombie, or unreadable (there, but its namespaces may not be read)
    real_uid INTEGER,                                      -- real user id
    effective_uid INTEGER,                                 -- effective user id
    saved_uid INTEGER,                                     -- saved set-user-id
    filesystem_uid INTEGER,                                -- file system user id
    real_gid INTEGER,                                      -- real group id
    effective_gid INTEGER,                                 -- effective group id
    saved_gid INTEGER,                                     -- saved set-group-id
    filesystem_gid INTEGER,                                -- file system group id
    groups_id INTEGER REFERENCES text (id),                -- supplementary group ids
    capabilities_effective_id INTEGER REFERENCES text (id), -- hexadecimal mask, capabilities(7)
    capabilities_permitted_id INTEGER REFERENCES text (id), -- hexadecimal mask
    capabilities_inheritable_id INTEGER REFERENCES text (id), -- hexadecimal mask
    capabilities_bounding_id INTEGER REFERENCES text (id), -- hexadecimal mask
    capabilities_ambient_id INTEGER REFERENCES text (id),  -- hexadecimal mask (kernel 4.3)
    seccomp_id INTEGER REFERENCES text (id),               -- disabled, strict or filter
    no_new_privs INTEGER,                                  -- the no_new_privs bit (kernel 4.10)
    security_label_id INTEGER REFERENCES text (id),        -- label of the security module (attr/current)
    cgroup_id INTEGER REFERENCES text (id),                -- path by hierarchy: controllers, name=..., or unified for v2; cgroups(7)
    frozen INTEGER,                                        -- its cgroup is frozen (v1 freezer or v2)
    cgroup_namespace INTEGER,                              -- inode of its cgroup namespace
    ipc_namespace INTEGER,                                 -- inode of its ipc namespace
    mnt_namespace INTEGER,                                 -- inode of its mount namespace
    net_namespace INTEGER,                                 -- inode of its network namespace
    pid_namespace INTEGER,                                 -- inode of its pid namespace
    pid_for_children_namespace INTEGER,                    -- pid namespace of children
    time_namespace INTEGER,                                -- inode of its time namespace
    time_for_children_namespace INTEGER,                   -- of its children
    user_namespace INTEGER,                                -- inode of its user namespace
    uts_namespace INTEGER,                                 -- inode of its uts namespace
    scheduling_policy_id INTEGER REFERENCES text (id),     -- other, fifo, rr, batch, idle, deadline, ext
    scheduling_priority INTEGER,                           -- real-time priority, 1 to 99; 0 for the others
    nice INTEGER,                                          -- -20 to 19
    cpu_affinity_id INTEGER REFERENCES text (id),          -- processors it may run on: 0-3,7
    ppid INTEGER,                                          -- process id of its parent, 0 for none in this pid namespace
    process_group INTEGER,                                 -- process group id
    session INTEGER,                                       -- session id
    terminal_id INTEGER REFERENCES text (id),              -- major:minor of its controlling terminal
    login_uid INTEGER,                                     -- who logged in, by audit; null when nobody did
    cmdline_id INTEGER REFERENCES text (id),               -- its arguments
    exe_id INTEGER REFERENCES text (id),                   -- the file it executes, as the kernel names it (with ' (deleted)')
    cwd_id INTEGER REFERENCES text (id),                   -- its working directory
    root_id INTEGER REFERENCES text (id),                  -- its root directory
    ns_pids TEXT,                                          -- its pid in each pid namespace, from the recorder's inwards (NSpid)
    tracer_pid INTEGER,                                    -- process that traces it, 0 for none
    kernel_thread INTEGER,                                 -- it is a kernel thread
    container_id INTEGER REFERENCES text (id),             -- engine:id of the container it belongs to
    environment_id INTEGER REFERENCES text (id)            -- digest of its environment in table blob; --with environment
) STRICT;
CREATE INDEX process_state_of ON process_state (process_id, first_snapshot);
CREATE INDEX process_state_begin ON process_state (host_id, first_snapshot);
CREATE INDEX process_state_end ON process_state (host_id, last_snapshot, first_snapshot);
CREATE INDEX process_state_open ON process_state (host_id, digest, process_id) WHERE last_snapshot IS NULL;

CREATE VIEW process_history AS
-- Every state of every process, with its texts.
SELECT
    state.process_id,
    state.host_id,
    thing.boot,
    state.first_snapshot,
    state.last_snapshot,
    state.digest,
    thing.pid,
    thing.start_ticks,
    state.pidfs_inode,
    state.comm,
    (SELECT value FROM text WHERE text.id = state.condition_id) AS condition,
    state.real_uid,
    state.effective_uid,
    state.saved_uid,
    state.filesystem_uid,
    state.real_gid,
    state.effective_gid,
    state.saved_gid,
    state.filesystem_gid,
    (SELECT value FROM text WHERE text.id = state.groups_id) AS groups,
    (SELECT value FROM text WHERE text.id = state.capabilities_effective_id) AS capabilities_effective,
    (SELECT value FROM text WHERE text.id = state.capabilities_permitted_id) AS capabilities_permitted,
    (SELECT value FROM text WHERE text.id = state.capabilities_inheritable_id) AS capabilities_inheritable,
    (SELECT value FROM text WHERE text.id = state.capabilities_bounding_id) AS capabilities_bounding,
    (SELECT value FROM text WHERE text.id = state.capabilities_ambient_id) AS capabilities_ambient,
    (SELECT value FROM text WHERE text.id = state.seccomp_id) AS seccomp,
    state.no_new_privs,
    (SELECT value FROM text WHERE text.id = state.security_label_id) AS security_label,
    (SELECT value FROM text WHERE text.id = state.cgroup_id) AS cgroup,
    state.frozen,
    state.cgroup_namespace,
    state.ipc_namespace,
    state.mnt_namespace,
    state.net_namespace,
    state.pid_namespace,
    state.pid_for_children_namespace,
    state.time_namespace,
    state.time_for_children_namespace,
    state.user_namespace,
    state.uts_namespace,
    (SELECT value FROM text WHERE text.id = state.scheduling_policy_id) AS scheduling_policy,
    state.scheduling_priority,
    state.nice,
    (SELECT value FROM text WHERE text.id = state.cpu_affinity_id) AS cpu_affinity,
    (SELECT booted_at + thing.start_ticks * (1000000000 / clock_ticks) FROM boot WHERE boot.id = thing.boot) AS started_at,
    state.ppid,
    thing.pid AS tgid,
    state.process_group,
    state.session,
    (SELECT value FROM text WHERE text.id = state.terminal_id) AS terminal,
    state.login_uid,
    (SELECT value FROM text WHERE text.id = state.cmdline_id) AS cmdline,
    (SELECT value FROM text WHERE text.id = state.exe_id) AS exe,
    (SELECT value FROM text WHERE text.id = state.cwd_id) AS cwd,
    (SELECT value FROM text WHERE text.id = state.root_id) AS root,
    state.ns_pids,
    state.tracer_pid,
    state.kernel_thread,
    (SELECT value FROM text WHERE text.id = state.container_id) AS container,
    (SELECT value FROM text WHERE text.id = state.environment_id) AS environment
FROM process_state AS state JOIN process AS thing ON thing.id = state.process_id;

CREATE VIEW process_at AS
-- What held in the snapshot snapshot_id.
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN process_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot IS NULL AND +history.first_snapshot <= snapshot.id
UNION ALL
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN process_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot >= snapshot.id AND +history.first_snapshot <= snapshot.id;

CREATE TABLE thread (
    -- A thread beside the first one of its process. One row is one thing for as long as it is the same thing.
    id INTEGER PRIMARY KEY,                                -- the thing, in this file
    boot INTEGER NOT NULL REFERENCES boot (id),            -- the boot that it lives in
    pid INTEGER NOT NULL,                                  -- process id in the recorder's pid namespace
    start_ticks INTEGER,                                   -- start after boot, in clock ticks (proc_pid_stat(5), field 22)
    tid INTEGER NOT NULL                                   -- thread id in the recorder's pid namespace
) STRICT;
CREATE INDEX thread_key ON thread (boot, pid, start_ticks, tid);

CREATE TABLE thread_state (
    -- How it was, and from which snapshot to which.
    id INTEGER PRIMARY KEY,                                -- the state, in this file
    thread_id INTEGER NOT NULL REFERENCES thread (id),     -- the thing
    host_id INTEGER NOT NULL REFERENCES host (id),         -- whose snapshots the interval counts in
    first_snapshot INTEGER NOT NULL REFERENCES snapshot (id) DEFERRABLE INITIALLY DEFERRED, -- held from this snapshot
    last_snapshot INTEGER REFERENCES snapshot (id) CHECK (last_snapshot >= first_snapshot), -- to this one; null while it holds
    digest BLOB NOT NULL,                                  -- BLAKE2b-256 over identity and state, see docs/schema.md
    pidfs_inode INTEGER,                                   -- inode of the process's pidfd: unique during a boot (kernel 6.9)
    comm TEXT,                                             -- command name; of a kernel worker without what it works on
    condition_id INTEGER REFERENCES text (id),             -- alive, zombie, or unreadable (there, but its namespaces may not be read)
    real_uid INTEGER,                                      -- real user id
    effective_uid INTEGER,                                 -- effective user id
    saved_uid INTEGER,                                     -- saved set-user-id
    filesystem_uid INTEGER,                                -- file system user id
    real_gid INTEGER,                                      -- real group id
    effective_gid INTEGER,                                 -- effective group id
    saved_gid INTEGER,                                     -- saved set-group-id
    filesystem_gid INTEGER,                                -- file system group id
    groups_id INTEGER REFERENCES text (id),                -- supplementary group ids
    capabilities_effective_id INTEGER REFERENCES text (id), -- hexadecimal mask, capabilities(7)
    capabilities_permitted_id INTEGER REFERENCES text (id), -- hexadecimal mask
    capabilities_inheritable_id INTEGER REFERENCES text (id), -- hexadecimal mask
    capabilities_bounding_id INTEGER REFERENCES text (id), -- hexadecimal mask
    capabilities_ambient_id INTEGER REFERENCES text (id),  -- hexadecimal mask (kernel 4.3)
    seccomp_id INTEGER REFERENCES text (id),               -- disabled, strict or filter
    no_new_privs INTEGER,                                  -- the no_new_privs bit (kernel 4.10)
    security_label_id INTEGER REFERENCES text (id),        -- label of the security module (attr/current)
    cgroup_id INTEGER REFERENCES text (id),                -- path by hierarchy: controllers, name=..., or unified for v2; cgroups(7)
    frozen INTEGER,                                        -- its cgroup is frozen (v1 freezer or v2)
    cgroup_namespace INTEGER,                              -- inode of its cgroup namespace
    ipc_namespace INTEGER,                                 -- inode of its ipc namespace
    mnt_namespace INTEGER,                                 -- inode of its mount namespace
    net_namespace INTEGER,                                 -- inode of its network namespace
    pid_namespace INTEGER,                                 -- inode of its pid namespace
    pid_for_children_namespace INTEGER,                    -- pid namespace of children
    time_namespace INTEGER,                                -- inode of its time namespace
    time_for_children_namespace INTEGER,                   -- of its children
    user_namespace INTEGER,                                -- inode of its user namespace
    uts_namespace INTEGER,                                 -- inode of its uts namespace
    scheduling_policy_id INTEGER REFERENCES text (id),     -- other, fifo, rr, batch, idle, deadline, ext
    scheduling_priority INTEGER,                           -- real-time priority, 1 to 99; 0 for the others
    nice INTEGER,                                          -- -20 to 19
    cpu_affinity_id INTEGER REFERENCES text (id)           -- processors it may run on: 0-3,7
) STRICT;
CREATE INDEX thread_state_of ON thread_state (thread_id, first_snapshot);
CREATE INDEX thread_state_begin ON thread_state (host_id, first_snapshot);
CREATE INDEX thread_state_end ON thread_state (host_id, last_snapshot, first_snapshot);
CREATE INDEX thread_state_open ON thread_state (host_id, digest, thread_id) WHERE last_snapshot IS NULL;

CREATE VIEW thread_history AS
-- Every state of every thread, with its texts.
SELECT
    state.thread_id,
    state.host_id,
    thing.boot,
    state.first_snapshot,
    state.last_snapshot,
    state.digest,
    thing.pid,
    thing.start_ticks,
    state.pidfs_inode,
    state.comm,
    (SELECT value FROM text WHERE text.id = state.condition_id) AS condition,
    state.real_uid,
    state.effective_uid,
    state.saved_uid,
    state.filesystem_uid,
    state.real_gid,
    state.effective_gid,
    state.saved_gid,
    state.filesystem_gid,
    (SELECT value FROM text WHERE text.id = state.groups_id) AS groups,
    (SELECT value FROM text WHERE text.id = state.capabilities_effective_id) AS capabilities_effective,
    (SELECT value FROM text WHERE text.id = state.capabilities_permitted_id) AS capabilities_permitted,
    (SELECT value FROM text WHERE text.id = state.capabilities_inheritable_id) AS capabilities_inheritable,
    (SELECT value FROM text WHERE text.id = state.capabilities_bounding_id) AS capabilities_bounding,
    (SELECT value FROM text WHERE text.id = state.capabilities_ambient_id) AS capabilities_ambient,
    (SELECT value FROM text WHERE text.id = state.seccomp_id) AS seccomp,
    state.no_new_privs,
    (SELECT value FROM text WHERE text.id = state.security_label_id) AS security_label,
    (SELECT value FROM text WHERE text.id = state.cgroup_id) AS cgroup,
    state.frozen,
    state.cgroup_namespace,
    state.ipc_namespace,
    state.mnt_namespace,
    state.net_namespace,
    state.pid_namespace,
    state.pid_for_children_namespace,
    state.time_namespace,
    state.time_for_children_namespace,
    state.user_namespace,
    state.uts_namespace,
    (SELECT value FROM text WHERE text.id = state.scheduling_policy_id) AS scheduling_policy,
    state.scheduling_priority,
    state.nice,
    (SELECT value FROM text WHERE text.id = state.cpu_affinity_id) AS cpu_affinity,
    thing.tid
FROM thread_state AS state JOIN thread AS thing ON thing.id = state.thread_id;

CREATE VIEW thread_at AS
-- What held in the snapshot snapshot_id.
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN thread_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot IS NULL AND +history.first_snapshot <= snapshot.id
UNION ALL
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN thread_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot >= snapshot.id AND +history.first_snapshot <= snapshot.id;

CREATE TABLE mount (
    -- A mount in a mount namespace. One row is one thing for as long as it is the same thing.
    id INTEGER PRIMARY KEY,                                -- the thing, in this file
    boot INTEGER NOT NULL REFERENCES boot (id),            -- the boot that it lives in
    namespace INTEGER NOT NULL,                            -- inode of its mount namespace
    kernel_id INTEGER NOT NULL                              -- mount id; used again after its end; proc_pid_mountinfo(5)
) STRICT;
CREATE INDEX mount_key ON mount (boot, namespace, kernel_id);

CREATE TABLE mount_state (
    -- How it was, and from which snapshot to which.
    id INTEGER PRIMARY KEY,                                -- the state, in this file
    mount_id INTEGER NOT NULL REFERENCES mount (id),       -- the thing
    host_id INTEGER NOT NULL REFERENCES host (id),         -- whose snapshots the interval counts in
    first_snapshot INTEGER NOT NULL REFERENCES snapshot (id) DEFERRABLE INITIALLY DEFERRED, -- held from this snapshot
    last_snapshot INTEGER REFERENCES snapshot (id) CHECK (last_snapshot >= first_snapshot), -- to this one; null while it holds
    digest BLOB NOT NULL,                                  -- BLAKE2b-256 over identity and state, see docs/schema.md
    unique_id INTEGER,                                     -- 64-bit mount id, never used again (kernel 6.8)
    parent INTEGER,                                        -- mount id of the mount that it sits on
    root_id INTEGER REFERENCES text (id),                  -- directory of its file system that it shows
    target_id INTEGER REFERENCES text (id),                -- mount point, seen from the namespace's root
    source_id INTEGER REFERENCES text (id),                -- what is mounted, as the file system names it
    fstype_id INTEGER REFERENCES text (id),                -- file system type, with its subtype
    options_id INTEGER REFERENCES text (id),               -- options of the mount
    super_options_id INTEGER REFERENCES text (id),         -- options of the file system
    device_id INTEGER REFERENCES text (id),                -- major:minor of the file system
    shared INTEGER,                                        -- peer group id of a shared mount; mount_namespaces(7)
    master INTEGER,                                        -- peer group that it is a slave of
    propagate_from INTEGER,                                -- nearest dominant peer group under the root
    unbindable INTEGER,                                    -- it cannot be bind-mounted
    visibility_id INTEGER REFERENCES text (id),            -- visible, overmounted, shadowed or unreachable
    covered_by INTEGER                                     -- mount id of the nearest mount that hides it
) STRICT;
CREATE INDEX mount_state_of ON mount_state (mount_id, first_snapshot);
CREATE INDEX mount_state_begin ON mount_state (host_id, first_snapshot);
CREATE INDEX mount_state_end ON mount_state (host_id, last_snapshot, first_snapshot);
CREATE INDEX mount_state_open ON mount_state (host_id, digest, mount_id) WHERE last_snapshot IS NULL;

CREATE VIEW mount_history AS
-- Every state of every mount, with its texts.
SELECT
    state.mount_id,
    state.host_id,
    thing.boot,
    state.first_snapshot,
    state.last_snapshot,
    state.digest,
    thing.namespace,
    thing.kernel_id,
    state.unique_id,
    state.parent,
    (SELECT value FROM text WHERE text.id = state.root_id) AS root,
    (SELECT value FROM text WHERE text.id = state.target_id) AS target,
    (SELECT value FROM text WHERE text.id = state.source_id) AS source,
    (SELECT value FROM text WHERE text.id = state.fstype_id) AS fstype,
    (SELECT value FROM text WHERE text.id = state.options_id) AS options,
    (SELECT value FROM text WHERE text.id = state.super_options_id) AS super_options,
    (SELECT value FROM text WHERE text.id = state.device_id) AS device,
    state.shared,
    state.master,
    state.propagate_from,
    state.unbindable,
    (SELECT value FROM text WHERE text.id = state.visibility_id) AS visibility,
    state.covered_by
FROM mount_state AS state JOIN mount AS thing ON thing.id = state.mount_id;

CREATE VIEW mount_at AS
-- What held in the snapshot snapshot_id.
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN mount_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot IS NULL AND +history.first_snapshot <= snapshot.id
UNION ALL
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN mount_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot >= snapshot.id AND +history.first_snapshot <= snapshot.id;

CREATE TABLE container (
    -- A container of an engine. One row is one thing for as long as it is the same thing.
    id INTEGER PRIMARY KEY,                                -- the thing, in this file
    host_id INTEGER NOT NULL REFERENCES host (id),         -- its host
    engine TEXT NOT NULL,                                  -- docker, podman, containerd, ...
    engine_id TEXT NOT NULL                                -- the engine's id of it
) STRICT;
CREATE INDEX container_key ON container (engine, engine_id, host_id);

CREATE TABLE container_state (
    -- How it was, and from which snapshot to which.
    id INTEGER PRIMARY KEY,                                -- the state, in this file
    container_id INTEGER NOT NULL REFERENCES container (id), -- the thing
    host_id INTEGER NOT NULL REFERENCES host (id),         -- whose snapshots the interval counts in
    first_snapshot INTEGER NOT NULL REFERENCES snapshot (id) DEFERRABLE INITIALLY DEFERRED, -- held from this snapshot
    last_snapshot INTEGER REFERENCES snapshot (id) CHECK (last_snapshot >= first_snapshot), -- to this one; null while it holds
    digest BLOB NOT NULL,                                  -- BLAKE2b-256 over identity and state, see docs/schema.md
    name TEXT,                                             -- the engine's name for it
    image_id INTEGER REFERENCES text (id),                 -- name of the image
    state_id INTEGER REFERENCES text (id),                 -- running, paused, exited, created, ...
    pid INTEGER,                                           -- its first process
    labels_id INTEGER REFERENCES text (id),                -- labels
    groups_id INTEGER REFERENCES text (id),                -- projects, pods and the like that it belongs to
    tier_id INTEGER REFERENCES text (id),                  -- how it is known: asked (its engine was), files (of its engine), cgroup (by its name alone)
    instance_id INTEGER REFERENCES text (id),              -- which engine of its kind: the folder of its containers, after the container that it runs in
    outer_id INTEGER REFERENCES text (id),                 -- engine:id of the container that its engine runs in
    start_ticks INTEGER,                                   -- start of its first process after boot, in clock ticks
    image_digest_id INTEGER REFERENCES text (id),          -- digest of the image, as the engine has it
    engine_version_id INTEGER REFERENCES text (id),        -- version of the engine
    runtime_id INTEGER REFERENCES text (id),               -- what starts its processes: runc, crun, ...
    created_at INTEGER,                                    -- moment of its creation, by its engine
    started_at INTEGER,                                    -- moment of its last start, by its engine
    finished_at INTEGER,                                   -- moment of its last end, by its engine
    exit_code INTEGER,                                     -- exit code of its last end
    restart_count INTEGER,                                 -- how often its engine has started it again
    command_id INTEGER REFERENCES text (id),               -- program and arguments of its first process
    environment_names_id INTEGER REFERENCES text (id),     -- names of its environment variables; their values are in the evidence, --with environment
    annotations_id INTEGER REFERENCES text (id),           -- annotations
    privileged INTEGER,                                    -- it was started with all privileges of the host
    added_capabilities_id INTEGER REFERENCES text (id),    -- capabilities(7) asked for beyond the engine's usual ones
    security_options_id INTEGER REFERENCES text (id),      -- seccomp, AppArmor, SELinux and the like, as asked for
    host_namespaces_id INTEGER REFERENCES text (id),       -- types of namespaces(7) that it was asked to share with its host
    mounts_id INTEGER REFERENCES text (id),                -- mounts asked for: type, source, target, read_only
    devices_id INTEGER REFERENCES text (id),               -- devices asked for
    ports_id INTEGER REFERENCES text (id),                 -- ports published: protocol, port, and host addresses
    evidence_id INTEGER REFERENCES text (id),              -- digest of the engine's document about it, in table blob
    listing_id INTEGER REFERENCES text (id)                -- digest of what its engine listed of it when the document was asked for
) STRICT;
CREATE INDEX container_state_of ON container_state (container_id, first_snapshot);
CREATE INDEX container_state_begin ON container_state (host_id, first_snapshot);
CREATE INDEX container_state_end ON container_state (host_id, last_snapshot, first_snapshot);
CREATE INDEX container_state_open ON container_state (host_id, digest, container_id) WHERE last_snapshot IS NULL;

CREATE VIEW container_history AS
-- Every state of every container, with its texts.
SELECT
    state.container_id,
    state.host_id,
    state.first_snapshot,
    state.last_snapshot,
    state.digest,
    thing.engine,
    thing.engine_id,
    state.name,
    (SELECT value FROM text WHERE text.id = state.image_id) AS image,
    (SELECT value FROM text WHERE text.id = state.state_id) AS state,
    state.pid,
    (SELECT value FROM text WHERE text.id = state.labels_id) AS labels,
    (SELECT value FROM text WHERE text.id = state.groups_id) AS groups,
    (SELECT value FROM text WHERE text.id = state.tier_id) AS tier,
    (SELECT value FROM text WHERE text.id = state.instance_id) AS instance,
    (SELECT value FROM text WHERE text.id = state.outer_id) AS outer,
    state.start_ticks,
    (SELECT value FROM text WHERE text.id = state.image_digest_id) AS image_digest,
    (SELECT value FROM text WHERE text.id = state.engine_version_id) AS engine_version,
    (SELECT value FROM text WHERE text.id = state.runtime_id) AS runtime,
    state.created_at,
    state.started_at,
    state.finished_at,
    state.exit_code,
    state.restart_count,
    (SELECT value FROM text WHERE text.id = state.command_id) AS command,
    (SELECT value FROM text WHERE text.id = state.environment_names_id) AS environment_names,
    (SELECT value FROM text WHERE text.id = state.annotations_id) AS annotations,
    state.privileged,
    (SELECT value FROM text WHERE text.id = state.added_capabilities_id) AS added_capabilities,
    (SELECT value FROM text WHERE text.id = state.security_options_id) AS security_options,
    (SELECT value FROM text WHERE text.id = state.host_namespaces_id) AS host_namespaces,
    (SELECT value FROM text WHERE text.id = state.mounts_id) AS mounts,
    (SELECT value FROM text WHERE text.id = state.devices_id) AS devices,
    (SELECT value FROM text WHERE text.id = state.ports_id) AS ports,
    (SELECT value FROM text WHERE text.id = state.evidence_id) AS evidence,
    (SELECT value FROM text WHERE text.id = state.listing_id) AS listing
FROM container_state AS state JOIN container AS thing ON thing.id = state.container_id;

CREATE VIEW container_at AS
-- What held in the snapshot snapshot_id.
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN container_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot IS NULL AND +history.first_snapshot <= snapshot.id
UNION ALL
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN container_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot >= snapshot.id AND +history.first_snapshot <= snapshot.id;

CREATE TABLE cgroup (
    -- A control group of one boot. One row is one thing for as long as it is the same thing.
    id INTEGER PRIMARY KEY,                                -- the thing, in this file
    boot INTEGER NOT NULL REFERENCES boot (id),            -- the boot that it lives in
    hierarchy TEXT NOT NULL,                               -- controllers or name=... (v1), unified (v2)
    path TEXT NOT NULL                                     -- path in its hierarchy
) STRICT;
CREATE INDEX cgroup_key ON cgroup (boot, hierarchy, path);

CREATE TABLE cgroup_state (
    -- How it was, and from which snapshot to which.
    id INTEGER PRIMARY KEY,                                -- the state, in this file
    cgroup_id INTEGER NOT NULL REFERENCES cgroup (id),     -- the thing
    host_id INTEGER NOT NULL REFERENCES host (id),         -- whose snapshots the interval counts in
    first_snapshot INTEGER NOT NULL REFERENCES snapshot (id) DEFERRABLE INITIALLY DEFERRED, -- held from this snapshot
    last_snapshot INTEGER REFERENCES snapshot (id) CHECK (last_snapshot >= first_snapshot), -- to this one; null while it holds
    digest BLOB NOT NULL,                                  -- BLAKE2b-256 over identity and state, see docs/schema.md
    inode INTEGER,                                         -- its kernfs id
    version INTEGER,                                       -- 1 or 2; cgroups(7)
    type_id INTEGER REFERENCES text (id),                  -- domain, threaded, ... (v2)
    controllers_id INTEGER REFERENCES text (id),           -- controllers that it has
    frozen INTEGER                                         -- its processes are frozen
) STRICT;
CREATE INDEX cgroup_state_of ON cgroup_state (cgroup_id, first_snapshot);
CREATE INDEX cgroup_state_begin ON cgroup_state (host_id, first_snapshot);
CREATE INDEX cgroup_state_end ON cgroup_state (host_id, last_snapshot, first_snapshot);
CREATE INDEX cgroup_state_open ON cgroup_state (host_id, digest, cgroup_id) WHERE last_snapshot IS NULL;

CREATE VIEW cgroup_history AS
-- Every state of every cgroup, with its texts.
SELECT
    state.cgroup_id,
    state.host_id,
    thing.boot,
    state.first_snapshot,
    state.last_snapshot,
    state.digest,
    thing.hierarchy,
    thing.path,
    state.inode,
    state.version,
    (SELECT value FROM text WHERE text.id = state.type_id) AS type,
    (SELECT value FROM text WHERE text.id = state.controllers_id) AS controllers,
    state.frozen
FROM cgroup_state AS state JOIN cgroup AS thing ON thing.id = state.cgroup_id;

CREATE VIEW cgroup_at AS
-- What held in the snapshot snapshot_id.
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN cgroup_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot IS NULL AND +history.first_snapshot <= snapshot.id
UNION ALL
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN cgroup_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot >= snapshot.id AND +history.first_snapshot <= snapshot.id;

CREATE TABLE discrepancy (
    -- Two views of the kernel that disagree. One row is one thing for as long as it is the same thing.
    id INTEGER PRIMARY KEY,                                -- the thing, in this file
    boot INTEGER NOT NULL REFERENCES boot (id),            -- the boot that it lives in
    subject TEXT NOT NULL,                                 -- what the views disagree about: pid:812, mount:..., threads
    missing_from TEXT NOT NULL                             -- the view of the kernel that doesn't show it
) STRICT;
CREATE INDEX discrepancy_key ON discrepancy (boot, subject, missing_from);

CREATE TABLE discrepancy_state (
    -- How it was, and from which snapshot to which.
    id INTEGER PRIMARY KEY,                                -- the state, in this file
    discrepancy_id INTEGER NOT NULL REFERENCES discrepancy (id), -- the thing
    host_id INTEGER NOT NULL REFERENCES host (id),         -- whose snapshots the interval counts in
    first_snapshot INTEGER NOT NULL REFERENCES snapshot (id) DEFERRABLE INITIALLY DEFERRED, -- held from this snapshot
    last_snapshot INTEGER REFERENCES snapshot (id) CHECK (last_snapshot >= first_snapshot), -- to this one; null while it holds
    digest BLOB NOT NULL,                                  -- BLAKE2b-256 over identity and state, see docs/schema.md
    kernel_id INTEGER,                                     -- the subject's own id, never used again: inode of a pidfd, unique mount id
    start_ticks INTEGER,                                   -- start of the process after boot, in clock ticks (proc_pid_stat(5), field 22)
    shown_by_id INTEGER REFERENCES text (id),              -- the views that show it
    name TEXT,                                             -- command name of the process, target of the mount
    detail_id INTEGER REFERENCES text (id)                 -- in what they disagree: what covers it, two numbers
) STRICT;
CREATE INDEX discrepancy_state_of ON discrepancy_state (discrepancy_id, first_snapshot);
CREATE INDEX discrepancy_state_begin ON discrepancy_state (host_id, first_snapshot);
CREATE INDEX discrepancy_state_end ON discrepancy_state (host_id, last_snapshot, first_snapshot);
CREATE INDEX discrepancy_state_open ON discrepancy_state (host_id, digest, discrepancy_id) WHERE last_snapshot IS NULL;

CREATE VIEW discrepancy_history AS
-- Every state of every discrepancy, with its texts.
SELECT
    state.discrepancy_id,
    state.host_id,
    thing.boot,
    state.first_snapshot,
    state.last_snapshot,
    state.digest,
    thing.subject,
    thing.missing_from,
    state.kernel_id,
    state.start_ticks,
    (SELECT value FROM text WHERE text.id = state.shown_by_id) AS shown_by,
    state.name,
    (SELECT value FROM text WHERE text.id = state.detail_id) AS detail
FROM discrepancy_state AS state JOIN discrepancy AS thing ON thing.id = state.discrepancy_id;

CREATE VIEW discrepancy_at AS
-- What held in the snapshot snapshot_id.
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN discrepancy_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot IS NULL AND +history.first_snapshot <= snapshot.id
UNION ALL
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN discrepancy_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot >= snapshot.id AND +history.first_snapshot <= snapshot.id;

CREATE TABLE gap (
    -- Something that could not be read. One row is one thing for as long as it is the same thing.
    id INTEGER PRIMARY KEY,                                -- the thing, in this file
    boot INTEGER NOT NULL REFERENCES boot (id),            -- the boot that it lives in
    source TEXT NOT NULL,                                  -- the collector that could not read
    subject TEXT NOT NULL,                                 -- what it could not read
    errno INTEGER NOT NULL                                 -- errno(3), 0 where nothing was asked
) STRICT;
CREATE INDEX gap_key ON gap (boot, source, subject, errno);

CREATE TABLE gap_state (
    -- How it was, and from which snapshot to which.
    id INTEGER PRIMARY KEY,                                -- the state, in this file
    gap_id INTEGER NOT NULL REFERENCES gap (id),           -- the thing
    host_id INTEGER NOT NULL REFERENCES host (id),         -- whose snapshots the interval counts in
    first_snapshot INTEGER NOT NULL REFERENCES snapshot (id) DEFERRABLE INITIALLY DEFERRED, -- held from this snapshot
    last_snapshot INTEGER REFERENCES snapshot (id) CHECK (last_snapshot >= first_snapshot), -- to this one; null while it holds
    digest BLOB NOT NULL,                                  -- BLAKE2b-256 over identity and state, see docs/schema.md
    error_id INTEGER REFERENCES text (id),                 -- the same in words
    hides_id INTEGER REFERENCES text (id),                 -- kind of record that may be missing or incomplete because of it
    hides_scope TEXT                                       -- only of this process, mount namespace, ..., or what this source alone shows; null for any
) STRICT;
CREATE INDEX gap_state_of ON gap_state (gap_id, first_snapshot);
CREATE INDEX gap_state_begin ON gap_state (host_id, first_snapshot);
CREATE INDEX gap_state_end ON gap_state (host_id, last_snapshot, first_snapshot);
CREATE INDEX gap_state_open ON gap_state (host_id, digest, gap_id) WHERE last_snapshot IS NULL;

CREATE VIEW gap_history AS
-- Every state of every gap, with its texts.
SELECT
    state.gap_id,
    state.host_id,
    thing.boot,
    state.first_snapshot,
    state.last_snapshot,
    state.digest,
    thing.source,
    thing.subject,
    thing.errno,
    (SELECT value FROM text WHERE text.id = state.error_id) AS error,
    (SELECT value FROM text WHERE text.id = state.hides_id) AS hides,
    state.hides_scope
FROM gap_state AS state JOIN gap AS thing ON thing.id = state.gap_id;

CREATE VIEW gap_at AS
-- What held in the snapshot snapshot_id.
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN gap_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot IS NULL AND +history.first_snapshot <= snapshot.id
UNION ALL
SELECT snapshot.id AS snapshot_id, history.*
FROM snapshot JOIN gap_history AS history ON history.host_id = snapshot.host_id
    AND history.last_snapshot >= snapshot.id AND +history.first_snapshot <= snapshot.id;

CREATE VIEW namespace_member_at AS
-- Which processes are in a namespace, in the snapshot snapshot_id.
SELECT snapshot_id, 'cgroup' AS type, cgroup_namespace AS inode, pid, start_ticks FROM process_at WHERE cgroup_namespace IS NOT NULL
UNION ALL SELECT snapshot_id, 'ipc' AS type, ipc_namespace AS inode, pid, start_ticks FROM process_at WHERE ipc_namespace IS NOT NULL
UNION ALL SELECT snapshot_id, 'mnt' AS type, mnt_namespace AS inode, pid, start_ticks FROM process_at WHERE mnt_namespace IS NOT NULL
UNION ALL SELECT snapshot_id, 'net' AS type, net_namespace AS inode, pid, start_ticks FROM process_at WHERE net_namespace IS NOT NULL
UNION ALL SELECT snapshot_id, 'pid' AS type, pid_namespace AS inode, pid, start_ticks FROM process_at WHERE pid_namespace IS NOT NULL
UNION ALL SELECT snapshot_id, 'time' AS type, time_namespace AS inode, pid, start_ticks FROM process_at WHERE time_namespace IS NOT NULL
UNION ALL SELECT snapshot_id, 'user' AS type, user_namespace AS inode, pid, start_ticks FROM process_at WHERE user_namespace IS NOT NULL
UNION ALL SELECT snapshot_id, 'uts' AS type, uts_namespace AS inode, pid, start_ticks FROM process_at WHERE uts_namespace IS NOT NULL;
