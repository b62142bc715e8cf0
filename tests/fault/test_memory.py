# SPDX-License-Identifier: Apache-2.0
"""Memory that runs out: never a half snapshot, always a message, and the next `record` works. Not under
the sanitizers, which have an allocator of their own."""

import os
import random
import resource
import subprocess
import time

from support import HELPERS, NSLAPSE, TestCase

POINTS = 150
MEGABYTE = 1024 * 1024
FAILED = 13


class Memory(TestCase):
    def setUp(self):
        super().setUp()
        self.database.record()
        self.before = self.whole()

    def whole(self):
        return [(snapshot["id"], snapshot["digest"]) for snapshot in reversed(self.database.snapshots())]

    def record(self, environment=None, addresses=None):
        def limit():
            if addresses:
                resource.setrlimit(resource.RLIMIT_AS, (addresses, addresses))
        done = subprocess.run([NSLAPSE, "--db", self.database.path, "record"], capture_output=True,
                              text=True, env={**os.environ, **(environment or {})}, preexec_fn=limit,
                              timeout=120, check=False)
        return done

    def check(self, done):
        """Stored and whole, or not at all. Returns whether `record` said that it was stored."""
        before, self.before = self.before, self.whole()
        if done.returncode == 0:
            self.assertEqual(before, self.before[:-1])
        else:
            self.assertEqual(FAILED, done.returncode, done.stderr)
            self.assertRegex(done.stderr, "(?i)memory")
            if self.before != before:  # stored, but there was no memory left to tell about it
                self.assertEqual(before, self.before[:-1])
                self.assertIn("is stored", done.stderr)
        self.database.run("verify")
        return done.returncode == 0

    def test_each_allocation_may_fail(self):
        library = HELPERS / "fail-allocation.so"
        count_file = self.folder / "count"
        preload = {"LD_PRELOAD": str(library), "FAIL_ALLOCATION_COUNT": str(count_file)}
        self.assertTrue(self.check(self.record(preload)))
        count = int(count_file.read_text())
        seed = int(os.environ.get("NSLAPSE_SEED", time.time_ns() % 2**32))
        print(f"{count} allocations, NSLAPSE_SEED={seed}", flush=True)
        points = {round(count ** (point / POINTS)) for point in range(POINTS)}
        points |= {random.Random(seed + point).randint(1, count) for point in range(POINTS)}
        for point in sorted(points):
            with self.subTest(allocation=point):
                self.check(self.record({**preload, "FAIL_ALLOCATION": str(point)}))
        self.assertTrue(self.check(self.record()))

    def test_few_addresses(self):
        stored = []
        for megabytes in (8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 512):
            with self.subTest(megabytes=megabytes):
                done = self.record(addresses=megabytes * MEGABYTE)
                if done.returncode == 127 or "error while loading" in done.stderr:
                    continue  # not even the libraries found room
                stored.append(self.check(done))
        self.assertTrue(stored[-1])
