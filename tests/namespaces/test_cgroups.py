# SPDX-License-Identifier: Apache-2.0
"""Cgroups: trees of them, and frozen ones, v1 and v2. These are recorded from inside of the situation's mount
namespace, where the hierarchy is mounted whatever the layout of the host."""

import os
import pathlib
import unittest

from support import TestCase, needs_root, needs_whole_root


def writable_hierarchies():
    """Where whole hierarchies are mounted in which cgroups can be made."""
    lines = [line.split() for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    for words in lines:
        whole = words[3] == "/" and words[words.index("-") + 1] in ("cgroup", "cgroup2")
        if whole and os.access(words[4], os.W_OK) and not os.statvfs(words[4]).f_flag & os.ST_RDONLY:
            yield pathlib.Path(words[4])


@needs_root
class Tree(TestCase):
    def make(self, folder):
        folder.mkdir()
        self.addCleanup(lambda: folder.exists() and folder.rmdir())

    def assert_recorded(self, count, *paths):
        cgroups = self.database.export().all("cgroups")
        for path in paths:
            self.assertEqual(count, sum(cgroup["path"] == path for cgroup in cgroups), path)

    def test_cgroups_below_cgroups_are_recorded_as_long_as_they_last(self):
        hierarchies = list(writable_hierarchies())
        if not hierarchies:
            raise unittest.SkipTest("no hierarchy of cgroups is mounted here that can be written")
        top, count = f"nslapse-tree-{os.getpid()}", len(hierarchies)
        chain = [f"/{top}", f"/{top}/one", f"/{top}/one/two"]
        for hierarchy in hierarchies:
            for path in chain:
                self.make(hierarchy / path[1:])
        self.database.record()
        self.assert_recorded(count, *chain)
        for hierarchy in hierarchies:
            self.make(hierarchy / top / "one/two/three")
            self.make(hierarchy / top / "beside")
        self.database.record()
        self.assert_recorded(count, *chain, f"{chain[-1]}/three", f"/{top}/beside")
        for hierarchy in hierarchies:
            (hierarchy / top / "one/two/three").rmdir()
            (hierarchy / top / "one/two").rmdir()
        self.database.record()
        self.assert_recorded(count, f"/{top}", f"/{top}/one", f"/{top}/beside")
        self.assert_recorded(0, f"/{top}/one/two", f"/{top}/one/two/three")


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
