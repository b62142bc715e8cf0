# SPDX-License-Identifier: Apache-2.0
"""nslapse export: where it writes, and that a failure leaves the old file."""

import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import SmallHost
from support import TestCase


class Export(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")
        self.database.run("--root", self.host.folder, "record", "-q")
        self.host.process(812, "web")
        self.database.run("--root", self.host.folder, "record", "-q")
        self.file = self.folder / "out"

    def export(self, *arguments, **keywords):
        return self.database.run("export", *arguments, **keywords)

    def leftovers(self):
        return [path.name for path in self.folder.iterdir() if path.name.startswith("out")
                and path != self.file]

    def test_a_file_holds_what_standard_output_would(self):
        text = self.export("--format", "json").stdout
        self.assertEqual(2, json.loads(text)["snapshot"]["id"])
        self.assertEqual("", self.export("--format", "json", "-o", self.file).stdout)
        self.assertEqual(text, self.file.read_text())
        self.assertEqual(text, self.export("latest", "-f", "json", "-o", "-").stdout)
        self.assertEqual(text, self.export("latest", "-f", "json", "-o", "/dev/stdout").stdout)
        self.assertEqual([], self.leftovers())

    def test_differences_and_graphs(self):
        self.assertIn("digraph", self.export("1..2", "--format", "dot").stdout)
        self.assertIn("digraph", self.export("1..", "--format", "dot", "--graph", "processes").stdout)
        self.assertIn("digraph", self.export("--format", "dot", "--graph", "mounts").stdout)
        self.export("--format", "dot", "--graph", "mouse", expect=2)
        self.export("--format", "json", "--graph", "mounts", expect=2)

    def test_help_lists_formats_and_graphs(self):
        text = self.database.run("export", "--help").stdout
        self.assertRegex(text, r"(?m)^  json +\S")
        self.assertRegex(text, r"(?m)^ +graphs: .*namespaces")

    def test_the_mode_of_the_file(self):
        os.umask(mask := os.umask(0))
        self.export("--format", "json", "-o", self.file)
        self.assertEqual(0o666 & ~mask, self.file.stat().st_mode & 0o777)
        self.file.chmod(0o640)
        self.export("--format", "json", "-o", self.file)
        self.assertEqual(0o640, self.file.stat().st_mode & 0o777)

    def test_a_symbolic_link_stays_one(self):
        link = self.folder / "link"
        self.file.write_text("old")
        link.symlink_to("out")
        self.export("--format", "json", "-o", link)
        self.assertTrue(link.is_symlink())
        self.assertTrue(self.file.read_text().startswith("{"))

    def test_a_failure_leaves_the_old_file(self):
        self.file.write_text("old")
        for arguments in (["9", "--format", "json"], ["--format", "nothing"],
                          ["--format", "dot", "--graph", "mouse"]):
            self.export(*arguments, "-o", self.file, expect=2)
        self.assertEqual("old", self.file.read_text())
        self.assertEqual([], self.leftovers())

    def test_a_folder_that_does_not_exist(self):
        done = self.export("--format", "json", "-o", self.folder / "no/where", expect=13)
        self.assertIn(f"{self.folder}/no/where", done.stderr)

    def test_a_folder_in_place_of_the_file(self):
        self.assertIn(str(self.folder), self.export("--format", "json", "-o", self.folder, expect=13).stderr)

    def test_a_full_disk(self):
        self.assertIn("No space left", self.export("--format", "json", "-o", "/dev/full", expect=13).stderr)
