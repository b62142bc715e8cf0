# SPDX-License-Identifier: Apache-2.0
"""LXC, Incus and LXD on a copied host: from what they leave in files, and by their monitors."""

import errno
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import SmallHost
from support import TestCase, needs_root

OWN = {"pid": 4026532500, "mnt": 4026532501, "net": 4026532502}


class Lxc(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")

    def running(self, folder, name, monitor, *, cgroup=None, comm="lxc-start", uid=0, mnt=OWN["mnt"]):
        """A monitor, and below it the first process of its container and another one."""
        cgroup = cgroup or f"/lxc.payload.{name}"
        own = {**OWN, "mnt": mnt, "pid": OWN["pid"] + monitor}
        self.host.process(monitor, comm, start=monitor, uid=uid, cgroup=f"/lxc.monitor.{name}",
                          cmdline=[f"[lxc monitor] {folder} {name}"])
        self.host.process(monitor + 1, "init", ppid=monitor, start=monitor, uid=uid, cgroup=cgroup, **own)
        self.host.process(monitor + 2, "shop", ppid=monitor + 1, start=monitor + 1, uid=uid,
                          cgroup=f"{cgroup}/system.slice", **own)

    def record(self):
        self.database.run("--root", str(self.host.folder), "record")
        return self.database.export()

    def assert_is(self, export, key, **wanted):
        engine, identity = key.split(":")
        container = export.one("containers", engine=engine, id=identity)
        self.assertEqual(wanted, {name: container[name] for name in wanted})

    def gaps(self, export):
        return [(gap["subject"], gap["errno"]) for gap in export["gaps"] if gap["source"] == "containers"]

    def test_usual_folder(self):
        self.host.write("var/lib/lxc/web/config", "lxc.uts.name = web\n")
        self.host.write("var/lib/lxc/idle/config", "")
        self.host.write("var/lib/lxc/nothing/readme", "no configuration: no container")
        self.running("/var/lib/lxc", "web", 500)
        export = self.record()
        self.assert_is(export, "lxc:web", state="running", pid=501, pids=[501, 502], instance="/var/lib/lxc", tier="files")
        self.assert_is(export, "lxc:idle", state="stopped", pid=None, name="idle")
        self.assertEqual(2, len(export["containers"]))
        self.assertEqual([], self.gaps(export))

    def test_who_has_no_monitor_runs_all_the_same(self):
        """Whoever has started it by the library is called anything."""
        self.host.write("var/lib/lxc/web/config", "")
        self.running("/var/lib/lxc", "web", 500, comm="python3")
        self.assert_is(self.record(), "lxc:web", state="running", pid=501, pids=[501, 502])

    def test_moved_folder_and_a_name_that_was_taken(self):
        for folder in ("/var/lib/lxc", "/srv/my lxc"):
            self.host.write(f"{folder[1:]}/web/config", "")
        self.running("/var/lib/lxc", "web", 500)
        self.running("/srv/my lxc", "web", 600, cgroup="/lxc.payload.web-1")
        export = self.record()
        self.assert_is(export, "lxc:web", pids=[501, 502])
        self.assert_is(export, "lxc:/srv/my lxc/web", pids=[601, 602], name="web", state="running")
        self.assertEqual(2, len(export["containers"]))

    @needs_root
    def test_of_a_user(self):
        """What a user's monitor tells is the user's; the host's container of that name is another one."""
        self.host.write("var/lib/lxc/web/config", "")
        self.host.write("home/jo/.local/share/lxc/web/config", "lxc.idmap = u 0 100000 65536\n")
        self.running("/home/jo/.local/share/lxc", "web", 500, uid=1000,
                     cgroup="/user.slice/user-1000.slice/session-1.scope/lxc.payload.web")
        for pid in (500, 501, 502):
            os.chown(self.host.proc / str(pid), 1000, 1000)
        export = self.record()
        self.assert_is(export, "lxc:web", state="stopped", pid=None, pids=[], privileged=True)
        self.assert_is(export, "lxc:/home/jo/.local/share/lxc/web", pids=[501, 502], privileged=False,
                       instance="uid-1000:/home/jo/.local/share/lxc")

    def test_folders_that_were_moved(self):
        """By the host's configuration, and those of its users: also while nothing runs."""
        self.host.write("etc/lxc/lxc.conf", "# moved\nlxc.lxcpath = /srv/lxc\n")
        self.host.write("etc/passwd", "root:x:0:0::/root:/bin/sh\njo:x:1000:1000::/home/jo:/bin/sh\n")
        self.host.write("srv/lxc/web/config", "")
        self.host.write("home/jo/.local/share/lxc/web/config", "")
        export = self.record()
        self.assert_is(export, "lxc:/srv/lxc/web", state="stopped", instance="/srv/lxc")
        self.assert_is(export, "lxc:/home/jo/.local/share/lxc/web", state="stopped",
                       instance="uid-1000:/home/jo/.local/share/lxc")
        self.assertEqual(2, len(export["containers"]))

    def test_configuration_that_leads_out_of_the_copy(self):
        self.host.write("../outside.conf", "lxc.lxcpath = /outside\n")
        self.host.write("outside/web/config", "")
        self.host.link("etc/lxc/lxc.conf", str((self.folder / "outside.conf").resolve()))
        self.assertEqual([], self.record()["containers"])

    def test_a_monitor_whose_folder_is_gone(self):
        self.running("/var/lib/lxc", "web", 500)
        self.assert_is(self.record(), "lxc:web", state="running", pid=501, command=None)

    def test_incus_and_lxd(self):
        """A link for each instance, its project before its name; the configuration is of each start."""
        for engine, runs, monitor in (("incus", "run/incus", 500), ("lxd", "var/log/lxd", 600)):
            folder = f"/var/lib/{engine}/containers"
            for name in ("web", "shop_db"):
                self.host.write(f"pool/{engine}/{name}/rootfs/etc/hostname", name)
                self.host.link(f"{folder[1:]}/{name}", f"/pool/{engine}/{name}")
            self.host.write(f"{runs}/shop_db/lxc.conf", "lxc.idmap = u 0 1000000 65536\nlxc.net.0.type = none\n")
            self.running(folder, "shop_db", monitor, comm={"incus": "incusd"}.get(engine, engine),
                         cgroup={"lxd": "/lxc.payload.shop_db-1"}.get(engine))
        export = self.record()
        for engine, monitor in (("incus", 500), ("lxd", 600)):
            self.assert_is(export, f"{engine}:web", state="stopped", name="web",
                           groups=[{"type": f"{engine}-project", "name": "default"}])
            self.assert_is(export, f"{engine}:shop_db", state="running", name="db", pids=[monitor + 1, monitor + 2],
                           groups=[{"type": f"{engine}-project", "name": "shop"}], privileged=False,
                           host_namespaces=["net"])

    def test_configuration(self):
        self.host.write("var/lib/lxc/web/config", """# a comment = nothing
lxc.include = /etc/lxc/common.conf
lxc.include=/etc/lxc/common.conf.d
lxc.init.cmd = "/sbin/init 'no  quotes'"
lxc.environment = EMPTIED=1
lxc.environment =
lxc.environment = SECRET=hunter2
lxc.environment.runtime = TOKEN=hunter2
lxc.rootfs.path = overlayfs:/lower:/upper
lxc.mount.entry = /with\\040blank mnt/a ext4 ro,noatime 0 0
lxc.apparmor.profile = unconfined
lxc.namespace.clone = mnt pid ipc uts net cgroup
no setting
""")
        self.host.write("etc/lxc/common.conf", "lxc.idmap = u 0 100000 65536\nlxc.include = /etc/lxc/common.conf\n")
        self.host.write("etc/lxc/common.conf.d/10.conf", "lxc.seccomp.profile = /etc/lxc/seccomp\n")
        self.host.write("etc/lxc/common.conf.d/20.disabled", "lxc.seccomp.profile = /other\n")
        self.host.write("var/lib/lxc/old/config", """lxc.rootfs = /srv/old
lxc.network.type = none
lxc.aa_profile = old
lxc.include = /etc/lxc/is-not-there
""")
        # The host's network is had only by who has no other.
        self.host.write("var/lib/lxc/net/config", "lxc.net.0.type = none\nlxc.net.1.type = veth\n")
        export = self.record()
        self.assert_is(export, "lxc:net", host_namespaces=[])
        self.assert_is(
            export, "lxc:web", command=["/sbin/init", "'no", "quotes'"], privileged=False,
            environment_names=["SECRET", "TOKEN"], host_namespaces=["time", "user"],
            security_options=["apparmor=unconfined", "seccomp=/etc/lxc/seccomp"],
            mounts=[{"type": "overlayfs", "source": "/lower:/upper", "target": "/", "read_only": False},
                    {"type": "ext4", "source": "/with blank", "target": "mnt/a", "read_only": True}])
        # Who is mapped where may stand in what it includes.
        self.assert_is(
            export, "lxc:old", privileged=None, host_namespaces=None, security_options=["apparmor=old"],
            mounts=[{"type": "dir", "source": "/srv/old", "target": "/", "read_only": False}])
        # That it includes itself is told, once.
        self.assertEqual([("lxc:web", errno.ELOOP)], self.gaps(export))
        document = json.loads(self.database.evidence("container:web"))
        self.assertEqual(("/var/lib/lxc/web/config", ["SECRET", "TOKEN"]), (document["file"], document["environment"]))
        self.assertIn("lxc.apparmor.profile = unconfined", document["configuration"])
        for path in self.folder.glob("test.db*"):
            self.assertNotIn(b"hunter2", path.read_bytes())


if __name__ == "__main__":
    unittest.main()
