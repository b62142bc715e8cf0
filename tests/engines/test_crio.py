# SPDX-License-Identifier: Apache-2.0
"""CRI-O, which isn't packaged: played from what it answers, and from the files that it keeps."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

import replay
from replay import Call, GrpcReplay, encode
from support import Database, TestCase

CRI = "/runtime.v1.RuntimeService/"
POD, WEB, JOB = "a" * 64, "b" * 64, "c" * 64
STARTED, FINISHED = 1700000001, 1700000002  # seconds
SECRET = os.urandom(8).hex()
MANIFEST = json.dumps({"spec": {"containers": [{"env": [{"name": "PASSWORD", "value": SECRET}]}]}})
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
GROUPS = [{"type": "kubernetes-namespace", "name": "default"}, {"type": "kubernetes-pod", "name": "uid-1"},
          {"type": "kubernetes-pod-name", "name": "nslapse-1"}]
LABELS = {"io.kubernetes.pod.name": "nslapse-1", "io.kubernetes.pod.namespace": "default",
          "io.kubernetes.pod.uid": "uid-1"}

VERSION = Call(CRI + "Version", encode("cri.VersionResponse", 'runtime_name: "cri-o" runtime_version: "1.30.0"'))


def text(document):
    """A document as a string of protocol buffers' text format."""
    return json.dumps(json.dumps(document))


