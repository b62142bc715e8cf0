# SPDX-License-Identifier: Apache-2.0
"""What a snapshot costs, in worlds of several sizes."""

import contextlib
import json
import statistics

import containers
from measuring import (NSLAPSE, PS, interleaved, line_through, output, ratio, remove_database, table, tool, world)

LSNS_ROUNDS = 3  # it takes seconds


def recorder(database, *without):
    options = ("--without", ",".join(without)) if without else ()
    return (NSLAPSE, "--db", database, "-q", "record", *options)


def record_once(database):
    output(*recorder(database))


def phases(database, rounds):
    """Median milliseconds of reading, comparing and writing."""
    runs = [json.loads(output(tool("phases"), database)) for _ in range(rounds)]
    return {phase: statistics.median(run[phase] for run in runs) / 1000 for phase in runs[0]}


class Reading:
    """The part of the report on record."""

    def __init__(self, folder, quick):
        self.database = folder / "reading.db"
        self.cold = folder / "cold.db"
        self.rounds = 3 if quick else 11
        self.quick = quick

    def _engine(self, count):
        return containers.engine(self.database.parent, count) if count else contextlib.nullcontext()

    def _world(self, *words, engine_of=0):
        """The contenders in one world, with an engine of some containers: {name: Series}, and the phases."""
        remove_database(self.database)
        contenders = {"record": recorder(self.database),
                      "cold": recorder(self.cold),
                      "alone": ("taskset", "--cpu-list", "0", *recorder(self.database)),
                      "floor": (tool("floor"),),
                      "ps": PS,
                      "findmnt": ("findmnt",)}
        with world(*words), self._engine(engine_of):
            record_once(self.database)
            series = interleaved(contenders, self.rounds,
                                 lambda name: name == "cold" and remove_database(self.cold))
            series |= interleaved({"lsns": ("lsns",)}, min(self.rounds, LSNS_ROUNDS))
            return series, phases(self.database, self.rounds)

    def worlds(self):
        """The main table, and the phases."""
        kinds = [("300 processes", ("processes", 300)), ("3,000 processes", ("processes", 3000)),
                 ("12,000 processes", ("processes", 12000)),
                 ("500 mount namespaces of 40 mounts", ("namespaces", 500, 40)),
                 ("one namespace of 10,000 mounts", ("mounts", 10000)),
                 ("2,000 threads in one process", ("threads", 2000)),
                 ("300 processes of 50 descriptors", ("descriptors", 300, 50)),
                 ("300 processes, a Docker of 60 containers", ("processes", 300), 60)]
        if self.quick:
            kinds = kinds[:2] + kinds[3:]
        rows, phase_rows, memory_rows = [], [], []
        for name, words, *engine_of in kinds:
            series, phase = self._world(*words, engine_of=sum(engine_of))
            record = series["record"]
            rows.append((name, f"{record.wall:.0f} ms", *(ratio(record.wall, series[other].wall) for other in
                                                         ("floor", "cold", "ps", "lsns", "findmnt")),
                         ratio(series["alone"].wall, record.wall),
                         *(ratio(record.cpu, series[other].cpu) for other in ("floor", "ps"))))
            kept = phase["comparing"] + phase["writing"]
            phase_rows.append((name, *(f"{phase[part]:.0f} ms" for part in ("reading", "comparing", "writing")),
                               ratio(kept, phase["reading"])))
            memory_rows.append((name, *(f"{series[other].peak / 1024:.1f} MB" for other in
                                        ("record", "floor", "ps", "lsns", "findmnt"))))
        return "\n\n".join([
            "### Time of `record` against others\n\nSteady state: the host is in the database already. The other "
            "columns are how many times as long as each of them it took; the last two, of processor time. *One processor* "
            "is how many times as long it took when all its threads had to share one.",
            table(("world", "`record`", "floor", "cold file", "`ps`", "`lsns`", "`findmnt`", "one processor",
                   "CPU: floor", "CPU: `ps`"), rows),
            "### By phase",
            table(("world", "reading", "comparing", "writing", "the last two, to reading"), phase_rows),
            "### Peak memory",
            table(("world", "`record`", "floor", "`ps`", "`lsns`", "`findmnt`"), memory_rows)])

    def _fit(self, what, sizes, words_of, unit):
        points = []
        for size in sizes:
            remove_database(self.database)
            with world(*words_of(size)):
                record_once(self.database)
                series = interleaved({"record": recorder(self.database)}, self.rounds)
                points.append((size, series["record"].wall))
        slope, constant, deviation = line_through(points)
        return (what, ", ".join(f"{size:,}: {wall:.0f}" for size, wall in points),
                f"{slope * 1000:.1f} µs {unit}", f"{constant:.0f} ms", f"{deviation:.0%}")

    def fits(self):
        """Time against size."""
        def sizes(*all_sizes):
            return all_sizes[:3] if self.quick else all_sizes
        rows = [self._fit("processes", sizes(300, 1500, 3000, 6000, 12000), lambda n: ("processes", n), "each"),
                self._fit("threads of one process", sizes(500, 1000, 2000, 4000), lambda n: ("threads", n), "each"),
                self._fit("mounts of one namespace", sizes(1000, 2500, 5000, 10000), lambda n: ("mounts", n),
                          "each"),
                self._fit("descriptors of 300 processes", sizes(10, 25, 50, 100),
                          lambda n: ("descriptors", 300, n), "for one more in each")]
        return "### Growth\n\n" + table(("of", "milliseconds", "slope", "constant", "farthest from the line"), rows)
