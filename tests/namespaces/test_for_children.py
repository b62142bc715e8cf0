# SPDX-License-Identifier: Apache-2.0
"""Namespaces that wait for children."""

from support import TestCase, needs_root


@needs_root
class PidForChildren(TestCase):
    def for_children(self, situation):
        return self.database.export().process(situation["pid"])["namespaces"]["pid_for_children"]

    def test_before_during_and_after_its_first_child(self):
        situation = self.situation("for-children-pid")
        self.database.record()
        self.assertIsNone(self.for_children(situation), "the kernel does not tell before the first child")
        self.assert_no_gap_about(situation["pid"])

        situation.advance()
        self.database.record()
        inode = situation["namespace"]
        self.assertEqual(inode, self.for_children(situation))
        namespace = self.database.export().namespace("pid", inode)
        self.assertEqual(situation["process_namespace"], namespace["parent"])
        self.assertEqual({"process", "for-children"}, set(namespace["sources"]))
        self.assertEqual(situation["child"], namespace["leader"])
        self.assertEqual(["added"], self.database.diff().ops_of(namespace))

        situation.advance()
        self.database.record()
        self.assertEqual(inode, self.for_children(situation))
        namespace = self.database.export().namespace("pid", inode)
        self.assertEqual(situation["process_namespace"], namespace["parent"], "not a second root")
        self.assertFalse(namespace["initial"])
        self.assertEqual(["for-children"], namespace["sources"])
        self.assertIsNone(namespace["leader"])
        self.assertEqual([], namespace["processes"])
        self.assert_gone_after_release(situation, "namespaces", type="pid", inode=inode)

    def assert_no_gap_about(self, pid):
        """That the kernel doesn't tell is how it should be, and hides nothing."""
        gaps = self.database.export()["gaps"]
        self.assertEqual([], [gap for gap in gaps if f"/{pid}/" in f"/{gap['subject']}/"])


@needs_root
class TimeForChildren(TestCase):
    def test_unlike_the_processs_own(self):
        situation = self.situation("for-children-time")
        self.database.record()
        export = self.database.export()
        namespaces = export.process(situation["pid"])["namespaces"]
        self.assertEqual(situation["process_namespace"], namespaces["time"])
        self.assertEqual(situation["namespace"], namespaces["time_for_children"])
        namespace = export.namespace("time", situation["namespace"])
        self.assertEqual(["for-children"], namespace["sources"])
        self.assertFalse(namespace["initial"])
        self.assertIsNotNone(namespace["owner"])
        self.assert_gone_after_release(situation, "namespaces", type="time",
                                       inode=situation["namespace"])
