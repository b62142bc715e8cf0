# SPDX-License-Identifier: Apache-2.0
"""A containerd of the test's own, with everything of it in one folder, and its CRI plugin.

    with Containerd(folder) as containerd:
        containerd.ctr("run", "-d", *SNAPSHOTTER, busybox_image.NAME, "web", "/bin/sleep", "1000")
        pod = containerd.start_pod("pod-1")
        containerd.start_container(pod, "web")

When it ends nothing of it is left: no process, no mount, no control group.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import busybox_image
from support import SOURCE, need_programs, wait_until

SNAPSHOTTER = ["--snapshotter", "native"]
# Namespaces that no other run of the test has: a container is called by its namespace and its name also in cgroups.
DEFAULT, OTHER = (f"{name}-{os.urandom(4).hex()}" for name in ("default", "other"))
OWN, HOST = 1, 2  # whose namespace, as CRI numbers them
PROTOCOL_FOLDER = SOURCE / "tests/engines"

CONFIGURATION = """
version = 2
root = "{folder}/root"
state = "{folder}/state"
[grpc]
  address = "{folder}/api.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  stream_server_port = "0"
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
"""


def run(*command, **keywords):
    done = subprocess.run([str(word) for word in command], capture_output=True, check=False, **keywords)
    if done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


class Containerd:
    """A running containerd, in `folder`, which is made and removed."""

    def __init__(self, folder):
        need_programs("containerd", "ctr", "runc", "curl", "protoc")
        self.folder = pathlib.Path(folder)
        self.socket = self.folder / "api.sock"  # of its own choice: only the daemon tells
        self.process = None
        self.runtime_folder = self.folder / "runc"  # of run()
        self.secret = os.urandom(8).hex()  # value of PASSWORD in what start_container() starts
        self.pods = []
        self.namespaces = []

    def __enter__(self):
        self.folder.mkdir()
        (self.folder / "image.tar").write_bytes(busybox_image.image_tar())
        configuration = self.folder / "config.toml"
        configuration.write_text(CONFIGURATION.format(folder=self.folder, image=busybox_image.NAME))
        self.start()
        for namespace in (DEFAULT, "k8s.io"):
            self.import_image(namespace)
        return self

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(["containerd", "-c", self.folder / "config.toml"], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        wait_until(self._answers, f"containerd answers, see {self.folder}/log")

    def _answers(self):
        return subprocess.run(["ctr", "-a", self.socket, "version"], capture_output=True,
                              check=False).returncode == 0

    def stop(self):
        """The daemon ends; its containers go on."""
        self.process.terminate()
        self.process.wait(timeout=60)

    def ctr(self, *arguments, namespace=DEFAULT):
        return run("ctr", "-a", self.socket, "-n", namespace, *arguments).decode()

    def run(self, name, *options, namespace=DEFAULT, command=("/bin/sleep", "1000")):
        """Starts a container. Its runtime keeps its state in the folder, where no other test's has that name."""
        self.ctr("run", "-d", *SNAPSHOTTER, "--runc-root", self.runtime_folder, *options, busybox_image.NAME, name,
                 *command, namespace=namespace)

    def import_image(self, namespace):
        """busybox_image.NAME; the first thing in a namespace makes it."""
        self.ctr("images", "import", *SNAPSHOTTER, self.folder / "image.tar", namespace=namespace)

    # ---- CRI ----

    def cri(self, method, request):
        """Calls a method; request and response in protocol buffers' text format."""
        message = run("protoc", f"--proto_path={PROTOCOL_FOLDER}", f"--encode=cri_start.{method}Request",
                      "cri_start.proto", input=request.encode())
        with tempfile.NamedTemporaryFile() as header:
            answer = run("curl", "-sS", "--http2-prior-knowledge", "--unix-socket", self.socket,
                         "-H", "content-type: application/grpc", "-H", "te: trailers",
                         "-D", header.name, "--data-binary", "@-",
                         f"http://localhost/runtime.v1.RuntimeService/{method}",
                         input=b"\0" + len(message).to_bytes(4, "big") + message)
            fields = pathlib.Path(header.name).read_text()
        if "grpc-status: 0" not in fields:
            raise AssertionError(f"{method}: {fields}")
        return run("protoc", f"--proto_path={PROTOCOL_FOLDER}", f"--decode=cri_start.{method}Response",
                   "cri_start.proto", input=answer[5:]).decode()

    @staticmethod
    def _pod(name):
        """In the host's network, for which no plugin is needed."""
        return f"""metadata {{ name: "{name}" uid: "uid-{name}" namespace: "default" }}
            labels {{ key: "io.kubernetes.pod.name" value: "{name}" }}
            labels {{ key: "io.kubernetes.pod.namespace" value: "default" }}
            labels {{ key: "io.kubernetes.pod.uid" value: "uid-{name}" }}
            linux {{ cgroup_parent: "/kubepods/pod{name}"
                     security_context {{ namespace_options {{ network: 2 pid: 1 }} }} }}"""

    def start_pod(self, name):
        """Starts a sandbox and returns its id."""
        answer = self.cri("RunPodSandbox", f"config {{ {self._pod(name)} }}")
        self.pods.append(answer.split('"')[1])
        return self.pods[-1]

    def create_container(self, pod, name, pod_name, pid_namespace=OWN):
        answer = self.cri("CreateContainer", f"""pod_sandbox_id: "{pod}" sandbox_config {{ {self._pod(pod_name)} }}
            config {{ metadata {{ name: "{name}" }} image {{ image: "{busybox_image.NAME}" }}
                      command: "/bin/sleep" command: "1000" envs {{ key: "PASSWORD" value: "{self.secret}" }}
                      labels {{ key: "io.kubernetes.container.name" value: "{name}" }}
                      linux {{ security_context {{
                          namespace_options {{ network: {HOST} pid: {pid_namespace} }} }} }} }}""")
        return answer.split('"')[1]

    def start_container(self, pod, name, pod_name, **options):
        """Creates and starts a container in a sandbox, and returns its id."""
        container = self.create_container(pod, name, pod_name, **options)
        self.cri("StartContainer", f'container_id: "{container}"')
        return container

    # ---- the end ----

    def _delete(self):
        """Lets the engine take down what it has: only it knows what the runtime keeps outside of the folder."""
        for pod in self.pods:
            self.cri("StopPodSandbox", f'pod_sandbox_id: "{pod}"')
            self.cri("RemovePodSandbox", f'pod_sandbox_id: "{pod}"')
        self.namespaces = self.ctr("namespaces", "list", "--quiet").split()
        for namespace in self.namespaces:
            for task in self.ctr("tasks", "list", "--quiet", namespace=namespace).split():
                self.ctr("tasks", "delete", "--force", task, namespace=namespace)

    def _processes(self):
        """Those whose command line has the socket: the daemon and its shims."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(self.socket).encode() in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                pass
        return found

    def _unmount(self):
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
            points = [line.split(" ")[1] for line in mounts]
        for point in reversed(points):
            if pathlib.Path(re.sub(r"\\040", " ", point)).is_relative_to(self.folder):
                subprocess.run(["umount", "-l", point], check=False)

    def _remove_folders(self):
        """What the runtime leaves empty for pods and namespaces; what others use isn't."""
        top = pathlib.Path("/sys/fs/cgroup")
        names = ["kubepods/pod*", "kubepods", *self.namespaces]
        folders = [folder for name in names for folder in [*top.glob(name), *top.glob(f"*/{name}")]]
        folders += [pathlib.Path("/run/containerd/runc") / name for name in self.namespaces]
        for folder in folders:
            try:
                folder.rmdir()
            except OSError:
                pass

    def __exit__(self, *_):
        if self.process.poll() is not None:
            self.start()
        self._delete()
        self.stop()
        for pid in self._processes():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self._processes(), "the shims end")
        self._unmount()
        self._remove_folders()
        shutil.rmtree(self.folder)
