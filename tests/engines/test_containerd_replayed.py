# SPDX-License-Identifier: Apache-2.0
"""What a real containerd isn't made to do: it has Docker's containers, lacks its CRI plugin, or doesn't answer."""

import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "cli"))

import replay
from replay import Call, GrpcReplay, HttpReplay, encode
from small_host import SmallHost
from support import Database, TestCase

SERVICES = "/containerd.services."
WEB = "b" * 64
SECRET = os.urandom(8).hex()
SPEC = json.dumps(json.dumps({"process": {"args": ["sleep"], "env": [f"PASSWORD={SECRET}"]}}))


def namespaces(*names):
    return [Call(SERVICES + "version.v1.Version/Version", encode("containerd.VersionResponse", 'version: "1.7"')),
            Call(SERVICES + "namespaces.v1.Namespaces/List", encode("containerd.ListNamespacesResponse", "".join(
                f'namespaces {{ name: "{name}" }}' for name in names)))]


def of(namespace, containers, tasks=""):
    metadata = {"containerd-namespace": namespace}
    return [Call(SERVICES + "containers.v1.Containers/List", encode("containerd.ListContainersResponse", containers),
                 metadata),
            Call(SERVICES + "tasks.v1.Tasks/List", encode("containerd.ListTasksResponse", tasks), metadata)]


class Replayed(TestCase):
    def setUp(self):
        super().setUp()
        self.socket = self.folder / "containerd.sock"

    def engine(self, answers):
        engine = GrpcReplay(self.socket, answers, program="containerd", arguments=["--address", self.socket])
        self.addCleanup(engine.__exit__)
        return engine.__enter__()

    def own(self):
        return {container["id"]: container for container in self.database.export()["containers"]
                if container["instance"] in (str(self.socket), str(self.folder / "data"))}

    def gaps(self):
        return [gap for gap in self.database.export()["gaps"] if gap["subject"].startswith("containerd:")
                and str(self.folder) in gap["subject"] + (gap["hides_scope"] or "")]

    def test_containers_of_docker_are_told_by_docker(self):
        listed = f'containers {{ id: "{WEB}" spec {{ value: {SPEC} }} }}'
        self.engine([*namespaces("moby"), *of("moby", listed)])
        socket = self.folder / "docker.sock"
        answers = {"/info": {"ServerVersion": "20"}, "/containers/json": [{"Id": WEB, "Names": ["/web"]}],
                   f"/containers/{WEB}/json": {"Id": WEB, "Name": "/web"}}
        with HttpReplay(socket, answers, program="dockerd",
                        arguments=["-H", f"unix://{socket}", "--data-root", self.folder / "data"]):
            self.database.record("--engine-timeout", "60")
        container, = self.own().values()
        self.assertEqual(("docker", WEB, "web"), tuple(container[name] for name in ("engine", "id", "name")))
        self.assertEqual([], self.gaps())
        # Who is left when Docker has gone tells what it has.
        self.database.record("--engine-timeout", "60")
        self.assertEqual("sleep", self.own()[f"moby/{WEB}"]["command"][0])
        for path in self.folder.glob("test.db*"):
            self.assertFalse(SECRET.encode() in path.read_bytes(), path)

    def test_plugins_of_docker_are_a_group(self):
        """By the name that Docker has beside its root, if that can be read."""
        plugin = self.folder / "plugins" / WEB / "config.json"
        spec = json.dumps(json.dumps({"root": {"path": str(plugin.parent / "rootfs")}}))
        self.engine([*namespaces("plugins.moby"),
                     *of("plugins.moby", f'containers {{ id: "{WEB}" spec {{ value: {spec} }} }}')])
        plugin.parent.mkdir(parents=True)
        known = '{"plugin": {"Name": "shop/volumes:1", "PluginReference": "docker.io/shop/volumes:1"}}'
        for number, (content, name, image, gaps) in enumerate((
                (None, WEB, None, []), ("[", WEB, None, [f"containerd:plugins.moby/{WEB}"]),
                (known, "shop/volumes:1", "docker.io/shop/volumes:1", []))):
            if content:
                plugin.write_text(content)
            self.database = Database(self.folder / f"{number}.db")
            self.database.record("--engine-timeout", "60")
            container = self.own()[f"plugins.moby/{WEB}"]
            self.assertEqual(([{"type": "docker-plugin", "name": name}], name, image),
                             (container["groups"], container["name"], container["image"]))
            self.assertEqual(gaps, [gap["subject"] for gap in self.database.export()["gaps"] if WEB in gap["subject"]])

    def test_without_the_plugin_the_containers_of_kubernetes_are_told_all_the_same(self):
        labels = "".join(f'labels {{ key: "io.kubernetes.pod.{key}" value: "{value}" }}'
                         for key, value in (("name", "nslapse-1"), ("namespace", "default"), ("uid", "uid-1")))
        self.engine([*namespaces("k8s.io"), *of("k8s.io", f'containers {{ id: "{WEB}" {labels} }}')])
        self.database.record("--engine-timeout", "60")
        self.assertEqual([], self.gaps())
        self.assertEqual([{"type": "kubernetes-namespace", "name": "default"},
                          {"type": "kubernetes-pod", "name": "uid-1"},
                          {"type": "kubernetes-pod-name", "name": "nslapse-1"}],
                         self.own()[f"k8s.io/{WEB}"]["groups"])

    def test_without_tasks_nothing_is_said_of_states(self):
        for behaviour in (replay.HANG, replay.GARBAGE, replay.LIE):
            calls = of("default", 'containers { id: "web" }')
            calls[1].behaviour = behaviour
            with GrpcReplay(self.socket, [*namespaces("default"), *calls], program="containerd",
                            arguments=["--address", self.socket]):
                self.database.record()
            container, = self.own().values()
            self.assertEqual(("web", None, "asked"), tuple(container[name] for name in ("name", "state", "tier")))
            self.assertEqual(1, len(self.gaps()), behaviour)

    def test_ids_of_two_engines_do_not_meet(self):
        self.engine([*namespaces("default"), *of("default", 'containers { id: "web" image: "a" }')])
        (self.folder / "other").mkdir()
        other = self.folder / "other/containerd.sock"
        with GrpcReplay(other, [*namespaces("default"), *of("default", 'containers { id: "web" }')],
                        program="containerd", arguments=["--address", other]):
            self.database.record("--engine-timeout", "60")
        found = {container["id"] for container in self.database.export().all("containers", name="web")}
        self.assertLessEqual({f"{self.socket}/default/web", f"{other}/default/web"}, found)

    def test_what_is_in_its_database_alone_has_not_gone_with_it(self):
        """No shim leads to where its state is."""
        with GrpcReplay(self.socket, [*namespaces("default"), *of("default", 'containers { id: "web" }')],
                        program="containerd", arguments=["--address", self.socket]):
            self.database.record("--engine-timeout", "60")
        self.database.record("--engine-timeout", "60")
        self.assertEqual(["unobserved"], self.database.diff().ops("containers", name="web"))
        self.assertEqual(1, len(self.gaps()))

    def test_a_copied_disk_has_no_state(self):
        host = SmallHost(self.folder / "host")
        gaps = []
        for written in (None, "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"):
            if written:
                host.write(written, "")
            self.database.record("--root", host.folder)
            gaps.append([gap["subject"] for gap in self.database.export()["gaps"] if gap["source"] == "containers"])
        self.assertEqual([[], ["containerd:/run/containerd/containerd.sock"]], gaps)


if __name__ == "__main__":
    unittest.main()
