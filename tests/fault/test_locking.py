# SPDX-License-Identifier: Apache-2.0
"""Several writers: the second waits, and says so when it has waited long enough."""

import sqlite3
import subprocess
import time

from support import NSLAPSE, TestCase

RECORDERS = 6
LOCKED = 11


class Locking(TestCase):
    def start(self, *options):
        return subprocess.Popen([NSLAPSE, "--db", self.database.path, *options, "record"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process):
        out, error = process.communicate(timeout=120)
        return process.returncode, out, error

    def held(self):
        """A connection that holds the database for writing."""
        connection = sqlite3.connect(self.database.path, isolation_level=None)
        self.addCleanup(connection.close)
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def test_it_waits_until_the_other_is_done(self):
        self.database.record()
        connection = self.held()
        process = self.start("--wait", "60")
        time.sleep(0.5)
        self.assertIsNone(process.poll(), "it waits")
        connection.execute("COMMIT")
        code, _, error = self.finish(process)
        self.assertEqual(0, code, error)
        self.assertEqual(2, len(self.database.snapshots()))

    def test_it_gives_up_with_a_code_of_its_own(self):
        self.database.record()
        connection = self.held()
        for wait in ("0", "0.3"):
            with self.subTest(wait=wait):
                code, out, error = self.finish(self.start("--wait", wait))
                self.assertEqual((LOCKED, ""), (code, out), error)
                self.assertIn(str(self.database.path), error)
        connection.execute("COMMIT")
        self.assertEqual(1, len(self.database.snapshots()))

    def test_readers_do_not_wait(self):
        self.database.record()
        self.held()
        self.assertEqual(1, len(self.database.snapshots()))
        self.database.export()

    def test_many_at_once(self):
        self.check_many(0)

    def test_many_at_once_on_a_database_that_is_there(self):
        self.database.record()
        self.check_many(1)

    def check_many(self, before):
        processes = [self.start("--wait", "100") for _ in range(RECORDERS)]
        for process in processes:
            code, _, error = self.finish(process)
            self.assertEqual(0, code, error)
        snapshots = self.database.snapshots()
        self.assertEqual(before + RECORDERS, len(snapshots))
        self.assertEqual(before + RECORDERS, len({snapshot["digest"] for snapshot in snapshots}))
