# SPDX-License-Identifier: Apache-2.0
"""A real Podman: what its service tells, and what its files tell without one, which is the usual case."""

import contextlib
import json
import os
import pathlib
import pwd
import signal
import subprocess
import unittest

from real_podman import IMAGE, Podman
from support import EngineTestCase, needs_root, wait_until

# What both sources have, and must have alike.
SAME = ("state", "pid", "start_ticks", "name", "image", "image_digest", "command", "created_at", "groups",
        "environment_names", "annotations", "host_namespaces", "mounts", "instance", "privileged", "runtime", "labels",
        "ports", "started_at", "finished_at", "exit_code", "restart_count")
# What is told only of those that were started at least once.
SINCE_START = ("host_namespaces", "mounts")


@needs_root
class PodmanTest(EngineTestCase):
    def setUp(self):
        super().setUp()
        self.podman = Podman(self.folder / "podman")
        self.podman.__enter__()
        self.addCleanup(self.podman.__exit__)

    def own(self, revision="latest"):
        return {container["id"]: container for container in self.database.export(revision)["containers"]
                if container["instance"] == str(self.podman.storage)}

    def record_all(self):
        """With time enough for all questions, also on a busy machine."""
        self.database.record()
        return self.own()

    def record_asked(self):
        with self.podman.service():
            return self.record_all()

    def test_service_and_files_tell_the_same(self):
        shared = self.folder / "shared"
        shared.mkdir()
        expected = {
            self.podman.run("--name", "web", "--network", "none", "-e", "SECRET=hunter2"): "running",
            self.podman.run("--name", "paused", "--network", "none"): "paused",
            self.podman.podman("create", "--name", "created", "--label", "tier=front", "-p", "127.0.0.1:8080-8081:80-81",
                               IMAGE, "sleep", "1"): "created",
            self.podman.run("--name", "exited", "--network", "none", command=["sh", "-c", "exit 3"]): "exited",
            self.podman.run("--name", "hostly", "--pid", "host", "--network", "host", "--cap-add", "SYS_ADMIN",
                            "-v", f"{shared}:/host:ro", "-v", "data:/data"): "running"}
        self.podman.podman("pause", "paused")
        self.podman.podman("wait", "exited")
        initialized = self.podman.podman("create", "--name", "initialized", "--network", "none", IMAGE, "sleep", "1")
        self.podman.podman("init", "initialized")
        expected[initialized] = "initialized"
        asked = self.record_asked()
        self.assertEqual(expected, {identity: container["state"] for identity, container in asked.items()})
        self.assertEqual({"asked"}, {container["tier"] for container in asked.values()})
        self.database.record()
        left = self.own()
        for identity, state in expected.items():
            with self.subTest(asked[identity]["name"]):
                same = [name for name in SAME if state != "created" or name not in SINCE_START]
                self.assertEqual({name: asked[identity][name] for name in same},
                                 {name: left[identity][name] for name in same})
                self.assertEqual("files", left[identity]["tier"])
        self.assertEqual([], self.database.diff().changes("containers", instance=str(self.podman.storage)))
        by_name = {container["name"]: container for container in left.values()}
        self.assertEqual(("front", [("8080", 80), ("8081", 81)]), (
            by_name["created"]["labels"]["tier"],
            [(port["host_port"], port["port"]) for port in by_name["created"]["ports"]]))
        by_name = {container["name"]: container for container in asked.values()}
        self.assertEqual(3, by_name["exited"]["exit_code"])
        self.assertEqual(["CAP_SYS_ADMIN"], by_name["hostly"]["added_capabilities"])
        self.assertLessEqual({"net", "pid"}, set(by_name["hostly"]["host_namespaces"]))
        self.assertEqual([("bind", str(shared), "/host", True),
                          ("volume", str(self.podman.storage / "volumes/data/_data"), "/data", False)],
                         sorted(tuple(mount[name] for name in ("type", "source", "target", "read_only"))
                                for mount in by_name["hostly"]["mounts"]))
        # Its namespaces are the host's, and its processes are still its own.
        self.assertEqual([by_name["hostly"]["pid"]], by_name["hostly"]["pids"])
        for path in self.folder.glob("test.db*"):
            self.assertNotIn(b"hunter2", path.read_bytes())

    def test_each_process_is_attributed_and_none_twice(self):
        web = self.podman.run("--name", "web", "--network", "none", command=["sh", "-c", "sleep 1001 & exec sleep 1000"])
        self.podman.podman("exec", "-d", "web", "sleep", "1002")
        for record in (self.record_asked, lambda: self.database.record() and None):
            record()
            export = self.database.export()
            sleeping = sorted(process["cmdline"][1] for process in export["processes"]
                              if process["container"] == f"podman:{web}")
            self.assertEqual(["1000", "1001", "1002"], sleeping)
            # Neither its runtime nor the name of its cgroup makes another one of it.
            self.assertEqual(["podman"], [container["engine"] for container in export["containers"]
                                          if container["id"].endswith(web)])

    def test_pods(self):
        pod = self.podman.podman("pod", "create", "--name", "shop", "--network", "none")
        web = self.podman.run("--pod", "shop", "--name", "web")
        self.podman.run("--name", "alone", "--network", "none")
        for tier in ("files", "asked", "files"):
            with self.podman.service() if tier == "asked" else contextlib.nullcontext():
                self.database.record()
            groups = {container["name"]: {group["type"]: group["name"] for group in container["groups"] or []}
                      for container in self.own().values()}
            self.assertEqual({}, groups.pop("alone"))
            self.assertEqual({(pod, "shop")}, {(group["podman-pod"], group["podman-pod-name"]) for group in groups.values()})
            self.assertEqual(2, len(groups), "the container and the one that keeps the pod's namespaces")
            self.assertEqual(tier, self.own()[web]["tier"])

    def test_details_are_asked_once_and_changes_are_seen(self):
        web = self.podman.run("--name", "web", "--network", "none", "--label", "tier=front",
                              "--label", "com.docker.compose.project=shop")
        with self.podman.service():
            self.record_all()
            self.record_all()
            self.assertEqual([], self.database.diff().changes("containers", instance=str(self.podman.storage)))
            container = self.own()[web]
            self.assertEqual("front", container["labels"]["tier"])
            self.assertEqual([{"type": "compose-project", "name": "shop"}], container["groups"])
            self.podman.podman("restart", "-t", "0", web)
            self.record_all()
            change, = self.database.diff().changes("containers", id=web)
            self.assertLessEqual({"pid", "start_ticks", "started_at"}, set(change["fields"]))
            self.podman.podman("rm", "-f", "-t", "0", web)
            self.database.record()
            self.assertEqual(["removed"], self.database.diff().ops("containers", id=web))

    def test_values_of_the_environment_stay_away_unless_asked_for(self):
        web = self.podman.run("--network", "none", "-e", "SECRET=hunter2")
        for tier in ("asked", "files"):
            with self.podman.service() if tier == "asked" else contextlib.nullcontext():
                self.database.record()
                for path in self.folder.glob("test.db*"):
                    self.assertNotIn(b"hunter2", path.read_bytes())
                other = self.other_database(f"{tier}.db")
                other.record("--with", "environment")
            self.assertIn("SECRET", self.own()[web]["environment_names"])
            document = json.loads(other.evidence(f"container:{web}"))
            variables = document["Config"]["Env"] if tier == "asked" else document["config"]["process"]["env"]
            self.assertIn("SECRET=hunter2", variables)

    def test_what_files_say_of_a_process_counts_only_while_it_is_there(self):
        web = self.podman.run("--name", "web", "--network", "none")
        self.database.record()
        pid = self.own()[web]["pid"]
        monitor = int(self.podman.inspect(web, ".State.ConmonPid"))
        os.kill(monitor, signal.SIGKILL)  # so that nobody tidies up
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the container ends")
        self.database.record()
        self.assertEqual(("exited", None, []), tuple(self.own()[web][name] for name in ("state", "pid", "pids")))


