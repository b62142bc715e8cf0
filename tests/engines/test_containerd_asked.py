# SPDX-License-Identifier: Apache-2.0
"""A real containerd and its CRI plugin, asked as the recorder asks them."""

import json
import os
import pathlib
import subprocess

import busybox_image
from real_containerd import DEFAULT, OTHER, SNAPSHOTTER, Containerd
from support import HELPERS, TestCase, needs_root


def ask(what, engine):
    done = subprocess.run([HELPERS / "ask-engine", what, engine.socket, "-", "60000"], capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)


def by(key, things):
    return {thing[key]: thing for thing in things if key in thing}


@needs_root
class Asked(TestCase):
    def setUp(self):
        super().setUp()
        self.engine = Containerd(self.folder / "containerd")
        self.engine.__enter__()
        self.addCleanup(self.engine.__exit__)

    def run_container(self, name, *options, namespace=DEFAULT):
        self.engine.ctr("run", "-d", *SNAPSHOTTER, *options, busybox_image.NAME, name, "/bin/sleep", "1000",
                        namespace=namespace)

    def test_containers_of_all_namespaces(self):
        self.run_container("web", "--label", "app=shop")
        self.run_container("paused")
        self.engine.import_image(OTHER)
        self.run_container("web", namespace=OTHER)
        self.engine.ctr("containers", "create", *SNAPSHOTTER, busybox_image.NAME, "created", "/bin/sleep", "1")
        self.engine.ctr("tasks", "pause", "paused")
        answer = ask("containerd", self.engine)
        self.assertEqual(0, answer["code"], answer)
        found = by("id", answer[DEFAULT])
        self.assertEqual({"web", "paused", "created"}, set(found))
        web = found["web"]
        self.assertEqual((busybox_image.NAME, "shop", "io.containerd.runc.v2", 2),
                         (web["image"], web["labels"]["app"], web["runtime"], web["status"]))
        self.assertEqual(["/bin/sleep", "1000"], web["spec"]["process"]["args"])
        self.assertEqual("/bin/sleep\0001000\0", pathlib.Path(f"/proc/{web['pid']}/cmdline").read_text())
        self.assertRegex(web["image_digest"], "^sha256:[0-9a-f]{64}$")
        self.assertNotEqual(web["pid"], answer[OTHER][0]["pid"])
        self.assertEqual(4, found["paused"]["status"])
        self.assertNotIn("pid", found["created"])
        self.engine.ctr("tasks", "resume", "paused")

    def test_a_sandbox_and_its_container(self):
        pod = self.engine.start_pod("nslapse-1")
        container = self.engine.start_container(pod, "web", "nslapse-1")
        created = self.engine.create_container(pod, "later", "nslapse-1")
        answer = ask("cri", self.engine)
        self.assertEqual((0, "containerd"), (answer["code"], answer["runtime"]), answer)
        sandboxes = [one for one in answer["containers"] if "id" not in one]
        self.assertEqual([(pod, "nslapse-1")], [(one["sandbox"], one["pod"]) for one in sandboxes])
        found = by("id", answer["containers"])
        self.assertEqual({container: ("web", 1, pod), created: ("later", 0, pod)},
                         {key: (one["name"], one["state"], one["sandbox"]) for key, one in found.items()})
        pid = found[container]["document"]["pid"]
        self.assertIn(container, pathlib.Path(f"/proc/{pid}/cgroup").read_text())
        self.assertTrue(os.path.exists(f"/proc/{sandboxes[0]['document']['pid']}"))
        self.assertEqual({pod, container, created}, set(by("id", ask("containerd", self.engine)["k8s.io"])))
