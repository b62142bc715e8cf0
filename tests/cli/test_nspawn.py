# SPDX-License-Identifier: Apache-2.0
"""systemd-nspawn and machined on a copied host: from what they leave in files, and by who keeps containers."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import SmallHost
from support import TestCase

MACHINE = """# This is private data. Do not parse.
NAME={name}
SCOPE=machine-{name}.scope
SERVICE=systemd-nspawn
ROOT=/srv/d\\303\\251p\\303\\264t
LEADER={leader}
CLASS={kind}
REALTIME=1700000100000000
MONOTONIC=100000000
"""


class Nspawn(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")

    def machine(self, name, leader, kind="container"):
        self.host.write(f"run/systemd/machines/{name}", MACHINE.format(name=name, leader=leader, kind=kind))
        self.host.link(f"run/systemd/machines/unit:machine-{name}.scope", name)

    def running(self, keeper, *options, cgroup, of_keeper="/", cwd="/"):
        """systemd-nspawn, and below it the first process of its container and another one."""
        own = {"pid": 4026532500 + keeper, "mnt": 4026533500 + keeper}
        self.host.process(keeper, "systemd-nspawn", start=keeper, cgroup=of_keeper,
                          cmdline=["/usr/bin/systemd-nspawn", *options])
        self.host.link(f"proc/{keeper}/cwd", cwd)
        self.host.process(keeper + 1, "systemd", ppid=keeper, start=keeper, cgroup=cgroup, **own)
        self.host.process(keeper + 2, "shop", ppid=keeper + 1, start=keeper + 1, cgroup=f"{cgroup}/system.slice", **own)

    def record(self):
        self.database.run("--root", str(self.host.folder), "record")
        return self.database.export()

    def assert_is(self, export, identity, **wanted):
        container = export.one("containers", engine="nspawn", id=identity)
        self.assertEqual(wanted, {name: container[name] for name in wanted})

    def assert_only(self, export, *identities):
        self.assertEqual(sorted(identities), sorted(container["id"] for container in export["containers"]))

    def test_registered(self):
        self.machine("web", 501)
        self.running(500, "-M", "web", "-b", "--network-veth", cgroup="/machine.slice/machine-web.scope/payload")
        export = self.record()
        self.assert_is(export, "web", name="web", state="running", pid=501, pids=[501, 502], tier="files",
                       image="/srv/d\u00e9p\u00f4t", runtime="systemd-nspawn", command=None, host_namespaces=[],
                       started_at="2023-11-14T22:15:00.000000000Z", instance="/var/lib/machines")
        self.assert_only(export, "web")
        document = json.loads(self.database.evidence("container:web"))
        self.assertEqual(("501", ["-M", "web", "-b", "--network-veth"]),
                         (document["machine"]["LEADER"], document["arguments"]))

    def test_registered_by_somebody_else(self):
        """Who keeps it isn't known: its cgroup tells that the leader is in it. One that is not is no leader."""
        self.machine("web", 501)
        self.machine("lies", 1)
        self.host.process(501, "init", start=500, cgroup="/machine.slice/machine-web.scope",
                          pid=4026532500, mnt=4026532501)
        export = self.record()
        self.assert_is(export, "web", state="running", pid=501, pids=[501], command=None, host_namespaces=None)
        self.assert_is(export, "lies", state="stopped", pid=None, pids=[])

    def test_virtual_machines_are_no_containers(self):
        self.machine("vm", 501, kind="vm")
        self.host.process(501, "qemu", start=500, cgroup="/machine.slice/machine-qemu\\x2d1\\x2dvm.scope")
        self.assert_only(self.record())

    def test_images_that_do_not_run(self):
        self.host.write("var/lib/machines/idle/etc/os-release", "ID=x\n")
        self.host.write("var/lib/machines/disk.raw", "")
        self.host.write("var/lib/machines/disk.nspawn", "[Exec]\nParameters=/bin/sh -c x\nEnvironment=SECRET=hunter2\n"
                        "Capability=CAP_NET_ADMIN CAP_SYS_TIME\nSystemCallFilter=@keyring\n"
                        "[Files]\nBind=/a\\:b:/c:norbind\nBindReadOnly=/usr\n[Network]\nBridge=br0\n")
        self.host.write("etc/systemd/nspawn/idle.nspawn", "[Exec]\nCapability=all\nNoNewPrivileges=yes\n")
        self.host.write("var/lib/machines/.#hidden/x", "")
        self.host.write("var/lib/machines/notes.txt", "")
        export = self.record()
        self.assert_is(export, "idle", state="stopped", image="/var/lib/machines/idle", privileged=True,
                       host_namespaces=["net"], security_options=["no-new-privileges=yes"])
        self.assert_is(export, "disk", state="stopped", image="/var/lib/machines/disk.raw", privileged=False,
                       command=["/bin/sh", "-c", "x"], environment_names=["SECRET"], host_namespaces=[],
                       added_capabilities=["CAP_NET_ADMIN", "CAP_SYS_TIME"], security_options=["seccomp=@keyring"],
                       mounts=[{"type": "bind", "source": "/a:b", "target": "/c", "read_only": False},
                               {"type": "bind", "source": "/usr", "target": "/usr", "read_only": True}])
        self.assert_only(export, "idle", "disk")
        for path in self.folder.glob("test.db*"):
            self.assertNotIn(b"hunter2", path.read_bytes())

    def test_not_registered(self):
        """By its keeper: one of an image of the usual folder, one of another, and one of where it was started."""
        self.host.write("var/lib/machines/web/etc/os-release", "ID=x\n")
        self.running(500, "--register=no", "--machine=web", cgroup="/payload", of_keeper="/supervisor")
        self.running(600, "--register", "no", "-qD", "srv/web/", cwd="/home", cgroup="/payload")
        self.running(700, "-M", "name", "--keep-unit", "--", "/bin/sh", "-D", cwd="/srv/here", cgroup="/system.slice")
        self.running(800, "-i/srv/disk.raw", cgroup="/payload")
        export = self.record()
        self.assert_is(export, "web", state="running", pids=[501, 502], image="/var/lib/machines/web")
        self.assert_is(export, "/home/srv/web/web", pids=[601, 602], name="web", image="/home/srv/web", command=None)
        self.assert_is(export, "/srv/here/name", pids=[701, 702], image="/srv/here", command=["/bin/sh", "-D"])
        self.assert_is(export, "/srv/disk.raw/disk", pids=[801, 802], image="/srv/disk.raw")
        self.assert_only(export, "web", "/home/srv/web/web", "/srv/here/name", "/srv/disk.raw/disk")
        self.assertEqual([None] * 4, [export.process(pid)["container"] for pid in (500, 600, 700, 800)])

    def test_keeper_in_the_cgroup_of_its_unit(self):
        unit = "/machine.slice/systemd-nspawn@web.service"
        self.machine("web", 501)
        self.running(500, "-M", "web", cgroup=f"{unit}/payload", of_keeper=f"{unit}/supervisor")
        export = self.record()
        self.assert_is(export, "web", pids=[501, 502])
        self.assertIsNone(export.process(500)["container"])

    def test_keeper_in_the_cgroup_of_its_container(self):
        """Where it doesn't part its cgroup (v1). Who has left the namespaces is in the container still."""
        scope = "/machine.slice/machine-web.scope"
        self.machine("web", 501)
        self.running(500, "-M", "web", cgroup=scope, of_keeper=scope)
        self.host.process(503, "escaped", ppid=502, start=600, cgroup=scope)
        export = self.record()
        self.assert_is(export, "web", state="running", pid=501, pids=[501, 502, 503])
        self.assertEqual([None, "nspawn:web"], [export.process(pid)["container"] for pid in (500, 503)])

    def test_damaged(self):
        self.machine("web", 501)
        self.host.write("run/systemd/machines/odd", b"CLASS=container\nLEADER=99999999999\nROOT=\\377\\9\\\n\0\n=\n")
        self.host.write("run/systemd/machines/empty", "")
        self.host.write("run/systemd/machines/long", "CLASS=container\n" + "A=1\n" * 40000)
        export = self.record()
        self.assert_only(export, "web", "odd")
        self.assert_is(export, "odd", state="stopped", pid=None)
        self.assertEqual(["nspawn:long"], [gap["subject"] for gap in export["gaps"] if gap["source"] == "containers"])


if __name__ == "__main__":
    unittest.main()
