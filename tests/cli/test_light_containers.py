# SPDX-License-Identifier: Apache-2.0
"""Snap, Flatpak and Apptainer on a copied host: containers that have no engine which runs."""

import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import INITIAL, SmallHost
from support import TestCase, needs_root

MAPS = "org.example.Maps"
INFO = f"""[Application]
name={MAPS}
runtime=runtime/org.example.Platform/x86_64/45

[Instance]
instance-id=1234567890
app-commit=5f1c
arch=x86_64
branch=stable
flatpak-version=1.14.10

[Context]
shared=network;
devices=dri;
filesystems=xdg-download:ro;/srv/maps;!home;

[Environment]
SECRET=hunter2
"""


class Light(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")
        self.host.write("etc/passwd", "root:x:0:0::/root:/bin/sh\njo:x:1000:1000::/home/jo:/bin/sh\n")

    def record(self):
        self.database.run("--root", str(self.host.folder), "record")
        return self.database.export()

    def assert_is(self, export, key, **wanted):
        engine, identity = key.split(":")
        container = export.one("containers", engine=engine, id=identity)
        self.assertEqual(wanted, {name: container[name] for name in wanted})

    def of_user(self, *pids):
        for pid in pids:
            os.chown(self.host.proc / str(pid), 1000, 1000)

    def assert_no_secrets(self):
        for path in self.folder.glob("test.db*"):
            self.assertNotIn(b"hunter2", path.read_bytes())

    # ---- snap ----

    def test_snap(self):
        """One for each application that runs: its cgroup tells which, and snapd what of."""
        self.host.write("var/lib/snapd/sequence/firefox.json", json.dumps({
            "sequence": [{"name": "firefox", "snap-id": "id1", "revision": "41", "channel": "stable"},
                         {"name": "firefox", "snap-id": "id1", "revision": "42", "channel": "latest/stable"}],
            "current": "42"}))
        self.host.write("var/lib/snapd/sequence/odd.json", "{")
        self.host.write("var/lib/snapd/sequence/idle.json", "{}")
        run = "snap.{}-01234567-89ab-cdef-0123-456789abcdef.scope"
        self.host.process(500, "firefox", start=300, cgroup="/user.slice/" + run.format("firefox.firefox"))
        self.host.process(490, "content", start=301, cgroup="/user.slice/" + run.format("firefox.firefox"))
        self.host.process(600, "lost", cgroup="/user.slice/" + run.format("lost.lost"))
        self.host.process(700, "odd", cgroup="/system.slice/snap.odd.daemon.service")
        export = self.record()
        self.assert_is(export, "snap:firefox.firefox", tier="files", state="running", pid=500, pids=[490, 500],
                       image="firefox_42.snap", groups=[{"type": "snap", "name": "firefox"}],
                       labels={"channel": "latest/stable", "revision": "42", "snap-id": "id1"})
        self.assert_is(export, "snap:lost.lost", tier="cgroup", pids=[600])
        self.assert_is(export, "snap:odd.daemon", tier="cgroup", pids=[700])
        self.assertEqual(3, len(export["containers"]))
        self.assertEqual(["snap:odd.daemon"],
                         [gap["subject"] for gap in export["gaps"] if gap["source"] == "containers"])

    def test_snap_whose_name_leads_elsewhere(self):
        self.host.write("var/lib/snapd/sequence/x.json", "{}")
        self.host.write("var/lib/snapd/other.json", "{}")
        self.host.process(500, "odd", cgroup="/snap...\\x2fother.x.scope")
        self.host.process(501, "odd", cgroup="/snap.\\x2e\\x2e\\x2fother.x.scope")
        self.assertEqual({"cgroup"}, {container["tier"] for container in self.record()["containers"]})

    # ---- Flatpak ----

    def instance(self, identity, child):
        folder = f"run/user/1000/.flatpak/{identity}"
        self.host.write(f"{folder}/info", INFO)
        self.host.write(f"{folder}/bwrapinfo.json", json.dumps({"child-pid": child}))

    def bubblewrap(self, pid, cgroup):
        own = {"pid": 4026532500 + pid, "mnt": 4026533500 + pid}
        self.host.process(pid, "bwrap", uid=1000, start=pid, cgroup=cgroup, cmdline=["bwrap", "--args", "40"])
        self.host.process(pid + 1, "bwrap", uid=1000, start=pid, ppid=pid, cgroup=cgroup, **own)
        self.host.process(pid + 2, "maps", uid=1000, start=pid + 1, ppid=pid + 1, cgroup=cgroup, **own)
        self.of_user(pid, pid + 1, pid + 2)

    @needs_root
    def test_flatpak(self):
        """Two instances of one application, and one that has ended; another thing that bubblewrap runs."""
        scope = "/user.slice/user-1000.slice/user@1000.service/app.slice/app-flatpak-{}-{}.scope"
        for identity, pid in (("1234567890", 500), ("42", 600)):
            self.instance(identity, pid + 1)
            self.bubblewrap(pid, scope.format(MAPS, pid))
        self.instance("7", 999)
        self.bubblewrap(700, "/user.slice")
        export = self.record()
        self.assert_is(
            export, "flatpak:1234567890", name=MAPS, image=f"{MAPS}/x86_64/stable", image_digest="5f1c", tier="files",
            engine_version="1.14.10", state="running", pid=501, instance="uid-1000:/run/user/1000/.flatpak",
            environment_names=["SECRET"], host_namespaces=["net"], devices=["dri"],
            groups=[{"type": "flatpak-application", "name": MAPS}],
            mounts=[{"type": "bind", "source": "/srv/maps", "target": "/srv/maps", "read_only": False},
                    {"type": "bind", "source": "xdg-download", "target": "xdg-download", "read_only": True}])
        # bubblewrap, in its scope, has made it.
        self.assert_is(export, "flatpak:1234567890", pids=[501, 502])
        self.assertIsNone(export.process(500)["container"])
        self.assert_is(export, "flatpak:42", state="running", pids=[601, 602])
        self.assert_is(export, "flatpak:7", state="stopped", pids=[])
        self.assertEqual(3, len(export["containers"]))
        self.assertIsNone(export.process(701)["container"])
        self.assert_no_secrets()

    # ---- Apptainer ----

    def starter(self, pid, title, /, **namespaces):
        """It has mounts of its own, but no processes."""
        own = {"mnt": 4026533500 + pid, **namespaces}
        self.host.process(pid, "starter-suid", uid=1000, start=pid, cgroup="/user.slice", cmdline=[title])
        self.host.process(pid + 1, "appinit", uid=1000, start=pid, ppid=pid, cgroup="/user.slice", **own)
        self.host.process(pid + 2, "model", uid=1000, start=pid + 1, ppid=pid + 1, cgroup="/user.slice", **own)
        self.of_user(pid, pid + 1, pid + 2)

    @needs_root
    def test_apptainer(self):
        for folder, name, pid in ((".apptainer/instances/app", "web", 501), (".apptainer/instances/app", "gone", 999),
                                  (".singularity/instances/sing", "old", 601)):
            self.host.write(f"home/jo/{folder}/node1/jo/{name}/{name}.json", json.dumps(
                {"pid": pid, "ppid": pid - 1, "name": name, "user": "jo", "image": "/srv/web.sif", "config": "hunter2"}))
        self.host.write("home/jo/.apptainer/instances/app/node1/jo/odd/odd.json", "[")
        self.starter(500, "Apptainer instance: jo [web]")
        self.starter(600, "Singularity instance: jo [old]", pid=4026534000)
        self.starter(700, "Apptainer runtime parent")
        self.starter(800, "starter of something else")
        export = self.record()
        self.assert_is(export, "apptainer:jo/web", name="web", image="/srv/web.sif", state="running", pid=501,
                       pids=[501, 502], tier="files", instance="uid-1000:/home/jo")
        self.assert_is(export, "apptainer:jo/old", state="running", pids=[601, 602])
        self.assert_is(export, "apptainer:jo/gone", state="stopped", pids=[])
        self.assert_is(export, "apptainer:uid-1000/700", state="running", pids=[701, 702], name=None)
        self.assertEqual(4, len(export["containers"]))
        self.assertEqual(["apptainer:jo/odd"],
                         [gap["subject"] for gap in export["gaps"] if gap["source"] == "containers"])
        self.assert_no_secrets()

    @needs_root
    def test_the_host_is_in_nobodys_container(self):
        """One who keeps a process of the host's own mounts, from mounts of his own, keeps no container."""
        self.starter(500, "Apptainer runtime parent", mnt=INITIAL["mnt"])
        self.host.process(500, "starter", uid=1000, start=500, cmdline=["Apptainer runtime parent"], mnt=4026533500)
        self.of_user(500)
        export = self.record()
        self.assertEqual([None], list({process["container"] for process in export["processes"]}))


if __name__ == "__main__":
    unittest.main()
