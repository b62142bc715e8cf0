# SPDX-License-Identifier: Apache-2.0
"""nslapse doctor: what it shows, and copying the host for --root."""

import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import SmallHost
from support import TestCase, nslapse


class Doctor(TestCase):
    def test_text_and_json_tell_the_same(self):
        document = json.loads(nslapse("doctor", "--json").stdout)
        text = nslapse("doctor").stdout
        self.assertIn(f"kernel: {document['kernel']}\n", text)
        self.assertIn(f"  uid: {os.geteuid()}\n", text)
        lines = [line.split() for line in text.splitlines()]
        for feature in document["features"]:
            words = [feature["name"], *("yes" if feature[name] else "no" for name in ("available", "refused"))]
            self.assertIn(words, [line[:3] for line in lines])
        for fact in document["facts"]:
            self.assertRegex(text, rf"(?m)^{fact['fact']} +{fact['source'][:10]}")

    def test_no_database_is_needed(self):
        nslapse("doctor", environment={"NSLAPSE_DB": "/nonexistent/x.db"})

    def test_a_copied_host(self):
        host = SmallHost(self.folder / "host")
        document = json.loads(nslapse("--root", host.folder, "doctor", "--json").stdout)
        self.assertEqual({False}, {feature["available"] for feature in document["features"]})

    def test_copying_the_host_to_record_it_elsewhere(self):
        copy = self.folder / "copy"
        done = nslapse("doctor", "--capture-fixture", copy)
        self.assertEqual("", done.stdout)
        self.assertIn(f"record --root {copy}", done.stderr)
        snapshot = self.database.record("--root", copy)
        self.assertGreater(snapshot["counts"]["processes"], 0)
        self.assertGreater(snapshot["counts"]["mounts"], 0)
        self.assertEqual(os.uname().nodename, snapshot["host"])
        nslapse("doctor", "--capture-fixture", copy, expect=13)
        for path in copy, copy / "proc", copy / "proc" / "stat":
            self.assertEqual(0, path.stat().st_mode & 0o077, f"{path} is for its owner alone")
