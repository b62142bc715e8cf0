-- SPDX-License-Identifier: Apache-2.0
-- Version 2: any moment of a long history is found as fast as the newest.
--
-- The index KIND_state_lasting has the states that have ended by the number of digits of how long they lasted: at most ten
-- times as long as it tells. So what held in a snapshot began, of each number, within a known time before, and
-- schema/intervals.c finds it without passing by all that came and went before or since. The views KIND_history show the
-- states' ids, which it finds. SQLite parses all views whenever a database is opened: names are qualified only where they
-- would be ambiguous.

CREATE INDEX namespace_state_lasting ON namespace_state (host_id, length(last_snapshot - first_snapshot), first_snapshot, last_snapshot);
DROP VIEW namespace_history;
CREATE VIEW namespace_history AS
-- Every state of every namespace, with its texts.
SELECT
    namespace_id,
    state.id AS state_id,
    host_id,
    boot,
    first_snapshot,
    last_snapshot,
    digest,
    type,
    inode,
    kernel_id,
    parent,
    owner,
    owner_uid,
    initial,
    (SELECT value FROM text WHERE id = sources_id) AS sources,
    (SELECT value FROM text WHERE id = reference_id) AS reference
FROM namespace_state AS state JOIN namespace AS thing ON thing.id = state.namespace_id;

CREATE INDEX process_state_lasting ON process_state (host_id, length(last_snapshot - first_snapshot), first_snapshot, last_snapshot);
DROP VIEW process_history;
CREATE VIEW process_history AS
-- Every state of every process, with its texts.
SELECT
    process_id,
    state.id AS state_id,
    host_id,
    boot,
    first_snapshot,
    last_snapshot,
    digest,
    pid,
    start_ticks,
    pidfs_inode,
    comm,
    (SELECT value FROM text WHERE id = condition_id) AS condition,
    real_uid,
    effective_uid,
    saved_uid,
    filesystem_uid,
    real_gid,
    effective_gid,
    saved_gid,
    filesystem_gid,
    (SELECT value FROM text WHERE id = groups_id) AS groups,
    (SELECT value FROM text WHERE id = capabilities_effective_id) AS capabilities_effective,
    (SELECT value FROM text WHERE id = capabilities_permitted_id) AS capabilities_permitted,
    (SELECT value FROM text WHERE id = capabilities_inheritable_id) AS capabilities_inheritable,
    (SELECT value FROM text WHERE id = capabilities_bounding_id) AS capabilities_bounding,
    (SELECT value FROM text WHERE id = capabilities_ambient_id) AS capabilities_ambient,
    (SELECT value FROM text WHERE id = seccomp_id) AS seccomp,
    no_new_privs,
    (SELECT value FROM text WHERE id = security_label_id) AS security_label,
    (SELECT value FROM text WHERE id = cgroup_id) AS cgroup,
    frozen,
    cgroup_namespace,
    ipc_namespace,
    mnt_namespace,
    net_namespace,
    pid_namespace,
    pid_for_children_namespace,
    time_namespace,
    time_for_children_namespace,
    user_namespace,
    uts_namespace,
    (SELECT value FROM text WHERE id = scheduling_policy_id) AS scheduling_policy,
    scheduling_priority,
    nice,
    (SELECT value FROM text WHERE id = cpu_affinity_id) AS cpu_affinity,
    (SELECT booted_at + start_ticks * (1000000000 / clock_ticks) FROM boot WHERE boot.id = thing.boot) AS started_at,
    ppid,
    pid AS tgid,
    process_group,
    session,
    (SELECT value FROM text WHERE id = terminal_id) AS terminal,
    login_uid,
    (SELECT value FROM text WHERE id = cmdline_id) AS cmdline,
    (SELECT value FROM text WHERE id = exe_id) AS exe,
    (SELECT value FROM text WHERE id = cwd_id) AS cwd,
    (SELECT value FROM text WHERE id = root_id) AS root,
    ns_pids,
    tracer_pid,
    kernel_thread,
    (SELECT value FROM text WHERE id = container_id) AS container,
    (SELECT value FROM text WHERE id = environment_id) AS environment
