# SPDX-License-Identifier: Apache-2.0
"""nslapse list and log: tables, trees and JSON."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import INITIAL, MOUNTS, SmallHost
from support import TestCase


class Listing(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")

    def record(self, *arguments):
        self.database.run("--root", self.host.folder, "record", "-q", *arguments)

    def list(self, *arguments):
        return self.database.run("list", *arguments).stdout

    def lines(self, *arguments):
        return [line.split() for line in self.list(*arguments).splitlines()]


class List(Listing):
    def test_processes(self):
        self.host.process(812, "web", cmdline=["/usr/bin/web", "-d", "a b", "it's", "", "$x"], start=250)
        self.record()
        self.assertEqual("PID COMM STARTED_AT                PPID CMDLINE\n"
                         "  1 init 2023-11-14 22:13:20 +0000    0 /sbin/init\n"
                         "812 web  2023-11-14 22:13:22 +0000    1 /usr/bin/web -d 'a b' 'it'\\''s' '' '$x'\n",
                         self.list("processes"))

    def test_namespaces(self):
        self.host.process(812, "web", net=4026532000)
        self.record()
        rows = self.lines("namespaces", "-o", "type,inode,leader")
        self.assertEqual([["TYPE", "INODE", "LEADER"]], rows[:1])
        self.assertEqual(sorted([[kind, str(inode), "1"] for kind, inode in INITIAL.items()]
                                + [["net", "4026532000", "812"]]), rows[1:])

    def test_mounts_and_cgroups(self):
        self.record()
        self.assertEqual([["TARGET", "FSTYPE"], ["/", "ext4"], ["/sys/fs/cgroup", "cgroup2"]],
                         self.lines("mounts", "-o", "target,fstype"))
        self.assertEqual([["PATH"], ["/"], ["/system.slice"], ["/system.slice/web.service"]],
                         self.lines("cgroups", "-o", "path"))

    def test_what_is_not_known_is_a_dash(self):
        self.record()
        self.assertEqual([["PID", "PIDFS_INODE"], ["1", "-"]],
                         self.lines("processes", "-o", "pid,pidfs_inode"))

    def test_no_things_of_a_kind(self):
        self.record()
        done = self.database.run("list", "containers")
        self.assertEqual(("", "nslapse: snapshot 1 has no containers\n"), (done.stdout, done.stderr))
        self.assertEqual("[]\n", self.list("containers", "--json"))

    def test_columns_can_be_added_to_the_usual_ones(self):
        self.record()
        self.assertEqual(["PID", "COMM", "STARTED_AT", "PPID", "CMDLINE", "EXE", "CWD"],
                         self.lines("processes", "-o", "+exe,cwd")[0])
        self.assertEqual(["PID", "PID"], self.lines("processes", "-o", "pid", "-o", "pid")[0])
        self.assertIn("RESIDENT_BYTES", self.lines("processes", "-o", "all")[0])

    def test_a_kind_may_be_written_in_the_singular(self):
        self.record()
        self.assertEqual(self.list("processes"), self.list("process"))

    def test_json_is_a_list_of_whole_records(self):
        self.host.process(812, "web")
        self.record()
        document = self.database.export("latest")
        for kind in ("namespaces", "mounts", "cgroups", "gaps"):
            self.assertEqual(document[kind], json.loads(self.list(kind, "--json")))
        processes = json.loads(self.list("processes", "--json"))
        self.assertEqual([1, 812], [process["pid"] for process in processes])
        self.assertEqual([0, 0, 0, 0], processes[1]["uid"])

    def test_json_of_chosen_columns(self):
        self.record()
        self.assertEqual([{"pid": 1, "exe": "/usr/bin/1", "pidfs_inode": None}],
                         json.loads(self.list("processes", "--json", "-o", "pid,exe,pidfs_inode")))

    def test_a_pipe_gets_cells_uncut(self):
        long = "x" * 3000
        self.host.process(812, "web", cmdline=[long])
        self.record()
        self.assertIn(long, self.list("processes"))


class Inside(Listing):
    def setUp(self):
        super().setUp()
        self.host.process(20, "jail", net=4026532000, mnt=4026532001, threads=[(21, "worker")],
                          mounts="30 30 0:30 / / rw - tmpfs jail rw\n")
        self.host.link("proc/20/task/21/ns/net", "net:[4026531840]")
        self.host.process(22, "inner", ppid=20, pid=4026532002, ns_pids=[7])
        self.record()

    def refused(self, *arguments):
        done = self.database.run("list", *arguments, expect=2)
        self.assertEqual("", done.stdout)
        return done.stderr

    def test_processes_and_threads_of_a_namespace(self):
        self.assertEqual([["PID"], ["20"]], self.lines("processes", "-o", "pid", "--in", "net:4026532000"))
        self.assertEqual([["PID"], ["1"], ["22"]],
                         self.lines("processes", "-o", "pid", "--in", "net:4026531840"))
        self.assertEqual([["TID"], ["21"]], self.lines("threads", "-o", "tid", "--in", "net:4026531840"))
        threads = json.loads(self.list("threads", "--json", "--in", "net:4026532000"))
        self.assertEqual([], threads)

    def test_mounts_of_a_mount_namespace(self):
        self.assertEqual([["SOURCE"], ["jail"]],
                         self.lines("mounts", "-o", "source", "--in", "mnt:4026532001"))
        self.assertEqual("TARGET\n/\n└─/sys/fs/cgroup\n",
                         self.list("mounts", "--tree", "-o", "target", "--in", "mnt:4026531841"))

    def test_of_a_pid_namespace_the_numbers_in_it_are_shown(self):
        self.assertEqual("PID COMM  STARTED_AT                PPID CMDLINE PIDS\n"
                         " 22 inner 2023-11-14 22:13:21 +0000   20 []      pid:4026532002=7\n",
                         self.list("processes", "--in", "pid:4026532002"))
        self.assertEqual([["COMM"], ["inner"]],
                         self.lines("processes", "-o", "comm", "--in", "pid:4026532002"))

    def test_what_cannot_be_in_it(self):
        self.assertIn("no mounts are in net:4026532000", self.refused("mounts", "--in", "net:4026532000"))
        self.assertIn("no cgroups are in", self.refused("cgroups", "--in", "cgroup:4026531835"))
        self.assertIn("'pid:7@pid:4026532002' is no namespace",
                      self.refused("processes", "--in", "pid:7@pid:4026532002"))
        self.assertIn("'mount:/' is no namespace", self.refused("mounts", "--in", "mount:/"))
        self.assertIn("net:77 is not in snapshot 1", self.refused("processes", "--in", "net:77"))


class Tree(Listing):
    def test_processes_by_their_parents(self):
        self.host.process(20, "b", ppid=300)
        self.host.process(300, "a")
        self.host.process(400, "c", ppid=1)
        self.host.process(21, "d", ppid=300)
        self.record()
        self.assertEqual("PID COMM\n"
                         "  1 init\n"
                         "300 ├─a\n"
                         " 20 │ ├─b\n"
                         " 21 │ └─d\n"
                         "400 └─c\n", self.list("processes", "--tree", "-o", "pid,comm"))

    def test_parents_that_go_in_a_circle(self):
        self.host.process(20, "a", ppid=21)
        self.host.process(21, "b", ppid=20)
        self.host.process(30, "own", ppid=30)
        self.host.process(40, "orphan", ppid=999)
        self.record()
        pids = [line.split()[0] for line in self.list("processes", "--tree").splitlines()[1:]]
        self.assertEqual(["1", "20", "21", "30", "40"], sorted(pids))

    def test_a_chain_without_end_stays_readable(self):
        for pid in range(2, 102):
            self.host.process(pid, f"p{pid}", ppid=pid - 1)
        self.record()
        lines = self.list("processes", "--tree", "-o", "pid,comm").splitlines()[1:]
        self.assertEqual(list(range(1, 102)), [int(line.split()[0]) for line in lines])
        self.assertLess(max(map(len, lines)), 150)
        self.assertEqual(128, lines[70].index("├"))

    def test_a_column_that_is_not_shown_leaves_the_tree_in_the_first(self):
        self.host.process(20, "a")
        self.record()
        self.assertEqual("PID\n1\n└─20\n", self.list("processes", "--tree", "-o", "pid").replace(" ", ""))

    def test_mounts_by_what_they_sit_on(self):
        self.host.process(812, "web", mounts=MOUNTS + "30 22 0:30 / /sys/fs/cgroup/x rw - tmpfs t rw\n",
                          mnt=4026532001)
        self.record()
        self.assertEqual("TARGET\n/\n└─/sys/fs/cgroup\n/\n└─/sys/fs/cgroup\n  └─/sys/fs/cgroup/x\n",
                         self.list("mounts", "--tree", "-o", "target"))

    def make_hidden_mounts(self):
        self.host.process(1, "init", ppid=0, start=5, mounts=MOUNTS
                          + "30 21 0:30 / /mnt rw - tmpfs lower rw\n"
                          + "31 30 0:31 / /mnt rw - tmpfs upper rw\n"
                          + "32 30 0:32 / /mnt/x rw - tmpfs below rw\n")
        self.record()

    def test_hidden_mounts_are_marked_with_what_covers_them(self):
        self.make_hidden_mounts()
        self.assertEqual(
            " NAMESPACE KERNEL_ID TARGET           VISIBILITY  COVERED_BY SOURCE    FSTYPE\n"
            "4026531841        21 /                visible              - /dev/sda1 ext4\n"
            "4026531841        22 ├─/sys/fs/cgroup visible              - cgroup2   cgroup2\n"
            "4026531841        30 └─/mnt           overmounted         31 lower     tmpfs\n"
            "4026531841        31   ├─/mnt         visible              - upper     tmpfs\n"
            "4026531841        32   └─/mnt/x       shadowed            31 below     tmpfs\n",
            self.list("mounts", "--tree"))
        self.assertEqual(["TARGET", "OPTIONS"], self.lines("mounts", "--tree", "-o", "target,options")[0])

    def test_hidden_mounts_are_faint(self):
        self.make_hidden_mounts()
        lines = self.list("mounts", "--tree", "--color=always", "-o", "target").splitlines()[1:]
        self.assertEqual([False, False, True, False, True], ["\x1b[2m" in line for line in lines], lines)

    def test_cgroups_by_their_paths(self):
        self.record()
        self.assertEqual("PATH\n/\n└─/system.slice\n  └─/system.slice/web.service\n",
                         self.list("cgroups", "--tree", "-o", "path"))


class Log(Listing):
    def log(self, *arguments):
        return self.database.run("log", *arguments)

    def test_newest_first(self):
        self.record("--label", "before", "--note", "a note")
        self.host.at(6000)
        self.host.process(812, "web")
        self.record()
        self.assertEqual(
            "ID TIME                      LABEL  NAMESPACES PROCESSES MOUNTS CONTAINERS GAPS NOTE\n"
            " 2 2023-11-14 23:53:20 +0000 -               8         2      2          0    0 -\n"
            " 1 2023-11-14 23:36:40 +0000 before          8         1      2          0    0 a note\n",
            self.log().stdout)

    def test_only_the_newest(self):
        for _ in range(3):
            self.record()
        self.assertEqual(2, len(self.log("-n", "1").stdout.splitlines()))
        self.assertEqual([3, 2], [snapshot["id"] for snapshot in json.loads(self.log("-n2", "--json").stdout)])

    def test_several_hosts(self):
        self.record()
        self.host = SmallHost(self.folder / "other", name="other", machine="f" * 32)
        self.record()
        self.assertIn(" HOST ", self.log().stdout)
        self.assertIn(" other ", self.log().stdout)
        self.assertEqual(2, len(self.log("--host", "small").stdout.splitlines()))
        self.assertNotIn(" HOST ", self.log("--host", "small").stdout)
        self.database.run("log", "--host", "third", expect=2)

    def test_verbose_has_the_digest(self):
        self.record()
        digest = self.database.snapshots()[0]["digest"]
        self.assertIn(digest, self.log("-v").stdout)
