# SPDX-License-Identifier: Apache-2.0
"""Namespaces that nothing keeps but a bind mount, in mount namespaces with and without processes; what
leads to them, and the mounts of those that no process is in."""

import errno
import os
import re

import kernel_mounts
from kernel_mounts import follow_reference
from support import TestCase, features, needs_root, needs_whole_root, nslapse

TYPES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


class BindMounts(TestCase):
    def record(self, name, *arguments, **keywords):
        """The situation, the export, and the namespace as recorded."""
        situation = self.situation(name)
        self.database.record(*arguments, **keywords)
        export = self.database.export()
        return situation, export, export.namespace(situation["type"], situation["namespace"])

    def reference(self, situation, depth):
        """From the keeper's mount namespace through as many without a process."""
        return [f"/proc/{situation['pid']}/ns/mnt"] + [situation["path"]] * (depth + 1)

    def check(self, situation, namespace, depth):
        self.assertEqual(["bind-mount"], [source for source in namespace["sources"] if source != "kernel"])
        self.assertEqual(self.reference(situation, depth), namespace["reference"])
        self.assertEqual(situation["namespace"],
                         kernel_mounts.in_child(lambda: follow_reference(namespace["reference"])))
        self.check_facts(namespace)

    def check_facts(self, namespace):
        self.assertEqual([], namespace["processes"])
        self.assertIsNone(namespace["leader"])
        self.assertFalse(namespace["initial"])
        self.assertIsNotNone(namespace["owner"])
        if features()["NS_GET_ID"]:
            self.assertIsNotNone(namespace["id"])

    def check_mounts(self, export, namespace):
        """As a process sees them that goes in."""
        mounts = export.all("mounts", namespace=namespace["inode"])
        self.assert_mounts(kernel_mounts.mountinfo_inside(namespace["reference"]), mounts)
        if features()["listmount"] and features()["NS_GET_MNTNS_ID"]:
            self.assertEqual(len(mounts), len({mount["unique_id"] for mount in mounts} - {None}))

    def check_gone(self, situation):
        self.assert_gone_after_release(situation, "namespaces", type=situation["type"],
                                       inode=situation["namespace"])


