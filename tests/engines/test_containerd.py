# SPDX-License-Identifier: Apache-2.0
"""A real containerd with its CRI plugin, recorded: what it tells, and what its files tell when it is gone."""

import json
import os
import pathlib
import shutil
import signal
import unittest

import busybox_image
from real_containerd import DEFAULT, HOST, OTHER, SNAPSHOTTER, Containerd
from support import EngineTestCase, needs_root, wait_until

# What must not depend on whether the engine was asked.
SAME = ("name", "state", "pid", "start_ticks", "command", "environment_names", "added_capabilities",
        "security_options", "mounts", "devices", "groups", "instance", "outer")
# ... and of those in its database.
SAME_OF_DATABASE = (*SAME, "image", "image_digest", "runtime", "created_at", "started_at", "labels", "annotations",
                    "privileged", "restart_count", "host_namespaces")


@needs_root
class ContainerdTest(EngineTestCase):
    def setUp(self):
        super().setUp()
        self.engine = Containerd(self.folder / "containerd")
        self.engine.__enter__()
        self.addCleanup(self.engine.__exit__)

    def record(self, *arguments, database=None):
        """Nobody is hurried."""
        (database or self.database).record(*arguments)

    def changes(self):
        """Of the engine's containers: the host may have others, which come and go."""
        return [change for change in self.database.diff().changes("containers")
                if (change["before"] or change["after"])["instance"] == str(self.engine.socket)]

    def key(self, name, namespace=DEFAULT):
        """A containerd that isn't the usual one has its socket in the ids."""
        return f"{self.engine.socket}/{namespace}/{name}"

    def pid(self, name, namespace=DEFAULT):
        lines = self.engine.ctr("tasks", "list", namespace=namespace).splitlines()
        return next(int(line.split()[1]) for line in lines if line.split()[0] == name)

    @staticmethod
    def mount_namespaces(pid):
        """Of a process and its children."""
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {os.readlink(f"/proc/{process}/ns/mnt") for process in [pid, *children]}

    def own(self, export):
        return {container["id"]: container for container in export["containers"]
                if container["instance"] == str(self.engine.socket)}

    @staticmethod
    def shared(container):
        """What it shares with its host, but for the cgroup namespace, which depends on the host's hierarchies."""
        return set(container["host_namespaces"]) - {"cgroup"}

    def pause(self, name):
        self.engine.ctr("tasks", "pause", name)
        self.addCleanup(self.resume, name)

    def resume(self, name):
        """What is frozen can't be ended."""
        if self.engine.process.poll() is not None:
            self.engine.start()
        self.engine.ctr("tasks", "resume", name)

    def assert_no_secret(self):
        for path in self.folder.glob("*.db*"):
            self.assertFalse(self.engine.secret.encode() in path.read_bytes(), path)


