# SPDX-License-Identifier: Apache-2.0
"""A real dockerd: what it tells, what is asked of it, and what its files tell when it is gone."""

import json
import os
import pathlib
import signal
import unittest

from real_docker import IMAGE, Docker, DockerInDocker
from support import EngineTestCase, needs_root, wait_until


@needs_root
class DockerTest(EngineTestCase):
    def setUp(self):
        super().setUp()
        self.docker = Docker(self.folder / "docker")
        self.docker.__enter__()
        self.addCleanup(self.docker.__exit__)

    def own(self, export):
        """The containers of this daemon: others may run here, too."""
        return [container for container in export["containers"]
                if container["instance"] == str(self.docker.data)]

    def container(self, identity, revision="latest"):
        return self.database.export(revision).one("containers", engine="docker", id=identity)

    def test_running_containers_and_their_processes(self):
        web = self.docker.run("--name", "web", "--network", "none", "--cgroupns", "private", "--label",
                              "com.docker.compose.project=shop", "-e", "SECRET=hunter2",
                              command=["sh", "-c", "sleep 1001 & exec sleep 1000"])
        pid = int(self.docker.inspect(web, ".State.Pid"))
        self.database.record()
        export = self.database.export()
        container = export.one("containers", id=web)
        self.assertEqual(("docker", web, "asked", "running", pid), tuple(
            container[name] for name in ("engine", "id", "tier", "state", "pid")))
        self.assertEqual([{"type": "compose-project", "name": "shop"}], container["groups"])
        self.assertEqual({"com.docker.compose.project": "shop"}, container["labels"])
        self.assertEqual(IMAGE, container["image"])
        self.assertEqual(self.docker.inspect(web, ".Image"), container["image_digest"])
        self.assertEqual(["sh", "-c", "sleep 1001 & exec sleep 1000"], container["command"])
        self.assertEqual(str(self.docker.data), container["instance"])
        self.assertEqual((False, [], [], None), tuple(
            container[name] for name in ("privileged", "added_capabilities", "host_namespaces", "outer")))
        self.assertIn("SECRET", container["environment_names"])
        # All of its processes, not only the first: also the one that joined it later.
        self.docker.docker("exec", "-d", "web", "sleep", "1002")
        self.database.record()
        export = self.database.export()
        sleeping = {seconds: [process["pid"] for process in export["processes"]
                              if process["container"] == f"docker:{web}" and
                              process["cmdline"] == ["sleep", seconds]]
                    for seconds in ("1000", "1001", "1002")}
        self.assertEqual({"1000": 1, "1001": 1, "1002": 1},
                         {seconds: len(pids) for seconds, pids in sleeping.items()})
        self.assertEqual(sorted(sum(sleeping.values(), [])), export.one("containers", id=web)["pids"])

    def test_values_of_the_environment_stay_away_unless_asked_for(self):
        web = self.docker.run("--network", "none", "-e", "SECRET=hunter2")
        self.database.record()
        for path in self.folder.glob("test.db*"):
            self.assertNotIn(b"hunter2", path.read_bytes())
        document = json.loads(self.database.evidence(f"container:{web}"))
        self.assertEqual(web, document["Id"])
        self.assertIn("SECRET", document["Config"]["Env"])
        other = self.other_database("other.db")
        other.record("--with", "environment")
        document = json.loads(other.evidence(f"container:{web}"))
        self.assertIn("SECRET=hunter2", document["Config"]["Env"])

    def test_ways_to_run(self):
        paused = self.docker.run("--name", "paused", "--network", "none")
        self.docker.docker("pause", paused)
        stopped = self.docker.run("--name", "stopped", "--network", "none", command=["sh", "-c", "exit 3"])
        self.docker.docker("wait", stopped)
        created = self.docker.create("--name", "created", "--network", "none")
        hostly = self.docker.run("--name", "hostly", "--pid", "host", "--network", "host", "--ipc", "host",
                                 "--cgroupns", "host", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined",
                                 "-v", "/tmp:/host:ro")
        self.database.record()
        export = self.database.export()
        states = {container["id"]: container["state"] for container in self.own(export)}
        self.assertEqual({paused: "paused", stopped: "exited", created: "created", hostly: "running"}, states)
        self.assertEqual(3, export.one("containers", id=stopped)["exit_code"])
        self.assertIsNone(export.one("containers", id=stopped)["pid"])
        self.assertIsNone(export.one("containers", id=created)["started_at"])
        self.assertIsNone(export.one("containers", id=created)["exit_code"])
        shared = export.one("containers", id=hostly)
        self.assertEqual((["cgroup", "ipc", "net", "pid"], ["CAP_SYS_ADMIN"]), tuple(
            shared[name] for name in ("host_namespaces", "added_capabilities")))
        self.assertIn("seccomp=unconfined", shared["security_options"])
        self.assertEqual([{"type": "bind", "source": "/tmp", "target": "/host", "read_only": True}],
                         shared["mounts"])
        # Without namespaces of its own, its processes are still its own.
        self.assertEqual([shared["pid"]], shared["pids"])
        self.assertTrue(export.process(export.one("containers", id=paused)["pid"])["frozen"])

    def test_plugins(self):
        """Which containerd runs: by the names that Docker has for them."""
        identity = self.docker.enable_plugin("shop/volumes:1")
        self.database.record()
        export = self.database.export()
        plugin = export.one("containers", id=f"plugins.moby/{identity}")
        self.assertEqual(("containerd", "shop/volumes:1", "running", ["cgroup"]), tuple(
            plugin[name] for name in ("engine", "name", "state", "host_namespaces")))
        self.assertEqual([{"type": "docker-plugin", "name": "shop/volumes:1"}], plugin["groups"])
        self.assertEqual([plugin["pid"]], plugin["pids"])
        self.assertIn("SECRET", plugin["environment_names"])
        for path in self.folder.glob("test.db*"):
            self.assertNotIn(b"hunter2", path.read_bytes())
        self.docker.docker("plugin", "disable", identity)
        self.database.record()
        self.assertEqual(["removed"], self.database.diff().ops("containers", id=f"plugins.moby/{identity}"))

    def test_nothing_is_asked_twice_and_changes_are_seen(self):
        web = self.docker.run("--name", "web", "--network", "none")
        self.database.record()
        self.database.record()
        self.assertEqual([], self.database.diff().changes("containers", instance=str(self.docker.data)))
        before = self.container(web)
        self.docker.docker("restart", "-t", "0", web)
        self.docker.docker("rename", web, "shop")
        self.database.record()
        change, = self.database.diff().changes("containers", id=web)
        self.assertEqual("changed", change["op"])
        self.assertLessEqual({"name", "pid", "start_ticks", "started_at"}, set(change["fields"]))
        self.assertNotEqual(before["evidence"], self.container(web)["evidence"])
        self.docker.docker("rm", "-f", web)
        self.database.record()
        self.assertEqual(["removed"], self.database.diff().ops("containers", id=web))

    def test_one_that_ran_in_between_is_seen(self):
        """It is exited in both snapshots, and so its engine lists it."""
        code = self.folder / "code"
        code.write_text("3")
        job = self.docker.run("--name", "job", "--network", "none", "-v", f"{code}:/code",
                              command=["sh", "-c", "exit $(cat /code)"])
        self.docker.docker("wait", job)
        self.database.record()
        code.write_text("4")
        self.docker.docker("start", job)
        self.docker.docker("wait", job)
        self.database.record()
        change, = self.database.diff().changes("containers", id=job)
        self.assertEqual(["exit_code", "finished_at", "started_at"], sorted(change["fields"]))

    def test_stopped_daemon_leaves_files(self):
        exited = self.docker.run("--name", "exited", "--network", "none", command=["sh", "-c", "exit 0"])
        web = self.docker.run("--name", "web", "--network", "none", "-e", "SECRET=hunter2")
        created = self.docker.create("--name", "created", "--network", "none")
        self.docker.docker("wait", exited)
        self.database.record()
        asked = self.database.export()
        self.docker.kill()  # its containers go on, and so does who started them
        self.database.record()
        left = self.database.export()
        same = ("state", "pid", "name", "image", "image_digest", "labels", "command", "created_at",
                "environment_names", "security_options", "mounts", "instance")
        for identity, state in {web: "running", exited: "exited", created: "created"}.items():
            before, after = (export.one("containers", id=identity) for export in (asked, left))
            self.assertEqual({name: before[name] for name in same}, {name: after[name] for name in same})
            self.assertEqual(("files", state), (after["tier"], after["state"]))
        self.assertEqual([], self.database.diff().changes("containers", instance=str(self.docker.data)))
        for path in self.folder.glob("test.db*"):
            self.assertNotIn(b"hunter2", path.read_bytes())
        # What its files say of a process counts only while that very process is there.
        pid = left.one("containers", id=web)["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the container ends")
        self.database.record()
        self.assertEqual(("exited", None, []), tuple(self.container(web)[name] for name in ("state", "pid", "pids")))

    def test_a_container_in_a_container_names_its_outer_one(self):
        """The inner dockerd makes the cgroups of its containers where the host's have theirs, for it has the host's
        mounted: their pid namespaces tell."""
        inner = DockerInDocker(self.docker.folder / "inner", self.docker)
        with inner:
            web = inner.run("--network", "none")
            self.database.record()
            export = self.database.export()
            outer = export.one("containers", id=inner.container)
            container = export.one("containers", id=f"{inner.container}/{web}")
            self.assertEqual((f"docker:{inner.container}", "asked", "running", IMAGE), tuple(
                container[name] for name in ("outer", "tier", "state", "image")))
            # Its first process is the first in there: on the host it has another number.
            self.assertEqual(["sleep", "1000"], export.process(container["pid"])["cmdline"])
            self.assertEqual([container["pid"]], container["pids"])
            self.assertIn(outer["pid"], outer["pids"])
            self.assertNotIn(container["pid"], outer["pids"])
            # Nobody else's, and there only once.
            self.assertEqual([container], [other for other in export["containers"] if web in other["id"]])


if __name__ == "__main__":
    unittest.main()
