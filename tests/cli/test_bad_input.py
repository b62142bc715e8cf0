# SPDX-License-Identifier: Apache-2.0
"""Bad input: each gets its exit code and one line that says what to do; nothing is lost."""

import datetime
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import SmallHost
from support import NSLAPSE, Database, TestCase, needs_root

READERS = (["log"], ["list", "processes"], ["show", "pid:1"], ["diff"], ["export", "--format", "json"],
           ["verify"])
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]


class BadInput(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")

    def record(self, *arguments, **keywords):
        return self.database.run("--root", self.host.folder, "record", *arguments, **keywords)

    def assert_refused(self, done, *says):
        self.assertEqual("", done.stdout)
        self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        self.assertTrue(done.stderr.startswith("nslapse: "), done.stderr)
        for words in says:
            self.assertIn(words, done.stderr)

    def assert_every_command_refuses(self, code, *says):
        """Readers and the recorder; and the file stays as it is."""
        before = self.database.path.read_bytes()
        for arguments in READERS:
            with self.subTest(arguments=arguments):
                self.assert_refused(self.database.run(*arguments, expect=code), *says)
        self.assert_refused(self.record(expect=code), *says)
        self.assertEqual(before, self.database.path.read_bytes())


class Databases(BadInput):
    def tearDown(self):
        """They are damaged on purpose: nothing to verify at the end."""

    def test_none(self):
        for arguments in READERS:
            self.assert_refused(self.database.run(*arguments, expect=10), str(self.database.path),
                                "nslapse record")
        self.assertFalse(self.database.path.exists())

    def test_no_database_at_all(self):
        self.database.path.write_text("This is a diary.\n" * 1000)
        self.assert_every_command_refuses(12, str(self.database.path))

    def test_a_database_of_something_else(self):
        with sqlite3.connect(self.database.path) as other:
            other.execute("CREATE TABLE diary (day, entry)")
        other.close()
        self.assert_every_command_refuses(12, str(self.database.path))

    def test_a_newer_version(self):
        self.record()
        with sqlite3.connect(self.database.path) as other:
            other.execute("PRAGMA user_version = 999")
        other.close()
        self.assert_every_command_refuses(12, "newer")

    def test_a_truncated_one(self):
        self.record()
        self.database.run("log")
        whole = self.database.path.read_bytes()
        for path in self.folder.glob("test.db-*"):
            path.unlink()
        for length in (100, 4096, len(whole) // 2 // 4096 * 4096, len(whole) - 4096):
            with self.subTest(length=length):
                self.database.path.write_bytes(whole[:length])
                codes = [self.database.run(*arguments, expect=None) for arguments in READERS]
                self.assertIn(12, [done.returncode for done in codes])
                for done in codes:
                    self.assertIn(done.returncode, (0, 2, 12), done.stderr)
                self.assertEqual(whole[:length], self.database.path.read_bytes())
                for path in self.folder.glob("test.db-*"):
                    path.unlink()

    def test_a_folder_in_its_place(self):
        self.database.path.mkdir()
        for arguments in READERS[:2]:
            self.assertIn(self.database.run(*arguments, expect=None).returncode, (12, 13))

    def test_an_empty_one_has_no_snapshots(self):
        self.record()
        with sqlite3.connect(self.database.path) as other:
            version = other.execute("PRAGMA user_version").fetchone()[0]
        other.close()
        self.assertGreater(version, 0)
        self.assert_refused(self.database.run("list", "gaps", "latest~1", expect=2), "latest~1")

    def test_an_altered_record_breaks_a_seal(self):
        self.record()
        self.assertIn("every seal is whole", self.database.run("verify").stdout)
        with sqlite3.connect(self.database.path) as other:
            other.execute("UPDATE process_state SET ppid = 4711")
        other.close()
        done = self.database.run("verify", expect=12)
        self.assertIn("broken", done.stdout)
        document = json.loads(self.database.run("verify", "--json", expect=12).stdout)
        self.assertEqual(len(document["findings"]), document["broken"])
        self.assertGreater(document["broken"], 0)

    def test_a_locked_one(self):
        self.record()
        other = sqlite3.connect(self.database.path, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        self.assert_refused(self.record("--wait", "0", expect=11), str(self.database.path))
        self.database.run("log")
        other.execute("ROLLBACK")
        self.record("--wait", "0")

    def test_the_moment_of_a_snapshot_is_after_the_wait(self):
        self.record("-q")
        other = sqlite3.connect(self.database.path, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        waiting = subprocess.Popen([NSLAPSE, "--db", self.database.path, "record", "-q"])
        time.sleep(0.5)
        self.assertIsNone(waiting.poll(), "it waits")
        released = datetime.datetime.now(datetime.timezone.utc)
        other.execute("ROLLBACK")
        self.assertEqual(0, waiting.wait())
        taken_at = self.database.snapshots()[0]["taken_at"]
        self.assertLess(released, datetime.datetime.fromisoformat(taken_at[:26] + "+00:00"))


class Hosts(BadInput):
    def test_a_root_without_proc(self):
        for root in (self.folder / "nowhere", self.folder):
            done = self.database.run("--root", root, "record", expect=13)
            self.assert_refused(done, str(root))
            self.assert_refused(self.database.run("--root", root, "doctor", expect=13), str(root))
        self.assertFalse(self.database.path.exists(), "there was nothing to store")

    def test_a_copy_without_any_process(self):
        """It is a copy that went wrong; recorded, all processes would seem to have ended."""
        self.record()
        (self.folder / "hollow/proc").mkdir(parents=True)
        self.assert_refused(self.database.run("--root", self.folder / "hollow", "record", expect=13), "hollow/proc")
        self.assertEqual(1, len(self.database.snapshots()))

    def test_an_unknown_host_is_answered_with_those_there_are(self):
        self.record()
        self.database.run("--root", SmallHost(self.folder / "other", name="other", machine="f" * 32).folder,
                          "record")
        for arguments in (["log"], ["list", "processes"], ["export", "--format", "json"]):
            self.assert_refused(self.database.run(*arguments, "--host", "third", expect=2), "host 'third'",
                                "1 of host 'small' (numbers 1 to 1", "1 of host 'other' (numbers 2 to 2")
        self.assertNotIn("'small'", self.database.run("list", "gaps", "latest~1", expect=2).stderr)

    def test_an_unknown_thing_is_answered_with_where_to_look(self):
        self.record()
        for thing, kind in (("pid:4711", "processes"), ("net:1", "namespaces"), ("mount:/none", "mounts"),
                            ("cgroup:/none", "cgroups")):
            self.assert_refused(self.database.run("show", thing, expect=2), thing, f"'nslapse list {kind}'")

    def test_a_time_before_the_first_snapshot(self):
        self.record()
        done = self.database.run("list", "processes", "@2001-01-01", expect=2)
        self.assert_refused(done, "2001-01-01", "2023-11-14 23:36:40")


@needs_root
@unittest.skipUnless(subprocess.run([*NOBODY, "true"], check=False).returncode == 0, "cannot run as another user")
class WithoutPrivileges(BadInput):
    def setUp(self):
        super().setUp()
        if subprocess.run([*NOBODY, NSLAPSE, "--version"], capture_output=True, check=False).returncode:
            self.skipTest("another user may not run the program here")
        os.chmod(self.folder, 0o755)
        (self.folder / "own").mkdir()
        os.chown(self.folder / "own", 65534, 65534)

    def run_as_nobody(self, database, *arguments, expect=0):
        return Database(database).run(*arguments, expect=expect, prefix=NOBODY)

    def test_recording_works_and_says_what_it_could_not_see(self):
        path = self.folder / "own/test.db"
        done = self.run_as_nobody(path, "record")
        self.assertIn("Not everything could be read:", done.stderr)
        self.assertIn("Permission denied", done.stderr)
        self.assertIn("Run as root", done.stderr)
        snapshot = json.loads(self.run_as_nobody(path, "log", "--json").stdout)[0]
        self.assertGreater(snapshot["gaps"], 0)
        self.assertEqual(65534, snapshot["privileges"]["uid"])

    def test_a_folder_that_may_not_be_written(self):
        done = self.run_as_nobody(self.folder / "test.db", "--root", self.host.folder, "record", expect=13)
        self.assert_refused(done, str(self.folder), "Permission denied")
        self.assertEqual([], list(self.folder.glob("test.db*")))

    def test_a_database_that_may_not_be_read(self):
        self.record()
        done = self.run_as_nobody(self.database.path, "log", expect=13)
        self.assert_refused(done, str(self.database.path), "Permission denied")
