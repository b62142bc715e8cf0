# SPDX-License-Identifier: Apache-2.0
"""The seals, computed anew by another program from what docs/schema.md says of them."""

import hashlib
import itertools
import pathlib
import re
import sqlite3
import struct
import subprocess
import sys
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[1])]
import support  # noqa: E402
from small_host import SmallHost  # noqa: E402


def digest(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def varints(data):
    """The integers of a block of samples, as an iterator."""
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0


def varint(number):
    data = b""
    while number > 0x7f:
        data += bytes([number & 0x7f | 0x80])
        number >>= 7
    return data + bytes([number])


def take(numbers, count):
    return [next(numbers) for _ in range(count)]


def whole_table(numbers):
    """(columns, {id: folded values}) of a block without a base."""
    row_count, column_count = take(numbers, 2)
    columns = take(numbers, column_count)
    ids = list(itertools.accumulate(take(numbers, row_count)))
    values = [take(numbers, row_count) for _ in columns]
    return columns, {id: list(row) for id, row in zip(ids, zip(*values))}


def changed_table(numbers, columns, rows):
    """The same of a block with a base."""
    kept = sorted(rows)
    at = 0
    for before in take(numbers, next(numbers)):
        at += before
        del rows[kept.pop(at)]
    for id in itertools.accumulate(take(numbers, next(numbers))):
        rows[id] = [0] * len(columns)
    ids = sorted(rows)
    changed = take(numbers, next(numbers))
    changed = [at + number for number, at in enumerate(itertools.accumulate(changed))]
    masks = take(numbers, len(changed))
    for column in range(len(columns)):
        for at, mask in zip(changed, masks):
            if mask >> column & 1:
                number = next(numbers)
                difference = number >> 1 if number % 2 == 0 else -(number >> 1) - 1
                row = rows[ids[at]]
                row[column] = (row[column] + difference) % 2**64
    return columns, rows


def read_kinds():
    """The kinds with their columns (SQL name, class), from the table in schema/kinds.h."""
    text = (support.SOURCE / "schema/kinds.h").read_text()
    lists = {}
    for name, body in re.findall(r"#define (\w+)_COLUMNS\(C(?:, K)?\)((?:.*\\\n)*.*\n)", text):
        rows = []
        for line in body.splitlines():
            if "TASK_COLUMNS(" in line:
                rows += lists["TASK"]
            match = re.match(r'\s*C\(\w+, \w+, "(\w+)", "[^"]+", \w+, (\w+),', line)
            if match:
                rows.append(match.groups())
        lists[name] = rows
    order = re.findall(r'^ +K\(\w+, (\w+)_COLUMNS, "(\w+)", "\w+", (true|false)\)', text, re.M)
    return [(name, boot == "true", lists[columns]) for columns, name, boot in order]


class Sealed:
    """A database read with Python's own sqlite3."""

    def __init__(self, path):
        self.sqlite = sqlite3.connect(path)
        self.sqlite.row_factory = sqlite3.Row
        self.kinds = read_kinds()

    def one(self, sql, *parameters):
        row = self.sqlite.execute(sql, parameters).fetchone()
        return row[0] if row else None

    def state_digest(self, kind, boot_bound, columns, row):
        boot = self.one("SELECT boot_id FROM boot WHERE id = ?", row["boot"]) if boot_bound else None
        data = b"".join(struct.pack("<I", len(text)) + text for text in (kind.encode(), (boot or "").encode()))
        for number, (name, column_class) in enumerate(columns):
            if column_class not in ("IDENTITY", "STATE") or row[name] is None:
                continue
            if isinstance(row[name], int):
                data += struct.pack("<Hcq", number, b"i", row[name])
            else:
                text = row[name].encode()
                data += struct.pack("<HcI", number, b"t", len(text)) + text
        return digest(data)

    def states(self, snapshot):
        for kind, boot_bound, columns in self.kinds:
            for row in self.sqlite.execute(f"SELECT * FROM {kind}_at WHERE snapshot_id = ?", (snapshot,)):
                yield row["digest"], self.state_digest(kind, boot_bound, columns, row)

    def sample_table(self, snapshot, kind):
        """(columns, {id: folded values}), or None."""
        row = self.sqlite.execute("SELECT * FROM sample WHERE snapshot_id = ? AND kind = ?",
                                  (snapshot, kind)).fetchone()
        if not row:
            return None
        unpacked = subprocess.run(["zstd", "-d", "-c"], input=row["block"], capture_output=True, check=True).stdout
        numbers = varints(unpacked)
        if row["base_snapshot"]:
            return changed_table(numbers, *self.sample_table(row["base_snapshot"], kind))
        return whole_table(numbers)

    def sample_bytes(self, snapshot, kind):
        table = self.sample_table(snapshot, kind)
        if not table:
            return None
        columns, rows = table
        ids = sorted(rows)
        data = [len(ids), len(columns), *columns, *(new - old for old, new in zip([0, *ids], ids))]
        for column in range(len(columns)):
            data += [rows[id][column] for id in ids]
        return b"".join(varint(number) for number in data)

    def snapshot_digest(self, snapshot):
        facts = self.sqlite.execute(
            "SELECT uuid, (SELECT value FROM text WHERE id = hostname_id), machine_id, boot_id, kernel,"
            " architecture, (SELECT value FROM text WHERE id = recorder_id), label, note,"
            " (SELECT value FROM text WHERE id = without_id), (SELECT value FROM text WHERE id = privileges_id),"
            " load_average, taken_at, boottime, booted_at, clock_ticks, clock_synchronized, forks, duration_ns,"
            " processes_ended, namespace_count, process_count, thread_count, mount_count, container_count,"
            " cgroup_count, discrepancy_count, gap_count FROM snapshot JOIN host ON host.id = snapshot.host_id"
            " JOIN boot ON boot.id = snapshot.boot WHERE snapshot.id = ?", (snapshot,)).fetchone()
        data = b""
        for text in ("nslapse snapshot 1", *tuple(facts)[:12]):
            encoded = b"" if text is None else text.encode()
            data += struct.pack("<q", -1 if text is None else len(encoded)) + encoded
        for number in tuple(facts)[12:]:
            data += struct.pack("<q", -1 if number is None else number)
        data += self.one("SELECT before.digest FROM snapshot JOIN snapshot AS before"
                         " ON before.id = snapshot.predecessor_id WHERE snapshot.id = ?", snapshot) or bytes(32)
        for kind, _, _ in self.kinds:
            samples = self.sample_bytes(snapshot, kind)
            data += bytes(32) if samples is None else digest(samples)
        return digest(data + b"".join(sorted(stored for stored, _ in self.states(snapshot))))


class Seals(support.TestCase):
    def test_another_program_finds_the_same(self):
        host = SmallHost(self.folder / "host")
        for step in range(4):
            host.process(100 + step, f"step\n{step}")
            self.database.record("--root", str(host.folder), "--label", f"step {step}", "--note", "\\ \x1b")
        sealed = Sealed(self.database.path)
        states = 0
        for snapshot, stored in sealed.sqlite.execute("SELECT id, digest FROM snapshot").fetchall():
            for kept, computed in sealed.states(snapshot):
                self.assertEqual(kept, computed)
                states += 1
            self.assertEqual(stored, sealed.snapshot_digest(snapshot))
        self.assertGreater(states, 4 * 5)


if __name__ == "__main__":
    unittest.main()