class Asked(ContainerdTest):
    def test_containers_of_all_namespaces_and_their_processes(self):
        self.engine.run("web", "--label", "nerdctl/name=shop", "--label", "com.docker.compose.project=shop",
                           "--mount", "type=bind,src=/tmp,dst=/host,options=rbind:ro",
                           command=["/bin/sh", "-c", "sleep 1001 & exec sleep 1000"])
        self.engine.import_image(OTHER)
        self.engine.run("web", namespace=OTHER)
        self.engine.ctr("tasks", "exec", "-d", "--exec-id", "later", "web", "/bin/sleep", "1002")
        self.record()
        export = self.database.export()
        self.assertEqual({self.key("web"), self.key("web", OTHER)}, set(self.own(export)))
        web = self.own(export)[self.key("web")]
        self.assertEqual(("containerd", "asked", "shop", "running", self.pid("web")), tuple(
            web[name] for name in ("engine", "tier", "name", "state", "pid")))
        self.assertEqual([{"type": "compose-project", "name": "shop"}], web["groups"])
        self.assertEqual((busybox_image.NAME, "io.containerd.runc.v2", ["/bin/sh", "-c", "sleep 1001 & exec sleep 1000"]),
                         (web["image"], web["runtime"], web["command"]))
        self.assertRegex(web["image_digest"], "^sha256:[0-9a-f]{64}$")
        self.assertEqual([{"type": "bind", "source": "/tmp", "target": "/host", "read_only": True}], web["mounts"])
        self.assertEqual(([], set(), ["PATH", "SECRET"]), (
            web["added_capabilities"], self.shared(web), web["environment_names"]))
        sleeping = sorted(process["cmdline"][-1] for process in export["processes"] if process["pid"] in web["pids"])
        self.assertEqual(["1000", "1001", "1002"], sleeping)
        self.assertEqual([self.pid("web", OTHER)], self.own(export)[self.key("web", OTHER)]["pids"])

    def test_ways_to_run(self):
        self.engine.run("paused")
        self.pause("paused")
        self.engine.ctr("containers", "create", *SNAPSHOTTER, busybox_image.NAME, "created", "/bin/sleep", "1")
        self.engine.run("stopped", command=["/bin/sh", "-c", "exit 3"])
        wait_until(lambda: "STOPPED" in self.engine.ctr("tasks", "list"), "the task ends")
        # In a mount namespace of its own a process is known by its cgroup alone.
        self.engine.run("hostly", "--net-host", "--cap-add", "CAP_SYS_ADMIN",
                        command=["/bin/sh", "-c", "busybox unshare -m busybox sleep 1001 & exec sleep 1000"])
        pid = self.pid("hostly")
        wait_until(lambda: len(self.mount_namespaces(pid)) == 2, "the second process has its namespace")
        self.record()
        export = self.database.export()
        found = {container["name"]: container for container in self.own(export).values()}
        self.assertEqual({"paused": "paused", "created": "created", "stopped": "exited", "hostly": "running"},
                         {name: container["state"] for name, container in found.items()})
        self.assertTrue(export.process(found["paused"]["pid"])["frozen"])
        self.assertEqual((None, [], None), tuple(found["created"][name] for name in ("pid", "pids", "exit_code")))
        self.assertEqual((None, 3), (found["stopped"]["pid"], found["stopped"]["exit_code"]))
        self.assertEqual(({"net"}, ["CAP_SYS_ADMIN"]), (
            self.shared(found["hostly"]), found["hostly"]["added_capabilities"]))
        self.assertEqual(2, len(found["hostly"]["pids"]))

    def test_values_of_the_environment_stay_away_unless_asked_for(self):
        self.engine.run("web", "--env", f"PASSWORD={self.engine.secret}")
        self.record()
        self.assert_no_secret()
        document = json.loads(self.database.evidence(f"container:{self.key('web')}"))
        self.assertEqual(["PATH", "SECRET", "PASSWORD"], document["spec"]["process"]["env"])
        other = self.other_database("other.sqlite")
        self.record("--with", "environment", database=other)
        document = json.loads(other.evidence(f"container:{self.key('web')}"))
        self.assertIn(f"PASSWORD={self.engine.secret}", document["spec"]["process"]["env"])

    def test_changes_are_seen_and_nothing_else(self):
        self.engine.run("web")
        self.record()
        self.record()
        self.assertEqual([], self.changes())
        self.engine.ctr("containers", "label", "web", "app=shop")
        self.record()
        change, = self.changes()
        self.assertEqual(["labels"], [field for field in change["fields"] if field != "listing"])
        self.engine.ctr("tasks", "kill", "-s", "SIGKILL", "web")
        wait_until(lambda: "STOPPED" in self.engine.ctr("tasks", "list"), "the task ends")
        self.engine.ctr("tasks", "delete", "web")
        self.engine.ctr("containers", "delete", "web")
        self.record()
        self.assertEqual(["removed"], [change["op"] for change in self.changes()])


