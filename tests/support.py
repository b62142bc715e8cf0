# SPDX-License-Identifier: Apache-2.0
"""What the tests from outside share: running nslapse, situations, databases, and reading exports."""

import contextlib
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("NSLAPSE_SOURCE", pathlib.Path(__file__).parents[1]))
NSLAPSE = os.environ.get("NSLAPSE", str(SOURCE / "build/debug/cli/nslapse"))
HELPERS = pathlib.Path(os.environ.get("NSLAPSE_TEST_HELPERS", SOURCE / "build/debug/tests/helpers"))
SANITIZED = os.environ.get("NSLAPSE_SANITIZE") == "1"

UNSUPPORTED = 77  # exit code of the helpers where the kernel or the privileges don't allow it
SANITIZER_REPORT = 99  # exit code of a program that a sanitizer has ended, see tests/CMakeLists.txt


class Failure(AssertionError):
    """A program did not end as it should have."""


def nslapse(*arguments, database=None, expect=0, prefix=(), environment=None, timeout=120, program=NSLAPSE):
    """Runs nslapse and returns what subprocess.run() does, its output as text. `expect` is its exit
    code, None for any; `prefix` the command line before it, such as nsenter's."""
    options = ["--db", str(database)] if database else []
    command = [*map(str, prefix), str(program), *options, *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                          errors="surrogateescape", env={**os.environ, **(environment or {})}, check=False)
    if done.returncode == SANITIZER_REPORT or (expect is not None and done.returncode != expect):
        raise Failure(f"{' '.join(command)}\nexit {done.returncode} instead of {expect}\n"
                      f"{done.stdout[-4000:]}\n{done.stderr[-8000:]}")
    return done


def wait_until(condition, what):
    """Up to a minute, in which the condition is asked again and again."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"waited in vain: {what}")


def need_programs(*names, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
    """Skips the test where one of them is not installed."""
    for name in names:
        if not shutil.which(name, path=path):
            raise unittest.SkipTest(f"{name} is not installed")


class Situation:
    """A named situation of the helper, held as long as the `with` block lasts."""

    def __init__(self, name, prefix=(), helper=HELPERS / "situation"):
        self.process = subprocess.Popen([*prefix, helper, name], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.name = name
        self.facts = None
        self.told = False  # how it failed
        self._read_facts()

    def _read_facts(self):
        line = self.process.stdout.readline()
        if line:
            self.facts = json.loads(line)
            return
        code = self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.told = True
        if code == UNSUPPORTED:
            raise unittest.SkipTest(f"situation {self.name} cannot be made here")
        raise Failure(f"situation {self.name} ended with {code}")

    def __getitem__(self, fact):
        return self.facts[fact]

    def advance(self):
        """Takes the situation's next step; its facts are those after it."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self._read_facts()

    def release(self):
        """Ends it; when this returns, nothing of it is left."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
            self.process.stdout.close()
        if self.process.wait(timeout=60) != 0 and not self.told:
            raise Failure(f"situation {self.name} ended with {self.process.returncode}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()


class Database:
    """A database of its own, and what stands in it."""

    def __init__(self, path, prefix=(), program=NSLAPSE, engine_timeout=None):
        self.path = pathlib.Path(path)
        self.prefix = prefix  # before every command line
        self.program = program
        self.record_options = ["--engine-timeout", engine_timeout] if engine_timeout else []

    def run(self, *arguments, prefix=(), **keywords):
        return nslapse(*arguments, database=self.path, program=self.program, prefix=[*self.prefix, *prefix],
                       **keywords)

    def record(self, *arguments, **keywords):
        """Takes a snapshot and returns its description."""
        return json.loads(self.run("record", "--json", *self.record_options, *arguments, **keywords).stdout)

    def evidence(self, entity):
        """What was kept of a thing as evidence."""
        return self.run("show", entity, "--evidence").stdout

    def snapshots(self):
        """The descriptions of all snapshots, newest first."""
        answer = json.loads(self.run("log", "--json").stdout)
        return answer["snapshots"] if isinstance(answer, dict) else answer

    def export(self, revision="latest"):
        return Export(json.loads(self.run("export", revision, "--format", "json").stdout))

    def diff(self, before="latest~1", after="latest"):
        return Difference(json.loads(self.run("diff", before, after, "--json").stdout))


class Export:
    """An exported snapshot (format nslapse/1)."""

    def __init__(self, document):
        self.document = document

    def __getitem__(self, kind):
        return self.document[kind]

    def one(self, kind, **fields):
        """The only record of `kind` with these fields."""
        found = self.all(kind, **fields)
        if len(found) != 1:
            raise Failure(f"{len(found)} instead of 1 of {kind} with {fields}: {found}")
        return found[0]

    def all(self, kind, **fields):
        return [record for record in self.document[kind]
                if all(record.get(name) == value for name, value in fields.items())]

    def process(self, pid):
        return self.one("processes", pid=pid)

    def namespace(self, kind, inode):
        return self.one("namespaces", type=kind, inode=inode)


class Difference:
    """The difference of two snapshots (format nslapse-diff/1)."""

    def __init__(self, document):
        self.document = document

    def changes(self, kind, op=None, **fields):
        """Changes of `kind` (its plural) whose record, after or else before, has these fields."""
        def fits(change):
            record = change["after"] or change["before"]
            return (change["kind"] in (kind, SINGULAR[kind]) and op in (None, change["op"])
                    and all(record.get(name) == value for name, value in fields.items()))
        return [change for change in self.document["changes"] if fits(change)]

    def ops(self, kind, **fields):
        return sorted(change["op"] for change in self.changes(kind, **fields))

    def ops_of(self, namespace):
        """Of a namespace that an export had. Its inode number may be another's by now, its id never."""
        return self.ops("namespaces", **{name: namespace[name] for name in ("type", "inode", "id")})


