# SPDX-License-Identifier: Apache-2.0
"""What reaches a terminal: no captured control character, colours only where they belong, tables that
fit; and what happens when nobody takes the output."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import MOUNTS, SmallHost
from support import NSLAPSE, SANITIZER_REPORT, TestCase

# Escape, BEL, carriage return, DEL, CSI as one C1 character, line separator, right-to-left override.
HOSTILE = "a\x1b[31m\x07\r\x7f\x9b2J\u2028\u202eb"
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
COLOR = "\x1b["


def on_terminal(*arguments, columns=80, environment=None, during=None):
    """Runs nslapse on a terminal of its own; what it wrote there, and its exit code."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "", **(environment or {})}
    del environment["COLUMNS"]
    process = subprocess.Popen([NSLAPSE, *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave,
                               env=environment)
    os.close(slave)
    if during:
        during(process)
    output = b""
    with contextlib.suppress(OSError):  # EIO when the last writer has closed the other side
        while block := os.read(master, 65536):
            output += block
    os.close(master)
    code = process.wait()
    if code == SANITIZER_REPORT:
        raise AssertionError(output.decode(errors="replace"))
    return output.decode(errors="replace").replace("\r\n", "\n"), code


class Terminal(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")

    def record(self, *arguments):
        return self.database.run("--root", self.host.folder, "record", *arguments)

    def on_terminal(self, *arguments, **keywords):
        return on_terminal("--db", self.database.path, *arguments, **keywords)[0]


class HostileNames(Terminal):
    def setUp(self):
        super().setUp()
        self.record("-q", "--label", "before")
        octal = "".join(f"\\{byte:03o}" for byte in HOSTILE.encode())
        self.host = SmallHost(self.host.folder, name=HOSTILE)
        self.host.process(812, HOSTILE[:8], cmdline=[HOSTILE, b"\xff\xfe"], cgroup=f"/{HOSTILE}", net=4026532000,
                          mounts=MOUNTS + f"30 21 0:30 / /mnt/{octal} rw - tmpfs {octal} rw\n",
                          threads=[(813, HOSTILE[:8])], mnt=4026532001)
        self.host.cgroup(f"/{HOSTILE}")
        self.host.write("proc/900", "")

    def test_no_command_passes_them_on(self):
        outputs = [self.record("--label", f"x{HOSTILE}", "--note", HOSTILE), self.record("-v")]
        for arguments in (["log"], ["log", "-v"], ["log", "--json"], ["diff", "before"],
                          ["diff", "before", "--stat"], ["diff", "before", "--json"],
                          ["show", "pid:812"], ["show", "pid:812", "--json"], ["show", "mount:/"],
                          ["show", f"mount:/mnt/{HOSTILE}"], ["show", "net:4026532000"], ["verify"],
                          ["export", "--format", "json"], ["export", "--format", "dot"],
                          ["export", "before..latest", "--format", "dot"],
                          ["export", "--format", "dot", "--graph", "processes"],
                          ["export", "--format", "dot", "--graph", "mounts"]):
            outputs.append(self.database.run(*arguments))
        for kind in ("namespaces", "processes", "threads", "mounts", "cgroups", "discrepancies", "gaps"):
            outputs.append(self.database.run("list", kind, "-o", "all"))
            outputs.append(self.database.run("list", kind, "--json"))
            if kind not in ("threads", "discrepancies", "gaps"):
                outputs.append(self.database.run("list", kind, "--tree"))
        for done in outputs:
            with self.subTest(command=done.args):
                self.assertNotRegex(done.stdout, STEERING)
                self.assertNotRegex(done.stderr, STEERING)

    def test_what_was_typed_is_not_passed_on_either(self):
        for arguments in ([HOSTILE], ["list", HOSTILE], ["list", "gaps", HOSTILE], ["show", f"mount:{HOSTILE}"],
                          ["show", HOSTILE], ["log", f"--{HOSTILE}"], ["export", "--format", HOSTILE],
                          ["record", "--without", HOSTILE], ["help", HOSTILE], ["log", "-n", HOSTILE]):
            done = self.database.run(*arguments, expect=2)
            self.assertNotRegex(done.stderr, STEERING)
            self.assertIn("\\u{1B}[31m", done.stderr)
        for done in (self.database.run("--root", self.folder / HOSTILE, "record", expect=13),
                     self.database.run("--db", self.folder / HOSTILE, "log", expect=10)):
            self.assertNotRegex(done.stderr, STEERING)

    def test_they_can_be_told_from_each_other(self):
        self.record("-q")
        shown = self.database.run("list", "processes", "-o", "cmdline").stdout
        self.assertIn(r"'a\u{1B}[31m\u{7}\u{D}\u{7F}\u{9B}2J\u{2028}\u{202E}b' '\xFF\xFE'", shown)


class Colors(Terminal):
    def setUp(self):
        super().setUp()
        self.record("-q")
        self.host.process(812, "web")
        self.record("-q")

    def test_only_a_terminal_has_them(self):
        self.assertIn(COLOR, self.on_terminal("diff"))
        self.assertIn(COLOR, self.on_terminal("list", "processes"))
        self.assertIn(COLOR, self.on_terminal("--help"))
        self.assertNotIn(COLOR, self.database.run("diff").stdout)

    def test_they_can_be_refused_and_asked_for(self):
        self.assertNotIn(COLOR, self.on_terminal("diff", "--color", "never"))
        self.assertNotIn(COLOR, self.on_terminal("diff", environment={"NO_COLOR": "1"}))
        self.assertNotIn(COLOR, self.on_terminal("diff", environment={"TERM": "dumb"}))
        self.assertIn(COLOR, self.on_terminal("diff", environment={"NO_COLOR": ""}))
        self.assertIn(COLOR, self.on_terminal("diff", "--color", "always", environment={"NO_COLOR": "1"}))
        self.assertIn(COLOR, self.database.run("diff", "--color", "always").stdout)

    def test_they_change_nothing_else(self):
        for arguments in (["diff"], ["list", "processes", "--tree"], ["log"], ["show", "pid:812"]):
            colored = self.database.run(*arguments, "--color", "always").stdout
            self.assertEqual(self.database.run(*arguments).stdout, re.sub(r"\x1b\[[0-9;]*m", "", colored))


class Width(Terminal):
    def test_a_table_fits_the_terminal(self):
        self.host.process(812, "web", cmdline=["/usr/bin/web", *["--option"] * 100])
        self.record("-q", "--note", "n" * 300)
        for columns in (80, 120):
            for arguments in (["list", "processes"], ["list", "processes", "--tree"],
                              ["list", "mounts"], *([["log"]] if columns > 80 else [])):
                text = self.on_terminal(*arguments, "--color", "never", columns=columns)
                self.assertLessEqual(max(map(len, text.splitlines())), columns, arguments)
        self.assertIn("/usr/bin/web", self.on_terminal("list", "processes", "--color", "never"))

    def test_doctor_leaves_nothing_out_on_a_narrow_one(self):
        """Why something isn't there stands at the end of its line."""
        text = self.on_terminal("doctor", "--color", "never", columns=60)
        self.assertLessEqual(max(map(len, text.splitlines())), 60)
        shown = "".join(line[35:].ljust(60 - 35) for line in text.splitlines())
        for feature in json.loads(self.database.run("doctor", "--json").stdout)["features"]:
            self.assertIn(feature["detail"], shown)

    def test_names_stay_whole_where_they_can(self):
        self.host.process(812, "fifteen-letters", cmdline=["/usr/bin/web", *["--option"] * 100])
        self.record("-q")
        self.assertIn(" fifteen-letters ", self.on_terminal("list", "processes", "--color", "never"))

    def test_random_ids_of_containers_are_short(self):
        outer, inner = "5b9417" * 10 + "0123", "c3d208" * 10 + "0123"
        self.record("-q")
        self.host.process(812, "web", cgroup=f"/docker/{outer}")
        self.host.process(813, "inner", cgroup=f"/docker/{outer}/lxc/shop/docker/{inner}")
        self.host.process(814, "name", cgroup=f"/lxc/{outer}-not-random")
        self.record("-q")
        short = "docker:5b94175b9417/shop/c3d208c3d208"
        whole = f"docker:{outer}/shop/{inner}"
        for arguments in (["list", "containers", "-o", "engine,engine_id,outer"], ["diff", "--kind", "containers"],
                          ["list", "processes", "-o", "container"]):
            text = self.on_terminal(*arguments, "--color", "never", columns=250)
            self.assertIn(short.split(":")[1], text)
            self.assertNotIn(inner, text)
            self.assertIn(f"{outer}-not-random", text)
            text = self.database.run(*arguments).stdout
            self.assertIn(whole.split(":")[1], text)
            self.assertNotIn("5b94175b9417/", text)
        # What was shown can be asked for.
        for name in (short, short.split(":")[1], "c3d208c3d208", whole):
            thing, = json.loads(self.database.run("show", f"container:{name}", "--json").stdout)
            self.assertEqual(f"container:{whole}", thing["key"])


class Locales(Terminal):
    def setUp(self):
        super().setUp()
        self.host.process(812, "wöb日本", cmdline=["日本語"])
        self.record("-q")

    def test_a_pipe_gets_the_same_in_all(self):
        for arguments in (["list", "processes", "--tree"], ["show", "pid:812"], ["log"]):
            outputs = {self.database.run(*arguments, environment={"LC_ALL": locale}).stdout
                       for locale in ("C.UTF-8", "C", "POSIX", "xx_XX.nowhere")}
            self.assertEqual(1, len(outputs), arguments)

    def test_a_terminal_without_utf8_gets_ascii(self):
        for arguments in (["list", "processes", "--tree"], ["show", "pid:812"], ["diff", "1", "1"]):
            text = self.on_terminal(*arguments, environment={"LC_ALL": "C"})
            self.assertTrue(text.isascii(), text)
        self.assertIn("w\\u{F6}b\\u{65E5}\\u{672C}", text := self.on_terminal(
            "show", "pid:812", environment={"LC_ALL": "C"}), text)

    def test_wide_characters_take_their_place(self):
        text = self.database.run("list", "processes", "-o", "comm,pid").stdout
        self.assertEqual("COMM    PID\ninit      1\nwöb日本 812\n", text)


class Progress(Terminal):
    ATTEMPTS = 20

    def hold_for_a_second(self, process, seconds):
        """Stops the recorder when it has the database to itself, and a little more time has passed."""
        with contextlib.closing(sqlite3.connect(self.database.path, timeout=0, isolation_level=None)) as other:
            while process.poll() is None:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    break
                other.execute("ROLLBACK")
        time.sleep(seconds)
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.1)
        process.send_signal(signal.SIGCONT)

    def test_it_shows_itself_after_a_second_and_goes_away(self):
        self.record("-q")
        mounts = "".join(f"{number} 21 0:50 / /mnt/{number} rw - tmpfs tmpfs rw\n"
                         for number in range(100, 10100))
        for number in range(100, 103):
            self.host.process(number, "many", mounts=MOUNTS + mounts, mnt=4026532000 + number)
        for attempt in range(self.ATTEMPTS):
            text = self.on_terminal("--root", self.host.folder, "record",
                                    during=lambda process: self.hold_for_a_second(process, 0.01 * attempt))
            lines = text.split("\r\x1b[K")
            if len(lines) > 1:
                break
        self.assertGreater(len(lines), 1, "there was no progress to be seen")
        self.assertTrue(all(lines[1:-1]))
        self.assertTrue(lines[-1].startswith("snapshot "), text)

    def test_a_quick_recording_has_none(self):
        text = self.on_terminal("--root", self.host.folder, "record")
        self.assertTrue(text.startswith("snapshot 1 of small "), text)


class NobodyListens(Terminal):
    COMMANDS = (["log"], ["log", "--json"], ["list", "processes"], ["list", "processes", "--json"],
                ["list", "processes", "--tree"], ["show", "pid:1"], ["diff"], ["diff", "--json"],
                ["export", "--format", "json"], ["export", "--format", "dot"], ["doctor"], ["--help"],
                ["record", "--help"], ["help", "processes"], ["completion"], ["verify"], ["--version"])

    def setUp(self):
        super().setUp()
        self.record("-q")
        for pid in range(100, 130):
            self.host.process(pid, f"p{pid}", cmdline=["x" * 5000])
        self.record("-q")

    def run_with(self, arguments, **keywords):
        done = subprocess.run([NSLAPSE, "--db", self.database.path, *arguments], stderr=subprocess.PIPE,
                              text=True, check=False, **keywords)
        self.assertNotEqual(SANITIZER_REPORT, done.returncode, done.stderr)
        return done

    def test_a_closed_pipe_ends_quietly(self):
        for arguments in self.COMMANDS:
            with self.subTest(arguments=arguments):
                reader, writer = os.pipe()
                os.close(reader)
                done = self.run_with(arguments, stdout=writer)
                os.close(writer)
                self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_a_closed_pipe_keeps_what_diff_found(self):
        reader, writer = os.pipe()
        os.close(reader)
        done = self.run_with(["diff", "--exit-code"], stdout=writer)
        os.close(writer)
        self.assertEqual((1, ""), (done.returncode, done.stderr))

    def test_a_full_disk_is_an_error(self):
        for arguments in self.COMMANDS:
            with self.subTest(arguments=arguments), open("/dev/full", "wb") as full:
                done = self.run_with(arguments, stdout=full)
                self.assertEqual(13, done.returncode, done.stderr)
                self.assertIn("No space left on device", done.stderr)
                self.assertEqual(1, done.stderr.count("\n"), done.stderr)

    def test_a_closed_standard_output_is_an_error(self):
        for arguments in self.COMMANDS[:4]:
            with self.subTest(arguments=arguments):
                done = self.run_with(arguments, preexec_fn=lambda: os.close(1))
                self.assertEqual(13, done.returncode, done.stderr)

    def test_closed_streams_do_not_end_up_in_the_database(self):
        def close_all():
            for number in range(3):
                os.close(number)
        subprocess.run([NSLAPSE, "--db", self.database.path, "--root", self.host.folder, "record", "-v"],
                       preexec_fn=close_all, check=False)
        self.database.run("verify")
        self.assertEqual(3, self.database.snapshots()[0]["id"])

    def test_a_snapshot_is_stored_though_nobody_listens(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.run_with(["--root", self.host.folder, "record"], stdout=writer)
        os.close(writer)
        self.assertEqual(3, self.database.snapshots()[0]["id"])
