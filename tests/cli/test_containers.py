# SPDX-License-Identifier: Apache-2.0
"""Containers of engines that play recorded answers, or behave badly; and those of files."""

import copy
import errno
import json
import os
import shlex
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import replay
from replay import Answer, HttpReplay
from small_host import SmallHost
from support import Database, TestCase, needs_root

# Not those of the same tests beside these.
WEB = os.urandom(32).hex()
DONE = os.urandom(32).hex()


def listed(identity, name, state, status="Up 2 hours"):
    return {"Id": identity, "Names": [f"/{name}"], "Image": "shop:1", "ImageID": "sha256:0815",
            "Created": 1700000000, "State": state, "Status": status,
            "Labels": {"com.docker.compose.project": "shop", "b": "1"},
            "Mounts": [], "Ports": []}


def inspected(identity, name, state):
    running = state == "running"
    return {"Id": identity, "Created": "2023-11-14T22:13:20.5Z", "Path": "/bin/shop", "Args": ["-v"],
            "Name": f"/{name}", "Image": "sha256:0815", "RestartCount": 2,
            "State": {"Status": state, "Running": running, "Pid": 0, "ExitCode": 0 if running else 3,
                      "StartedAt": "2023-11-14T22:13:21Z",
                      "FinishedAt": "0001-01-01T00:00:00Z" if running else "2023-11-14T22:14:00+01:00"},
            "Mounts": [{"Type": "volume", "Name": "v", "Source": "/v", "Destination": "/z", "RW": True},
                       {"Type": "bind", "Source": "/etc", "Destination": "/a", "RW": False}],
            "Config": {"Image": "shop:1", "Env": ["PATH=/bin", "SECRET=hunter2"],
                       "Labels": {"com.docker.compose.project": "shop", "b": "1"}},
            "HostConfig": {"Runtime": "runc", "Privileged": False, "CapAdd": ["NET_ADMIN"],
                           "NetworkMode": "host", "PidMode": "", "SecurityOpt": None,
                           "Devices": [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse",
                                        "CgroupPermissions": "rwm"}],
                           "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}}}


ANSWERS = {
    "/info": {"ServerVersion": "24.0.7", "DockerRootDir": "/nowhere"},
    "/containers/json?all=1": [listed(WEB, "web", "running"), listed(DONE, "done", "exited")],
    f"/containers/{WEB}/json": inspected(WEB, "web", "running"),
    f"/containers/{DONE}/json": inspected(DONE, "done", "exited"),
}


class OtherNamespace(HttpReplay):
    """An engine in a pid namespace of its own: in some container, by all that can be seen."""

    def __enter__(self):
        words = " ".join(shlex.quote(str(word)) for word in self.command[1:])
        program = f"exec -a dockerd {shlex.quote(sys.executable)} {words}"
        self.process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "bash", "-c", program],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assert_ready()
        return self

    def assert_ready(self):
        if self.process.stdout.readline() != b"ready\n":
            self.__exit__()
            raise AssertionError("the engine doesn't start")


