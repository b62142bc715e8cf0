# SPDX-License-Identifier: Apache-2.0
"""Namespaces that nothing keeps but a descriptor: a file of nsfs, a socket, or a TUN device."""

import os

import kernel_mounts

from support import TestCase, features, needs_root, nslapse


class Descriptors(TestCase):
    def record(self, name):
        """The situation and its namespace, as recorded."""
        situation = self.situation(name)
        self.database.record()
        export = self.database.export()
        return situation, export, export.namespace(situation["type"], situation["namespace"])

    def assert_sources(self, expected, namespace):
        """Beside the kernel's own list, which has mount namespaces on some kernels."""
        self.assertEqual(expected, [source for source in namespace["sources"] if source != "kernel"])

    def check_facts(self, namespace):
        self.assertEqual([], namespace["processes"])
        self.assertIsNone(namespace["leader"])
        self.assertFalse(namespace["initial"])
        self.assertIsNotNone(namespace["owner"])
        if features()["NS_GET_ID"]:
            self.assertIsNotNone(namespace["id"])

    def check_gone(self, situation):
        self.assert_gone_after_release(situation, "namespaces", type=situation["type"],
                                       inode=situation["namespace"])


@needs_root
class OnlyByFile(Descriptors):
    def check_file(self, kind):
        situation, export, namespace = self.record(f"fd-{kind}")
        self.assert_sources(["fd"], namespace)
        self.assertEqual([f"/proc/{situation['pid']}/fd/{situation['descriptor']}"], namespace["reference"])
        self.assertEqual(situation["namespace"], os.stat(namespace["reference"][0]).st_ino)
        self.check_facts(namespace)
        self.check_mounts(situation, export)
        if kind in ("user", "pid"):
            self.assertEqual(situation["outer_namespace"], namespace["parent"])
        self.check_gone(situation)

    def check_mounts(self, situation, export):
        """Of a mount namespace those that one sees there; which are not those of who keeps it."""
        mounts = export.all("mounts", namespace=situation["namespace"])
        if situation["type"] != "mnt":
            self.assertEqual([], mounts)
            return
        reference = f"/proc/{situation['pid']}/fd/{situation['descriptor']}"
        self.assert_mounts(kernel_mounts.mountinfo_inside([reference]), mounts)
        keeper = {line.id for line in kernel_mounts.mountinfo(situation["pid"])}
        self.assertEqual(set(), keeper & {mount["id"] for mount in mounts})

    def test_cgroup(self):
        self.check_file("cgroup")

    def test_ipc(self):
        self.check_file("ipc")

    def test_mnt_without_the_mounts_of_who_keeps_it(self):
        self.check_file("mnt")

    def test_net(self):
        self.check_file("net")

    def test_pid(self):
        self.check_file("pid")

    def test_time(self):
        self.check_file("time")

    def test_user(self):
        self.check_file("user")

    def test_uts(self):
        self.check_file("uts")

    def test_the_own_table_of_a_thread(self):
        situation, _, namespace = self.record("fd-thread")
        reference = f"/proc/{situation['pid']}/task/{situation['tid']}/fd/{situation['descriptor']}"
        self.assertEqual(["fd"], namespace["sources"])
        self.assertEqual([reference], namespace["reference"])
        self.assertEqual(situation["namespace"], os.stat(reference).st_ino)
        self.check_facts(namespace)
        self.check_gone(situation)

    def test_the_own_table_of_a_thread_where_tables_cannot_be_compared(self):
        situation = self.situation("fd-thread")
        self.database.record(environment={"NSLAPSE_WITHOUT": "kcmp"})
        self.assertEqual(["fd"], self.database.export().namespace("uts", situation["namespace"])["sources"])

    def test_opened_through_a_bind_mount(self):
        """Its link is a path, as if it were any file; and the mount is nowhere any more."""
        situation, _, namespace = self.record("fd-mounted")
        reference = f"/proc/{situation['pid']}/fd/{situation['descriptor']}"
        self.assertEqual("/", os.readlink(reference)[:1])
        self.assert_sources(["fd"], namespace)
        self.assertEqual([reference], namespace["reference"])
        self.check_facts(namespace)
        self.check_gone(situation)

    def test_beside_a_file_whose_file_system_never_answers(self):
        situation, _, namespace = self.record("fd-silent")
        self.assertIn("fd", namespace["sources"])
        self.check_facts(namespace)
        self.check_gone(situation)

    def test_left_out(self):
        situation = self.situation("fd-uts")
        snapshot = self.database.record("--without", "fd,socket")
        export = self.database.export()
        self.assertEqual([], export.all("namespaces", inode=situation["namespace"]))
        self.assertEqual(["fd", "socket"], snapshot["without"])
        for source in ("fd", "socket"):
            self.assertEqual({"left out by --without"},
                             {gap["error"] for gap in export.all("gaps", source=source)})

    def test_left_out_of_one_snapshot_it_is_not_removed(self):
        """And what other sources have shown still is."""
        situation, other = self.situation("fd-uts"), self.situation("thread-net")
        self.database.record()
        export = self.database.export()
        other.release()
        self.database.record("--without", "fd")
        difference = self.database.diff()
        self.assertEqual(["unobserved"], difference.ops_of(export.namespace("uts", situation["namespace"])))
        self.assertEqual(["removed"], difference.ops_of(export.namespace("net", other["namespace"])))

    def test_in_a_copied_host(self):
        situation = self.situation("fd-uts")
        copy = self.folder / "copy"
        nslapse("doctor", "--capture-fixture", copy)
        self.database.record("--root", copy)
        namespace = self.database.export().namespace("uts", situation["namespace"])
        self.assertEqual(["fd"], namespace["sources"])
        self.assertEqual([f"/proc/{situation['pid']}/fd/{situation['descriptor']}"], namespace["reference"])

    def test_also_by_descriptor(self):
        self.situation("fd-uts")
        with open("/proc/self/ns/uts", "rb") as held:
            self.database.record()
            own = self.database.export().namespace("uts", os.fstat(held.fileno()).st_ino)
        self.assertLessEqual({"process", "fd"}, set(own["sources"]))
        self.assertTrue(own["reference"][0].endswith("/ns/uts"), own)


@needs_root
class OnlyBySocket(Descriptors):
    def check_socket(self, name):
        """A path that opens it again there is not."""
        if not features()["pidfd_getfd"]:
            self.check_unknown(name)
            return
        situation, export, namespace = self.record(name)
        self.assertEqual(["socket"], namespace["sources"])
        self.assertIsNone(namespace["reference"])
        self.check_facts(namespace)
        self.assertEqual(situation["owner_namespace"], namespace["owner"])
        owner = export.namespace("user", situation["owner_namespace"])
        self.assertEqual(["owner"], owner["sources"])
        self.check_gone(situation)

    def check_unknown(self, name):
        situation = self.situation(name)
        self.database.record()
        export = self.database.export()
        self.assertEqual([], export.all("namespaces", inode=situation["namespace"]))
        self.assertIn("isn't known", export.one("gaps", source="socket")["error"])

    def test_socket(self):
        self.check_socket("socket")

    def test_socket_of_a_thread(self):
        self.check_socket("socket-thread")

    def test_tun(self):
        self.check_socket("tun")

    def test_tun_by_another_name(self):
        self.check_socket("tun-renamed")
