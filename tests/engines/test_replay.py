# SPDX-License-Identifier: Apache-2.0
"""Engines that were recorded, and engines that behave badly: what a client of theirs gets."""

import errno
import json
import subprocess

import replay
from replay import Answer, Call, GrpcReplay, HttpReplay, encode
from support import HELPERS, TestCase

SHORT = 300  # milliseconds, for what never ends
MOST = 1 << 20  # bytes of an answer
KILOBYTES_MOST = 64 << 10  # of memory, with the sanitizers' own

NAMESPACES = "/containerd.services.namespaces.v1.Namespaces/List"
CONTAINERS = "/containerd.services.containers.v1.Containers/List"
TASKS = "/containerd.services.tasks.v1.Tasks/List"
IMAGE = "/containerd.services.images.v1.Images/Get"
CRI = "/runtime.v1.RuntimeService/"


def ask(what, engine, path="-", milliseconds=60000, most=64 << 20):
    done = subprocess.run([HELPERS / "ask-engine", what, engine.socket, path, str(milliseconds), str(most)],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


class Http(TestCase):
    def engine(self, answers):
        engine = HttpReplay(self.folder / "engine.sock", answers)
        self.addCleanup(engine.__exit__)
        return engine.__enter__()

    def test_documents_come_by_their_path(self):
        engine = self.engine({"/info": {"Name": "web01"}, "/containers/json?all=1": [{"Id": "a"}],
                              "/containers/json": []})
        self.assertEqual({"Name": "web01"}, ask("get", engine, "/info")["body"])
        self.assertEqual([{"Id": "a"}], ask("get", engine, "/containers/json?all=1")["body"])
        self.assertEqual([], ask("get", engine, "/containers/json?all=0")["body"])
        self.assertEqual(-errno.ENOENT, ask("get", engine, "/nothing")["code"])
        self.assertEqual(["GET /info", "GET /containers/json?all=1", "GET /containers/json?all=0",
                          "GET /nothing"], engine.requests())

    def test_answers_change(self):
        engine = self.engine({"/info": {"Name": "before"}})
        self.assertEqual({"Name": "before"}, ask("get", engine, "/info")["body"])
        engine.change({"/info": {"Name": "after"}})
        self.assertEqual({"Name": "after"}, ask("get", engine, "/info")["body"])

    def test_an_engine_that_behaves_badly_costs_no_more_than_was_granted(self):
        codes = {replay.HANG: errno.ETIMEDOUT, replay.HANG_MIDWAY: errno.ETIMEDOUT,
                 replay.CLOSE_MIDWAY: errno.ECONNRESET, replay.GARBAGE: errno.EPROTO,
                 replay.FLOOD: errno.EFBIG, replay.LIE: errno.EFBIG, replay.WRONG_TYPE: errno.EPROTO}
        engine = self.engine({f"/{behaviour}": Answer({"Name": "web01"}, behaviour=behaviour)
                              for behaviour in codes} | {"/error": Answer({}, status=500)})
        for behaviour, code in codes.items():
            hangs = behaviour.startswith("hang")
            answer = ask("get", engine, f"/{behaviour}", SHORT if hangs else 60000, MOST)
            self.assertEqual(-code, answer["code"], answer)
            self.assertLess(answer["kilobytes"], KILOBYTES_MOST, behaviour)
        self.assertEqual(-errno.EREMOTEIO, ask("get", engine, "/error")["code"])

    def test_5000_containers(self):
        containers = [{"Id": f"{number:064x}", "Labels": {"number": str(number)}} for number in range(5000)]
        engine = self.engine({"/containers/json": containers})
        self.assertEqual(containers, ask("get", engine, "/containers/json")["body"])


class Grpc(TestCase):
    def engine(self, answers):
        engine = GrpcReplay(self.folder / "engine.sock", answers)
        self.addCleanup(engine.__exit__)
        return engine.__enter__()


class Containerd(Grpc):
    VERSION = Call("/containerd.services.version.v1.Version/Version",
                   encode("containerd.VersionResponse", 'version: "1.6.20~ds1"'))

    @staticmethod
    def of(namespace, containers, tasks=""):
        """What the namespace answers with, in protocol buffers' text format."""
        metadata = {"containerd-namespace": namespace}
        return [Call(CONTAINERS, encode("containerd.ListContainersResponse", containers), metadata),
                Call(TASKS, encode("containerd.ListTasksResponse", tasks), metadata)]

    def namespaces(self, *names):
        return [self.VERSION, Call(NAMESPACES, encode("containerd.ListNamespacesResponse", "".join(
            f'namespaces {{ name: "{name}" }}' for name in names)))]

    def test_containers_come_with_their_tasks(self):
        engine = self.engine([
            *self.namespaces("default", "k8s.io"),
            *self.of("default", """
                containers { id: "web" image: "bb:1" labels { key: "a" value: "b" }
                             runtime { name: "io.containerd.runc.v2" } created_at { seconds: 1700000000 }
                             spec { type_url: "x" value: "{\\"ociVersion\\":\\"1.0\\"}" } }
                containers { id: "stopped" }""",
                     'tasks { id: "web" pid: 4711 status: RUNNING }'),
            *self.of("k8s.io", 'containers { id: "web" }',
                     'tasks { id: "web" pid: 12 status: PAUSED } tasks { id: "removed" pid: 13 }'),
            Call(IMAGE, encode("containerd.GetImageResponse", """
                image { name: "bb:1" target { digest: "sha256:0123" } }"""))])
        answer = ask("containerd", engine)
        self.assertEqual((0, "1.6.20~ds1"), (answer["code"], answer["version"]), answer)
        self.assertEqual([
            {"id": "stopped", "image": "", "labels": {}, "tasks_known": True},
            {"id": "web", "image": "bb:1", "labels": {"a": "b"}, "runtime": "io.containerd.runc.v2",
             "created_at": 1700000000, "spec": {"ociVersion": "1.0"}, "task": "web", "pid": 4711,
             "status": 2, "tasks_known": True, "image_digest": "sha256:0123"}], answer["default"])
        self.assertEqual([
            {"task": "removed", "pid": 13, "status": 0, "tasks_known": True},
            {"id": "web", "image": "", "labels": {}, "task": "web", "pid": 12, "status": 4,
             "tasks_known": True}], answer["k8s.io"])

    def test_without_tasks_there_still_are_containers(self):
        for behaviour, code in ((replay.HANG, errno.ETIMEDOUT), (replay.WRONG_TYPE, errno.EPROTO)):
            calls = self.of("default", 'containers { id: "web" }')
            calls[1].behaviour = behaviour
            with GrpcReplay(self.folder / "bad.sock", [*self.namespaces("default"), *calls]) as engine:
                answer = ask("containerd", engine, milliseconds=2000)
            self.assertEqual(-code, answer["code"], answer)
            self.assertEqual([{"id": "web", "image": "", "labels": {}, "tasks_known": False}],
                             answer["default"])

    def test_5000_containers_are_two_calls(self):
        containers = "".join(f'containers {{ id: "{number:064x}" labels {{ key: "n" value: "{number}" }} }}'
                             for number in range(5000))
        tasks = "".join(f'tasks {{ id: "{number:064x}" pid: {number + 1} status: RUNNING }}'
                        for number in range(5000))
        engine = self.engine([*self.namespaces("default"), *self.of("default", containers, tasks)])
        answer = ask("containerd", engine)
        self.assertEqual([(f"{number:064x}", {"n": str(number)}, number + 1) for number in range(5000)],
                         [(one["id"], one["labels"], one["pid"]) for one in answer["default"]])
        self.assertEqual(4, len(engine.requests()), "version, namespaces, containers, tasks")

    def test_a_message_that_swells_is_left(self):
        """Two bytes on the wire, a hundred or more in memory."""
        with GrpcReplay(self.folder / "swelling.sock", [
                *self.namespaces("default"),
                Call(CONTAINERS, b"\x0a\x00" * (8 << 20))]) as engine:
            answer = ask("containerd", engine)
        self.assertEqual(-errno.EFBIG, answer["code"], answer["error"])
        self.assertLess(answer["kilobytes"], 1 << 20)

    def test_what_is_no_message_is_told(self):
        engine = self.engine([self.VERSION, Call(NAMESPACES, b"\xff\xff\xff")])
        answer = ask("containerd", engine)
        self.assertEqual(-errno.EPROTO, answer["code"], answer)
        self.assertIn("ListNamespacesResponse", answer["error"])

    def test_an_engine_that_behaves_badly_costs_no_more_than_was_granted(self):
        codes = {replay.HANG: [errno.ETIMEDOUT], replay.HANG_MIDWAY: [errno.ETIMEDOUT],
                 replay.CLOSE_MIDWAY: [errno.ECONNRESET], replay.GARBAGE: [errno.EPROTO, errno.ECONNRESET],
                 replay.FLOOD: [errno.EFBIG], replay.LIE: [errno.EPROTO],
                 replay.WRONG_TYPE: [errno.EPROTO]}
        for behaviour, expected in codes.items():
            with GrpcReplay(self.folder / f"{behaviour}.sock",
                            [Call(self.VERSION.method, self.VERSION.message, behaviour=behaviour)]) as engine:
                hangs = behaviour.startswith("hang")
                answer = ask("containerd", engine, "-", SHORT if hangs else 60000, MOST)
            self.assertIn(-answer["code"], expected, (behaviour, answer))
            self.assertLess(answer["kilobytes"], KILOBYTES_MOST, behaviour)


class Cri(Grpc):
    VERSION = Call(CRI + "Version", encode("cri.VersionResponse", """
        runtime_name: "cri-o" runtime_version: "1.30.0" """))
    SANDBOXES = Call(CRI + "ListPodSandbox", encode("cri.ListPodSandboxResponse", """
        items { id: "s1" metadata { name: "pod-1" uid: "u" namespace: "default" } }
        items { id: "s2" metadata { name: "pod-2" } state: SANDBOX_NOTREADY }"""))
    CONTAINERS = Call(CRI + "ListContainers", encode("cri.ListContainersResponse", """
        containers { id: "c1" pod_sandbox_id: "s2" metadata { name: "web" } state: CONTAINER_EXITED }
        containers { id: "c2" pod_sandbox_id: "removed" metadata { name: "job" } }"""))

    @staticmethod
    def document(method, kind, request, info):
        return Call(CRI + method, encode(f"cri.{method}Response", info),
                    request=encode(f"cri.{method}Request", f'{kind}: "{request}" verbose: true'))

    def test_sandboxes_and_containers(self):
        engine = self.engine([
            self.VERSION, self.SANDBOXES, self.CONTAINERS,
            self.document("ContainerStatus", "container_id", "c1",
                          """info { key: "other" value: "1" } info { key: "info" value: '{"pid":7}' }"""),
            self.document("ContainerStatus", "container_id", "c2", "status { id: 'c2' }"),
            self.document("PodSandboxStatus", "pod_sandbox_id", "s1", """info { key: "info" value: "[1]" }"""),
            self.document("PodSandboxStatus", "pod_sandbox_id", "s2", "")])
        answer = ask("cri", engine)
        self.assertEqual((0, "cri-o", "1.30.0"), (answer["code"], answer["runtime"], answer["version"]),
                         answer)
        self.assertEqual([
            {"sandbox": "s1", "pod": "pod-1", "document": [1]},
            {"sandbox": "s2", "pod": "pod-2"},
            {"id": "c1", "state": 2, "name": "web", "sandbox": "s2", "pod": "pod-2", "document": {"pid": 7}},
            {"id": "c2", "state": 0, "name": "job"}], answer["containers"])

    def test_who_speaks_no_cri_says_so(self):
        engine = self.engine([Containerd.VERSION])
        self.assertEqual(-errno.EOPNOTSUPP, ask("cri", engine)["code"])

    def test_a_container_that_went_meanwhile_is_told(self):
        engine = self.engine([self.VERSION, self.CONTAINERS,
                              Call(CRI + "ListPodSandbox"),
                              Call(CRI + "ContainerStatus", status=5, words="container not found")])
        answer = ask("cri", engine)
        self.assertEqual(-errno.ENOENT, answer["code"])
        self.assertIn("container not found", answer["error"])
