# SPDX-License-Identifier: Apache-2.0
"""The questions that lxkns, whose discoveries are the starting point, answers wrongly: one class of tests for
each, in its order. (The thirteenth, containers that are keyed by their PID, is one of storage:
tests/unit/test-schema-identity.c.)"""

import os
import shutil
import subprocess

import kernel_mounts
import support
from support import TestCase, features, needs_root, needs_whole_root, nslapse, text_of_hex

NOBODY = 65534
TYPES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


class Answers(TestCase):
    def hold(self, name):
        """The situation, and the export of a snapshot of it."""
        situation = self.situation(name)
        self.database.record()
        return situation, self.database.export()

    def assert_one_root(self, export, kind):
        roots = [namespace["inode"] for namespace in export.all("namespaces", type=kind)
                 if namespace["parent"] is None]
        self.assertEqual(1, len(roots), roots)


@needs_root
@needs_whole_root
class Wrong01(Answers):
    def test_a_mount_namespace_kept_by_a_descriptor_has_not_the_mounts_of_who_keeps_it(self):
        situation, export = self.hold("fd-mnt")
        mounts = export.all("mounts", namespace=situation["namespace"])
        keepers = export.all("mounts", namespace=export.process(situation["pid"])["namespaces"]["mnt"])
        self.assertEqual(set(), {mount["id"] for mount in mounts} & {mount["id"] for mount in keepers})
        namespace = export.namespace("mnt", situation["namespace"])
        self.assert_mounts(kernel_mounts.mountinfo_inside(namespace["reference"]), mounts)


@needs_root
@needs_whole_root
class Wrong02(Answers):
    def test_a_bind_mounted_user_namespace_stays_in_the_hierarchy_with_its_user(self):
        situation, export = self.hold("bind-user-below")
        below = export.namespace("user", situation["namespace"])
        self.assertEqual(situation["parent_namespace"], below["parent"])
        self.assertEqual(situation["owner_uid"], below["owner_uid"])
        self.assertEqual(situation["owner_uid"],
                         export.namespace("user", situation["parent_namespace"])["owner_uid"])
        self.assert_one_root(export, "user")

    def test_a_bind_mounted_pid_namespace_stays_in_the_hierarchy(self):
        situation, export = self.hold("bind-pid-below")
        self.assertEqual(situation["parent_namespace"],
                         export.namespace("pid", situation["namespace"])["parent"])
        self.assert_one_root(export, "pid")


@needs_root
class Wrong03(Answers):
    def test_a_pid_namespace_for_children_alone_has_its_parent(self):
        situation = self.situation("for-children-pid")
        situation.advance()
        situation.advance()
        self.database.record()
        export = self.database.export()
        namespace = export.namespace("pid", situation["namespace"])
        self.assertEqual((["for-children"], situation["process_namespace"]),
                         (namespace["sources"], namespace["parent"]))
        self.assert_one_root(export, "pid")

    def test_a_time_namespace_for_children_alone_is_no_second_root(self):
        """Time namespaces have no parents (NS_GET_PARENT); but one is the host's."""
        situation, export = self.hold("for-children-time")
        self.assertFalse(export.namespace("time", situation["namespace"])["initial"])
        initial = [namespace["inode"] for namespace in export.all("namespaces", type="time", initial=True)]
        self.assertEqual([situation["process_namespace"]], initial)


@needs_root
@needs_whole_root
class Wrong04(Answers):
    def test_an_owner_that_nothing_else_shows_is_found(self):
        situation, export = self.hold("bind-owned")
        namespace = export.namespace("net", situation["namespace"])
        self.assertEqual(situation["owner_namespace"], namespace["owner"])
        owner = export.namespace("user", situation["owner_namespace"])
        self.assertEqual(["owner"], [source for source in owner["sources"] if source != "kernel"])
        self.assertEqual(os.stat("/proc/self/ns/user").st_ino, owner["parent"])


@needs_root
@needs_whole_root
class Wrong05(Answers):
    def test_a_process_in_a_plain_directory_has_no_root_mount_and_harms_nothing(self):
        situation, export = self.hold("mounts-from-folder")
        seen = kernel_mounts.mountinfo(situation["pid"])
        self.assertNotIn(b"/", [line.target for line in seen])
        targets = {mount["source"]: mount["target"]
                   for mount in export.all("mounts", namespace=situation["namespace"])}
        self.assertEqual(f"{situation['folder']}/jail/a", targets["in jail"], "as from the namespace's root")
        own = export.all("mounts", namespace=os.stat("/proc/self/ns/mnt").st_ino)
        self.assert_mounts(kernel_mounts.mountinfo(), own)


