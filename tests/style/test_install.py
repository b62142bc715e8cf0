# SPDX-License-Identifier: Apache-2.0
"""`cmake --install` puts everything where it belongs, and what it puts there fits together."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

from support import NSLAPSE

FILES = ["bin/nslapse", "lib/systemd/system/nslapse.service", "lib/systemd/system/nslapse.timer",
         "share/doc/nslapse/examples/nslapse.cron", "share/man/man1/nslapse.1"]
LEFT_OUT = "@[A-Z_]+@"


class Install(unittest.TestCase):
    def setUp(self):
        self.prefix = pathlib.Path(tempfile.mkdtemp(prefix="nslapse-install-"))
        self.addCleanup(shutil.rmtree, self.prefix)
        build = pathlib.Path(NSLAPSE).parents[1]
        subprocess.run(["cmake", "--install", build, "--prefix", self.prefix], check=True,
                       stdout=subprocess.DEVNULL)

    def text(self, name):
        return (self.prefix / name).read_text()

    def test_everything_is_there(self):
        self.assertEqual([], [name for name in FILES if not (self.prefix / name).is_file()])

    def test_the_program_runs_from_there(self):
        done = subprocess.run([self.prefix / "bin/nslapse", "--version"], capture_output=True, text=True,
                              check=True)
        self.assertTrue(done.stdout.startswith("nslapse "))

    def test_what_starts_it_names_it(self):
        for name in FILES[1:2] + FILES[3:4]:
            self.assertIn(f"{self.prefix}/bin/nslapse --db", self.text(name))
            self.assertNotRegex(self.text(name), LEFT_OUT)

    def test_systemd_takes_the_units(self):
        if not shutil.which("systemd-analyze"):
            return  # a machine without systemd needs no units
        units = [self.prefix / "lib/systemd/system" / name for name in ("nslapse.service", "nslapse.timer")]
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True,
                              text=True, check=False)
        complaints = [line for line in done.stderr.splitlines() if "nslapse" in line]
        self.assertEqual((0, []), (done.returncode, complaints), done.stderr)
