# SPDX-License-Identifier: Apache-2.0
"""nslapse show: one thing, its state, what belongs to it, and its history."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import MOUNTS, SmallHost
from support import TestCase

WEB = "5b94" * 15 + "0123"
# Written as it is kept.
DOCUMENT = json.dumps({"ID": WEB, "Name": "/shop", "Config": {"Labels": {"a": "\\"}}}, separators=(",", ":"))


class Show(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")
        self.uptime = 5000

    def record(self):
        self.host.at(self.uptime)
        self.uptime += 1000
        self.database.run("--root", self.host.folder, "record", "-q")

    def show(self, *arguments):
        return self.database.run("show", *arguments).stdout

    def show_json(self, *arguments):
        return json.loads(self.show(*arguments, "--json"))

    def not_found(self, *arguments):
        done = self.database.run("show", *arguments, expect=2)
        self.assertEqual("", done.stdout)
        return done.stderr

    def make_a_life(self):
        """A process that is there, changes, is away, and comes again as the same."""
        self.record()
        self.host.process(812, "web", cmdline=["web"], threads=[(813, "worker")], net=4026532000)
        self.record()
        self.host.process(812, "web", cmdline=["web"], threads=[(813, "worker")], uid=33, net=4026532000)
        self.record()

    def test_every_column_is_shown(self):
        self.make_a_life()
        lines = self.show("pid:812").splitlines()
        self.assertEqual("process pid:812  web", lines[0])
        shown = [line.split()[0] for line in lines[1:lines.index("")]]
        columns = self.database.run("help", "processes").stdout
        self.assertEqual([line[4:].split()[0] for line in columns.splitlines()[1:]], shown)
        self.assertIn("  real_uid                    33", lines)

    def test_since_when(self):
        self.make_a_life()
        text = self.show("pid:812")
        self.assertRegex(text, r"(?m)^  in this state +snapshot 3 \(2023-11-15 00:10:00 \+0000\)"
                               r" to the newest snapshot$")
        self.assertRegex(text, r"(?m)^  seen +snapshot 2 \(2023-11-14 23:53:20 \+0000\)"
                               r" to the newest snapshot$")
        self.assertRegex(self.show("pid:812", "2"), r"(?m)^  in this state +snapshot 2 .* to snapshot 2 ")

    def test_what_belongs_to_a_process(self):
        self.make_a_life()
        related = self.show_json("pid:812")[0]["related"]
        self.assertEqual(8, len(related["namespaces"]))
        self.assertIn(4026532000, [space["inode"] for space in related["namespaces"]])
        self.assertEqual([813], [thread["tid"] for thread in related["threads"]])
        text = self.show("pid:812")
        self.assertIn("\nnamespaces\nTYPE ", text)
        self.assertIn("\nthreads\nPID ", text)

    def test_what_belongs_to_a_namespace_and_a_mount(self):
        self.make_a_life()
        related = self.show_json("net:4026532000")[0]["related"]
        self.assertEqual({"processes"}, set(related))
        self.assertEqual([812], [process["pid"] for process in related["processes"]])
        related = self.show_json("mount:/")[0]["related"]
        self.assertEqual([4026531841], [space["inode"] for space in related["namespace"]])

    def test_a_thread_alone_in_a_namespace_is_shown_there(self):
        self.host.process(812, "web", threads=[(813, "worker")])
        self.host.link("proc/812/task/813/ns/net", "net:[4026532000]")
        self.record()
        related = self.show_json("net:4026532000")[0]["related"]
        self.assertEqual([813], [thread["tid"] for thread in related["threads"]])
        self.assertNotIn("processes", related)

    def test_history(self):
        self.make_a_life()
        self.assertIn("\nhistory\n"
                      "  snapshot 2 (2023-11-14 23:53:20 +0000): first seen\n"
                      "  snapshot 3 (2023-11-15 00:10:00 +0000): changed\n"
                      "      real_uid: 0 -> 33\n", self.show("pid:812"))
        events = self.show_json("pid:812")[0]["history"]
        self.assertEqual([("first_seen", 2), ("changed", 3)],
                         [(event["event"], event["snapshot"]["id"]) for event in events])
        self.assertEqual({"before": 0, "after": 33}, events[1]["fields"]["real_uid"])

    def test_what_went_and_came_again(self):
        self.make_a_life()
        self.host.remove(812)
        self.record()
        self.host.process(812, "web", cmdline=["web"], uid=33, net=4026532000)
        self.record()
        events = self.show_json("pid:812")[0]["history"]
        self.assertEqual([("first_seen", 2), ("changed", 3), ("last_seen", 3), ("seen_again", 5)],
                         [(event["event"], event["snapshot"]["id"]) for event in events])

    def test_what_is_not_there_was_seen_elsewhere(self):
        self.make_a_life()
        self.host.remove(812)
        self.record()
        self.assertIn("it was last seen in snapshot 3 (2023-11-15 00:10:00 +0000): 'nslapse show pid:812 3'",
                      self.not_found("pid:812"))
        self.assertIn("it was first seen in snapshot 2 ", self.not_found("pid:812", "1"))
        self.assertIn("nor in any other", self.not_found("pid:999"))

    def test_what_was_never_seen_may_have_been_meant_otherwise(self):
        self.host.process(812, "web", cgroup="/lxc.payload.shop", mounts=MOUNTS, mnt=4026532001)
        self.record()
        self.assertIn("; did you mean 'container:shop'?", self.not_found("container:shpo"))
        self.assertIn("; did you mean 'mount:/sys/fs/cgroup'?", self.not_found("mount:/sys/fs/cgruop"))
        for entity in ("container:elsewhere", "pid:813", "pid:7@pid:4026531836"):
            self.assertNotIn("did you mean", self.not_found(entity))

    def test_several_that_match_are_all_shown(self):
        self.host.process(812, "web", mounts=MOUNTS, mnt=4026532001)
        self.record()
        self.assertEqual(["mount:/@mnt:4026531841", "mount:/@mnt:4026532001"],
                         [thing["key"] for thing in self.show_json("mount:/")])
        self.assertEqual(2, self.show("mount:/").count("\nmount mount:/@") + 1)
        self.assertEqual(1, len(self.show_json("mount:/@mnt:4026532001")))

    def test_evidence_of_one_thing_is_as_it_was_kept(self):
        self.host.write(f"var/lib/docker/containers/{WEB}/config.v2.json", DOCUMENT)
        self.host.process(812, "web", cgroup="/lxc.payload.shop")
        self.record()
        self.assertEqual(DOCUMENT, self.show("container:docker:shop", "--evidence"))
        self.assertEqual([{"kind": "container", "key": f"container:docker:{WEB}", "name": "shop",
                           "evidence": json.loads(DOCUMENT)}],
                         self.show_json("container:docker:shop", "--evidence"))
        done = self.database.run("show", "pid:812", "--evidence", expect=13)
        self.assertEqual(("", "nslapse: no evidence was kept of pid:812; 'nslapse record --with environment' does\n"),
                         (done.stdout, done.stderr))
        self.assertEqual([None], [thing["evidence"] for thing in self.show_json("pid:812", "--evidence")])

    def test_evidence_of_several_things_can_be_told_apart(self):
        other = WEB[::-1]
        for identity in (WEB, other):
            self.host.write(f"var/lib/docker/containers/{identity}/config.v2.json", DOCUMENT)
        self.host.process(812, "web", cgroup="/lxc.payload.shop")
        self.record()
        done = self.database.run("show", "container:shop", "--evidence", expect=13)
        keys = sorted(f"container:docker:{identity}" for identity in (WEB, other))
        self.assertEqual("\n".join(f"==> {key} <==\n{DOCUMENT}\n" for key in keys) +
                         "\n==> container:lxc:shop <==\n", done.stdout)
        self.assertEqual("nslapse: no evidence was kept of container:lxc:shop\n", done.stderr)
        self.assertEqual([(keys[0], json.loads(DOCUMENT)), (keys[1], json.loads(DOCUMENT)), ("container:lxc:shop", None)],
                         [(thing["key"], thing["evidence"]) for thing in self.show_json("container:shop", "--evidence")])

    def test_evidence_of_an_environment(self):
        self.host.process(812, "web")
        self.host.write("proc/812/environ", "A=1\0B=\n\0")
        self.database.run("--root", self.host.folder, "record", "-q", "--with", "environment")
        self.assertEqual("A=1\0B=\n\0", self.show("pid:812", "--evidence"))
        self.assertEqual([["A=1", "B=\n"]], [thing["evidence"] for thing in self.show_json("pid:812", "--evidence")])

    def test_every_sort_of_entity(self):
        self.host.process(812, "web", threads=[(813, "worker")], pid=4026532002, cgroup="/system.slice")
        self.record()
        for entity, kind in (("pid:812", "process"), ("tid:813", "thread"), ("pid:4026532002", "namespace"),
                             ("uts:4026531838", "namespace"), ("cgroup:4026531835", "namespace"),
                             ("cgroup:/system.slice", "cgroup"), ("cgroup:unified:/system.slice", "cgroup"),
                             ("mount:/sys/fs/cgroup", "mount")):
            with self.subTest(entity=entity):
                self.assertEqual([kind], [thing["kind"] for thing in self.show_json(entity)])

    def test_a_process_by_its_number_in_a_pid_namespace(self):
        """Of a copied /proc, nobody can be asked for the parents of namespaces: only the process's own is
        known to have its last number."""
        self.host.process(812, "web", pid=4026532002, ns_pids=[31, 7])
        self.record()
        thing, = self.show_json("pid:7@pid:4026532002")
        self.assertEqual(("process", "pid:812"), (thing["kind"], thing["key"]))
        self.assertEqual({"pid:4026532002": 7}, thing["record"]["pids"])
        self.assertRegex(self.show("pid:812"), r"(?m)^  pids +pid:4026532002=7$")
        self.assertEqual(["pid:1"], [thing["key"] for thing in self.show_json("pid:1@pid:4026531836")])
        for entity in ("pid:812@pid:4026532002", "pid:31@pid:4026532002", "pid:7@pid:4026531836"):
            self.assertIn(f"{entity} is not in snapshot 1; 'nslapse list processes -o pid,pids'",
                          self.not_found(entity))
        self.host.remove(812)
        self.record()
        self.assertIn("last seen in snapshot 1 ", self.not_found("pid:7@pid:4026532002"))

    def test_what_is_no_number_in_a_pid_namespace(self):
        self.record()
        for entity in ("pid:7@", "pid:@pid:1", "pid:7@pid:", "pid:7@net:4026531840", "pid:7x@pid:4026531836",
                       "pid:7@pid:4026531836x"):
            with self.subTest(entity=entity):
                self.assertIn("a number has to stand behind 'pid:'", self.not_found(entity))

    def test_a_name_may_be_written_as_it_is_or_as_it_is_shown(self):
        target = "/mnt/a\\134b\\012c\\040d"  # a backslash, a newline and a space, as mountinfo writes them
        self.host.process(1, "init", ppid=0, start=5, mounts=MOUNTS + f"30 21 0:30 / {target} rw - tmpfs t rw\n")
        self.record()
        for entity in ("mount:/mnt/a\\b\nc d", "mount:/mnt/a\\\\b\nc d", "mount:/mnt/a\\\\b\\nc d",
                       "mount:/mnt/a\\\\b\\nc d@mnt:4026531841"):
            with self.subTest(entity=entity):
                self.assertEqual(1, len(self.show_json(entity)))
