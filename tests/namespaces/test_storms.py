# SPDX-License-Identifier: Apache-2.0
"""Processes that come, go or change while they are read: the recording ends, and what came and went is
no gap."""

from support import TestCase

ROUNDS = 5


class Storms(TestCase):
    def gaps(self):
        """Those that name a process."""
        return {(gap["source"], gap["subject"]) for gap in self.database.export()["gaps"]
                if gap["subject"].startswith("pid:")}

    def test_forking(self):
        self.database.record()
        before = self.gaps()
        situation = self.situation("fork-storm")
        for _ in range(ROUNDS):
            self.database.record()
            self.assertEqual(set(), self.gaps() - before)
            self.database.export().process(situation["pid"])

    def test_executing(self):
        self.database.record()
        before = self.gaps()
        situation = self.situation("exec-storm")
        for _ in range(ROUNDS):
            self.database.record()
            self.check_program(situation["pid"], self.gaps() - before)
        self.assertNotIn("removed", self.database.diff().ops("processes", pid=situation["pid"]))

    def check_program(self, pid, gaps):
        """Wholly of one program; or, where each try fell into an exec, a gap says that it is not whole."""
        process = self.database.export().process(pid)
        self.assertIsNotNone(process["ppid"])
        if gaps:
            self.assertEqual({("processes", f"pid:{pid}")}, gaps)
            self.assertIsNone(process["cmdline"])
        else:
            self.assertEqual("sh", process["comm"])
            self.assertIn(process["cmdline"][:2], (["sh", "-c"], ["/bin/sh", "-c"]))
            self.assertIsNotNone(process["exe"])