class Pods(ContainerdTest):
    GROUPS = [{"type": "kubernetes-namespace", "name": "default"},
              {"type": "kubernetes-pod", "name": "uid-nslapse-1"},
              {"type": "kubernetes-pod-name", "name": "nslapse-1"}]

    def setUp(self):
        super().setUp()
        self.pod = self.engine.start_pod("nslapse-1")
        self.web = self.engine.start_container(self.pod, "web", "nslapse-1")

    def test_a_pod_is_a_group_of_its_sandbox_and_its_containers(self):
        created = self.engine.create_container(self.pod, "later", "nslapse-1")
        self.record()
        export = self.database.export()
        own = self.own(export)
        self.assertEqual({f"k8s.io/{self.pod}": ("nslapse-1", "running"), f"k8s.io/{self.web}": ("web", "running"),
                          f"k8s.io/{created}": ("later", "created")},
                         {key: (one["name"], one["state"]) for key, one in own.items()})
        for one in own.values():
            self.assertEqual(("containerd", "asked", self.GROUPS, False), tuple(
                one[name] for name in ("engine", "tier", "groups", "privileged")))
        web = own[f"k8s.io/{self.web}"]
        self.assertEqual({"net", "uts"}, self.shared(web))
        self.assertEqual((0, {"io.kubernetes.container.name": "web"}, ["/bin/sleep", "1000"]),
                         (web["restart_count"], web["labels"], web["command"]))
        self.assertEqual([self.pid(self.web, "k8s.io")], web["pids"])
        self.assertIsNotNone(web["started_at"])
        # Nobody tells of the same container again.
        for identity in (self.pod, self.web):
            self.assertEqual(1, sum(identity in container["id"] for container in export["containers"]))

    def test_values_of_the_environment_stand_in_a_document_twice(self):
        self.record()
        self.assert_no_secret()
        document = json.loads(self.database.evidence(f"container:k8s.io/{self.web}"))
        self.assertEqual([{"key": "PASSWORD"}], document["config"]["envs"])
        self.assertIn("PASSWORD", document["runtimeSpec"]["process"]["env"])
        other = self.other_database("other.sqlite")
        self.record("--with", "environment", database=other)
        document = json.loads(other.evidence(f"container:k8s.io/{self.web}"))
        self.assertEqual([{"key": "PASSWORD", "value": self.engine.secret}], document["config"]["envs"])
        self.assertIn(f"PASSWORD={self.engine.secret}", document["runtimeSpec"]["process"]["env"])

    def test_in_the_pid_namespace_of_the_host(self):
        """Only their cgroup tells whose processes these are."""
        hostly = self.engine.start_container(self.pod, "hostly", "nslapse-1", pid_namespace=HOST)
        self.engine.ctr("tasks", "exec", "-d", "--exec-id", "later", hostly, "/bin/sleep", "1002", namespace="k8s.io")
        self.record()
        export = self.database.export()
        container = self.own(export)[f"k8s.io/{hostly}"]
        self.assertEqual({"net", "pid", "uts"}, self.shared(container))
        self.assertEqual([["/bin/sleep", "1000"], ["/bin/sleep", "1002"]],
                         [export.process(pid)["cmdline"] for pid in container["pids"]])

    def test_details_are_asked_once(self):
        self.record()
        self.record()
        self.assertEqual([], self.changes())