@needs_root
@needs_whole_root
class Wrong06(Answers):
    def test_what_is_below_a_mount_over_the_root_is_what_its_processes_see(self):
        situation, export = self.hold("mount-over-root")
        mounts = {mount["source"]: mount["visibility"]
                  for mount in export.all("mounts", namespace=situation["namespace"])}
        self.assertEqual(("visible", "visible", "unreachable"),
                         (mounts["before"], mounts["after"], mounts["over root"]))


@needs_root
@needs_whole_root
class Wrong07(Answers):
    def test_rows_with_an_empty_source_stay_and_escapes_do_not(self):
        situation, export = self.hold("mounts")
        mounts = {mount["target"]: mount["source"]
                  for mount in export.all("mounts", namespace=situation["namespace"])}
        for wanted in situation["mounts"]:
            self.assertEqual(text_of_hex(wanted["source_hex"]), mounts[text_of_hex(wanted["target_hex"])])

    def test_a_long_line_does_not_end_the_list(self):
        if not features()["detached_procfs"]:
            return  # a kernel without fsopen(2) has no such options either
        situation, export = self.hold("long-options")
        targets = [mount["target"] for mount in export.all("mounts", namespace=situation["namespace"])]
        self.assertIn(situation["target"], targets)
        self.assertIn(situation["after"], targets)


@needs_root
class Wrong08(Answers):
    def test_what_is_asked_for_by_type_is_of_that_type(self):
        """Whatever the source. nslapse records all types; the type narrows what is shown."""
        held = {kind: self.situation(f"fd-{kind}")["namespace"] for kind in TYPES}
        self.database.record()
        export = self.database.export()
        for kind, inode in held.items():
            self.assertEqual([kind], [namespace["type"] for namespace in export.all("namespaces", inode=inode)])
            for other in TYPES:
                self.database.run("show", f"{other}:{inode}", expect=0 if other == kind else 2)

    def test_a_source_that_is_left_out_is_left_out_for_every_type(self):
        held = {kind: self.situation(f"fd-{kind}")["namespace"] for kind in TYPES}
        self.database.record("--without", "fd,kernel")
        export = self.database.export()
        self.assertEqual([], [namespace for namespace in export["namespaces"]
                              if namespace["inode"] in held.values() or "fd" in namespace["sources"]])


@needs_root
@needs_whole_root
class Wrong09(Answers):
    def test_two_snapshots_of_what_is_unchanged_are_equal_in_content_and_order(self):
        held = [self.situation(name) for name in ("nested-user", "fd-net", "thread-uts", "mounts", "overmounts")]
        spaces = {inode for situation in held
                  for inode in (situation.facts.get("namespaces") or [situation["namespace"]])}
        documents = []
        for _ in range(3):
            self.database.record()
            export = self.database.export()
            documents.append([[record for record in export[kind] if record[inode] in spaces]
                              for kind, inode in (("namespaces", "inode"), ("mounts", "namespace"))])
        self.assertTrue(all(documents[0]))
        self.assertEqual(documents[0], documents[1])
        self.assertEqual(documents[0], documents[2])


@needs_root
class Wrong10(Answers):
    def test_processes_whose_namespaces_cannot_be_read_are_recorded(self):
        program = shutil.copy(support.NSLAPSE, self.folder)
        self.folder.chmod(0o755)
        os.chown(self.folder, NOBODY, NOBODY)
        subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--",
                        program, "--db", self.database.path, "record"], capture_output=True, check=True)
        process = self.database.export().process(os.getpid())
        self.assertEqual("unreadable", process["condition"])
        self.assertEqual(os.getppid(), process["ppid"])
        self.assertEqual({None}, set(process["namespaces"].values()))


@needs_root
class Wrong11(Answers):
    def test_the_own_descriptors_of_a_thread_are_looked_at(self):
        situation, export = self.hold("fd-thread")
        self.assertIn("fd", export.namespace("uts", situation["namespace"])["sources"])

    def test_a_namespace_found_by_a_socket_has_its_owner(self):
        if not features()["pidfd_getfd"]:
            return  # its namespace can't be asked for: a gap says so
        situation, export = self.hold("socket-thread")
        namespace = export.namespace("net", situation["namespace"])
        self.assertIn("socket", namespace["sources"])
        self.assertEqual(situation["owner_namespace"], namespace["owner"])


@needs_root
class Wrong12(Answers):
    def test_a_missing_line_of_pids_leaves_them_unknown(self):
        situation = self.situation("nested-pid")
        copy = self.folder / "copy"
        nslapse("doctor", "--capture-fixture", copy)
        for status in copy.glob("proc/[0-9]*/status"):
            lines = status.read_bytes().splitlines(keepends=True)
            status.write_bytes(b"".join(line for line in lines if not line.startswith(b"NSpid:")))
        self.database.run("--root", copy, "record")
        process = self.database.export().process(situation["pids"][0])
        self.assertEqual((None, None), (process["ns_pids"], process["pids"]))
        self.assertEqual(situation["namespaces"][0], process["namespaces"]["pid"])