FROM process_state AS state JOIN process AS thing ON thing.id = state.process_id;

CREATE INDEX thread_state_lasting ON thread_state (host_id, length(last_snapshot - first_snapshot), first_snapshot, last_snapshot);
DROP VIEW thread_history;
CREATE VIEW thread_history AS
-- Every state of every thread, with its texts.
SELECT
    thread_id,
    state.id AS state_id,
    host_id,
    boot,
    first_snapshot,
    last_snapshot,
    digest,
    pid,
    start_ticks,
    pidfs_inode,
    comm,
    (SELECT value FROM text WHERE id = condition_id) AS condition,
    real_uid,
    effective_uid,
    saved_uid,
    filesystem_uid,
    real_gid,
    effective_gid,
    saved_gid,
    filesystem_gid,
    (SELECT value FROM text WHERE id = groups_id) AS groups,
    (SELECT value FROM text WHERE id = capabilities_effective_id) AS capabilities_effective,
    (SELECT value FROM text WHERE id = capabilities_permitted_id) AS capabilities_permitted,
    (SELECT value FROM text WHERE id = capabilities_inheritable_id) AS capabilities_inheritable,
    (SELECT value FROM text WHERE id = capabilities_bounding_id) AS capabilities_bounding,
    (SELECT value FROM text WHERE id = capabilities_ambient_id) AS capabilities_ambient,
    (SELECT value FROM text WHERE id = seccomp_id) AS seccomp,
    no_new_privs,
    (SELECT value FROM text WHERE id = security_label_id) AS security_label,
    (SELECT value FROM text WHERE id = cgroup_id) AS cgroup,
    frozen,
    cgroup_namespace,
    ipc_namespace,
    mnt_namespace,
    net_namespace,
    pid_namespace,
    pid_for_children_namespace,
    time_namespace,
    time_for_children_namespace,
    user_namespace,
    uts_namespace,
    (SELECT value FROM text WHERE id = scheduling_policy_id) AS scheduling_policy,
    scheduling_priority,
    nice,
    (SELECT value FROM text WHERE id = cpu_affinity_id) AS cpu_affinity,
    tid
FROM thread_state AS state JOIN thread AS thing ON thing.id = state.thread_id;

CREATE INDEX mount_state_lasting ON mount_state (host_id, length(last_snapshot - first_snapshot), first_snapshot, last_snapshot);
DROP VIEW mount_history;
CREATE VIEW mount_history AS
-- Every state of every mount, with its texts.
SELECT
    mount_id,
    state.id AS state_id,
    host_id,
    boot,
    first_snapshot,
    last_snapshot,
    digest,
    namespace,
    kernel_id,
    unique_id,
    parent,
    (SELECT value FROM text WHERE id = root_id) AS root,
    (SELECT value FROM text WHERE id = target_id) AS target,
    (SELECT value FROM text WHERE id = source_id) AS source,
    (SELECT value FROM text WHERE id = fstype_id) AS fstype,
    (SELECT value FROM text WHERE id = options_id) AS options,
    (SELECT value FROM text WHERE id = super_options_id) AS super_options,
    (SELECT value FROM text WHERE id = device_id) AS device,
    shared,
    master,
    propagate_from,
    unbindable,
    (SELECT value FROM text WHERE id = visibility_id) AS visibility,
    covered_by
FROM mount_state AS state JOIN mount AS thing ON thing.id = state.mount_id;