class Containers(TestCase):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"

    def record(self, *arguments, seconds=60, **keywords):
        """Where nothing hangs, nobody is hurried."""
        return self.database.record("--engine-timeout", str(seconds), *arguments, **keywords)

    def engine(self, answers=None):
        socket = self.folder / "docker.sock"
        return HttpReplay(socket, answers or ANSWERS, program="dockerd",
                          arguments=["--data-root", self.data, "-H", f"unix://{socket}"])

    def own(self, export=None):
        """The containers of this test's engine."""
        export = export or self.database.export()
        return {container["name"]: container for container in export["containers"]
                if container["instance"] == str(self.data)}

    def gaps(self):
        return [gap for gap in self.database.export()["gaps"]
                if gap["source"] == "containers" and str(self.folder) in gap["subject"]]

    def write_files(self):
        """What dockerd leaves of both."""
        for identity, name, state in ((WEB, "web", "running"), (DONE, "done", "exited")):
            document = inspected(identity, name, state)
            host_config = document.pop("HostConfig")
            document["MountPoints"] = {mount["Destination"]: mount for mount in document.pop("Mounts")}
            del document["State"]["Status"]
            document["ID"] = document.pop("Id")
            folder = self.data / "containers" / identity
            folder.mkdir(parents=True)
            (folder / "config.v2.json").write_text(json.dumps(document))
            (folder / "hostconfig.json").write_text(json.dumps(host_config))

    def assert_both(self, tier):
        containers = self.own()
        self.assertEqual({"web", "done"}, set(containers))
        web, done = containers["web"], containers["done"]
        expected = {
            "engine": "docker", "id": WEB, "tier": tier, "state": "running", "image": "shop:1",
            "image_digest": "sha256:0815", "runtime": "runc", "restart_count": 2, "pid": None,
            "created_at": "2023-11-14T22:13:20.500000000Z", "started_at": "2023-11-14T22:13:21.000000000Z",
            "finished_at": None, "exit_code": None, "command": ["/bin/shop", "-v"],
            "environment_names": ["PATH", "SECRET"], "labels": {"com.docker.compose.project": "shop", "b": "1"},
            "groups": [{"type": "compose-project", "name": "shop"}], "privileged": False,
            "added_capabilities": ["CAP_NET_ADMIN"], "security_options": [], "host_namespaces": ["net"],
            "mounts": [{"type": "volume", "source": "/v", "target": "/z", "read_only": False},
                       {"type": "bind", "source": "/etc", "target": "/a", "read_only": True}],
            "devices": [{"source": "/dev/fuse", "target": "/dev/fuse", "permissions": "rwm"}],
            "ports": [{"protocol": "tcp", "port": 80, "host_address": "", "host_port": "8080"}]}
        self.assertEqual(expected, {name: web[name] for name in expected})
        self.assertEqual(("exited", 3, "2023-11-14T21:14:00.000000000Z"),
                         tuple(done[name] for name in ("state", "exit_code", "finished_at")))

    def test_one_that_is_removed_before_it_is_asked_about_is_none(self):
        answers = {path: answer for path, answer in ANSWERS.items() if DONE not in path}
        with self.engine(answers) as engine:
            self.record()
            self.assertIn(f"GET /containers/{DONE}/json", engine.requests())
        self.assertEqual({"web"}, set(self.own()))
        self.assertEqual([], [gap["error"] for gap in self.gaps()])

    def test_an_engine_is_found_and_asked(self):
        with self.engine() as engine:
            self.record()
            self.assert_both("asked")
            self.assertEqual("24.0.7", self.own()["web"]["engine_version"])
            self.assertEqual([], self.gaps())
            self.assertEqual("GET /info", engine.requests()[0])

    def test_details_are_asked_once(self):
        with self.engine() as engine:
            self.record()
            answers = copy.deepcopy(ANSWERS)
            # No news: how long it has been up, and lists in another order.
            answers["/containers/json?all=1"][0].update(Status="Up 3 hours", Ports=[{"PrivatePort": 80}])
            engine.change(answers)
            self.assertEqual(["GET /info", "GET /containers/json?all=1"], engine.asked_by(self.record))
            self.assertEqual([], self.database.diff().changes("containers", instance=str(self.data)))
            self.assert_both("asked")
            # News of one: only that one is asked for.
            answers["/containers/json?all=1"][1].update(State="running")
            document = answers[f"/containers/{DONE}/json"]
            document["RestartCount"] = 3
            document["State"]["Status"] = "running"
            document["Config"]["Env"] = None
            engine.change(answers)
            self.assertEqual(["GET /info", "GET /containers/json?all=1", f"GET /containers/{DONE}/json"],
                             engine.asked_by(self.record))
            change, = self.database.diff().changes("containers", instance=str(self.data))
            self.assertEqual(("changed", ["environment_names", "restart_count", "state"]),
                             (change["op"], sorted(change["fields"])))
            self.assertEqual([], change["after"]["environment_names"])

    def test_one_that_ran_in_between_is_asked_for(self):
        """And is listed as before: as exited. Its engine has written its file anew."""
        self.write_files()
        answers = {**copy.deepcopy(ANSWERS), "/info": {"ServerVersion": "24.0.7", "DockerRootDir": str(self.data)}}
        file = self.data / "containers" / DONE / "config.v2.json"
        with self.engine(answers) as engine:
            self.record()
            answers[f"/containers/{DONE}/json"]["State"].update(ExitCode=4, FinishedAt="2023-11-14T23:14:00Z")
            engine.change(answers)
            os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
            self.assertIn(f"GET /containers/{DONE}/json", engine.asked_by(self.record))
            change, = self.database.diff().changes("containers", instance=str(self.data))
            self.assertEqual(["exit_code", "finished_at"], sorted(change["fields"]))
            self.assertEqual(["GET /info", "GET /containers/json?all=1"], engine.asked_by(self.record))

    def test_a_socket_may_have_any_name(self):
        """As its configuration has it, of which the command line tells nothing."""
        with HttpReplay(self.folder / "api", ANSWERS, program="dockerd", arguments=["--data-root", self.data]):
            self.record()
        self.assert_both("asked")

    def test_evidence_has_values_of_variables_only_when_asked_for(self):
        key = f"container:{WEB}"
        self.write_files()
        with self.engine():
            self.record()
            document = json.loads(self.database.evidence(key))
            wanted = copy.deepcopy(ANSWERS[f"/containers/{WEB}/json"])
            wanted["Config"]["Env"] = ["PATH", "SECRET"]
            self.assertEqual(wanted, document)
        self.record()
        files = json.loads(self.database.evidence(key))
        self.assertEqual((["PATH", "SECRET"], "runc"), (files["Config"]["Env"], files["HostConfig"]["Runtime"]))
        for path in self.folder.glob("test.db*"):
            self.assertNotIn(b"hunter2", path.read_bytes())
        other = Database(self.folder / "other.db")
        with self.engine():
            other.record("--engine-timeout", "60", "--with", "environment")
        self.assertEqual(ANSWERS[f"/containers/{WEB}/json"], json.loads(other.evidence(key)))

    def test_files_tell_the_same(self):
        with self.engine():
            self.record()
        self.write_files()
        self.record()
        self.assert_both("files")
        self.assertEqual([], self.database.diff().changes("containers", instance=str(self.data)))
        self.assertEqual([], self.gaps())
        self.assertIn(" /bin/shop -v\n", self.database.run("list", "containers").stdout)

    def test_bad_engines_are_gaps(self):
        self.write_files()
        self.record()
        bad = {
            "hangs": {"/info": replay.HANG},
            "hangs midway": {**ANSWERS, "/containers/json?all=1": Answer(ANSWERS["/containers/json?all=1"],
                                                                         behaviour=replay.HANG_MIDWAY)},
            "closes midway": {"/info": Answer(ANSWERS["/info"], behaviour=replay.CLOSE_MIDWAY)},
            "says garbage": {"/info": replay.GARBAGE},
            "floods": {**ANSWERS, "/containers/json?all=1": replay.FLOOD},
            "is no list": {**ANSWERS, "/containers/json?all=1": {}},
            "is no JSON": {**ANSWERS, "/containers/json?all=1": b"[{"},
            "lists nonsense": {**ANSWERS, "/containers/json?all=1": [1, None, {"Id": ""}]},
        }
        for name, answers in bad.items():
            hangs = name.startswith("hangs")
            with self.subTest(name), self.engine(answers):
                self.record(seconds=4 if hangs else 60)
                self.assertNotEqual([], self.gaps())
                if not name.startswith(("is no", "lists")):
                    self.assertIn(f"cannot ask {self.folder}/docker.sock for ", self.gaps()[0]["error"])
                if name != "lists nonsense":
                    self.assert_both("files")

    def test_a_container_that_cannot_be_asked_for_is_a_gap_of_its_own(self):
        with self.engine() as engine:
            self.record()
            answers = copy.deepcopy(ANSWERS)
            answers["/containers/json?all=1"][1].update(State="running")
            answers[f"/containers/{DONE}/json"] = replay.GARBAGE
            engine.change(answers)
            self.record()
            gap, = [gap for gap in self.database.export()["gaps"] if DONE in gap["subject"]]
            self.assertEqual("containers", gap["source"])
            self.assertEqual({"web", "done"}, set(self.own()))
            # What it is listed with was seen, the rest wasn't.
            change, = self.database.diff().changes("containers", instance=str(self.data))
            self.assertEqual((DONE, ["state"]), (change["after"]["id"], change["fields"]))
            self.assertIsNone(change["after"]["command"])

    def test_a_gap_hides_only_what_its_engine_has(self):
        with self.engine():
            self.record()
        (self.data / "containers").mkdir(parents=True)
        with self.engine({"/info": replay.HANG}):
            self.record(seconds=4)
        self.assertEqual(["unobserved"], self.database.diff().ops("containers", id=WEB))
        self.record()
        with self.engine():
            self.record()
        self.assertEqual(["added"], self.database.diff().ops("containers", id=WEB))

    def test_left_out(self):
        with self.engine():
            self.record("--without", "containers")
        self.assertEqual([], self.database.export()["containers"])
        self.assertEqual({None}, {process["container"] for process in self.database.export()["processes"]})
        kinds = {gap["hides"] for gap in self.database.export()["gaps"] if gap["source"] == "containers"}
        self.assertEqual({"container"}, kinds)

    @needs_root
    def test_an_engine_that_may_not_be_seen_is_a_gap(self):
        """Who isn't root may see no other user's engine."""
        self.folder.chmod(0o777)
        with self.engine():
            self.record(prefix=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"])
        gap, = self.gaps()
        self.assertEqual((f"docker:{self.data}", errno.EACCES, "container", str(self.data)), tuple(
            gap[name] for name in ("subject", "errno", "hides", "hides_scope")))
        self.assertEqual(1, gap["error"].count("Permission denied"), gap["error"])

    @needs_root
    def test_an_engine_in_a_container_takes_nothing_from_the_hosts(self):
        """It tells of the same container, with the same id, under another name."""
        answers = copy.deepcopy(ANSWERS)
        answers["/containers/json?all=1"] = [listed(WEB, "evil", "running")]
        answers[f"/containers/{WEB}/json"] = inspected(WEB, "evil", "running")
        answers[f"/containers/{WEB}/json"]["State"]["Pid"] = 1
        socket = self.folder / "evil.sock"
        evil = OtherNamespace(socket, answers, program="dockerd",
                              arguments=["--data-root", self.data, "-H", f"unix://{socket}"])
        other = subprocess.Popen(["unshare", "--pid", "--mount", "--fork", "--kill-child", "sleep", "1000"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)  # in there, it is process 1, too
        with self.engine():
            self.record()
            with evil:
                self.record()
                export = self.database.export()
        self.assert_both("asked")
        self.assertEqual([], self.database.diff().ops("containers", id=WEB))
        inner, = [container for container in export["containers"]
                  if container["name"] == "evil" and container["id"].endswith(WEB)]
        self.assertTrue(inner["outer"].startswith("namespace:pid-"))
        self.assertEqual(f"{inner['outer'].split(':')[1]}/{WEB}", inner["id"])
        self.assertIsNone(inner["pid"])

    @needs_root
    def test_who_is_not_root_is_believed_less(self):
        """Another user's engine, with the folder of the host's: what it has of its own is its own, and
        the rest a gap."""
        answers = copy.deepcopy(ANSWERS)
        answers["/containers/json?all=1"][0]["Names"] = ["/evil"]
        answers[f"/containers/{WEB}/json"]["Name"] = "/evil"
        self.folder.chmod(0o777)
        socket = self.folder / "evil.sock"
        evil = HttpReplay(socket, answers, program="dockerd",
                          arguments=["--data-root", self.data, "-H", f"unix://{socket}"])
        with evil.run_by(65534), self.engine():  # it runs longer
            self.record()
        self.assert_both("asked")
        gap, = [gap for gap in self.gaps() if "uid-65534" in gap["subject"]]
        self.assertEqual((errno.EEXIST, None), (gap["errno"], gap["hides"]))

    def test_many_containers(self):
        many = [listed(f"{WEB[:56]}{number:08x}", f"c{number}", "exited") for number in range(5000)]
        answers = {"/info": ANSWERS["/info"], "/containers/json?all=1": many}
        answers.update({f"/containers/{entry['Id']}/json": inspected(entry["Id"], entry["Names"][0][1:], "exited")
                        for entry in many})
        with self.engine(answers):
            self.record(seconds=600, timeout=1500)
            self.assertEqual(5000, len(self.own()))
            self.assertEqual([], self.gaps())

    def test_what_there_is_no_time_for_is_a_gap_of_its_own(self):
        answers = copy.deepcopy(ANSWERS)
        answers[f"/containers/{WEB}/json"] = replay.HANG  # the first of them
        with self.engine(answers):
            self.record(seconds=4)
        containers = self.own()
        self.assertEqual({"web", "done"}, set(containers))
        self.assertEqual(["running", "exited"], [containers[name]["state"] for name in ("web", "done")])
        self.assertEqual({None}, {container["command"] for container in containers.values()})
        hidden = {gap["hides_scope"] for gap in self.database.export()["gaps"]}
        self.assertLessEqual({f"docker:{WEB}", f"docker:{DONE}"}, hidden)

    def test_the_last_snapshots_folder_is_looked_at_again(self):
        """Of an engine with a folder of its own choice, which doesn't run any more."""
        self.write_files()
        self.record()
        self.assertEqual({}, self.own())
        with self.engine():
            self.record()
        self.record()
        self.assert_both("files")


class CopiedDisk(TestCase):
    """Nothing runs there but what the copied /proc has."""

    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")

    def write_container(self, data):
        document = inspected(DONE, "done", "exited")
        self.host.write(f"{data}/containers/{DONE}/config.v2.json", json.dumps({**document, "ID": DONE}))

    def run_by_user(self, pid, *arguments):
        self.host.process(pid, "dockerd", uid=1000, cmdline=["dockerd", *arguments])
        os.chown(self.host.proc / str(pid), 1000, 1000)

    def record(self):
        self.database.record("--root", self.host.folder)
        return self.database.export()

    @needs_root
    def test_of_a_user(self):
        self.host.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nshop:x:1000:1000::/home/shop:/bin/sh\n")
        self.write_container("home/shop/.local/share/docker")
        self.assertEqual("uid-1000:/home/shop/.local/share/docker",
                         self.record().one("containers", engine="docker", id=DONE)["instance"])
        # The same one, when it runs.
        self.run_by_user(500)
        self.record()
        self.assertEqual([], self.database.diff().changes("containers"))
        self.assertEqual([], [gap for gap in self.database.export()["gaps"] if gap["source"] == "containers"])

    @needs_root
    def test_who_pretends_to_be_many_engines_hides_none_of_root(self):
        self.write_container("var/lib/docker")
        for pid in range(500, 700):
            self.run_by_user(pid, "--data-root", f"/home/evil/{pid}")
        export = self.record()
        export.one("containers", engine="docker", id=DONE)
        # Of which engine there are so many is said, and of others nothing is hidden.
        gap, = export.all("gaps", source="containers", errno=errno.E2BIG)
        self.assertEqual(("docker", "container", "docker"), tuple(gap[name] for name in ("subject", "hides", "hides_scope")))

    def test_a_host_of_many_users(self):
        """Each of them may have some of every engine: that many are no gap."""
        users = range(1000, 1100)
        self.host.write("etc/passwd", "".join(f"u{uid}:x:{uid}:{uid}::/home/u{uid}:/bin/sh\n" for uid in users))
        self.write_container("home/u1099/.local/share/docker")
        export = self.record()
        self.assertEqual("uid-1099:/home/u1099/.local/share/docker",
                         export.one("containers", engine="docker", id=DONE)["instance"])
        self.assertEqual([], export.all("gaps", source="containers"))


if __name__ == "__main__":
    unittest.main()
