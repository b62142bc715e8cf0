# SPDX-License-Identifier: Apache-2.0
"""What runs Flatpak's applications, the real bubblewrap, with what Flatpak puts into their roots; and what an
image of Apptainer has in it, below a process that is called as its own."""

import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import unittest

import busybox_image
from support import EngineTestCase, need_programs, needs_root, wait_until

INFO = """[Application]
name=org.example.Maps

[Instance]
instance-id={instance}
branch=stable
"""


@needs_root
class LightContainersTest(EngineTestCase):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "root"
        for path, content in busybox_image.root_files().items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(content)
            (self.root / path).chmod(0o755)

    def start(self, *command):
        """Returns its number, and that of the process below it that sleeps, when it does."""
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        sleepers = []

        def end():
            for pid in sleepers:
                os.kill(pid, signal.SIGKILL)
            process.kill()
            process.wait(timeout=60)
        self.addCleanup(end)
        wait_until(lambda: sleepers.extend(self.sleepers(process.pid)) or sleepers, "it sleeps")
        return process.pid, sleepers[0]

    def sleepers(self, pid):
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        sleeps = [pid] if pathlib.Path(f"/proc/{pid}/comm").read_text() == "sleep\n" else []
        return sleeps + [found for child in children for found in self.sleepers(int(child))]

    def test_bubblewrap(self):
        """One with a description in its root is Flatpak's, another one is nobody's."""
        need_programs("bwrap")
        instance = str(secrets.randbits(32))
        (self.root / ".flatpak-info").write_text(INFO.format(instance=instance))
        bwrap = ["bwrap", "--unshare-pid", "--bind"]
        outside, inside = self.start(*bwrap, self.root, "/", "/bin/sleep", "1000")
        (self.folder / "plain").mkdir()
        _, plain = self.start(*bwrap, "/", "/", "sleep", "1000")
        self.database.record()
        export = self.database.export()
        container = export.one("containers", engine="flatpak", id=instance)
        self.assertEqual(("org.example.Maps", "running", "files"),
                         (container["name"], container["state"], container["tier"]))
        self.assertIn(inside, container["pids"])
        self.assertNotIn(outside, container["pids"])
        self.assertIsNone(export.process(plain)["container"])

    def test_image_of_apptainer(self):
        """It has mounts of its own, but the host's processes."""
        mark = secrets.token_hex(4)
        (self.root / ".singularity.d").mkdir()
        (self.root / "dev").mkdir()
        (self.root / "dev/null").touch()  # of which a shell makes a standard input
        (self.root / ".singularity.d/runscript").write_text("#!/bin/sh\n")
        (self.root / ".singularity.d/labels.json").write_text(f'{{"mark": "{mark}"}}')
        starter = self.folder / "starter"
        shutil.copy(os.path.realpath(shutil.which("sh")), starter)
        keep = [starter, "-c", 'unshare --mount "$@" & wait', "starter"]
        outside, inside = self.start(*keep, "chroot", self.root, "/bin/sh", "-c", "sleep 1000 & exec sleep 1001")
        wait_until(lambda: len(self.sleepers(outside)) == 2, "both of them sleep")
        both = set(self.sleepers(outside))
        self.addCleanup(lambda: [os.kill(pid, signal.SIGKILL) for pid in both - {inside}])
        _, other = self.start(*keep, "sleep", "1000")
        self.database.record()
        export = self.database.export()
        container, = (container for container in export["containers"] if container["labels"] == {"mark": mark})
        self.assertEqual(("apptainer", "running", both),
                         (container["engine"], container["state"], set(container["pids"])))
        self.assertIsNone(export.process(outside)["container"])
        self.assertIsNone(export.process(other)["container"])
        self.assertIsNone(export.process(os.getpid())["container"])


if __name__ == "__main__":
    unittest.main()
