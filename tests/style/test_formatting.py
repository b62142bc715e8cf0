# SPDX-License-Identifier: Apache-2.0
"""The C files are as tools/format makes them."""

import subprocess
import unittest

from support import SOURCE, UNSUPPORTED


class Formatting(unittest.TestCase):
    def test_clang_format_would_change_nothing(self):
        done = subprocess.run([SOURCE / "tools/format", "--check"], capture_output=True, text=True,
                              check=False)
        if done.returncode == UNSUPPORTED:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)
