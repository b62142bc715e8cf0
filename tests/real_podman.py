# SPDX-License-Identifier: Apache-2.0
"""A Podman of the test's own, with everything of it in one folder, of root or of another user.

    with Podman(folder) as podman:
        web = podman.run("--name", "web", command=["sleep", "1000"])
        with podman.service():  # its API; without it, there are its files
            ...

When it ends nothing of it is left: no process, no mount.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

import busybox_image
from support import need_programs, wait_until

IMAGE = "localhost/nslapse-test:1"
# No limit can be raised where the tests run, and no systemd may be there.
SETTINGS = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
events_logger = "file"
cgroup_manager = "cgroupfs"
"""


class Podman:
    """The containers of one user, in `folder`, which is made and removed. With `user`, a name, it is
    run by that one, in whose home the storage is then where it usually is."""

    def __init__(self, folder, user=None, home=None):
        self.folder = pathlib.Path(folder)
        self.user = user
        need_programs("podman", "conmon", "runc", "newuidmap")
        need_programs("catatonit", path="/usr/libexec/podman:/usr/bin")
        self.storage = self.folder / "storage" if not user else home / ".local/share/containers/storage"
        self.socket = self.folder / "podman.sock"
        self.environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "CONTAINERS_CONF": str(self.folder / "conf")}
        self.options = ["--runtime", "runc", "--storage-driver", "vfs"]
        if user:
            self.environment |= {"HOME": str(home), "XDG_RUNTIME_DIR": f"/run/user/{user.pw_uid}"}
        else:
            self.options += ["--root", self.storage, "--runroot", self.folder / "run",
                             "--tmpdir", self.folder / "tmp"]

    def __enter__(self):
        self.folder.mkdir(mode=0o755)
        (self.folder / "conf").write_text(SETTINGS)
        (self.folder / "root.tar").write_bytes(busybox_image.root_tar())
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        try:
            self.podman("import", self.folder / "root.tar", IMAGE)
        except AssertionError:
            self.__exit__()
            raise
        return self

    def _keywords(self):
        as_user = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        return {"cwd": self.folder, "env": self.environment, "stdin": subprocess.DEVNULL, **as_user}

    def _command(self, *arguments):
        return [str(word) for word in ("podman", *self.options, *arguments)]

    def podman(self, *arguments, check=True):
        # Into files: who monitors a container keeps the error output open.
        with open(self.folder / "stdout", "w+b") as out, open(self.folder / "stderr", "w+b") as error:
            code = subprocess.run(self._command(*arguments), stdout=out, stderr=error, check=False,
                                  **self._keywords()).returncode
        if check and code:
            raise AssertionError(f"{arguments} ended with {code}: " + (self.folder / "stderr").read_text())
        return (self.folder / "stdout").read_text().strip()

    def run(self, *options, command=("sleep", "1000")):
        """Starts a container, and returns its id."""
        return self.podman("run", "-d", *options, IMAGE, *command)

    def inspect(self, container, path):
        return self.podman("inspect", "--format", "{{" + path + "}}", container)

    @contextlib.contextmanager
    def service(self):
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(self._command("system", "service", "-t", "0", f"unix://{self.socket}"),
                                       stdout=log, stderr=log, **self._keywords())
        try:
            wait_until(lambda: process.poll() is not None or self.socket.exists(), "podman's service answers")
            if process.poll() is not None:
                raise AssertionError("podman ended: " + (self.folder / "log").read_text())
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
            self.socket.unlink(missing_ok=True)

    def processes(self):
        """Whose command line has one of its folders, and all of its user."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes()
                owner = path.stat().st_uid
            except OSError:
                continue
            if str(self.folder).encode() in words or (self.user and owner == self.user.pw_uid):
                found.append(int(path.parent.name))
        return found

    def __exit__(self, *_):
        containers = self.podman("ps", "-aq", "--no-trunc", check=False).split()
        self.podman("pod", "rm", "-af", check=False)
        self.podman("rm", "-af", "-t", "0", check=False)
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.processes(), "the processes of podman end")
        for container in containers:  # of those whose monitor was killed
            if not self.user and pathlib.Path("/run/runc", container).exists():
                subprocess.run(["runc", "delete", "-f", container], check=True)
        self._remove_cgroups()
        self._unmount()
        shutil.rmtree(self.folder)

    @staticmethod
    def _remove_cgroups():
        """Those that are empty: the rest has another owner."""
        for parent in pathlib.Path("/sys/fs/cgroup").glob("**/libpod_parent"):
            for folder, _, _ in os.walk(parent, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)

    def _unmount(self):
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
            points = [line.split(" ")[1] for line in mounts]
        for point in reversed(points):
            if pathlib.Path(point).is_relative_to(self.folder):
                subprocess.run(["umount", "-l", point], check=False)
