# SPDX-License-Identifier: Apache-2.0
"""The real systemd-nspawn, without machined: with --register=no its containers are known by their processes alone."""

import contextlib
import os
import pathlib
import secrets
import signal
import subprocess
import unittest

import busybox_image
from support import EngineTestCase, need_programs, needs_root, wait_until

CGROUPS = [path for path in map(pathlib.Path, ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"))
           if (path / "cgroup.procs").exists()]


class Nspawn:
    """Containers, each in a control group of the test's own, in which systemd-nspawn makes others. `mark` is
    in the names of all of them, which no others have."""

    def __init__(self, folder, mark):
        need_programs("systemd-nspawn")
        self.folder = pathlib.Path(folder)
        self.mark = mark
        self.started = []
        self.cgroups = []

    def make(self, name):
        """A root with as much in it as systemd-nspawn wants."""
        root = self.folder / name
        for path, content in (busybox_image.root_files() | {"etc/os-release": b"ID=test\n"}).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
            (root / path).chmod(0o755)
        for path in ("usr", "proc", "sys", "dev", "run", "tmp", "var"):
            (root / path).mkdir()
        return root

    def start(self, *options, cgroup, script="sleep 1001 & exec sleep 1000", before=()):
        """Returns systemd-nspawn's number, when the container's processes are there."""
        cgroups = self.make_cgroup(cgroup)

        def enter():
            for path in cgroups:
                (path / "cgroup.procs").write_text(str(os.getpid()))

        process = subprocess.Popen([*before, "systemd-nspawn", "-q", "--register=no", "--keep-unit", *options,
                                    "/bin/sh", "-c", script], cwd=self.folder, preexec_fn=enter,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.started.append(process)
        wait_until(lambda: len(self.sleepers(process.pid)) == 2, "the container's processes are there")
        return process.pid

    def make_cgroup(self, name):
        """In each hierarchy."""
        paths = [root / name for root in CGROUPS]
        for path in paths:
            path.mkdir()
        self.cgroups += paths
        return paths

    def below(self, pid):
        """All that it has started."""
        with contextlib.suppress(OSError):
            children = map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            return [found for child in children for found in (child, *self.below(child))]
        return []

    def sleepers(self, nspawn):
        """The processes below it that sleep."""
        sleepers = []
        for pid in self.below(nspawn):
            with contextlib.suppress(OSError):
                if pathlib.Path(f"/proc/{pid}/comm").read_text() == "sleep\n":
                    sleepers.append(pid)
        return sleepers

    def stop(self, pid):
        """With all that it has started."""
        process, = (process for process in self.started if process.pid == pid)
        for sleeper in self.sleepers(pid):
            with contextlib.suppress(ProcessLookupError):  # with one of them all others end
                os.kill(sleeper, signal.SIGKILL)
        process.wait(timeout=60)
        self.started.remove(process)

    def close(self):
        for process in list(self.started):
            self.stop(process.pid)
        for cgroup in self.cgroups:
            for inner in (cgroup / "payload", cgroup / "supervisor", cgroup):
                if inner.exists():
                    wait_until(lambda: self._remove(inner), f"{inner} can be removed")
        # It leaves what it passes mounts through, where /run is no tmpfs.
        for left in pathlib.Path("/run/systemd/nspawn/propagate").glob(f"*{self.mark}*"):
            left.rmdir()

    @staticmethod
    def _remove(cgroup):
        with contextlib.suppress(OSError):
            cgroup.rmdir()
        return not cgroup.exists()


@needs_root
class NspawnTest(EngineTestCase):
    def setUp(self):
        super().setUp()
        # Other containers of the host are none of ours.
        self.mark = secrets.token_hex(4)
        self.nspawn = Nspawn(self.folder, self.mark)
        self.addCleanup(self.nspawn.close)

    def one(self, identity):
        return self.database.export().one("containers", engine="nspawn", id=identity)

    def assert_has(self, wanted, container):
        self.assertEqual(wanted, {name: container[name] for name in wanted})

    def assert_holds(self, nspawn, export, identity):
        """All of its processes, and systemd-nspawn isn't one."""
        container = export.one("containers", engine="nspawn", id=identity)
        self.assertLess(set(self.nspawn.sleepers(nspawn)), set(container["pids"]))
        self.assertEqual(3, len(container["pids"]), "what systemd-nspawn itself runs as process 1, too")
        self.assertIn(container["pid"], container["pids"])
        self.assertIsNone(export.process(nspawn)["container"])

    def test_with_no_name_in_its_cgroup(self):
        root = self.nspawn.make(f"root-{self.mark}")
        name = f"web-{self.mark}"
        pid = self.nspawn.start("-aD", root.name, "-M", name, "-ESECRET=hunter2", "--bind-ro=/usr:/mnt",
                                "--capability=CAP_SYS_PTRACE,CAP_SYS_TIME", cgroup=f"nslapse-{self.mark}")
        self.database.record()
        export = self.database.export()
        identity = f"{root}/{name}"
        container = export.one("containers", engine="nspawn", id=identity)
        self.assert_has({
            "name": name, "image": str(root), "tier": "files", "state": "running", "outer": None,
            "runtime": "systemd-nspawn", "command": ["/bin/sh", "-c", "sleep 1001 & exec sleep 1000"],
            "environment_names": ["SECRET"], "host_namespaces": ["net"], "privileged": False,
            "added_capabilities": ["CAP_SYS_PTRACE", "CAP_SYS_TIME"],
            "mounts": [{"type": "bind", "source": "/usr", "target": "/mnt", "read_only": True}]}, container)
        self.assert_holds(pid, export, identity)
        self.assertNotIn("hunter2", self.database.evidence(f"container:{identity}"))
        self.nspawn.stop(pid)
        self.database.record()
        self.assertEqual(["removed"], self.database.diff().ops("containers", id=identity))

    def test_in_a_unit(self):
        """As the unit systemd-nspawn@NAME.service has it, in whose cgroup it is itself."""
        root = self.nspawn.make(f"web-{self.mark}")
        pid = self.nspawn.start("--as-pid2", "--directory", root, "--private-network",
                                cgroup=f"systemd-nspawn@web\\x2d{self.mark}.service")
        self.database.record()
        export = self.database.export()
        self.assert_holds(pid, export, f"{root}/web-{self.mark}")
        self.assert_has({"name": f"web-{self.mark}", "host_namespaces": []}, self.one(f"{root}/web-{self.mark}"))
        self.assertEqual([], [container["id"] for container in export["containers"]
                              if container["tier"] == "cgroup" and self.mark in container["id"]])

    def test_in_one_cgroup_with_it(self):
        """As it leaves them with machined on v1."""
        root = self.nspawn.make(f"web-{self.mark}")
        pid = self.nspawn.start("-aD", root, cgroup=f"nslapse-{self.mark}")
        scope = self.nspawn.make_cgroup(f"machine-web\\x2d{self.mark}.scope")
        for member in (pid, *self.nspawn.below(pid)):
            for cgroup in scope:
                (cgroup / "cgroup.procs").write_text(str(member))
        self.database.record()
        export = self.database.export()
        self.assert_holds(pid, export, f"{root}/web-{self.mark}")
        self.assertEqual([], [container["id"] for container in export["containers"]
                              if container["tier"] == "cgroup" and self.mark in container["id"]])

    def test_copies_of_one_image(self):
        """Two at once, which have made up their names."""
        root = self.nspawn.make(f"root-{self.mark}")
        pids = [self.nspawn.start("-axD", root, cgroup=f"nslapse-{self.mark}-{number}") for number in range(2)]
        self.database.record()
        export = self.database.export()
        found = [container for container in export["containers"]
                 if container["engine"] == "nspawn" and container["image"] == str(root)]
        self.assertEqual([root.name, root.name], [container["name"] for container in found])
        self.assertEqual([3, 3], [len(container["pids"]) for container in found])
        self.assertEqual({sleeper for pid in pids for sleeper in self.nspawn.sleepers(pid)},
                         {process["pid"] for process in export["processes"] if process["comm"] == "sleep"
                          and process["container"] in [f"nspawn:{container['id']}" for container in found]})
        self.database.record()
        self.assertEqual([], self.database.diff().changes("containers", image=str(root)))

    def test_in_another_mount_namespace(self):
        """Of which its folder, and its settings, are."""
        root = self.nspawn.make(f"root-{self.mark}")
        name = f"web-{self.mark}"
        script = """mkdir -p /run/systemd/nspawn && mount -t tmpfs none /run/systemd/nspawn &&
            printf '[Exec]\\nEnvironment=OF_SETTINGS=1\\n' >"/run/systemd/nspawn/$0.nspawn" && exec "$@" """
        pid = self.nspawn.start("-aD", root, "-M", name, cgroup=f"nslapse-{self.mark}",
                                before=["unshare", "--mount", "sh", "-c", script, name])
        self.database.record()
        self.assert_holds(pid, self.database.export(), f"{root}/{name}")
        self.assert_has({"environment_names": ["OF_SETTINGS"], "state": "running"}, self.one(f"{root}/{name}"))


if __name__ == "__main__":
    unittest.main()
