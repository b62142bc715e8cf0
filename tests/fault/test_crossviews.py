# SPDX-License-Identifier: Apache-2.0
"""Not one false discrepancy while processes, threads and mounts come, go, execute and move all the time."""

import contextlib
import os

from support import Situation, TestCase, needs_root

SNAPSHOTS = int(os.environ.get("NSLAPSE_SNAPSHOTS", "50"))
STORMS = ["fork-storm", "exec-storm", "thread-storm", "thread-exec-storm", "cgroup-storm", "mount-storm"]


@needs_root
class Storms(TestCase):
    def record(self, snapshots):
        """Those discrepancies that were not there when it was quiet."""
        found = []
        for _ in range(snapshots):
            if self.database.record()["counts"]["discrepancies"]:
                found += self.database.export()["discrepancies"]
        return [record for record in found if (record["subject"], record["missing_from"]) not in self.quiet]

    def setUp(self):
        super().setUp()
        self.quiet = set()
        self.quiet = {(record["subject"], record["missing_from"]) for record in self.record(1)}

    def test_each(self):
        for name in STORMS:
            with self.subTest(name), Situation(name):
                self.assertEqual([], self.record(SNAPSHOTS // (2 * len(STORMS))))

    def test_mounts_in_several_namespaces(self):
        """A look that a change cut short must leave nothing behind for the next one, which finds all at rest."""
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(Situation("mount-storm"))
            self.assertEqual([], self.record(SNAPSHOTS // 2))

    def test_all_at_once(self):
        with contextlib.ExitStack() as stack:
            for name in STORMS:
                stack.enter_context(Situation(name))
            self.assertEqual([], self.record(SNAPSHOTS // 2))
