# SPDX-License-Identifier: Apache-2.0
"""A dockerd of the test's own, with everything of it in one folder.

    with Docker(folder) as docker:
        web = docker.run("--name", "web", command=["sleep", "1000"])
        docker.stop()  # the daemon; its containers are gone then, but for what it left in files

When it ends nothing of it is left: no process, no mount.
"""

import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys

import busybox_image
from support import need_programs, wait_until

IMAGE = "nslapse-test:1"


class Docker:
    """A running dockerd, in `folder`, which is made and removed."""

    def __init__(self, folder):
        self.path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        need_programs("dockerd", "docker", "containerd", "runc")
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.socket = self.folder / "docker.sock"
        self.process = None

    def __enter__(self):
        self.folder.mkdir()
        self.start()
        self.docker("import", "-", IMAGE, input=busybox_image.root_tar())
        return self

    def command(self):
        return ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none",
                "--data-root", str(self.data), "--exec-root", str(self.folder / "exec"),
                "--storage-driver", "vfs",
                "--pidfile", str(self.folder / "pid"), "-H", f"unix://{self.socket}"]

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env={**os.environ, "PATH": self.path})
        wait_until(self._answers, f"dockerd answers, see {self.folder}/log")

    def _command(self, *arguments):
        return ["docker", "-H", f"unix://{self.socket}", *[str(word) for word in arguments]]

    def _answers(self):
        self._assert_runs()
        return subprocess.run(self._command("version"), capture_output=True, check=False).returncode == 0

    def _assert_runs(self):
        if self.process.poll() is not None:
            raise AssertionError("dockerd ended: " + (self.folder / "log").read_text())

    def docker(self, *arguments, **keywords):
        done = subprocess.run(self._command(*arguments), capture_output=True, check=False, **keywords)
        if done.returncode:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode().strip()

    def run(self, *options, command=("sleep", "1000")):
        """Starts a container, and returns its id."""
        return self.docker("run", "-d", *options, IMAGE, *command)

    def create(self, *options, command=("sleep", "1000")):
        return self.docker("create", *options, IMAGE, *command)

    def enable_plugin(self, name):
        """Makes one that listens, as a plugin has to, and does nothing else; returns its id. It has no Python of
        its own to do that by."""
        root = self.folder / "plugin"
        listen = "import os, socket, time; os.fchdir(3); s = socket.socket(socket.AF_UNIX); s.bind('x'); s.listen()"
        for path, content in busybox_image.root_files().items():
            (root / "rootfs" / path).parent.mkdir(parents=True, exist_ok=True)
            (root / "rootfs" / path).write_bytes(content)
            (root / "rootfs" / path).chmod(0o755)
        (root / "config.json").write_text(json.dumps({
            "interface": {"types": ["docker.dummy/1.0"], "socket": "x"}, "network": {"type": "none"},
            "entrypoint": ["/bin/sh", "-c", f'exec 3</run/docker/plugins; exec /bin/busybox chroot /host '
                           f'{sys.executable} -c "{listen}; time.sleep(1000)"'],
            "env": [{"name": "SECRET", "value": "hunter2"}], "linux": {"capabilities": ["CAP_SYS_CHROOT"]},
            "mounts": [{"source": "/", "destination": "/host", "type": "bind", "options": ["rbind"]}]}))
        self.docker("plugin", "create", name, root)
        self.docker("plugin", "enable", name)
        return self.docker("plugin", "inspect", "--format", "{{.Id}}", name)

    def inspect(self, container, path):
        return self.docker("inspect", "--format", "{{" + path + "}}", container)

    def processes(self):
        """Whose command line has the folder: the daemon, its containerd, shims."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(self.folder).encode() in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                pass
        return found

    def stop(self):
        """The daemon ends, and with it its containers."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)

    def kill(self):
        """The daemon ends at once: its containers go on."""
        self.process.kill()
        self.process.wait(timeout=60)

    def _delete(self):
        """Lets the daemon take down what it has; where it was killed, the runtime below it."""
        if self.process.poll() is None:
            for container in self.docker("ps", "-aq").split():
                self.docker("rm", "-f", container)
            for plugin in self.docker("plugin", "ls", "-q").split():
                self.docker("plugin", "rm", "-f", plugin)
            self.stop()
            return
        runtime = self.folder / "exec/runtime-runc/moby"
        for container in runtime.iterdir() if runtime.exists() else ():
            subprocess.run(["runc", "--root", runtime, "delete", "--force", container.name],
                           check=True, env={**os.environ, "PATH": self.path})

    def __exit__(self, *_):
        self._delete()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.processes(), "the processes of dockerd end")
        self._unmount()
        shutil.rmtree(self.folder)

    def _unmount(self):
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
            points = [line.split(" ")[1] for line in mounts]
        for point in reversed(points):
            if pathlib.Path(point).is_relative_to(self.folder):
                subprocess.run(["umount", "-l", point], check=False)


class DockerInDocker(Docker):
    """A dockerd in a container of another one, `outer`, below whose folder it has its own."""

    CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN", "SYS_CHROOT", "MKNOD")

    def __init__(self, folder, outer):
        super().__init__(folder)
        self.outer = outer
        self.container = None

    def start(self):
        program = f"mount -t proc proc /proc; exec {shlex.join(self.command())} > {self.folder}/log 2>&1"
        options = [word for name in self.CAPABILITIES for word in ("--cap-add", name)]
        self.container = self.outer.run(
            "--network", "none", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
            "-v", "/:/host", *options, command=["/bin/busybox", "chroot", "/host", "/bin/sh", "-c", program])
        wait_until(self._answers, f"dockerd answers, see {self.folder}/log")

    def _assert_runs(self):
        if self.outer.inspect(self.container, ".State.Running") != "true":
            raise AssertionError("dockerd ended: " + (self.folder / "log").read_text())

    def __exit__(self, *_):
        for container in self.docker("ps", "-aq").split():
            self.docker("rm", "-f", container)
        self.outer.docker("rm", "-f", self.container)
        shutil.rmtree(self.folder)