@needs_root
@needs_whole_root
class OnlyByBindMount(BindMounts):
    def test_in_the_mount_namespace_of_a_process(self):
        for kind in TYPES:
            with self.subTest(kind):
                situation, export, namespace = self.record(f"bind-{kind}")
                self.check(situation, namespace, 0)
                if kind == "mnt":
                    self.check_mounts(export, namespace)
                self.check_gone(situation)

    def test_in_a_mount_namespace_without_process(self):
        for kind in TYPES:
            with self.subTest(kind):
                situation, export, namespace = self.record(f"inside-{kind}")
                self.check(situation, namespace, 1)
                empty, = situation["empty_namespaces"]
                outer = export.namespace("mnt", empty)
                self.assertEqual(self.reference(situation, 0), outer["reference"])
                self.assertIn("bind-mount", outer["sources"])
                self.check_mounts(export, outer)
                bound = export.one("mounts", namespace=empty, target=situation["path"])
                self.assertEqual(("nsfs", f"{kind}:[{situation['namespace']}]", "visible"),
                                 (bound["fstype"], bound["root"], bound["visibility"]))
                self.check_gone(situation)

    def test_behind_a_chain_of_them(self):
        situation, export, namespace = self.record("inside-chain")
        self.check(situation, namespace, 3)
        for depth, empty in enumerate(situation["empty_namespaces"]):
            outer = export.namespace("mnt", empty)
            self.assertEqual(self.reference(situation, depth), outer["reference"])
            self.check_facts(outer)
            self.check_mounts(export, outer)
        self.check_gone(situation)

    def test_the_parent_of_a_pid_namespace(self):
        situation, export, namespace = self.record("bind-pid-below")
        self.check(situation, namespace, 0)
        self.assertEqual(situation["parent_namespace"], namespace["parent"])
        parent = export.namespace("pid", situation["parent_namespace"])
        self.assertEqual(["parent"], parent["sources"])
        self.assertEqual(situation["outer_namespace"], parent["parent"])

    def test_the_parent_and_the_user_of_a_user_namespace(self):
        situation, export, namespace = self.record("bind-user-below")
        self.check(situation, namespace, 0)
        parent = export.namespace("user", situation["parent_namespace"])
        self.assertEqual(situation["parent_namespace"], namespace["parent"])
        self.assertEqual(situation["outer_namespace"], parent["parent"])
        self.assertEqual([situation["owner_uid"]] * 2, [namespace["owner_uid"], parent["owner_uid"]])

    def test_the_owner_of_a_network_namespace(self):
        situation, export, namespace = self.record("bind-owned")
        self.check(situation, namespace, 0)
        self.assertEqual(situation["owner_namespace"], namespace["owner"])
        self.assertEqual(["owner"], export.namespace("user", situation["owner_namespace"])["sources"])

    def test_hidden_below_another_mount(self):
        """It is there; but nothing leads to it, and what it is can't be asked, where the kernel has no list."""
        situation, export, namespace = self.record("bind-hidden")
        self.assertIn("bind-mount", namespace["sources"])
        self.assertIsNone(namespace["reference"])
        if not features()["listns"]:
            self.assertIsNone(namespace["owner"])
            gap = export.one("gaps", source="namespaces", subject=f"net:{situation['namespace']}")
            self.assertIn("no path leads", gap["error"])
        mount = export.one("mounts", namespace=situation["keeper_namespace"], target=situation["path"])
        self.assertEqual("shadowed", mount["visibility"])
        situation.release()
        self.database.record()
        self.assertEqual([], self.database.export().all("namespaces", inode=situation["namespace"]))

    def test_on_a_file_system_that_never_answers(self):
        """Who looks for it there is ended; that it is there, the mount tells."""
        situation, export, namespace = self.record("bind-silent")
        self.assertEqual((["bind-mount"], None, None),
                         (namespace["sources"], namespace["reference"], namespace["owner"]))
        gap = export.one("gaps", source="namespaces", subject=f"net:{situation['namespace']}")
        self.assertEqual(errno.ETIMEDOUT, gap["errno"])
        mounts = export.all("mounts", namespace=situation["keeper_namespace"])
        self.assertEqual({"silent", "nsfs"}, {mount["source"] for mount in mounts} & {"silent", "nsfs"})

    def test_left_out(self):
        situation = self.situation("bind-net")
        snapshot = self.database.record("--without", "bind-mount")
        export = self.database.export()
        self.assertEqual([], export.all("namespaces", inode=situation["namespace"]))
        self.assertEqual(["bind-mount"], snapshot["without"])
        self.assertEqual(["left out by --without"],
                         [gap["error"] for gap in export.all("gaps", source="bind-mount")])

    def test_mounts_left_out_but_not_what_they_keep(self):
        _, export, namespace = self.record("bind-net", "--without", "mounts")
        self.assertEqual(["bind-mount"], namespace["sources"])
        self.assertEqual([], export["mounts"])

    def test_in_a_copied_host(self):
        """Nothing can be opened there, so that the mount table alone tells."""
        situation = self.situation("bind-net")
        copy = self.folder / "copy"
        nslapse("doctor", "--capture-fixture", copy)
        self.database.record("--root", copy)
        namespace = self.database.export().namespace("net", situation["namespace"])
        self.assertEqual(["bind-mount"], namespace["sources"])
        self.assertEqual(self.reference(situation, 0), namespace["reference"])


