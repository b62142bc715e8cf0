# SPDX-License-Identifier: Apache-2.0
"""What a snapshot takes in the file, and what is had back from it. The host is a made one (made_host.h), since a
real one never stands still, and a year takes a year."""

import json
import pathlib

from measuring import NSLAPSE, interleaved, once, output, ratio, remove_database, table, tool

YEAR = 525_600
DAY = 1_440


def write_history(database, processes, snapshots, *changes):
    """Microseconds that the last one took."""
    remove_database(database)
    return int(output(tool("history"), database, processes, snapshots, *changes))


def size_of(path):
    return pathlib.Path(path).stat().st_size


def table_sizes(database):
    """{table or index: bytes of its pages}"""
    output("sqlite3", database, "PRAGMA wal_checkpoint(TRUNCATE)")
    rows = json.loads(output("sqlite3", "-json", database, "SELECT name, sum(pgsize) AS size FROM dbstat GROUP BY name"))
    return {row["name"]: row["size"] for row in rows}


class Storage:
    """The part of the report on the file."""

    def __init__(self, folder, quick):
        self.folder = folder
        self.quick = quick
        self.rounds = 3 if quick else 11
        self.processes = 400

    def _export(self, database, revision, name):
        path = self.folder / name
        path.write_text(output(NSLAPSE, "--db", database, "export", revision, "--format", "json"))
        return path

    def _compressed(self, path, *options):
        packed = path.with_suffix(".zst")
        output("zstd", "-q", "-f", "-19", "--long=27", *options, path, "-o", packed)
        return size_of(packed)

    def _bytes(self, replaced):
        """One row of the table: what each more snapshot takes."""
        database = self.folder / "bytes.db"
        few, many = 200, 1200
        write_history(database, self.processes, few, "replace", replaced)
        before = table_sizes(database)
        write_history(database, self.processes, many, "replace", replaced)
        grown = {name: (size - before.get(name, 0)) / (many - few) for name, size in table_sizes(database).items()}
        ours, samples = sum(grown.values()), sum(size for name, size in grown.items() if "sample" in name)
        older, newer = (self._export(database, revision, f"{name}.json")
                        for revision, name in (("latest~1", "older"), ("latest", "newer")))
        return (f"{ours:,.0f}", f"{ours - samples:,.0f}", f"{size_of(newer):,}", f"{self._compressed(newer):,}",
                f"{self._compressed(newer, f'--patch-from={older}'):,}")

    def sizes(self):
        rows = [(name, *self._bytes(replaced)) for name, replaced in
                (("nothing but samples", 0), ("1 % of processes", self.processes // 100),
                 ("10 % of processes", self.processes // 10))]
        return (f"### Bytes of one more snapshot\n\nA made host of {self.processes} processes, of which something "
                "changes from one snapshot to the next; in a file of 1,200.\n\n" +
                table(("changes", "nslapse", "of them without samples", "JSON", "JSON, `zstd -19`",
                       "JSON, `zstd -19 --patch-from` the one before"), rows))

    def _milliseconds(self, database, *words):
        return interleaved({"it": (NSLAPSE, "--db", database, *words)}, self.rounds)["it"]

    def _year(self, snapshots):
        """The year's file, and the microseconds that its last snapshot took. It takes an hour, so that one that
        is there already is taken."""
        database, last = self.folder / f"year-{snapshots}.db", self.folder / f"year-{snapshots}.last"
        if not last.exists():
            last.write_text(str(write_history(database, self.processes, snapshots, "short", 5, "restart", 60)))
        output("sqlite3", database, "PRAGMA wal_checkpoint(TRUNCATE)")
        return database, int(last.read_text())

    def year(self):
        snapshots = 7 * DAY if self.quick else YEAR
        database, last = self._year(snapshots)
        rows = [("size", f"{size_of(database) / 1e6:,.0f} MB"),
                ("bytes a snapshot", f"{size_of(database) / snapshots:,.0f}"),
                ("writing one more, without reading a host", f"{last / 1000:.1f} ms")]
        for name, words in (("`log -n 1` (opening)", ("log", "-n", 1)),
                            ("`list processes`", ("list", "processes")),
                            ("`list processes`, from the middle", ("list", "processes", snapshots // 2)),
                            ("`diff`, neighbours", ("diff", "--stat")),
                            ("`diff`, neighbours in the middle",
                             ("diff", snapshots // 2, snapshots // 2 + 1, "--stat")),
                            ("`diff` over a day", ("diff", f"latest~{DAY}", "latest", "--stat")),
                            ("`diff` over the middle third", ("diff", snapshots // 3, snapshots * 2 // 3, "--stat")),
                            ("`diff` of both ends", ("diff", 1, "latest", "--stat"))):
            series = self._milliseconds(database, *words)
            rows.append((name, f"{series.wall:.1f} ms, {series.peak / 1024:.0f} MB"))
        return (f"### A year of minutes\n\n{snapshots:,} snapshots of {self.processes} processes; five short ones "
                "begin every minute, of which a snapshot sees one in six, and every hour a container is started again.\n\n" +
                table(("", ""), rows))

    def differences(self):
        rows = []
        for snapshots in (2, 1_000, 10_000):
            database = self.folder / "diff.db"
            write_history(database, self.processes, snapshots, "short", 1, "restart", 60)
            names = [self._export(database, revision, name) for revision, name in
                     ((1, "first.json"), ("latest", "last.json"))]
            pretty = [path.with_suffix(".sorted") for path in names]
            for path, sorted_path in zip(names, pretty):
                sorted_path.write_text(output("jq", "-S", ".", path))
            slurp = "($a[0].processes - $b[0].processes), ($b[0].processes - $a[0].processes)"
            series = interleaved({
                "nslapse": (NSLAPSE, "--db", database, "diff", 1, "latest", "--json"),
                "diff": ("sh", "-c", 'diff "$0" "$1" || true', *pretty),
                "jq": ("jq", "-n", "--slurpfile", "a", names[0], "--slurpfile", "b", names[1], slurp)}, self.rounds)
            ours = series["nslapse"]
            rows.append((f"{snapshots:,}", f"{ours.wall:.1f} ms", ratio(ours.wall, series["diff"].wall),
                         ratio(ours.wall, series["jq"].wall), f"{ours.peak / 1024:.0f} MB"))
        return ("### `diff --json` of the two ends\n\nThe others take JSON that was exported (and sorted) before, which isn't "
                "counted.\n\n" + table(("snapshots", "nslapse", "to `diff` of sorted JSON", "to `jq`, processes alone",
                                        "peak memory"), rows))

    def exports(self):
        rows = []
        for processes in (400, 4_000, 40_000):
            database = self.folder / "export.db"
            write_history(database, processes, 1)
            path = self._export(database, "latest", "whole.json")
            command = (NSLAPSE, "--db", database, "export", "latest", "--format", "json")
            series = interleaved({"export": command, "cat": ("cat", path)}, self.rounds)
            ours = series["export"]
            rows.append((f"{processes:,}", f"{size_of(path) / 1e6:.1f} MB",
                         f"{size_of(path) / 1e3 / ours.wall:.0f} MB/s", ratio(ours.wall, series["cat"].wall),
                         f"{ours.peak / 1024:.0f} MB"))
        return "### `export --format json`\n\n" + table(("processes", "document", "rate", "to `cat` of it",
                                                        "peak memory"), rows)
