# SPDX-License-Identifier: Apache-2.0
"""The real LXC: its containers in folders of the test's own."""

import contextlib
import os
import pathlib
import secrets
import shutil
import subprocess
import unittest

import busybox_image
from support import EngineTestCase, need_programs, needs_root, wait_until

LOCKS = pathlib.Path("/run/lxc/lock")
CONFIG = """lxc.uts.name = {name}
lxc.rootfs.path = dir:{folder}/{name}/rootfs
lxc.net.0.type = {network}
lxc.init.cmd = /bin/sh /run
lxc.environment = SECRET=hunter2
lxc.mount.entry = /usr mnt none bind,ro,create=dir 0 0
{more}
"""


def remove_cgroups(mark):
    """Those whose containers have `mark` in their names: a monitor's stays where it was still busy."""
    for cgroup in sorted(pathlib.Path("/sys/fs/cgroup").glob(f"**/lxc.*{mark}*"), reverse=True):
        with contextlib.suppress(OSError):
            cgroup.rmdir()
    return not any(pathlib.Path("/sys/fs/cgroup").glob(f"**/lxc.*{mark}*"))


class Lxc:
    """Containers in one folder: started, and stopped again. `within` is a process in whose mount namespace
    the folder is, and LXC runs."""

    def __init__(self, folder, within=None):
        need_programs("lxc-start")
        self.folder = pathlib.Path(folder)
        self.seen = pathlib.Path(f"/proc/{within}/root{folder}") if within else self.folder
        self.enter = ["nsenter", f"--mount=/proc/{within}/ns/mnt"] if within else []
        self.seen.mkdir(exist_ok=True)
        self.started = []
        self.foreground = []

    def make(self, name, network="empty", more=""):
        for path, content in busybox_image.root_files().items():
            file = self.seen / name / "rootfs" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o755)
        (self.seen / name / "rootfs/run").write_text("sleep 1001 &\nexec sleep 1000\n")
        for path in ("proc", "sys", "dev"):
            (self.seen / name / "rootfs" / path).mkdir()
        (self.seen / name / "config").write_text(CONFIG.format(name=name, folder=self.folder, network=network, more=more))

    def lxc(self, command, name, *arguments, check=True):
        return subprocess.run([*self.enter, f"lxc-{command}", "-P", self.folder, "-n", name, *arguments], check=check,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.strip()

    def start(self, name):
        """In the background, and returns the number of its first process."""
        self.started.append(name)
        self.lxc("start", name, "-d")
        return self.pid(name)

    def start_in_foreground(self, name):
        self.started.append(name)
        self.foreground.append(subprocess.Popen(["lxc-start", "-P", self.folder, "-n", name, "-F"],
                                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                                stderr=subprocess.DEVNULL))
        wait_until(lambda: self.lxc("info", name, "-H", "-s") == "RUNNING", f"{name} runs")
        return self.pid(name)

    def pid(self, name):
        return int(self.lxc("info", name, "-H", "-p"))

    def stop(self, name):
        self.lxc("stop", name, "-k")
        self.started.remove(name)

    def close(self):
        for name in list(self.started):
            self.lxc("stop", name, "-k", check=False)
        for process in self.foreground:
            process.wait(timeout=60)
        shutil.rmtree(LOCKS / self.folder.relative_to("/"), ignore_errors=True)
        for parent in self.folder.relative_to("/").parents:
            if (LOCKS / parent).is_dir() and LOCKS / parent != LOCKS and not os.listdir(LOCKS / parent):
                (LOCKS / parent).rmdir()
        if not self.enter:
            shutil.rmtree(self.folder)


@needs_root
class LxcTest(EngineTestCase):
    def setUp(self):
        super().setUp()
        # Other containers of the host are none of ours.
        self.mark = secrets.token_hex(4)
        self.web, self.idle = f"web-{self.mark}", f"idle-{self.mark}"
        self.addCleanup(wait_until, lambda: remove_cgroups(self.mark), "the cgroups of LXC can be removed")

    def lxc(self, name="containers", within=None):
        lxc = Lxc(self.folder / name, within)
        self.addCleanup(lxc.close)
        return lxc

    def own(self, lxc, export=None):
        export = export or self.database.export()
        return {container["name"]: container for container in export["containers"]
                if container["instance"] == str(lxc.folder)}

    def assert_has(self, wanted, container):
        self.assertEqual(wanted, {name: container[name] for name in wanted})

    def test_running_and_stopped(self):
        lxc = self.lxc()
        lxc.make(self.web, more="lxc.group = shop")
        lxc.make(self.idle)
        pid = lxc.start(self.web)
        self.database.record()
        export = self.database.export()
        containers = self.own(lxc, export)
        self.assertEqual({self.web, self.idle}, set(containers))
        web = containers[self.web]
        self.assert_has({
            "engine": "lxc", "id": f"{lxc.folder}/{self.web}", "tier": "files", "state": "running", "pid": pid, "outer": None,
            "command": ["/bin/sh", "/run"], "environment_names": ["SECRET"],
            "groups": [{"type": "lxc-group", "name": "shop"}], "privileged": True, "host_namespaces": [],
            "mounts": [{"type": "dir", "source": f"{lxc.folder}/{self.web}/rootfs", "target": "/", "read_only": False},
                       {"type": "bind", "source": "/usr", "target": "mnt", "read_only": True}]}, web)
        self.assert_has({"state": "stopped", "pid": None, "pids": []}, containers[self.idle])
        # All of its processes, but not who keeps it.
        key = f"lxc:{lxc.folder}/{self.web}"
        inside = [process for process in export["processes"] if process["container"] == key]
        self.assertEqual([["sleep", "1000"], ["sleep", "1001"]], sorted(process["cmdline"] for process in inside))
        self.assertEqual(sorted(process["pid"] for process in inside), web["pids"])
        monitor, = (process for process in export["processes"]
                    if process["cmdline"] == [f"[lxc monitor] {lxc.folder} {self.web}"])
        self.assertIsNone(monitor["container"])
        # No other container has the name of its cgroup.
        self.assertEqual([], export.all("containers", tier="cgroup", id=self.web))
        for path in self.folder.glob("test.db*"):
            self.assertNotIn(b"hunter2", path.read_bytes())
        self.assertIn("SECRET", self.database.evidence(key.replace("lxc", "container", 1)))

    def test_what_happens_to_one(self):
        lxc = self.lxc()
        lxc.make(self.web)
        lxc.start(self.web)
        self.database.record()
        self.database.record()
        self.assertEqual([], self.database.diff().changes("containers", instance=str(lxc.folder)))
        lxc.lxc("freeze", self.web)
        self.database.record()
        web = self.own(lxc)[self.web]
        self.assertTrue(self.database.export().process(web["pid"])["frozen"])
        self.assertEqual("paused", web["state"])
        lxc.lxc("unfreeze", self.web)
        self.database.record()
        change, = self.database.diff().changes("containers", instance=str(lxc.folder))
        self.assertEqual(("changed", ["state"], "running"), (change["op"], change["fields"], change["after"]["state"]))
        lxc.stop(self.web)
        self.database.record()
        change, = self.database.diff().changes("containers", instance=str(lxc.folder))
        self.assertEqual(("changed", "stopped"), (change["op"], change["after"]["state"]))
        self.assertLessEqual({"state", "pid"}, set(change["fields"]))
        shutil.rmtree(lxc.folder / self.web)
        self.database.record()
        self.assertEqual(["removed"], self.database.diff().ops("containers", instance=str(lxc.folder)))

    def test_two_of_one_name(self):
        """In two folders; LXC gives the second one's cgroup another name. It has no monitor with a title."""
        one, other = self.lxc("one"), self.lxc("other")
        for lxc in (one, other):
            lxc.make(self.web)
        pids = [one.start(self.web), other.start_in_foreground(self.web)]
        self.database.record()
        export = self.database.export()
        containers = [self.own(lxc, export)[self.web] for lxc in (one, other)]
        self.assertEqual(pids, [container["pid"] for container in containers])
        self.assertEqual([2, 2], [len(container["pids"]) for container in containers])
        self.assertEqual([], [container for container in export["containers"]
                              if container["engine"] == "lxc" and container["id"].startswith(self.web)])

    def test_in_another_mount_namespace(self):
        """Their folder is in that one alone."""
        folder = self.folder / "containers"
        folder.mkdir()
        holder = subprocess.Popen(["unshare", "--mount", "sh", "-c",
                                   'mount -t tmpfs none "$1" && echo && read line', "sh", folder],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(holder.communicate)
        self.assertEqual(b"\n", holder.stdout.readline())
        lxc = self.lxc(within=holder.pid)
        lxc.make(self.web)
        lxc.make(self.idle)
        pid = lxc.start(self.web)
        self.database.record()
        containers = self.own(lxc)
        self.assert_has({"state": "running", "pid": pid, "command": ["/bin/sh", "/run"]}, containers[self.web])
        self.assertEqual(2, len(containers[self.web]["pids"]))
        self.assert_has({"state": "stopped", "command": ["/bin/sh", "/run"]}, containers[self.idle])
        self.assertEqual([], os.listdir(folder))

    def test_namespaces_of_the_host(self):
        lxc = self.lxc()
        lxc.make(self.web, network="none")
        lxc.start(self.web)
        self.database.record()
        export = self.database.export()
        web = self.own(lxc, export)[self.web]
        self.assertEqual(["net"], web["host_namespaces"])
        self.assertEqual(export.process(os.getpid())["namespaces"]["net"],
                         export.process(web["pid"])["namespaces"]["net"])


if __name__ == "__main__":
    unittest.main()
