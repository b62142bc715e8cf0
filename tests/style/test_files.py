# SPDX-License-Identifier: Apache-2.0
"""What holds for every file."""

import re
import unittest

from support import SOURCE

FOLDERS = ["base", "schema", "recorder", "diff", "export", "cli", "tests", "tools", "cmake", "packaging",
           "docs", ".ci"]
LINES_MOST = 600
LICENSED = {".c", ".h", ".py", ".cmake", ".sql", ".sh"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def files():
    for folder in FOLDERS:
        for path in sorted((SOURCE / folder).rglob("*")):
            relative = path.relative_to(SOURCE)
            if path.is_file() and "fixtures" not in relative.parts and "corpus" not in relative.parts \
                    and "__pycache__" not in relative.parts:
                yield relative


def is_script(path):
    with open(SOURCE / path, "rb") as file:
        return file.read(2) == b"#!"


def sources():
    return [path for path in files()
            if path.suffix in LICENSED or path.name == "CMakeLists.txt" or is_script(path)]


class Files(unittest.TestCase):
    def test_sources_name_their_licence_first(self):
        missing = [str(path) for path in sources()
                   if "SPDX-License-Identifier: Apache-2.0" not in
                   "\n".join((SOURCE / path).read_text().splitlines()[:3])]
        self.assertEqual([], missing)

    def test_no_source_is_too_long(self):
        # A migration is one piece, however many tables it makes.
        lengths = {str(path): len((SOURCE / path).read_text().splitlines())
                   for path in sources() if path.suffix != ".sql"}
        self.assertEqual({}, {path: lines for path, lines in lengths.items() if lines > LINES_MOST})

    def test_nothing_is_left_unfinished(self):
        found = [f"{path}: {match[0]}" for path in sources() if path.name != "test_files.py"
                 for match in UNFINISHED.finditer((SOURCE / path).read_text())]
        self.assertEqual([], found)

    def test_text_ends_with_one_newline_and_no_trailing_blanks(self):
        wrong = []
        for path in sources():
            text = (SOURCE / path).read_text()
            if text and (not text.endswith("\n") or text.endswith("\n\n")):
                wrong.append(f"{path}: its end")
            wrong += [f"{path}:{number}" for number, line in enumerate(text.split("\n"), 1)
                      if line != line.rstrip()]
        self.assertEqual([], wrong)
