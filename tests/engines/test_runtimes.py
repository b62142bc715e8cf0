# SPDX-License-Identifier: Apache-2.0
"""runc and crun by themselves, without anyone who manages their containers."""

import contextlib
import io
import json
import os
import pathlib
import pty
import shutil
import subprocess
import tarfile
import unittest

import busybox_image
from support import EngineTestCase, needs_root, wait_until

# crun wants cgroups of one version alone: it gets a mount namespace that has no more.
ONE_VERSION = "! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified; exec \"$@\""


class Runtimes:
    """The tests of one runtime; the subclasses say which one."""

    runtime = None
    prefix = []

    def setUp(self):
        super().setUp()
        self.program = shutil.which(self.runtime, path="/usr/sbin:/usr/bin:/sbin:/bin")
        if not self.program:
            raise unittest.SkipTest(f"{self.runtime} is not installed")
        self.bundles = 0

    def call(self, *arguments, check=True):
        with open(self.folder / "log", "w+b") as log:
            code = subprocess.run([*self.prefix, self.program, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log, check=False).returncode
        output = (self.folder / "log").read_text()
        if check and code:
            raise AssertionError(f"{self.runtime} {arguments} ended with {code}: {output}")
        return output

    def bundle(self, *command, without=(), mounts=(), terminal=False):
        """A new bundle of a busybox, with all namespaces but those left out."""
        self.bundles += 1
        folder = self.folder / f"bundle-{self.bundles}"
        with tarfile.open(fileobj=io.BytesIO(busybox_image.root_tar())) as archive:
            archive.extractall(folder / "rootfs")
        self.call("spec", "--bundle" if self.runtime == "runc" else "-b", folder)
        spec = json.loads((folder / "config.json").read_text())
        spec["process"] |= {"terminal": terminal, "args": list(command), "env": ["PATH=/bin", "SECRET=hunter2"]}
        spec["process"].pop("rlimits", None)
        spec["annotations"] = {"purpose": "test"}
        spec["mounts"] += mounts
        spec["linux"]["namespaces"] = [namespace for namespace in spec["linux"]["namespaces"]
                                       if namespace["type"] not in without]
        (folder / "config.json").write_text(json.dumps(spec))
        return folder

    def name(self, name):
        """A name of this test's alone, that is cleaned up whatever happens."""
        name = f"{self.folder.name}-{name}"
        self.addCleanup(self.call, "delete", "-f", name, check=False)
        return name

    def own(self):
        return {container["name"]: container for container in self.database.export()["containers"]
                if container["engine"] == self.runtime and container["name"].startswith(self.folder.name)}

    def test_states(self):
        names = {state: self.name(state) for state in ("running", "paused", "created", "stopped")}
        mount = {"type": "bind", "source": str(self.folder), "destination": "/host", "options": ["rbind", "ro"]}
        bundle = self.bundle("sleep", "1000", mounts=[mount])
        for state, name in names.items():
            self.call("create" if state == "created" else "run", *([] if state == "created" else ["-d"]),
                      "--bundle", bundle, name)
        self.call("pause", names["paused"])
        pid = json.loads(self.call("state", names["stopped"]))["pid"]
        self.call("kill", names["stopped"], "KILL")
        wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the container ends")
        self.database.record()
        containers = self.own()
        self.assertEqual({name: state for state, name in names.items()},
                         {name: container["state"] for name, container in containers.items()})
        running = containers[names["running"]]
        expected = {"id": names["running"], "tier": "files", "instance": f"/run/{self.runtime}",
                    "runtime": self.runtime, "command": ["sleep", "1000"], "annotations": {"purpose": "test"},
                    "environment_names": ["PATH", "SECRET"],
                    "mounts": [{"type": "bind", "source": str(self.folder), "target": "/host", "read_only": True}]}
        self.assertEqual(expected, {name: running[name] for name in expected})
        self.assertIn("user", running["host_namespaces"])
        self.assertNotIn("pid", running["host_namespaces"])
        self.assertIn("CAP_KILL", running["added_capabilities"])
        self.assertEqual([running["pid"]], running["pids"])
        self.assertEqual((None, []), tuple(containers[names["stopped"]][name] for name in ("pid", "pids")))
        self.assertNotEqual([], containers[names["created"]]["pids"])
        for path in self.folder.glob("test.db*"):
            self.assertNotIn(b"hunter2", path.read_bytes())
        self.database.record()
        self.assertEqual([], self.database.diff().changes("containers", engine=self.runtime))

    def test_processes_without_namespaces_of_their_own(self):
        name = self.name("hostly")
        self.call("run", "-d", "--bundle", self.bundle("sh", "-c", "sleep 1001 & exec sleep 1000", without=["pid"]), name)
        self.database.record()
        container, export = self.own()[name], self.database.export()
        self.assertIn("pid", container["host_namespaces"])
        self.assertEqual(["1000", "1001"], sorted(export.process(pid)["cmdline"][1] for pid in container["pids"]))

    def test_moved_root(self):
        """It is known by the runtime that stays, and remembered when that is gone."""
        root, name = self.folder / "root", f"{self.folder.name}-moved"
        self.addCleanup(self.call, "--root", root, "delete", "-f", name, check=False)
        main, other = pty.openpty()
        bundle = self.bundle("sleep", "1000", terminal=True)
        command = [*self.prefix, self.program, "--root", root, "run", "--bundle", bundle, name]
        with subprocess.Popen([str(word) for word in command], stdin=other, stdout=other, stderr=other,
                              start_new_session=True) as process:
            os.close(other)
            with contextlib.ExitStack() as stack:
                stack.callback(process.kill)
                wait_until(lambda: json.loads(self.call("--root", root, "state", name, check=False) or "{}")
                           .get("status") == "running" if (root / name).exists() else False, "the container runs")
                self.database.record()
                moved = self.own()[name]
                self.assertEqual((f"{root}/{name}", str(root), "running"),
                                 tuple(moved[column] for column in ("id", "instance", "state")))
                self.assertEqual([moved["pid"]], moved["pids"])
        os.close(main)
        self.call("--root", root, "kill", name, "KILL", check=False)
        wait_until(lambda: not pathlib.Path(f"/proc/{moved['pid']}").exists(), "the container ends")
        self.database.record()
        if (root / name).exists():
            self.assertEqual((f"{root}/{name}", "stopped"), tuple(self.own()[name][column] for column in ("id", "state")))
        self.call("--root", root, "delete", "-f", name, check=False)
        self.database.record()
        self.assertEqual({}, self.own())


@needs_root
class Runc(Runtimes, EngineTestCase):
    runtime = "runc"


@needs_root
class Crun(Runtimes, EngineTestCase):
    runtime = "crun"
    prefix = ["unshare", "-m", "sh", "-c", ONE_VERSION, "sh"]


if __name__ == "__main__":
    unittest.main()
