# SPDX-License-Identifier: Apache-2.0
"""A copied disk: there is no /proc, and containers are what their engines have left in files."""

import errno
import json
import os
import pathlib
import shutil
import struct
import sys
import unittest

import bolt

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import SmallHost
from support import TestCase, nslapse

WEB, DONE, MADE, LOST, POD = (os.urandom(32).hex() for _ in range(5))
KINDS = {"namespace", "process", "thread", "mount", "cgroup", "discrepancy"}


def docker(identity, name, **state):
    return {"ID": identity, "Name": f"/{name}", "Path": "/bin/shop", "Args": [],
            "State": {"StartedAt": "2023-11-14T22:13:21Z", "FinishedAt": "0001-01-01T00:00:00Z", **state},
            "Config": {"Image": "shop:1", "Labels": {"b": "1"}}}


def any_of(document):
    """google.protobuf.Any, with JSON for its value."""
    value = json.dumps(document).encode()
    length, more = len(value), b""
    while length > 127:
        more += bytes([length & 127 | 128])
        length >>= 7
    return b"\x0a\x03url\x12" + more + bytes([length]) + value


def moment(seconds, nanoseconds=0):
    """time.Time of Go, marshalled: seconds since the year 1, in UTC."""
    return struct.pack(">Bqih", 1, seconds + 62135596800, nanoseconds, -1)


