# SPDX-License-Identifier: Apache-2.0
"""A disk that is full: `record` says so and stores nothing; what was there can still be read."""

import ctypes
import os
import subprocess
import unittest

from support import Database, Situation, TestCase, needs_root

CLONE_NEWNS = 0x20000
PAGE = 4096
ROOM = 64 * 1024 * 1024


def setUpModule():
    """A mount namespace of this program's own, so that nothing stays mounted."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS) != 0:
        raise unittest.SkipTest("cannot make a mount namespace")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


@needs_root
class FullDisk(TestCase):
    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "disk", self.disk], check=True)
        self.addCleanup(subprocess.run, ["umount", self.disk], check=True)
        self.database = Database(self.disk / "test.db")

    def resize(self, size):
        subprocess.run(["mount", "-o", f"remount,size={size}", self.disk], check=True)

    def used(self):
        status = os.statvfs(self.disk)
        return (status.f_blocks - status.f_bfree) * status.f_frsize

    def whole(self):
        return [(snapshot["id"], snapshot["digest"]) for snapshot in self.database.snapshots()]

    def assert_refused(self, done):
        self.assertEqual(13, done.returncode, done.stderr)
        self.assertRegex(done.stderr, "(?i)full|no space|make room", "it says why, or what to do")
        self.assertEqual("", done.stdout)

    def test_the_snapshots_before_stay_and_can_be_read(self):
        self.database.record()
        before, refused = self.whole(), 0
        # With so many pages left it fails at another place.
        for pages in (0, 1, 2, 4, 8, 9, 10, 12, 16, 24, 32, 48, 64, 96):
            with self.subTest(pages=pages):
                self.resize(self.used() + pages * PAGE)
                with Situation("mounts"):
                    done = self.database.run("record", expect=None)
                if done.returncode != 0:
                    refused += 1
                    self.assert_refused(done)
                    self.assertEqual(before, self.whole(), "while the disk is full")
                    self.database.run("verify")
                    self.database.export()
                self.resize(ROOM)
                before = [*before] if done.returncode else self.whole()
                self.assertEqual(before, self.whole())
        self.assertGreater(refused, 0, "the disk never was full")
        self.database.record()
        self.assertEqual(len(before) + 1, len(self.whole()))

    def test_no_room_for_a_database(self):
        for pages in (1, 2, 8, 12, 32, 64):
            with self.subTest(pages=pages):
                self.resize(pages * PAGE)
                self.assert_refused(self.database.run("record", expect=None))
                self.resize(ROOM)
                self.database.record()
                self.assertEqual(1, len(self.whole()))
                self.database.run("verify")
                for path in self.disk.glob("*"):
                    path.unlink()
