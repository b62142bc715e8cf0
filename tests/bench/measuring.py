# SPDX-License-Identifier: Apache-2.0
"""What tools/bench measures with: contenders that take turns, so that whatever else the machine does hits all of
them alike, and medians of them. Only ratios of medians of one run mean something."""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = SOURCE / "build/release"
NSLAPSE = BUILD / "cli/nslapse"
PS = ("ps", "-eo", "pid,ppid,uid,lstart,cgroup,args")


def tool(name):
    return BUILD / "tests/bench" / f"bench-{name}"


def output(*command):
    """What a command prints, as text."""
    return subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout


class Failure(Exception):
    """A contender failed: then its time says nothing."""


class Series:
    """What was measured of one contender."""

    def __init__(self, runs):
        self.runs = runs

    def _median(self, key):
        return statistics.median(run[key] for run in self.runs)

    @property
    def wall(self):
        """Milliseconds, the median."""
        return self._median("wall_us") / 1000

    @property
    def cpu(self):
        return statistics.median(run["user_us"] + run["system_us"] for run in self.runs) / 1000

    @property
    def peak(self):
        """Kilobytes, the largest."""
        return max(run["peak_kb"] for run in self.runs)


def once(command):
    run = json.loads(output(tool("measure"), *command))
    if run["exit"] != 0:
        raise Failure(f"{' '.join(map(str, command))}: exit {run['exit']}")
    return run


def interleaved(contenders, rounds, before=None):
    """{name: command} in turns, the first round not counted; {name: Series}. `before` is called before each."""
    runs = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, command in contenders.items():
            if before:
                before(name)
            run = once(command)
            if number:
                runs[name].append(run)
    return {name: Series(of_it) for name, of_it in runs.items()}


def remove_database(path):
    for end in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{path}{end}")


@contextlib.contextmanager
def world(*words):
    """The helper's world, held as long as the block lasts."""
    with subprocess.Popen([tool("world"), *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as maker:
        try:
            if not maker.stdout.readline():
                raise Failure(f"the world '{' '.join(map(str, words))}' cannot be made here")
            yield
        finally:
            maker.stdin.close()
            maker.wait()


def line_through(points):
    """(slope, constant, largest deviation as a part of the largest value) of the least squares' line."""
    slope, constant = statistics.linear_regression(*zip(*points))
    largest = max(y for _, y in points)
    return slope, constant, max(abs(y - slope * x - constant) for x, y in points) / largest


def table(head, rows):
    """A table of Markdown, numbers to the right."""
    def line(cells):
        return "| " + " | ".join(map(str, cells)) + " |"
    return "\n".join([line(head), "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|", *map(line, rows)])


def ratio(one, other):
    return f"{one / other:.2f}"
