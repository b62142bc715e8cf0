# SPDX-License-Identifier: Apache-2.0
"""`record` is killed at random points: the database opens and holds exactly the whole snapshots before,
and the next `record` works."""

import os
import random
import signal
import subprocess
import time

from support import NSLAPSE, TestCase

KILLS = int(os.environ.get("NSLAPSE_KILLS", "200"))
RECORD_EVERY = 10


class Kill(TestCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("NSLAPSE_SEED", time.time_ns() % 2**32))
        self.random = random.Random(self.seed)
        print(f"NSLAPSE_SEED={self.seed}", flush=True)

    def whole(self):
        """What identifies the snapshots and all that they hold."""
        return [(snapshot["id"], snapshot["uuid"], snapshot["digest"])
                for snapshot in reversed(self.database.snapshots())]

    def kill_after(self, seconds):
        """Starts to record, and kills that. True when it had ended by itself."""
        process = subprocess.Popen([NSLAPSE, "--db", self.database.path, "record"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        message = process.communicate()[1]
        self.assertIn(process.returncode, (0, -signal.SIGKILL), message)
        return process.returncode == 0

    def duration(self):
        """How long it takes now that the database is there; when it is made, it takes longer."""
        self.database.record()
        began = time.monotonic()
        self.database.record()
        return time.monotonic() - began

    def test_no_snapshot_is_lost_or_half(self):
        latest = self.duration()
        before, killed = self.whole(), 0
        for number in range(KILLS):
            ended = self.kill_after(self.random.uniform(0, latest))
            latest *= 0.95 if ended else 1.02  # the machine has other things to do, now and then
            after = self.whole()
            # It may be killed when its snapshot is stored already, but never before it is whole.
            self.assertEqual(before, after[:len(before)])
            self.assertLessEqual(len(after), len(before) + 1)
            self.assertTrue(not ended or len(after) == len(before) + 1)
            killed += not ended
            self.database.run("verify")
            if number % RECORD_EVERY == 0:
                self.database.record()
                after = self.whole()
            before = after
        self.assertGreater(killed, KILLS / 2, "too many were too late")
        self.database.record()
        self.assertEqual(len(before) + 1, len(self.whole()))

    def test_while_the_database_is_made(self):
        latest = self.duration()
        for _ in range(KILLS // 5):
            for path in self.folder.glob("test.db*"):
                path.unlink()
            ended = self.kill_after(self.random.uniform(0, latest))
            latest *= 0.95 if ended else 1.02
            self.database.record()
            self.assertIn(len(self.whole()), (1, 2))
            self.database.run("verify")
