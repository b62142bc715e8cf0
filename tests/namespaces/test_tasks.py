# SPDX-License-Identifier: Apache-2.0
"""Processes and threads that are unlike others."""

from support import TestCase, needs_root, text_of_hex


class Tasks(TestCase):
    def recorded(self, situation):
        self.database.record()
        return self.database.export().process(situation["pid"])

    @needs_root
    def test_real_time_scheduling_and_affinity_of_one_thread(self):
        situation = self.situation("realtime")
        process = self.recorded(situation)
        thread, = process["threads"]
        self.assertEqual(situation["tid"], thread["tid"])
        self.assertEqual(situation["policy"], thread["scheduling"]["policy"])
        self.assertEqual(situation["priority"], thread["scheduling"]["priority"])
        self.assertEqual(situation["cpu_affinity"], thread["scheduling"]["cpu_affinity"])
        self.assertEqual("other", process["scheduling"]["policy"])
        self.assertEqual(0, process["scheduling"]["priority"])
        self.assert_gone_after_release(situation, "processes", pid=situation["pid"])

    def test_a_zombie(self):
        situation = self.situation("zombie")
        process = self.recorded(situation)
        self.assertEqual("zombie", process["condition"])
        self.assertEqual(situation["parent"], process["ppid"])
        self.assertIsNone(process["exe"])
        self.assertIsNone(process["namespaces"]["mnt"])
        gaps = [gap["subject"] for gap in self.database.export()["gaps"]]
        self.assertFalse([subject for subject in gaps if str(situation["pid"]) in subject],
                         "that a zombie has no files is no gap")
        self.assert_gone_after_release(situation, "processes", pid=situation["pid"])

    def test_a_name_with_brackets_a_newline_and_no_utf8(self):
        situation = self.situation("odd-name")
        process = self.recorded(situation)
        self.assertEqual(text_of_hex(situation["comm_hex"]), process["comm"])
        with open(f"/proc/{situation['pid']}/stat", "rb") as stat:
            fields = stat.read().rsplit(b") ", 1)[1].split()
        self.assertEqual(int(fields[1]), process["ppid"])
        self.assertEqual(int(fields[19]), process["start_ticks"])
        self.assert_gone_after_release(situation, "processes", pid=situation["pid"])

    @needs_root
    def test_a_plain_directory_as_root(self):
        situation = self.situation("chroot")
        process = self.recorded(situation)
        self.assertEqual(situation["root"], process["root"])
        parent = self.database.export().process(process["ppid"])
        mounts = self.database.export().all("mounts", namespace=parent["namespaces"]["mnt"])
        self.assertTrue([mount for mount in mounts if mount["target"] == "/proc"],
                        "its mount namespace is recorded from outside of its root")
        self.assert_gone_after_release(situation, "processes", pid=situation["pid"])
