# SPDX-License-Identifier: Apache-2.0
"""Podman's answers, recorded, and what it leaves in the files of a copied disk."""

import copy
import json
import os
import pathlib
import sys
import unittest

import replay
from replay import HttpReplay
from support import TestCase

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from small_host import SmallHost

# As random as real ones: of two engines that run at the same time only one is believed to have an id.
WEB, DONE, MADE, POD = (os.urandom(32).hex() for _ in range(4))
NAMES = {WEB: "web", DONE: "done", MADE: "made"}
STATES = {WEB: "running", DONE: "exited", MADE: "created"}
API = "/v4.0.0/libpod"


def listed(identity):
    return {"Id": identity, "Names": [NAMES[identity]], "Image": "localhost/shop:1", "ImageID": "0815",
            "Created": "2023-11-14T22:13:20.5Z", "State": STATES[identity], "Status": "", "Labels": {"b": "1"},
            "Pid": 0, "Pod": POD, "PodName": "shop", "Mounts": [], "Ports": None}


def inspected(identity):
    return {"Id": identity, "Created": "2023-11-14T22:13:20.5Z", "Path": "/bin/shop", "Args": ["-v"],
            "Name": NAMES[identity], "Image": "0815", "ImageName": "localhost/shop:1", "Pod": POD,
            "OCIRuntime": "crun", "RestartCount": 0, "Mounts": [],
            "State": {"Status": STATES[identity], "Pid": 0, "ExitCode": 0,
                      "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z"},
            "Config": {"Image": "localhost/shop:1", "Env": ["SECRET=hunter2"], "Labels": {"b": "1"},
                       "Annotations": {"a": "2"}, "CreateCommand": ["podman", "run", "-e", "SECRET=hunter2"]},
            "HostConfig": {"Runtime": "oci", "Privileged": False, "CapAdd": [], "NetworkMode": "host",
                           "CgroupMode": "host", "SecurityOpt": []}}


ANSWERS = {f"{API}/version": {"Version": "4.3.1"},
           f"{API}/containers/json?all=true": [listed(identity) for identity in NAMES],
           **{f"{API}/containers/{identity}/json": inspected(identity) for identity in NAMES}}


def stored(identity):
    metadata = {"image-name": "localhost/shop:1", "image-id": "0815", "name": NAMES[identity]}
    return {"id": identity, "names": [NAMES[identity]], "metadata": json.dumps(metadata),
            "created": "2023-11-14T22:13:20.7Z"}


SPEC = {"process": {"args": ["/bin/shop", "-v"], "env": ["SECRET=hunter2"]},
        "annotations": {"io.kubernetes.cri-o.Created": "2023-11-14T22:13:20.5Z",
                        "io.podman.annotations.privileged": "FALSE"},
        "linux": {"cgroupsPath": f"machine-libpod_pod_{POD}.slice:libpod:{WEB}",
                  "namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "ipc", "path": "/proc/7/ns/ipc"},
                                 {"type": "uts"}]}}
# Others that use the same storage: CRI-O, and Buildah.
FOREIGN = [{"id": "1" * 64, "metadata": json.dumps({"name": "k8s_a", "pod-id": "2" * 64, "pod-name": "a"})},
           {"id": "3" * 64, "names": ["working-container"], "metadata": ""}]


class PodmanAnswers(TestCase):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "storage"

    def engine(self, answers=None):
        socket = self.folder / "podman.sock"
        return HttpReplay(socket, answers or ANSWERS, program="podman",
                          arguments=["--root", self.data, "system", "service", "-t", "0", f"unix://{socket}"])

    def record(self):
        """With time enough also on a busy machine."""
        self.database.record("--engine-timeout", "60")

    def own(self):
        return {container["id"]: container for container in self.database.export()["containers"]
                if container["instance"] == str(self.data)}

    def test_it_is_asked_and_details_only_once(self):
        with self.engine() as engine:
            self.record()
            containers = self.own()
            self.assertEqual(STATES, {identity: container["state"] for identity, container in containers.items()})
            expected = {"engine": "podman", "tier": "asked", "name": "web", "image": "localhost/shop:1",
                        "image_digest": "0815", "runtime": "crun", "engine_version": "4.3.1",
                        "annotations": {"a": "2"}, "labels": {"b": "1"}, "host_namespaces": ["cgroup", "net"],
                        "created_at": "2023-11-14T22:13:20.500000000Z",
                        "groups": [{"type": "podman-pod", "name": POD}, {"type": "podman-pod-name", "name": "shop"}]}
            self.assertEqual(expected, {name: containers[WEB][name] for name in expected})
            self.assertEqual([f"GET {API}/version", f"GET {API}/containers/json?all=true"],
                             engine.asked_by(self.record))
            self.assertEqual([], self.database.diff().changes("containers", instance=str(self.data)))
        # Nor in the command that made it.
        document = self.database.evidence(f"container:{WEB}")
        self.assertNotIn("hunter2", document)

    def test_one_that_behaves_badly_is_a_gap(self):
        for behaviour in (replay.HANG, replay.GARBAGE, replay.FLOOD):
            answers = {**copy.deepcopy(ANSWERS), f"{API}/containers/json?all=true": behaviour}
            with self.subTest(behaviour), self.engine(answers):
                self.database.record()
                self.assertIn(("containers", f"podman:{self.data}"), [
                    (gap["source"], gap["subject"]) for gap in self.database.export()["gaps"]])


