# SPDX-License-Identifier: Apache-2.0
"""A copied disk: there is no /proc, and containers are what their engines have left in files."""

import json
import os
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import SmallHost
from support import TestCase, nslapse

WEB, DONE, MADE, LOST, POD = (os.urandom(32).hex() for _ in range(5))
KINDS = {"namespace", "process", "thread", "mount", "cgroup", "discrepancy"}


def docker(identity, name, **state):
    return {"ID": identity, "Name": f"/{name}", "Path": "/bin/shop", "Args": [],
            "State": {"StartedAt": "2023-11-14T22:13:21Z", "FinishedAt": "0001-01-01T00:00:00Z", **state},
            "Config": {"Image": "shop:1", "Labels": {"b": "1"}}}


class CopiedDisk(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")
        self.host.write("etc/hostname", "small\n")

    def write_docker(self, identity, name, **state):
        self.host.write(f"var/lib/docker/containers/{identity}/config.v2.json", json.dumps(docker(identity, name, **state)))

    def write_podman(self, identity, name, started):
        containers = "var/lib/containers/storage/overlay-containers"
        metadata = {"image-name": "shop:1", "image-id": "0815", "name": name}
        path = self.host.folder / containers / "containers.json"
        known = json.loads(path.read_bytes()) if path.exists() else []
        self.host.write(f"{containers}/containers.json", json.dumps([*known, {
            "id": identity, "names": [name], "metadata": json.dumps(metadata), "created": "2023-11-14T22:13:20.7Z"}]))
        if started:
            self.host.write(f"{containers}/{identity}/userdata/config.json",
                            json.dumps({"process": {"args": ["/bin/shop"]}}))

    def take_the_disk(self):
        """What is left of the host when only its disk is copied: the folder that proc was mounted on."""
        for name in ("proc", "sys", "run"):
            shutil.rmtree(self.host.folder / name, ignore_errors=True)
        (self.host.folder / "proc").mkdir()

    def record(self, *arguments):
        self.database.record("--root", self.host.folder, *arguments)
        return self.database.export()

    def keys(self, diff, op):
        return [change["key"] for change in diff.document["changes"] if change["op"] == op]

    def states(self, export):
        return {f"{container['engine']}:{container['name']}": container["state"] for container in export["containers"]}

    def test_containers_are_what_engines_have_left(self):
        self.write_docker(WEB, "web", Running=True, Pid=700)
        self.write_docker(DONE, "done", ExitCode=3, FinishedAt="2023-11-14T22:14:00Z")
        self.write_podman(MADE, "made", started=False)
        self.write_podman(POD, "shop", started=True)
        self.host.write("var/lib/lxc/lin/config", "lxc.uts.name = lin\n")
        self.take_the_disk()
        export = self.record()
        # Docker has noted what it last saw; Podman and LXC note nothing of it on the disk.
        self.assertEqual({"docker:web": "running", "docker:done": "exited", "podman:made": "created",
                          "podman:shop": None, "lxc:lin": None}, self.states(export))
        self.assertEqual({"files"}, {container["tier"] for container in export["containers"]})
        self.assertEqual({None}, {container["pid"] for container in export["containers"]})
        self.assertEqual(3, export.one("containers", name="done")["exit_code"])
        self.assertEqual(KINDS, {gap["hides"] for gap in export["gaps"] if not gap["hides_scope"]})
        # What stands below /run is on no disk.
        self.assertLessEqual({"/run/runc", "/run/crun"}, {gap["hides_scope"] for gap in export["gaps"]})
        snapshot = export["snapshot"]
        self.assertEqual(["small", "0123456789abcdef0123456789abcdef", None, None],
                         [snapshot[name] for name in ("host", "machine_id", "boot_id", "kernel")])
        self.assertEqual([], export["processes"])

    def test_what_is_shown_of_it(self):
        self.write_docker(WEB, "web", Running=True, Pid=700)
        shutil.rmtree(self.host.folder / "proc")  # not even the folder
        self.record()
        self.assertIn("web", self.database.run("list", "containers").stdout)
        self.assertIn("running", self.database.run("show", "container:web").stdout)
        self.assertIn("no /proc", self.database.run("list", "gaps").stdout)
        self.database.run("export", "--format", "dot", "--graph", "containers")
        self.database.run("verify")
        self.record()
        self.assertEqual([], self.database.diff().document["changes"])
        self.assertIn("no proc in the copy", nslapse("--root", self.host.folder, "doctor").stdout)

    def test_what_it_cannot_show_has_not_ended(self):
        """The same host, first with all of its processes."""
        self.write_docker(WEB, "web", Running=True, Pid=700)
        self.write_docker(DONE, "done", ExitCode=3, FinishedAt="2023-11-14T22:14:00Z")
        self.host.write("var/lib/lxc/lin/config", "lxc.uts.name = lin\n")
        self.host.write("run/runc/job/state.json",
                        json.dumps({"id": "job", "init_process_pid": 900, "init_process_start": 100}))
        for pid, cgroup in ((700, f"/docker/{WEB}"), (800, f"/machine.slice/libpod-{LOST}.scope"), (900, "/job")):
            self.host.process(pid, "shop", cgroup=cgroup, pid=4026532500 + pid, mnt=4026533500 + pid)
        before = self.record()
        self.assertEqual("stopped", before.one("containers", engine="lxc")["state"])
        self.assertEqual("running", before.one("containers", engine="runc")["state"])
        shutil.rmtree(self.host.folder / f"var/lib/docker/containers/{DONE}")
        self.take_the_disk()
        self.record()
        diff = self.database.diff()
        self.assertEqual([f"container:docker:{DONE}"], self.keys(diff, "removed"))
        self.assertEqual({"removed", "unobserved"}, {change["op"] for change in diff.document["changes"]})
        unobserved = {change["key"]: change["fields"] for change in diff.changes("containers", "unobserved")}
        self.assertEqual({f"container:docker:{WEB}": ["pid", "start_ticks"], "container:lxc:lin": ["state"], "container:runc:job": [],
                          f"container:podman:{LOST}": []}, {key: sorted(fields) for key, fields in unobserved.items()})
        # Nor have things appeared since, when they are seen again.
        back = self.database.diff("latest", "latest~1")
        self.assertEqual([f"container:docker:{DONE}"], self.keys(back, "added"))

    def test_one_that_was_left_out_is_told_of_once(self):
        self.write_docker(WEB, "web", Running=True, Pid=700)
        self.take_the_disk()
        export = self.record("--without", "mounts,cgroups")
        self.assertEqual(["left out by --without"],
                         [gap["error"] for gap in export["gaps"] if gap["hides"] == "mount"])

    def test_a_folder_of_anything_else_is_refused(self):
        (self.folder / "home/jo").mkdir(parents=True)
        done = self.database.run("--root", self.folder, "record", expect=13)
        self.assertIn("no container engine has left any files", done.stderr)
        self.assertFalse(self.database.path.exists())


if __name__ == "__main__":
    unittest.main()
