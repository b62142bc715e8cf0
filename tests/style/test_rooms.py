# SPDX-License-Identifier: Apache-2.0
"""Who may include whom, and who may touch what. The linker checks part of this; headers and macros
are checked here."""

import re
import unittest

from support import SOURCE

# Room: whose headers its files may include.
MAY_INCLUDE = {
    "base": {"base"},
    "schema": {"base", "schema"},
    "recorder": {"base", "schema", "recorder"},
    "diff": {"base", "schema", "diff"},
    "export": {"base", "schema", "diff", "export"},
    "cli": {"base", "schema", "recorder", "diff", "export", "cli"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
SQL = re.compile(r'^"\s*(SELECT\s|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE|PRAGMA\s)',
                 re.IGNORECASE)
KERNEL_FILES = re.compile(r'^"/?(proc|sys)/')
# Paths that stand in records, and are not read.
RECORDED_PATHS = {("diff/hidden_namespaces.c", '"/proc/%"')}
RAW_CALLS = re.compile(r"\b(syscall|ioctl|setns)\s*\(")


def sources(room):
    files = [path for path in (SOURCE / room).rglob("*.[ch]")]
    assert files, f"there are no sources in {room}/"
    return sorted(files)


def without_comments(path):
    return COMMENT.sub("", path.read_text())


def strings(path):
    return STRING.findall(without_comments(path))


class Rooms(unittest.TestCase):
    def check(self, offences):
        self.assertEqual([], offences)

    def each_source(self, rooms):
        for room in rooms:
            for path in sources(room):
                yield room, path, path.relative_to(SOURCE)

    def test_rooms_include_only_what_stands_below_them(self):
        self.check([f"{name} includes {included}"
                    for room, path, name in self.each_source(MAY_INCLUDE)
                    for included in INCLUDE.findall(path.read_text())
                    if included.split("/")[0] not in MAY_INCLUDE[room]])

    def test_includes_begin_at_the_root_of_the_project(self):
        self.check([f"{name} includes {included}"
                    for _, path, name in self.each_source(MAY_INCLUDE)
                    for included in INCLUDE.findall(path.read_text())
                    if not (SOURCE / included).is_file()])

    def test_only_the_recorder_reads_the_kernels_files(self):
        self.check([f"{name}: {string}"
                    for _, path, name in self.each_source(MAY_INCLUDE.keys() - {"recorder"})
                    for string in strings(path)
                    if KERNEL_FILES.match(string) and (str(name), string) not in RECORDED_PATHS])

    def test_raw_system_calls_stand_in_recorder_kernel(self):
        self.check([f"{name}: {call}"
                    for _, path, name in self.each_source(MAY_INCLUDE)
                    if "kernel" not in name.parts
                    for call in RAW_CALLS.findall(STRING.sub("", without_comments(path)))])

    def test_only_schema_and_diff_hold_sql(self):
        self.check([f"{name}: {string}"
                    for _, path, name in self.each_source(MAY_INCLUDE.keys() - {"schema", "diff"})
                    for string in strings(path) if SQL.match(string)])