class CopiedDisk(TestCase):
    """Nothing runs there but what the copied /proc has."""

    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")

    def record(self):
        self.database.record("--root", self.host.folder)
        return {container["id"]: container for container in self.database.export()["containers"]}

    def write_storage(self, storage, identities=tuple(NAMES), foreign=()):
        containers = f"{storage}/overlay-containers"
        self.host.write(f"{containers}/containers.json",
                        json.dumps([stored(identity) for identity in identities] + list(foreign)))
        for identity in set(identities) - {MADE}:
            self.host.write(f"{containers}/{identity}/userdata/config.json", json.dumps(SPEC))

    def write_runc(self, identity, pid, start):
        self.host.write(f"run/runc/{identity}/state.json",
                        json.dumps({"id": identity, "init_process_pid": pid, "init_process_start": start}))

    def test_of_root(self):
        self.write_storage("var/lib/containers/storage", foreign=FOREIGN)
        self.write_runc(WEB, 700, 300)
        self.write_runc(DONE, 701, 300)  # left behind by another boot: 701 is another process by now
        self.host.process(700, "shop", start=300, cgroup=f"/machine.slice/libpod-{WEB}.scope/container")
        self.host.process(701, "other", start=999)
        containers = self.record()
        self.assertEqual(STATES, {identity: container["state"] for identity, container in containers.items()})
        web = containers[WEB]
        expected = {"engine": "podman", "tier": "files", "name": "web", "image": "localhost/shop:1", "pid": 700,
                    "pids": [700], "command": ["/bin/shop", "-v"], "environment_names": ["SECRET"],
                    "created_at": "2023-11-14T22:13:20.500000000Z", "privileged": False, "labels": None,
                    "host_namespaces": ["cgroup", "net"], "groups": [{"type": "podman-pod", "name": POD}]}
        self.assertEqual(expected, {name: web[name] for name in expected})
        self.assertEqual((None, None), (containers[DONE]["pid"], containers[MADE]["command"]))

    def test_who_has_a_process_has_not_ended(self):
        """The runtime's own files, of /run, were not copied."""
        self.write_storage("var/lib/containers/storage", [WEB, DONE])
        self.host.process(700, "shop", start=300, cgroup=f"/machine.slice/libpod-{WEB}.scope/container")
        containers = self.record()
        self.assertEqual({WEB: ("running", 700), DONE: ("exited", None)},
                         {identity: (one["state"], one["pid"]) for identity, one in containers.items()})

    def test_of_users(self):
        self.host.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nshop:x:1000:1000::/home/shop:/bin/sh\n"
                                      "daemon:x:2:2::/home/daemon:/bin/false\n")
        self.write_storage("home/shop/.local/share/containers/storage", [MADE])
        self.write_storage("home/daemon/.local/share/containers/storage", [DONE])
        containers = self.record()
        self.assertEqual({MADE: "uid-1000:/home/shop/.local/share/containers/storage"},
                         {identity: container["instance"] for identity, container in containers.items()})

    def test_damaged_files_are_gaps_of_one_container(self):
        self.write_storage("var/lib/containers/storage")
        self.host.write(f"var/lib/containers/storage/overlay-containers/{DONE}/userdata/config.json", "{")
        containers = self.record()
        self.assertEqual(set(NAMES), set(containers))
        self.assertIsNone(containers[DONE]["command"])
        subjects = [gap["subject"] for gap in self.database.export()["gaps"] if gap["source"] == "containers"]
        self.assertIn(f"podman:{DONE}", subjects)
        # CRI-O has its containers in the same folder, and this could be one of them.
        self.assertEqual({DONE}, {subject.split(":")[-1] for subject in subjects}, subjects)

    def test_runtimes_alone_and_those_of_others(self):
        self.write_storage("var/lib/containers/storage", [WEB])
        self.write_runc(WEB, 700, 300)
        self.write_runc("alone", 702, 300)
        self.host.write("run/crun/small/status", json.dumps({"pid": 703, "process-start-time": 300,
                                                             "cgroup-path": "/small"}))
        self.host.process(700, "shop", start=300, cgroup=f"/libpod_parent/libpod-{WEB}")
        self.host.process(702, "alone", start=300, cgroup="/system.slice/runc-alone.scope")
        self.host.process(703, "small", start=300, cgroup="/small/inner")
        self.host.process(704, "child", start=301, cgroup="/small/inner")
        self.host.process(705, "other", start=301, cgroup="/smaller")
        found = {(container["engine"], container["id"]): container["pids"] for container in self.record().values()}
        self.assertEqual({("podman", WEB): [700], ("runc", "alone"): [702], ("crun", "small"): [703, 704]}, found)


if __name__ == "__main__":
    unittest.main()
