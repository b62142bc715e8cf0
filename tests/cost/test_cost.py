# SPDX-License-Identifier: Apache-2.0
"""What it costs, in instructions. callgrind counts them: the same program on the same file takes the same
number each time, whatever else the machine does. Another compiler or library takes another one, so the
margin is wide: what fails here has become slower as a whole, or does something that it needn't.

A figure is what was counted when it was written (x86_64, gcc 12, SQLite 3.40). Who makes it cheaper, or
dearer for a reason, writes the new one."""

import re
import subprocess

from support import HELPERS, NSLAPSE, TestCase, need_programs

need_programs("valgrind")

HISTORY = HELPERS.parent / "bench" / "bench-history"
MARGIN = 1.5
MILLION = 1_000_000


def count(*command, function=None):
    """Instructions of the command; with `function`, from the moment that it is called until it returns."""
    only = [f"--toggle-collect={function}"] if function else []
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *only, *command],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=300, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


class Cost(TestCase):
    def check(self, figure, instructions):
        print(f"{instructions / MILLION:.1f} million instructions, {figure / MILLION:.1f} when it was written")
        self.assertLess(instructions, figure * MARGIN)
        self.assertGreater(instructions, figure / MARGIN, "it has become cheaper: write the new figure")

    def write(self, *churn):
        """Counts the last of some snapshots of a made host of 400 processes."""
        return count(HISTORY, self.folder / "history.db", "400", "5", *churn, function="write_last")

    def history(self, processes, snapshots):
        """The file of a made host of which 1 % is replaced from one snapshot to the next."""
        path = self.folder / "history.db"
        subprocess.run([HISTORY, path, str(processes), str(snapshots), "replace", str(processes // 100)],
                       stdout=subprocess.DEVNULL, timeout=300, check=True)
        return path

    def test_writing_what_has_not_changed(self):
        self.check(16.8 * MILLION, self.write())

    def test_writing_one_percent(self):
        self.check(19.9 * MILLION, self.write("replace", "4"))

    def test_start_and_difference_of_neighbours(self):
        path = self.history(400, 300)
        self.check(8.7 * MILLION, count(NSLAPSE, "--db", path, "log", "-n", "1"))
        self.check(5.6 * MILLION, count(NSLAPSE, "--db", path, "diff", "298", "299", function="difference_of"))

    def test_export(self):
        self.check(48.7 * MILLION, count(NSLAPSE, "--db", self.history(100, 20), "export", "--format", "json"))