class DiskTestCase(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")
        self.host.write("etc/hostname", "small\n")

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


class CopiedDisk(DiskTestCase):
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

    def test_podman_of_its_database(self):
        """Up to its version 4 it notes there what it has seen of a container."""
        self.write_podman(MADE, "made", started=False)
        self.write_podman(WEB, "web", started=True)
        self.write_podman(DONE, "done", started=True)
        self.write_podman(LOST, "lost", started=True)  # of another moment: the database hasn't got it yet
        config = {"labels": {"tier": "front"}, "pod": POD, "createdTime": "2023-11-14T22:13:20.5Z", "runtime": "crun",
                  "privileged": False, "CreateCommand": ["podman", "run", "-e", "SECRET=hunter2"],
                  "spec": {"process": {"args": ["/bin/made"], "env": ["SECRET=hunter2"]}},
                  "newPortMappings": [{"host_ip": "", "container_port": 80, "host_port": 8080, "range": 2, "protocol": "tcp"}]}
        ended = {"state": 6, "exitCode": 3, "startedTime": "2023-11-14T22:13:21Z", "finishedTime": "2023-11-14T22:14:00Z",
                 "restartCount": 2}
        database = {"ctr": {identity: {"config": json.dumps(config), "state": json.dumps(state), "networks": {"a": "b"}}
                            for identity, state in ((MADE, {"state": 1}), (WEB, {"state": 3}), (DONE, ended))},
                    "pod": {POD: {"config": json.dumps({"name": "shop"}), "containers": {WEB: ""}}}, "id-registry": {}}
        self.host.write("var/lib/containers/storage/libpod/bolt_state.db", bolt.database(database))
        self.take_the_disk()
        export = self.record()
        self.assertEqual({"podman:made": "created", "podman:web": "running", "podman:done": "exited", "podman:lost": None},
                         self.states(export))
        expected = {"exit_code": 3, "restart_count": 2, "labels": {"tier": "front"}, "runtime": "crun", "privileged": False,
                    "created_at": "2023-11-14T22:13:20.500000000Z", "started_at": "2023-11-14T22:13:21.000000000Z",
                    "finished_at": "2023-11-14T22:14:00.000000000Z", "command": ["/bin/shop"],
                    "groups": [{"type": "podman-pod", "name": POD}, {"type": "podman-pod-name", "name": "shop"}],
                    "ports": [{"protocol": "tcp", "port": port, "host_address": "", "host_port": str(port + 8000)}
                              for port in (80, 81)]}
        done, made, lost = (export.one("containers", name=name) for name in ("done", "made", "lost"))
        self.assertEqual(expected, {name: done[name] for name in expected})
        self.assertEqual((["/bin/made"], ["SECRET"], None, None), tuple(
            made[name] for name in ("command", "environment_names", "exit_code", "finished_at")))
        self.assertEqual((None, None, None), tuple(lost[name] for name in ("labels", "ports", "exit_code")))
        self.assertNotIn("hunter2", self.database.evidence(f"container:podman:{MADE}"))
        self.host.write("var/lib/containers/storage/libpod/bolt_state.db", b"no database" * 1000)
        export = self.record()
        self.assertEqual(errno.EBADMSG, export.one("gaps", subject="podman:/var/lib/containers/storage")["errno"])
        self.assertEqual("created", export.one("containers", name="made")["state"])

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

    def test_docker_where_its_configuration_says(self):
        self.host.write("etc/docker/daemon.json", json.dumps({"data-root": "/data"}))
        self.write_docker(WEB, "web", Running=True, Pid=700)
        (self.host.folder / "var/lib/docker").rename(self.host.folder / "data")
        self.take_the_disk()
        self.assertEqual({"docker:web": "running"}, self.states(self.record()))

    def test_a_folder_of_anything_else_is_refused(self):
        (self.folder / "home/jo").mkdir(parents=True)
        done = self.database.run("--root", self.folder, "record", expect=13)
        self.assertIn("no container engine has left any files", done.stderr)
        self.assertFalse(self.database.path.exists())


class Containerd(DiskTestCase):
    """Its database has all containers, whether they run or not."""

    SPEC = {"process": {"args": ["/bin/shop"], "env": ["SECRET=hunter2"]},
            "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "uts"}]}}
    CRI = {"io.kubernetes.cri.sandbox-name": "shop-1", "io.kubernetes.cri.sandbox-namespace": "default",
           "io.kubernetes.cri.sandbox-uid": "uid-1"}

    def write(self, namespaces, root="var/lib/containerd", **more):
        self.host.write(f"{root}/io.containerd.metadata.v1.bolt/meta.db",
                        bolt.database({"v1": {"version": b"\6", **namespaces}, **more}))

    def write_status(self, identity, **status):
        self.host.write(f"var/lib/containerd/io.containerd.grpc.v1.cri/containers/{identity}/status",
                        json.dumps({"Version": "v1", "Pid": 0, "CreatedAt": 1700000001000000007, "ExitCode": 0, **status}))

    def web(self, **more):
        return {"image": "docker.io/shop:1", "createdat": moment(1700000000, 500000001), "updatedat": moment(1700000000),
                "labels": {"app": "shop"}, "runtime": {"name": "io.containerd.runc.v2"}, "spec": any_of(self.SPEC),
                "snapshotKey": "web", **more}

    def kept(self, kind, name, **metadata):
        """With what the CRI plugin keeps."""
        config = {"metadata": {"name": name, "attempt": 2}, "labels": {"tier": "front"}, "annotations": {"a": "1"},
                  "envs": [{"key": "SECRET", "value": "hunter2"}],
                  "mounts": [{"container_path": "/data", "host_path": "/srv", "readonly": True}],
                  "linux": {"security_context": {"namespace_options": {"network": 2}}}}
        spec = {**self.SPEC, "annotations": self.CRI}
        return self.web(spec=any_of(spec), extensions={f"io.cri-containerd.{kind}.metadata": any_of(
            {"Version": "v1", "Metadata": {"Config": config, **metadata}})})

    def assert_is(self, export, identity, **wanted):
        container = export.one("containers", id=identity)
        self.assertEqual(wanted, {name: container[name] for name in wanted})

    def test_of_all_namespaces(self):
        images = {"docker.io/shop:1": {"target": {"digest": "sha256:0815", "size": b"\1"}, "createdat": moment(1)}}
        self.write({"default": {"containers": {"web": self.web(), "bare": {}}, "images": images},
                    "other": {"containers": {"web": self.web(labels={"nerdctl/name": "shop"})}},
                    "idle": {"labels": {"a": "b"}}})
        self.take_the_disk()
        export = self.record()
        self.assertEqual({"default/bare", "default/web", "other/web"}, {one["id"] for one in export["containers"]})
        self.assert_is(export, "default/web", engine="containerd", tier="files", name="web", image="docker.io/shop:1",
                       image_digest="sha256:0815", runtime="io.containerd.runc.v2", labels={"app": "shop"}, state=None,
                       created_at="2023-11-14T22:13:20.500000001Z", command=["/bin/shop"], environment_names=["SECRET"],
                       host_namespaces=["cgroup", "ipc", "net"], instance="/run/containerd/containerd.sock")
        self.assert_is(export, "other/web", name="shop", image_digest=None)
        self.assert_is(export, "default/bare", image=None, labels={}, created_at=None, command=None)
        self.assertEqual([], export.all("gaps", hides_scope="/run/containerd/containerd.sock"))
        self.assertNotIn("hunter2", self.database.evidence("container:default/web"))
        # Once more: the same.
        self.record()
        self.assertEqual([], self.database.diff().document["changes"])

    def test_of_kubernetes(self):
        pod, ended, lost, made = (os.urandom(32).hex() for _ in range(4))
        self.write({"k8s.io": {"containers": {
            pod: self.kept("sandbox", "shop-1"), **{identity: self.kept("container", name, SandboxID=pod) for identity, name in (
                (ended, "ended"), (lost, "lost"), (made, "made"))}}}})
        self.write_status(ended, StartedAt=1700000002000000009, FinishedAt=1700000003000000001, ExitCode=137)
        self.write_status(lost, StartedAt=1700000002000000009, FinishedAt=0)
        self.write_status(made, StartedAt=0, FinishedAt=0)
        groups = [{"type": "kubernetes-namespace", "name": "default"}, {"type": "kubernetes-pod", "name": "uid-1"},
                  {"type": "kubernetes-pod-name", "name": "shop-1"}]
        export = self.record()  # with /proc, in which none of them is
        self.assert_is(export, f"k8s.io/{ended}", name="ended", state="exited", exit_code=137, restart_count=2,
                       created_at="2023-11-14T22:13:21.000000007Z", started_at="2023-11-14T22:13:22.000000009Z",
                       finished_at="2023-11-14T22:13:23.000000001Z", labels={"tier": "front"}, annotations={"a": "1"},
                       groups=groups, privileged=False, host_namespaces=["cgroup", "ipc", "net", "uts"],
                       mounts=[{"type": "bind", "source": "/srv", "target": "/data", "read_only": True}])
        self.assert_is(export, f"k8s.io/{pod}", name="shop-1", groups=groups)
        self.assertNotIn("hunter2", self.database.evidence(f"container:k8s.io/{ended}"))
        self.take_the_disk()
        export = self.record()
        self.assertEqual({"ended": "exited", "lost": "running", "made": "created", "shop-1": None},
                         {one["name"]: one["state"] for one in export["containers"]})

    def test_where_its_configuration_says(self):
        self.host.write("etc/containerd/config.toml", '# root = "/a"\nroot = "/data/containerd"\n[debug]\nroot = "/b"\n')
        self.write({"default": {"containers": {"web": self.web()}}}, root="data/containerd")
        self.take_the_disk()
        self.assert_is(self.record(), "default/web", image="docker.io/shop:1")

    def test_of_k3s(self):
        self.write({"k8s.io": {"containers": {"web": self.web()}}}, root="var/lib/rancher/k3s/agent/containerd")
        self.take_the_disk()
        self.assertEqual("/run/k3s/containerd/containerd.sock", self.record().one("containers")["instance"])

    def test_one_that_cannot_be_read_is_a_gap(self):
        for content in (b"", b"no database" * 1000, bolt.database({"v1": {"default": {"containers": {"web": {
                "spec": b"\xff"}}}}})):
            self.host.write("var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db", content)
            gap = self.record().one("gaps", subject="containerd:/run/containerd/containerd.sock")
            self.assertIn(gap["errno"], (errno.EBADMSG, errno.EPROTO))
            self.assertIn("its database", gap["error"])

    def test_a_name_that_leads_elsewhere(self):
        self.host.write("run/containerd/io.containerd.runtime.v2.task/default/web/init.pid", "1")
        self.write({"default": {"containers": {"../other/web": self.web(), "..": {}, "web": self.web()}},
                    "..": {"containers": {"web": self.web()}}, "flat": "", "v": {"containers": "", "images": ""}}, odd="")
        export = self.record()
        self.assertEqual(["default/web"], [one["id"] for one in export["containers"]])
        self.assertTrue(export.all("gaps", hides_scope="/run/containerd/containerd.sock"))


if __name__ == "__main__":
    unittest.main()