class Files(ContainerdTest):
    def start_all(self):
        self.engine.run("web", "--env", f"PASSWORD={self.engine.secret}", "--label", "nerdctl/name=shop",
                        "--mount", "type=bind,src=/tmp,dst=/host,options=rbind:ro")
        self.engine.run("paused")
        self.pause("paused")
        self.engine.ctr("containers", "create", *SNAPSHOTTER, "--label", "app=shop", busybox_image.NAME, "created",
                        "/bin/sleep", "1")
        self.engine.run("stopped", command=["/bin/sh", "-c", "exit 3"])
        wait_until(lambda: "STOPPED" in self.engine.ctr("tasks", "list"), "the task ends")
        self.pod = self.engine.start_pod("nslapse-1")
        self.engine.start_container(self.pod, "web", "nslapse-1")
        self.engine.create_container(self.pod, "later", "nslapse-1")
        self.done = self.engine.start_container(self.pod, "done", "nslapse-1")
        self.engine.cri("StopContainer", f'container_id: "{self.done}"')

    def assert_same(self, before, after, columns=SAME_OF_DATABASE):
        self.assertEqual(set(before), set(after))
        for key, one in after.items():
            self.assertEqual("files", one["tier"])
            self.assertEqual({name: before[key][name] for name in columns}, {name: one[name] for name in columns})

    def copy_file(self, copy, file):
        target = copy / str(file.parent)[1:]
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)

    def test_stopped_daemon_leaves_files(self):
        self.start_all()
        self.record()
        before = self.own(self.database.export())
        self.assertEqual({"web", "paused", "created", "stopped"},
                         {key.split("/")[-1] for key in before if DEFAULT in key})
        self.engine.stop()
        self.record()
        export = self.database.export()
        self.assert_same(before, self.own(export))
        self.assert_no_secret()
        self.assertEqual([], export.all("gaps", subject=f"containerd:{self.engine.socket}"))
        done, = (one for key, one in self.own(export).items() if self.done in key)
        self.assertEqual(("exited", 137), (done["state"], done["exit_code"]))
        # What was seen of an end when it was asked can't be seen now; nothing else has changed.
        self.assertLessEqual({field for change in self.changes() for field in change["fields"]},
                             {"engine_version", "exit_code", "finished_at"})
        # What its files say of a process counts only while that very process is there.
        pid = self.own(export)[self.key("web")]["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the container ends")
        self.record()
        web = self.own(self.database.export())[self.key("web")]
        self.assertEqual(("exited", None, []), (web["state"], web["pid"], web["pids"]))

    def test_one_that_was_removed_has_gone(self):
        """The database says so."""
        self.engine.run("web")
        self.engine.ctr("containers", "create", *SNAPSHOTTER, busybox_image.NAME, "created", "/bin/sleep", "1")
        self.record()
        self.engine.ctr("containers", "delete", "created")
        self.engine.stop()
        self.record()
        self.assertEqual([("removed", self.key("created"))], [
            (change["op"], change["before"]["id"]) for change in self.changes() if change["op"] != "changed"])

    def test_without_its_database(self):
        self.engine.run("web")
        self.record()
        before = self.own(self.database.export())
        self.engine.ctr("containers", "create", *SNAPSHOTTER, busybox_image.NAME, "created", "/bin/sleep", "1")
        self.record()
        self.engine.stop()
        metadata = self.engine.folder / "root/io.containerd.metadata.v1.bolt/meta.db"
        for kept in (metadata.with_name("away.db"), None):
            metadata.rename(kept) if kept else metadata.write_bytes(b"damaged" * 10000)
            self.record()
            export = self.database.export()
            self.assert_same(before, self.own(export), SAME)
            # The one that has no task has not gone, it can't be seen.
            gap = export.one("gaps", subject=f"containerd:{self.engine.socket}")
            self.assertEqual("containers", gap["source"])
            ops = {change["op"] for change in self.database.diff("1", "latest").changes("containers")
                   if (change["before"] or change["after"])["instance"] == str(self.engine.socket)}
            self.assertLessEqual(ops, {"unobserved", "changed"})
        metadata.with_name("away.db").replace(metadata)

    def test_a_copied_disk(self):
        self.start_all()
        self.record()
        before = self.own(self.database.export())
        copy = self.folder / "copy"
        self.database.run("doctor", "--capture-fixture", copy)
        state = self.engine.folder / "state/io.containerd.runtime.v2.task"
        for bundle in state.glob("*/*"):
            for name in ("config.json", "init.pid", "options.json"):
                self.copy_file(copy, bundle / name)
            (copy / str(bundle)[1:] / "work").symlink_to(os.readlink(bundle / "work"))
            (copy / os.readlink(bundle / "work")[1:]).mkdir(parents=True)
        for file in [*self.engine.runtime_folder.glob("*/*/state.json"),
                     *pathlib.Path("/run/containerd/runc").glob("*/*/state.json"),
                     *(self.engine.folder / "root").glob("io.containerd.grpc.v1.cri/containers/*/status"),
                     self.engine.folder / "root/io.containerd.metadata.v1.bolt/meta.db"]:
            self.copy_file(copy, file)
        other = self.other_database("copy.sqlite")
        self.record("--root", copy, database=other)
        self.assert_same(before, self.own(other.export()))
        # The disk alone: the same containers, and nothing of what has run.
        disk = self.folder / "disk"
        (disk / "etc/containerd").mkdir(parents=True)
        (disk / "etc/containerd/config.toml").write_text(f'version = 2\nroot = "{self.engine.folder}/root"\n[grpc]\n')
        shutil.copytree(copy / str(self.engine.folder / "root")[1:], disk / str(self.engine.folder / "root")[1:])
        self.record("--root", disk, database=other)
        after = {container["id"].split("/")[-1]: container for container in other.export()["containers"]}
        self.assertEqual({key.split("/")[-1] for key in before}, set(after))
        for key, one in before.items():
            alike = set(SAME_OF_DATABASE) - {"pid", "start_ticks", "state", "instance"}
            self.assertEqual({name: one[name] for name in alike},
                             {name: after[key.split("/")[-1]][name] for name in alike})
        self.assertEqual({"files"}, {one["tier"] for one in after.values()})
        self.assertEqual(("exited", 137), tuple(after[self.done][name] for name in ("state", "exit_code")))
        self.assertEqual({None}, {after[name]["state"] for name in ("web", "paused", "created", "stopped", self.pod)})


if __name__ == "__main__":
    unittest.main()