SINGULAR = {"namespaces": "namespace", "processes": "process", "threads": "thread", "mounts": "mount",
            "containers": "container", "cgroups": "cgroup",
            "discrepancies": "discrepancy", "gaps": "gap"}


def text_of(captured):
    """Captured bytes as the JSON contract writes them: a byte that is no UTF-8 and NUL as \\xHH, a
    backslash as two. Written on its own, not after the program's code."""
    text = captured.decode("utf-8", errors="surrogateescape").replace("\\", "\\\\")
    return re.sub("[\0\udc80-\udcff]", lambda match: f"\\x{ord(match[0]) & 0xFF:02X}", text)


def text_of_hex(digits):
    """The same for a fact of a situation whose name ends with _hex."""
    return text_of(bytes.fromhex(digits))


@functools.lru_cache
def features():
    """What this kernel and these privileges allow, by name, as `nslapse doctor` tells it."""
    doctor = json.loads(nslapse("doctor", "--json").stdout)
    return {feature["name"]: feature["available"] for feature in doctor["features"]}


def needs_root(test):
    return unittest.skipUnless(os.geteuid() == 0, "needs root")(test)


@functools.lru_cache
def is_chrooted():
    """Whether our root is not the root of our mount namespace: paths of mounts are then not ours. The
    kernel tells by letting nobody there make a user namespace."""
    return os.geteuid() == 0 and subprocess.run(["unshare", "--user", "true"], capture_output=True,
                                                check=False).returncode != 0


def needs_whole_root(test):
    return unittest.skipIf(is_chrooted(), "in a chroot, or user namespaces are not allowed")(test)


class TestCase(unittest.TestCase):
    """A test with a database of its own, self.database, in a folder of its own, self.folder."""

    longMessage = True
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nslapse-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.database = self.make_database()

    def make_database(self):
        return Database(self.folder / "test.db")

    def tearDown(self):
        """Whatever a test does, the seals of its database hold."""
        if self.database.path.exists():
            self.database.run("verify")

    def assert_mounts(self, lines, mounts):
        """These are the recorded mounts of the lines of a mountinfo."""
        self.assertEqual(sorted((line.id, line.parent, text_of(line.target), line.device) for line in lines),
                         sorted((mount["id"], mount["parent"], mount["target"], mount["device"])
                                for mount in mounts))

    def make_situation(self, name):
        return Situation(name)

    def situation(self, name):
        """A situation that is held until the end of the test, or its release()."""
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        return stack.enter_context(self.make_situation(name))

    def assert_gone_after_release(self, situation, kind, **fields):
        """The negative of what the last snapshot has shown: once the situation is released, the
        difference to the next snapshot says that the thing was removed."""
        thing = self.database.export().one(kind, **fields)
        if thing.get("id"):
            fields["id"] = thing["id"]  # its number may have gone to another one at once
        situation.release()
        self.database.record()
        self.assertEqual(["removed"], self.database.diff().ops(kind, **fields), (kind, fields))


class EngineTestCase(TestCase):
    """Engines that answer have time to, also on a busy machine."""

    def make_database(self):
        return self.other_database("test.db")

    def other_database(self, name):
        return Database(self.folder / name, engine_timeout=60)
