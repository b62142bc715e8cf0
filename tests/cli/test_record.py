# SPDX-License-Identifier: Apache-2.0
"""nslapse record: what it prints, and how it ends."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import MOUNTS, SmallHost
from support import NSLAPSE, TestCase, nslapse

LINE = ("snapshot {id} of small at 2023-11-14 23:36:40 +0000: 8 namespaces, {processes}, 1 thread, 2 mounts, "
        "0 containers, 3 cgroups; {gaps}\n")


class Record(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")
        self.host.process(812, "web", cmdline=["web", "-d"], threads=[(813, "worker")])

    def record(self, *arguments, **keywords):
        return self.database.run("--root", self.host.folder, "record", *arguments, **keywords)

    def add_gap(self):
        """A process that cannot be read: it is no folder."""
        self.host.write("proc/900", "")

    def test_it_prints_one_line(self):
        done = self.record()
        self.assertEqual(LINE.format(id=1, processes="2 processes", gaps="0 gaps"), done.stdout)
        self.assertEqual("", done.stderr)

    def test_gaps_are_explained_in_groups(self):
        self.add_gap()
        self.host.write("proc/901", "")
        done = self.record()
        self.assertEqual(LINE.format(id=1, processes="2 processes", gaps="2 gaps"), done.stdout)
        self.assertEqual("Not everything could be read:\n"
                         "       2  processes: Not a directory (such as pid:900)\n"
                         "'nslapse list gaps 1' lists every one.\n", done.stderr)
        done = self.record("-v")
        self.assertIn("\n       1  processes: Not a directory (pid:900)\n"
                      "       1  processes: Not a directory (pid:901)\n", done.stderr)

    def test_what_a_copy_lacks_could_not_be_read(self):
        shutil.rmtree(self.host.proc / "812/ns")
        self.record()
        export = self.database.export()
        self.assertEqual("unreadable", export.process(812)["condition"])
        self.assertEqual(("process", "812"), tuple(export.one("gaps", source="processes")[field]
                                                   for field in ("hides", "hides_scope")))

    def test_quiet_says_nothing(self):
        self.add_gap()
        done = self.record("-q")
        self.assertEqual(("", ""), (done.stdout, done.stderr))

    def test_json_is_the_snapshot(self):
        self.add_gap()
        snapshot = self.database.record("--root", self.host.folder, "--label", "first", "--note", "n\t1")
        self.assertEqual(("small", "first", "n\t1", 1), tuple(snapshot[name] for name in
                                                             ("host", "label", "note", "gaps")))
        self.assertEqual([snapshot], self.database.snapshots())

    def test_without_libmount_nothing_is_recorded(self):
        self.record()
        libraries = self.folder / "libraries"
        libraries.mkdir()
        (libraries / "libmount.so.1").write_bytes(b"")
        broken = {"LD_LIBRARY_PATH": str(libraries)}
        done = self.record(expect=13, environment=broken)
        self.assertRegex(done.stderr, r"without libmount \(.*libmount\.so\.1.*\); install libmount1 \(Debian, Ubuntu\) or")
        self.assertEqual(1, len(json.loads(self.database.run("log", "--json", environment=broken).stdout)))
        self.assertIn("without libmount", nslapse("doctor", expect=13, environment=broken).stderr)

    def test_strict_stores_the_snapshot_and_exits_with_3(self):
        self.record("--strict")
        self.add_gap()
        self.record("--strict", expect=3)
        self.assertEqual([2, 1], [snapshot["id"] for snapshot in self.database.snapshots()])

    def test_what_is_left_out_is_a_gap(self):
        done = self.record("--without", "threads", expect=3, *["--strict"])
        self.assertIn("0 threads", done.stdout)
        self.assertIn("left out by --without", done.stderr)

    def test_labels_that_read_as_revisions_are_refused(self):
        for label in ("", "12", "latest", "@3h", "a~1", "a..b", "-x", b"\xff"):
            done = self.database.run("--root", self.host.folder, "record", f"--label={os.fsdecode(label)}",
                                     expect=2)
            self.assertIn("cannot be a label", done.stderr)
        self.assertFalse(self.database.path.exists())
        self.record("--label", "v1.2-rc ü")
        self.database.run("list", "processes", "v1.2-rc ü")

    def test_a_note_is_utf8(self):
        self.assertIn("UTF-8", self.record("--note", os.fsdecode(b"\xff"), expect=2).stderr)

    def test_environments_are_kept_only_when_asked_for(self):
        self.host.write("proc/812/environ", b"SECRET=geheim\0")
        self.record()
        self.record("--with", "environment")
        before, after = [self.database.export(revision).process(812)["environment"]
                         for revision in ("1", "2")]
        self.assertIsNone(before)
        self.assertRegex(after, r"\A[0-9a-f]{64}\Z")

    def test_the_database_is_for_its_owner_alone(self):
        self.record()
        self.assertEqual(0o600, self.database.path.stat().st_mode & 0o777)

    def test_the_default_database(self):
        environment = {"XDG_STATE_HOME": str(self.folder / "state"), "NSLAPSE_DB": ""}
        command = [NSLAPSE, "log"]
        self.folder.chmod(0o711)
        if os.geteuid() == 0:
            done = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", *command],
                                  env={**os.environ, **environment}, capture_output=True, text=True,
                                  check=False)
            if done.returncode in (126, 127):
                self.skipTest("another user may not run the program here")
        else:
            done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True,
                                  check=False)
        self.assertEqual(10, done.returncode, done.stderr)
        self.assertIn(f"{self.folder}/state/nslapse/nslapse.db", done.stderr)

    def test_the_environment_names_the_database(self):
        self.database.run("--root", self.host.folder, "record")
        done = subprocess.run([NSLAPSE, "log", "-q"], env={**os.environ, "NSLAPSE_DB": str(self.database.path)},
                              capture_output=True, text=True, check=True)
        self.assertIn("2023-11-14 23:36:40", done.stdout)


class Interrupted(TestCase):
    ATTEMPTS = 40

    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")
        self.database.run("--root", self.host.folder, "record", "-q")
        mounts = "".join(f"{number} 21 0:50 / /mnt/{number} rw - tmpfs tmpfs rw\n"
                         for number in range(100, 50100))
        self.host.process(1, "init", ppid=0, start=5, mounts=MOUNTS + mounts)

    def wait_for_its_transaction(self, process):
        """Until the recorder has the database to itself; false when it has ended already."""
        with contextlib.closing(sqlite3.connect(self.database.path, timeout=0, isolation_level=None)) as other:
            while process.poll() is None:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    return True
                other.execute("ROLLBACK")
        return False

    def test_ctrl_c_leaves_nothing_behind(self):
        stored = 1
        for attempt in range(self.ATTEMPTS):
            process = subprocess.Popen(
                [NSLAPSE, "--db", self.database.path, "--root", self.host.folder, "record"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if self.wait_for_its_transaction(process):
                time.sleep(0.005 * attempt)  # sooner or later it is in the middle of reading
                process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=60)
            stored += process.returncode == 0
            self.assertIn(process.returncode, (0, -signal.SIGINT), error)
            self.assertEqual(stored, len(self.database.snapshots()))
            if process.returncode and error:
                break
        self.assertEqual(("", "nslapse: interrupted; nothing was stored\n"), (out, error))
        self.database.run("verify")


class Progress(TestCase):
    def test_it_stays_off_a_pipe(self):
        host = SmallHost(self.folder / "host")
        self.assertNotIn("\r", self.database.run("--root", host.folder, "record").stderr)