def start_ticks(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def spec_of(annotations):
    return {"ociVersion": "1.1.0", "annotations": annotations, "process": {
        "args": ["/bin/sleep", "1000"], "env": ["PATH=/bin", f"PASSWORD={SECRET}"],
        "capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_ADMIN"]}}, "linux": {
            "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}], "seccomp": {}}}


class CrioTest(TestCase):
    def setUp(self):
        super().setUp()
        self.socket = self.folder / "crio.sock"
        self.storage = self.folder / "storage"
        self.run_folder = self.folder / "run"
        self.sleeping = subprocess.Popen(["/bin/sleep", "1000"], stdin=subprocess.DEVNULL)
        self.addCleanup(self.end_sleeping)

    def end_sleeping(self):
        self.sleeping.kill()
        self.sleeping.wait()

    def arguments(self):
        return ["--listen", self.socket, "--root", self.storage, "--runroot", self.run_folder]

    def engine(self, answers):
        engine = GrpcReplay(self.socket, answers, program="crio", arguments=self.arguments())
        self.addCleanup(engine.__exit__)
        return engine.__enter__()

    def record(self, *arguments, database=None):
        """Nobody is hurried."""
        (database or self.database).record("--engine-timeout", "60", *arguments)

    def own(self, database=None):
        export = (database or self.database).export()
        return {container["id"]: container for container in export["containers"]
                if container["instance"] and container["instance"].endswith(str(self.storage))}

    def gaps(self):
        return [gap for gap in self.database.export()["gaps"] if gap["subject"].startswith("cri-o:")]

    def assert_no_secret(self):
        for path in self.folder.glob("test.db*"):
            self.assertFalse(SECRET.encode() in path.read_bytes(), path)


class Asked(CrioTest):
    def sandboxes(self, state="SANDBOX_READY"):
        return Call(CRI + "ListPodSandbox", encode("cri.ListPodSandboxResponse", f"""
            items {{ id: "{POD}" metadata {{ name: "nslapse-1" uid: "uid-1" namespace: "default" attempt: 1 }}
                     state: {state} created_at: 1700000000000000000
                     annotations {{ key: "{APPLIED}" value: {json.dumps(MANIFEST)} }} }}"""))

    @staticmethod
    def containers(job="CONTAINER_EXITED"):
        return Call(CRI + "ListContainers", encode("cri.ListContainersResponse", f"""
            containers {{ id: "{WEB}" pod_sandbox_id: "{POD}" metadata {{ name: "web" attempt: 2 }}
                          image {{ image: "sha256:0123" user_specified_image: "shop:1" }} image_id: "0123"
                          state: CONTAINER_RUNNING created_at: 1700000000000000000
                          labels {{ key: "app" value: "shop" }} }}
            containers {{ id: "{JOB}" pod_sandbox_id: "{POD}" metadata {{ name: "job" }} state: {job} }}"""))

    def details(self):
        document = {"pid": self.sleeping.pid, "privileged": True, "runtimeSpec": spec_of({})}
        of_sandbox = {"pid": 0, "runtimeSpec": spec_of({APPLIED: MANIFEST})}
        return [self.document("ContainerStatus", "container_id", WEB, f"""
                    status {{ id: "{WEB}" started_at: {STARTED}000000000
                              mounts {{ host_path: "/srv" container_path: "/data" readonly: true }} }}
                    info {{ key: "info" value: {text(document)} }}"""),
                self.document("ContainerStatus", "container_id", JOB, f"""
                    status {{ id: "{JOB}" started_at: {STARTED}000000000 finished_at: {FINISHED}000000000 exit_code: 3 }}
                    info {{ key: "info" value: "{{}}" }}"""),
                self.document("PodSandboxStatus", "pod_sandbox_id", POD, f"""
                    info {{ key: "info" value: {text(of_sandbox)} }}""")]

    @staticmethod
    def document(method, kind, request, answer):
        return Call(CRI + method, encode(f"cri.{method}Response", answer),
                    request=encode(f"cri.{method}Request", f'{kind}: "{request}" verbose: true'))

    def answers(self):
        return [VERSION, self.sandboxes(), self.containers(), *self.details()]

    def test_sandboxes_and_containers(self):
        self.engine(self.answers())
        self.record()
        own = self.own()
        self.assertEqual([], self.gaps())
        self.assertEqual({POD: ("nslapse-1", "running", 1), WEB: ("web", "running", 2), JOB: ("job", "exited", 0)},
                         {key: (one["name"], one["state"], one["restart_count"]) for key, one in own.items()})
        for one in own.values():
            self.assertEqual(("cri-o", "1.30.0", "asked", GROUPS), tuple(
                one[name] for name in ("engine", "engine_version", "tier", "groups")))
        web = own[WEB]
        self.assertEqual(("shop:1", "0123", {"app": "shop"}, ["/bin/sleep", "1000"], True), tuple(
            web[name] for name in ("image", "image_digest", "labels", "command", "privileged")))
        self.assertEqual([{"type": "bind", "source": "/srv", "target": "/data", "read_only": True}], web["mounts"])
        self.assertEqual((["cgroup", "net"], ["CAP_SYS_ADMIN"]), (web["host_namespaces"], web["added_capabilities"]))
        self.assertEqual((3, "2023-11-14T22:13:22"), (own[JOB]["exit_code"], own[JOB]["finished_at"][:19]))
        # Whatever it says: a process that is in namespaces of the engine's own is not believed to be one's.
        self.assertIsNone(web["pid"])

    def test_secrets_stay_away_unless_asked_for(self):
        self.engine(self.answers())
        self.record()
        self.assert_no_secret()
        self.assertEqual({APPLIED: ""}, self.own()[POD]["annotations"])
        document = json.loads(self.database.evidence(f"container:{WEB}"))
        self.assertEqual(["PATH", "PASSWORD"], document["runtimeSpec"]["process"]["env"])
        other = Database(self.folder / "other.sqlite")
        self.record("--with", "environment", database=other)
        document = json.loads(other.evidence(f"container:{WEB}"))
        self.assertEqual(["PATH=/bin", f"PASSWORD={SECRET}"], document["runtimeSpec"]["process"]["env"])
        self.assertEqual({APPLIED: MANIFEST}, self.own(other)[POD]["annotations"])

    def test_only_what_has_changed_is_asked_again(self):
        engine = self.engine(self.answers())
        self.record()
        before = self.own()
        self.assertEqual(["Version", "ListContainers", "ListPodSandbox"],
                         [request["method"].rsplit("/", 1)[1] for request in engine.asked_by(self.record)])
        self.assertEqual(before, self.own())
        engine.change([VERSION, self.sandboxes("SANDBOX_NOTREADY"), self.containers(), *self.details()])
        details = [request["request"] for request in engine.asked_by(self.record)
                   if request["method"].endswith("Status")]
        self.assertEqual([encode("cri.PodSandboxStatusRequest", f'pod_sandbox_id: "{POD}" verbose: true').hex()],
                         details)
        self.assertEqual("exited", self.own()[POD]["state"])

    def test_details_that_do_not_come_leave_what_is_listed(self):
        for behaviour in (replay.HANG, replay.GARBAGE, replay.CLOSE_MIDWAY):
            details = self.details()
            details[0].behaviour = behaviour
            with GrpcReplay(self.socket, [VERSION, self.sandboxes(), self.containers(), *details],
                            program="crio", arguments=self.arguments()):
                Database(self.folder / f"{behaviour}.sqlite").record()
            database = Database(self.folder / f"{behaviour}.sqlite")
            self.assertEqual({POD, WEB, JOB}, set(self.own(database)))
            self.assertEqual(("web", None), tuple(self.own(database)[WEB][name] for name in ("name", "command")))
            self.assertEqual(1, len(database.export().all("gaps", subject=f"cri-o:{WEB}")), behaviour)


class Files(CrioTest):
    def write(self, identity, spec, state=None, folder=None):
        userdata = (folder or self.storage) / "overlay-containers" / identity / "userdata"
        userdata.mkdir(parents=True)
        (userdata / "config.json").write_text(json.dumps(spec))
        if state:
            (userdata / "state.json").write_text(json.dumps(state))

    @staticmethod
    def annotations(name, kind, **others):
        return {"io.container.manager": "cri-o", "io.kubernetes.cri-o.ContainerType": kind,
                "io.kubernetes.cri-o.Metadata": json.dumps({"name": name, "attempt": 2}),
                "io.kubernetes.cri-o.Labels": json.dumps(LABELS),
                "io.kubernetes.cri-o.Annotations": json.dumps({APPLIED: MANIFEST}),
                "io.kubernetes.cri-o.Created": "2023-11-14T22:13:20.5Z",
                "io.kubernetes.cri-o.ImageName": "shop:1", **others}

    def write_all(self):
        volumes = json.dumps([{"container_path": "/data", "host_path": "/srv", "readonly": True}])
        running = {"status": "running", "pid": self.sleeping.pid, "initPid": self.sleeping.pid,
                   "initStartTime": start_ticks(self.sleeping.pid), "started": "2023-11-14T22:13:21Z"}
        self.write(POD, spec_of(self.annotations("nslapse-1", "sandbox")), {**running, "initStartTime": "1"})
        self.write(WEB, spec_of(self.annotations("web", "container", **{
            "io.kubernetes.cri-o.Volumes": volumes, "io.kubernetes.cri-o.PrivilegedRuntime": "true"})), running)
        self.write(JOB, spec_of(self.annotations("job", "container")), {
            "status": "stopped", "started": "2023-11-14T22:13:21Z", "finished": "2023-11-14T22:13:22Z", "exitCode": 3})
        # Podman's, in the same storage.
        self.write("d" * 64, spec_of({"io.container.manager": "libpod"}))

    def crio(self):
        """One that nobody can ask."""
        code = "import sys; open('/proc/self/comm', 'w').write('crio'); print(flush=True); sys.stdin.read()"
        process = subprocess.Popen(["crio", "-c", code, *map(str, self.arguments())], executable=sys.executable,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.stdout.close)
        process.stdout.readline()

    def test_what_is_left_of_its_containers(self):
        self.write_all()
        self.crio()
        self.record()
        own = self.own()
        self.assertEqual({POD: ("nslapse-1", "exited"), WEB: ("web", "running"), JOB: ("job", "exited")},
                         {key: (one["name"], one["state"]) for key, one in own.items()})
        for one in own.values():
            self.assertEqual(("cri-o", "files", GROUPS, LABELS, "shop:1", 2), tuple(
                one[name] for name in ("engine", "tier", "groups", "labels", "image", "restart_count")))
        web = own[WEB]
        self.assertEqual((self.sleeping.pid, True, ["/bin/sleep", "1000"]), (
            web["pid"], web["privileged"], web["command"]))
        self.assertEqual([{"type": "bind", "source": "/srv", "target": "/data", "read_only": True}], web["mounts"])
        self.assertIsNone(own[POD]["pid"], "a later process with its number")
        self.assertEqual(3, own[JOB]["exit_code"])
        self.assert_no_secret()
        document = json.loads(self.database.evidence(f"container:{WEB}"))
        self.assertEqual(["PATH", "PASSWORD"], document["process"]["env"])

    def test_damaged_files_are_gaps(self):
        self.write_all()
        userdata = self.storage / "overlay-containers" / WEB / "userdata"
        (userdata / "config.json").write_text("{")
        (self.storage / "overlay-containers" / JOB / "userdata/state.json").write_text("[")
        self.crio()
        self.record()
        self.assertEqual({POD, JOB}, set(self.own()))
        self.assertIsNone(self.own()[JOB]["state"])
        self.assertEqual({f"cri-o:{WEB}", f"cri-o:{JOB}"}, {gap["subject"] for gap in self.gaps()})

    def test_who_cannot_be_asked_is_read(self):
        self.write_all()
        with GrpcReplay(self.socket, [Call(VERSION.method, VERSION.message, behaviour=replay.HANG)], program="crio",
                        arguments=self.arguments()):
            self.database.record()
        self.assertEqual({POD: "files", WEB: "files", JOB: "files"},
                         {key: one["tier"] for key, one in self.own().items()})
        self.assertEqual(1, len(self.gaps()))


if __name__ == "__main__":
    unittest.main()
