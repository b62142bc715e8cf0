# SPDX-License-Identifier: Apache-2.0
"""Frozen cgroups, v1 and v2, recorded from inside of the situation's mount namespace, where the
hierarchy is mounted whatever the layout of the host."""

from support import TestCase, needs_root, needs_whole_root


@needs_root
@needs_whole_root
class Frozen(TestCase):
    def check(self, name, thawed):
        """`thawed` is what may be said of a process that isn't frozen in the hierarchies that are seen."""
        situation = self.situation(name)
        inside = ["nsenter", f"--mount=/proc/{situation['keeper']}/ns/mnt"]

        self.database.record(prefix=inside)
        export = self.database.export()
        process = export.process(situation["pid"])
        self.assertIs(True, process["frozen"])
        self.assertEqual(situation["cgroup"], process["cgroup"][situation["hierarchy"]])
        cgroup = export.one("cgroups", hierarchy=situation["hierarchy"], path=situation["cgroup"])
        self.assertIs(True, cgroup["frozen"])
        self.assertIn(export.process(situation["keeper"])["frozen"], thawed)

        situation.advance()
        self.database.record(prefix=inside)
        export, difference = self.database.export(), self.database.diff()
        self.assertIn(export.process(situation["pid"])["frozen"], thawed)
        cgroup = export.one("cgroups", hierarchy=situation["hierarchy"], path=situation["cgroup"])
        self.assertIs(False, cgroup["frozen"])
        change = difference.changes("processes", pid=situation["pid"])
        self.assertEqual([["frozen"]], [entry["fields"] for entry in change])
        self.assertEqual(["changed"], difference.ops("cgroups", hierarchy=situation["hierarchy"],
                                                     path=situation["cgroup"]))
        self.assert_gone_after_release(situation, "processes", pid=situation["pid"])

    def test_by_the_v1_freezer(self):
        self.check("frozen-v1", thawed={False})

    def test_in_v2(self):
        # Where the host has a v1 freezer too, that one is not seen from the situation's namespace.
        self.check("frozen-v2", thawed={False, None})
