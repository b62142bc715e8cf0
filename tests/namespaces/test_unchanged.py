# SPDX-License-Identifier: Apache-2.0
"""Two snapshots of an unchanged situation have no difference for its things, and neither have two that
were taken by different ways: a fallback changes the time taken, never the meaning."""

import subprocess

from support import HELPERS, Situation, TestCase, features, needs_root

RESTLESS = {"fork-storm", "exec-storm", "thread-storm", "thread-exec-storm", "cgroup-storm", "mount-storm"}
LARGE = {"many-mounts"}
NEEDS = {"long-options": "detached_procfs"}  # the same system calls
# What a way to read cannot give, and whether that is so.
IDS = {"id", "unique_id", "pidfs_inode", "identity"}


def situation_names():
    listing = subprocess.run([HELPERS / "situation", "--list"], stdout=subprocess.PIPE, text=True, check=True)
    return [line.split()[0] for line in listing.stdout.splitlines()]


def numbers(facts, *words):
    """All numbers of facts whose name contains one of the words."""
    found = set()
    for name, value in facts.items():
        if any(word in name for word in words):
            found |= set(value) if isinstance(value, list) else {value}
    return found


class Things:
    """What belongs to a situation."""

    def __init__(self, facts):
        self.pids = numbers(facts, "pid", "parent", "child", "keeper")
        self.inodes = numbers(facts, "namespace") - numbers(facts, "process_namespace", "outer_namespace")

    def has(self, kind, record):
        if kind in ("process", "thread", "processes", "threads"):
            return record["pid"] in self.pids
        if kind in ("namespace", "namespaces"):
            return record["inode"] in self.inodes
        if kind in ("mount", "mounts"):
            return record["namespace"] in self.inodes
        return False

    def changes(self, difference):
        return [change for change in difference.document["changes"]
                if self.has(change["kind"], change["before"] or change["after"])]

    def of(self, export):
        """Its records without samples, in their order. Other recorders may come into its namespaces."""
        def steady(record):
            kept = {name: value for name, value in record.items() if name not in {"sample", "threads"}}
            if "processes" in kept:
                kept["processes"] = [pid for pid in kept["processes"] if pid in self.pids]
            return kept
        return {kind: [steady(record) for record in export[kind] if self.has(kind, record)]
                for kind in ("namespaces", "processes", "mounts")}

    def of_any_way(self, export):
        """The same without what a way to read may not tell: ids, and the kernel's own list of namespaces."""
        def plain(record):
            kept = {name: value for name, value in record.items() if name not in IDS}
            if "sources" in kept:
                kept["sources"] = [source for source in kept["sources"] if source != "kernel"]
            return kept
        return {kind: [plain(record) for record in records] for kind, records in self.of(export).items()}


@needs_root
class Unchanged(TestCase):
    def assert_soon(self, check):
        """Another recorder of this host may just have had a namespace of the situation's open, or come into it: what
        is really otherwise is so again and again."""
        for _ in range(3):
            try:
                return check()
            except AssertionError as error:
                failure = error
        raise failure

    def test_no_difference_for_the_things_of_any_situation(self):
        for name in situation_names():
            if name in RESTLESS | LARGE or not features().get(NEEDS.get(name), True):
                continue
            with self.subTest(name), Situation(name) as situation:
                self.database.record()
                self.assert_soon(lambda: self.check_unchanged(Things(situation.facts)))

    def check_unchanged(self, things):
        self.database.record()
        first, second = things.of(self.database.export("latest~1")), things.of(self.database.export())
        self.assertTrue(any(first.values()), "none was recorded")
        self.assertEqual(first, second, "in content and order")
        self.assertEqual([], things.changes(self.database.diff()))

    def test_each_fallback_gives_the_same_records(self):
        held = [self.situation(name) for name in ("mounts", "nested-pid", "user-empty-middle", "thread-net", "inside-chain")]
        things = [Things(situation.facts) for situation in held]
        for feature, available in features().items():
            if not available or feature.startswith("NS_GET_") and not feature.endswith("_ID"):
                continue  # owners and parents have no other source
            with self.subTest(without=feature):
                self.assert_soon(lambda: self.check_fallback(feature, things))

    def check_fallback(self, feature, things):
        self.database.record()
        wanted = [thing.of_any_way(self.database.export()) for thing in things]
        self.database.record(environment={"NSLAPSE_WITHOUT": feature})
        export, difference = self.database.export(), self.database.diff()
        for thing, want in zip(things, wanted):
            self.assertEqual(want, thing.of_any_way(export))
            self.assertEqual([], [change for change in thing.changes(difference)
                                  if change["op"] != "unobserved"])
