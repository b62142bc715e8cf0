# SPDX-License-Identifier: Apache-2.0
"""A number that the kernel uses again names another thing. With the kernel's own ids the difference
says removed and added; without them it says what it can know."""

from support import TestCase, features, needs_root, needs_whole_root


@needs_root
class Reuse(TestCase):
    def around_the_next_step(self, name):
        situation = self.situation(name)
        self.database.record()
        before = dict(situation.facts)
        situation.advance()
        self.database.record()
        return before, situation, self.database.diff()

    def test_of_a_pid(self):
        before, situation, difference = self.around_the_next_step("pid-reuse")
        self.assertEqual(before["pid"], situation["pid"])
        changes = difference.changes("processes", pid=situation["pid"])
        self.assertEqual(["added", "removed"], sorted(change["op"] for change in changes))
        for change in changes:
            record, comm = ((change["before"], before["comm"]) if change["op"] == "removed"
                            else (change["after"], situation["comm"]))
            self.assertEqual(comm, record["comm"])

    def check_namespace(self, kind):
        before, situation, difference = self.around_the_next_step(f"{kind}-reuse")
        self.assertEqual(before["namespace"], situation["namespace"])
        changes = difference.changes("namespaces", type=kind, inode=situation["namespace"])
        if features()["NS_GET_ID"]:
            self.assertEqual(["added", "removed"], sorted(change["op"] for change in changes))
            ids = {(change["before"] or change["after"])["id"] for change in changes}
            self.assertEqual(2, len(ids))
        else:
            # Type, inode, owner: all that there is to know is as it was, but for the way to it.
            self.assertNotIn("removed", [change["op"] for change in changes])
        self.assertEqual(["removed"], difference.ops("processes", pid=before["pid"]))
        self.assertEqual(["added"], difference.ops("processes", pid=situation["pid"]))
        return situation, difference

    def test_of_a_uts_namespaces_inode(self):
        self.check_namespace("uts")

    @needs_whole_root
    def test_of_a_mount_namespaces_inode_its_mounts_are_others_too(self):
        situation, difference = self.check_namespace("mnt")
        mounts = self.database.export().all("mounts", namespace=situation["namespace"])
        if features()["listmount"]:
            ops = difference.ops("mounts", namespace=situation["namespace"])
            self.assertEqual(["added"] * len(mounts) + ["removed"] * len(mounts), ops)

    @needs_whole_root
    def test_of_a_mount_id(self):
        before, situation, difference = self.around_the_next_step("mount-reuse")
        changes = difference.changes("mounts", namespace=situation["namespace"],
                                     target=situation["target"])
        for change in changes:
            self.assertEqual(situation["mount_id"], (change["before"] or change["after"])["id"])
        if features()["listmount"]:
            self.assertEqual(["added", "removed"], sorted(change["op"] for change in changes))
        else:
            self.assertEqual([["source"]], [change["fields"] for change in changes])
        sources = {change["before"]["source"] for change in changes if change["before"]}
        self.assertEqual({before["source"]}, sources)
