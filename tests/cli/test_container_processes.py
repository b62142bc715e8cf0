# SPDX-License-Identifier: Apache-2.0
"""Which container a process is in: of a copied host, with what Docker left in its files."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import SmallHost
from support import TestCase

WEB, STALE, BARE, MISTAKEN, OTHER, INNER = (f"{digit}" * 64 for digit in "123456")
SCOPE = f"/system.slice/docker-{WEB}.scope"
OWN = {"pid": 4026532500, "mnt": 4026532501}


class ContainerProcesses(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")

    def container(self, identity, name, pid, start=None):
        """A running one, as dockerd and runc have written it down."""
        folder = f"var/lib/docker/containers/{identity}"
        self.host.write(f"{folder}/config.v2.json", json.dumps(
            {"ID": identity, "Name": f"/{name}", "State": {"Running": True, "Pid": pid}}))
        self.host.write(f"{folder}/hostconfig.json", "{}")
        if start is not None:
            self.host.write(f"run/docker/runtime-runc/moby/{identity}/state.json",
                            json.dumps({"id": identity, "init_process_start": start}))

    def record(self):
        self.database.run("--root", str(self.host.folder), "record")
        return self.database.export()

    def named(self, export, name):
        return export.one("containers", name=name)

    def test_by_cgroup(self):
        self.container(WEB, "web", 500)
        self.host.process(500, "shop", start=400, cgroup=SCOPE, **OWN)
        self.host.process(501, "shop", start=401, cgroup=f"{SCOPE}/worker", **OWN)
        self.host.process(502, "cron", start=402, cgroup="/system.slice/cron.service")
        export = self.record()
        web = self.named(export, "web")
        self.assertEqual(("files", 500, 400, [500, 501]), tuple(
            web[name] for name in ("tier", "pid", "start_ticks", "pids")))
        self.assertEqual([f"docker:{WEB}", f"docker:{WEB}", None],
                         [export.process(pid)["container"] for pid in (500, 501, 502)])

    def freeze(self, cgroup):
        self.host.write(f"sys/fs/cgroup{cgroup}/cgroup.events", "populated 1\nfrozen 1\n")

    def test_what_is_frozen_is_paused(self):
        """Where files don't tell: by the cgroup of the first process, not by what is frozen within."""
        self.container(WEB, "web", 500)
        self.container(BARE, "bare", 510)
        self.host.process(500, "shop", start=400, cgroup=SCOPE, **OWN)
        self.host.process(510, "shop", start=401, cgroup=f"/docker/{BARE}", pid=4026532600, mnt=4026532601)
        self.host.process(511, "worker", start=402, cgroup=f"/docker/{BARE}/worker", pid=4026532600, mnt=4026532601)
        self.host.process(520, "init", start=403, cgroup="/lxc.payload.shop")
        self.freeze(SCOPE)
        self.freeze(f"/docker/{BARE}/worker")
        self.freeze("/lxc.payload.shop")
        export = self.record()
        self.assertEqual(["paused", "running"], [self.named(export, name)["state"] for name in ("web", "bare")])
        self.assertEqual("paused", export.one("containers", engine="lxc")["state"])

    def test_a_number_that_is_somebody_elses_by_now(self):
        self.container(STALE, "stale", 600)
        self.host.process(600, "cron", start=300, cgroup="/system.slice/cron.service")
        self.container(MISTAKEN, "mistaken", 610, start=299)
        self.host.process(610, "other", start=300, cgroup=f"/docker/{MISTAKEN}")
        self.container(BARE, "bare", 620, start=299)
        self.host.process(620, "another", start=300, cgroup="/user.slice", **OWN)
        export = self.record()
        for name, pid in (("stale", 600), ("bare", 620)):
            self.assertEqual((None, None), (self.named(export, name)["pid"], export.process(pid)["container"]))
        # Whose cgroup it is in, all the same, is what the kernel says.
        self.assertEqual(f"docker:{MISTAKEN}", export.process(610)["container"])

    def test_by_namespaces_where_it_has_no_cgroup(self):
        self.container(BARE, "bare", 700, start=500)
        self.host.process(700, "bare", start=500, cgroup="/user.slice", **OWN)
        self.host.process(701, "joined", start=501, cgroup="/system.slice", **OWN)
        self.host.process(702, "half", start=502, cgroup="/user.slice", mnt=OWN["mnt"])
        export = self.record()
        self.assertEqual([700, 701], self.named(export, "bare")["pids"])
        self.assertIsNone(export.process(702)["container"])

    def test_another_cgroup_with_its_name_is_not_its(self):
        self.container(WEB, "web", 500)
        self.host.process(500, "shop", start=400, cgroup=SCOPE, **OWN)
        self.host.process(800, "liar", uid=1000, cgroup=f"/user.slice/user-1000.slice/docker-{WEB}.scope")
        export = self.record()
        self.assertEqual([500], self.named(export, "web")["pids"])
        self.assertIsNone(export.process(800)["container"])

    def test_known_by_its_cgroup_alone(self):
        self.host.process(901, "late", start=700, cgroup=f"/docker/{OTHER}")
        self.host.process(900, "early", start=600, cgroup=f"/docker/{OTHER}")
        export = self.record()
        other = export.one("containers", id=OTHER)
        self.assertEqual(("docker", "cgroup", "running", 900, [900, 901], None, None), tuple(
            other[name] for name in ("engine", "tier", "state", "pid", "pids", "name", "labels")))

    def test_containers_in_containers(self):
        self.container(WEB, "web", 500)
        self.host.process(500, "shop", start=400, cgroup=SCOPE, **OWN)
        self.host.process(950, "deep", start=450, cgroup=f"{SCOPE}/docker/{INNER}")
        export = self.record()
        inner = export.one("containers", id=f"{WEB}/{INNER}")
        self.assertEqual((f"docker:{WEB}", [950]), (inner["outer"], inner["pids"]))
        self.assertEqual([500], self.named(export, "web")["pids"])
        shown = json.loads(self.database.run("show", f"container:{INNER[:12]}", "--json").stdout)
        shown = shown[0] if isinstance(shown, list) else shown
        self.assertEqual(["web"], [outer["name"] for outer in shown["related"]["outer container"]])

    def test_a_daemon_in_a_container_has_no_files_of_the_host(self):
        self.container(WEB, "web", 500)
        self.host.process(500, "dockerd", start=400, cgroup=SCOPE, cmdline=["dockerd"], **OWN)
        export = self.record()
        self.assertEqual([WEB], [container["id"] for container in export["containers"]])


if __name__ == "__main__":
    unittest.main()