CREATE INDEX container_state_lasting ON container_state (host_id, length(last_snapshot - first_snapshot), first_snapshot, last_snapshot);
DROP VIEW container_history;
CREATE VIEW container_history AS
-- Every state of every container, with its texts.
SELECT
    container_id,
    state.id AS state_id,
    state.host_id,
    first_snapshot,
    last_snapshot,
    digest,
    engine,
    engine_id,
    name,
    (SELECT value FROM text WHERE id = image_id) AS image,
    (SELECT value FROM text WHERE id = state_id) AS state,
    pid,
    (SELECT value FROM text WHERE id = labels_id) AS labels,
    (SELECT value FROM text WHERE id = groups_id) AS groups,
    (SELECT value FROM text WHERE id = tier_id) AS tier,
    (SELECT value FROM text WHERE id = instance_id) AS instance,
    (SELECT value FROM text WHERE id = outer_id) AS outer,
    start_ticks,
    (SELECT value FROM text WHERE id = image_digest_id) AS image_digest,
    (SELECT value FROM text WHERE id = engine_version_id) AS engine_version,
    (SELECT value FROM text WHERE id = runtime_id) AS runtime,
    created_at,
    started_at,
    finished_at,
    exit_code,
    restart_count,
    (SELECT value FROM text WHERE id = command_id) AS command,
    (SELECT value FROM text WHERE id = environment_names_id) AS environment_names,
    (SELECT value FROM text WHERE id = annotations_id) AS annotations,
    privileged,
    (SELECT value FROM text WHERE id = added_capabilities_id) AS added_capabilities,
    (SELECT value FROM text WHERE id = security_options_id) AS security_options,
    (SELECT value FROM text WHERE id = host_namespaces_id) AS host_namespaces,
    (SELECT value FROM text WHERE id = mounts_id) AS mounts,
    (SELECT value FROM text WHERE id = devices_id) AS devices,
    (SELECT value FROM text WHERE id = ports_id) AS ports,
    (SELECT value FROM text WHERE id = evidence_id) AS evidence,
    (SELECT value FROM text WHERE id = listing_id) AS listing
FROM container_state AS state JOIN container AS thing ON thing.id = state.container_id;

CREATE INDEX cgroup_state_lasting ON cgroup_state (host_id, length(last_snapshot - first_snapshot), first_snapshot, last_snapshot);
DROP VIEW cgroup_history;
CREATE VIEW cgroup_history AS
-- Every state of every cgroup, with its texts.
SELECT
    cgroup_id,
    state.id AS state_id,
    host_id,
    boot,
    first_snapshot,
    last_snapshot,
    digest,
    hierarchy,
    path,
    inode,
    version,
    (SELECT value FROM text WHERE id = type_id) AS type,
    (SELECT value FROM text WHERE id = controllers_id) AS controllers,
    frozen
FROM cgroup_state AS state JOIN cgroup AS thing ON thing.id = state.cgroup_id;

CREATE INDEX discrepancy_state_lasting ON discrepancy_state (host_id, length(last_snapshot - first_snapshot), first_snapshot, last_snapshot);
DROP VIEW discrepancy_history;
CREATE VIEW discrepancy_history AS
-- Every state of every discrepancy, with its texts.
SELECT
    discrepancy_id,
    state.id AS state_id,
    host_id,
    boot,
    first_snapshot,
    last_snapshot,
    digest,
    subject,
    missing_from,
    kernel_id,
    start_ticks,
    (SELECT value FROM text WHERE id = shown_by_id) AS shown_by,
    name,
    (SELECT value FROM text WHERE id = detail_id) AS detail
FROM discrepancy_state AS state JOIN discrepancy AS thing ON thing.id = state.discrepancy_id;

CREATE INDEX gap_state_lasting ON gap_state (host_id, length(last_snapshot - first_snapshot), first_snapshot, last_snapshot);
DROP VIEW gap_history;
CREATE VIEW gap_history AS
-- Every state of every gap, with its texts.
SELECT
    gap_id,
    state.id AS state_id,
    host_id,
    boot,
    first_snapshot,
    last_snapshot,
    digest,
    source,
    subject,
    errno,
    (SELECT value FROM text WHERE id = error_id) AS error,
    (SELECT value FROM text WHERE id = hides_id) AS hides,
    hides_scope
FROM gap_state AS state JOIN gap AS thing ON thing.id = state.gap_id;