@needs_root
class RootlessPodmanTest(EngineTestCase):
    """Of a user who is made for it, with everything where it usually is."""

    USER = "nslapse-test-rootless"

    def setUp(self):
        super().setUp()
        home = self.folder / "home"
        os.chmod(self.folder, 0o755)
        subprocess.run(["useradd", "--create-home", "--home-dir", home, self.USER], check=True)
        self.addCleanup(subprocess.run, ["userdel", self.USER], check=True)
        self.user = pwd.getpwnam(self.USER)
        runtime = pathlib.Path(f"/run/user/{self.user.pw_uid}")
        runtime.mkdir(mode=0o700, parents=True)
        os.chown(runtime, self.user.pw_uid, self.user.pw_gid)
        self.addCleanup(subprocess.run, ["rm", "-r", runtime], check=True)
        self.podman = Podman(self.folder / "podman", self.user, home)
        self.podman.__enter__()
        self.addCleanup(self.podman.__exit__)

    def test_service_and_files_tell_the_same(self):
        web = self.podman.run("--name", "web", "--network", "none")
        exited = self.podman.run("--name", "exited", "--network", "none", command=["sh", "-c", "exit 3"])
        self.podman.podman("wait", "exited")
        found = {}
        for tier in ("asked", "files"):
            with self.podman.service() if tier == "asked" else contextlib.nullcontext():
                self.database.record()
            export = self.database.export()
            found[tier] = {container["id"]: container for container in export["containers"]
                           if container["engine"] == "podman" and container["id"] in (web, exited)}
            self.assertEqual({web: "running", exited: "exited"},
                             {identity: container["state"] for identity, container in found[tier].items()})
            container = found[tier][web]
            self.assertEqual((tier, f"uid-{self.user.pw_uid}:{self.podman.storage}"),
                             (container["tier"], container["instance"]))
            self.assertEqual(["sleep", "1000"], export.process(container["pid"])["cmdline"])
            self.assertEqual([container["pid"]], container["pids"])
            # runc, which it was run by, doesn't tell of it once more.
            self.assertEqual(1, sum(other["id"].endswith(web) for other in export["containers"]))
        for identity in (web, exited):
            self.assertEqual([], self.database.diff().changes("containers", id=identity))


if __name__ == "__main__":
    unittest.main()