@needs_root
@needs_whole_root
class OtherWays(BindMounts):
    """What the newest kernels can't do without entering is done by entering, with the same outcome."""

    WAYS = ("statmount_lines", "nsfs_handle", "NS_MNT_GET_NEXT,nsfs_handle", "listmount",
            "NS_GET_ID,NS_GET_MNTNS_ID,NS_MNT_GET_NEXT,statmount,listmount")

    def plain(self, export, situation):
        """The situation's namespaces and mounts without what a way can't give."""
        inodes = {situation["namespace"], *situation["empty_namespaces"]}
        namespaces = [{**namespace, "id": None, "identity": None,
                       "sources": [source for source in namespace["sources"] if source != "kernel"]}
                      for namespace in export["namespaces"] if namespace["inode"] in inodes]
        mounts = [{**mount, "unique_id": None, "identity": None}
                  for mount in export["mounts"] if mount["namespace"] in inodes]
        return namespaces, mounts

    def test_the_same_rows(self):
        situation, export, _ = self.record("inside-chain")
        wanted = self.plain(export, situation)
        self.assertGreater(len(wanted[1]), 3 * len(situation["empty_namespaces"]))
        for way in self.WAYS:
            with self.subTest(without=way):
                self.database.record(environment={"NSLAPSE_WITHOUT": way})
                self.assertEqual(wanted, self.plain(self.database.export(), situation))

    def test_every_mount_of_the_host(self):
        """As statmount(2) tells them, as tasks see them, and as who enters sees them; of all mount namespaces
        that are the same before and afterwards. What comes and goes in between is looked at once more."""
        held = [self.situation(name) for name in ("mounts", "inside-chain", "overmounts", "chroot", "fd-mnt")]
        made = {namespace for situation in held for namespace in self.namespaces(situation)}
        for _ in range(5):
            compared, unlike = self.compare_ways(("statmount_lines", self.WAYS[-1]))
            if not unlike:
                break
        self.assertEqual([], unlike)
        self.assertLessEqual(made, compared)

    def compare_ways(self, ways):
        """The namespaces that were compared, and what each way has told otherwise."""
        before = self.host_mounts("")
        others = [self.host_mounts(way) for way in ways]
        after = self.host_mounts("")
        steady = {inode for inode in before if before[inode] == after.get(inode)}
        return steady, [(way, before[inode], found[inode]) for way, found in zip(ways, others)
                        for inode in steady & found.keys() if before[inode] != found[inode]]

    def namespaces(self, situation):
        """The mount namespaces that it has made."""
        made = set(situation.facts.get("empty_namespaces", []))
        if situation.facts.get("type", "mnt") == "mnt" and "namespace" in situation.facts:
            made.add(situation["namespace"])
        return made

    def host_mounts(self, way):
        """The mounts of each mount namespace, by its inode."""
        self.database.record(environment={"NSLAPSE_WITHOUT": way})
        mounts = {}
        for mount in self.database.export()["mounts"]:
            mounts.setdefault(mount["namespace"], []).append({**mount, "unique_id": None, "identity": None})
        return mounts


@needs_root
class KernelOnly(BindMounts):
    def test_in_flight(self):
        """A mount namespace kept by a descriptor that is on its way through a socket."""
        situation = self.situation("in-flight")
        self.database.record()
        export = self.database.export()
        if not features()["NS_MNT_GET_NEXT"]:
            self.assertEqual([], export.all("namespaces", inode=situation["namespace"]))
            return
        namespace = export.namespace("mnt", situation["namespace"])
        self.assertEqual(["kernel"], namespace["sources"])
        self.assertIsNone(namespace["reference"])
        self.check_facts(namespace)
        self.assertEqual(["in flight"], [mount["source"] for mount in
                                         export.all("mounts", namespace=situation["namespace"])
                                         if mount["source"] == "in flight"])
        self.assert_gone_after_release(situation, "namespaces", type="mnt", inode=situation["namespace"])

    def test_in_flight_with_a_lower_id_than_ones_own(self):
        """The kernel's list goes both ways from the recorder's own mount namespace. Each processor has ids of
        its own to give, in ascending order: the one that made the situation's gives a higher one now."""
        if not features()["NS_MNT_GET_NEXT"]:
            return
        situation = self.situation("in-flight")
        for processor in sorted(os.sched_getaffinity(0)):
            self.database.record(prefix=["taskset", "--cpu-list", processor, "unshare", "--mount"])
            export = self.database.export()
            namespace = export.namespace("mnt", situation["namespace"])
            self.assertEqual(["kernel"], namespace["sources"])
            own, = [other["id"] for other in export.all("namespaces", type="mnt")
                    if other["reference"] == ["/proc/self/ns/mnt"]]
            if int(own) > int(namespace["id"]):
                return
        self.fail("no mount namespace got a higher id")


@needs_root
@needs_whole_root
class References(BindMounts):
    """Whatever has a reference on this host is opened by it again."""

    def test_each_leads_to_its_namespace(self):
        for name in ("inside-net", "bind-user", "fd-uts", "thread-net", "inside-chain"):
            self.situation(name)
        self.database.record()
        references = 0
        for namespace in self.database.export()["namespaces"]:
            reference = namespace["reference"]
            if not reference or not self.is_still_there(reference[0]):
                continue
            references += 1
            with self.subTest(reference=reference):
                self.assertEqual(namespace["inode"], kernel_mounts.in_child(lambda: follow_reference(reference)))
        self.assertGreater(references, 12)

    def is_still_there(self, step):
        """`self` is the recorder, which has ended; other processes may have too."""
        return os.path.exists(step) and not re.match("/proc/self/", step) or step.startswith("/proc/self/ns/")
