# SPDX-License-Identifier: Apache-2.0
"""Random trees of mounts, each in a mount namespace of its own, which lasts as long as its process."""

import contextlib
import os
import signal
import socket

import kernel_mounts
from kernel_mounts import (MNT_DETACH, MS_BIND, MS_MOVE, MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, mount,
                           mount_beneath, pivot_root, unmount)

NAMES = ["a", "b", "a b", "a-", "b\n", "c\\", os.fsdecode(b"\xff")]
DEPTH = 3
MOUNTS = 30
STEPS = 400
PR_SET_PDEATHSIG = 1


class Place:
    """A process in a mount namespace of its own, `pid`. It makes that with make(), goes on with proceed()
    when told by go_on(), and ends with end() or with this process."""

    def __init__(self):
        self._line, line = socket.socketpair()
        self.pid = os.fork()
        if not self.pid:
            self._line.close()
            self._be(line)
        line.close()
        self._await()

    def _await(self):
        if not self._line.recv(1):
            self.end()
            raise RuntimeError("a mount namespace could not be made")

    def go_on(self):
        self._line.send(b"1")
        self._await()

    def end(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self._line.close()
            self.pid = None

    def _be(self, line):
        try:
            kernel_mounts.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            kernel_mounts.unshare_mounts()
            self.make()
            line.send(b"1")
            while line.recv(1):
                self.proceed()
                line.send(b"1")
        except BaseException as error:  # nothing returns into the test's code
            os.write(2, f"mount namespace: {error!r}\n".encode())
        finally:
            os._exit(1)

    def make(self):
        raise NotImplementedError

    def proceed(self):
        raise NotImplementedError


class Covered(Place):
    """A mount, and one over its parent, until go_on() takes that away."""

    def __init__(self, folder):
        self.folder = str(folder)
        os.makedirs(folder / "below")
        super().__init__()

    def make(self):
        mount("covered", self.folder + "/below", "tmpfs")
        mount("cover", self.folder, "tmpfs")

    def proceed(self):
        unmount(self.folder)


class Many(Place):
    """Thousands of mounts, and one over the folder that they are in."""

    COUNT = 5000

    def __init__(self, folder):
        self.folder = str(folder)
        os.mkdir(folder)
        super().__init__()

    def make(self):
        mount("world", self.folder, "tmpfs", 0, "size=64m")
        for number in range(self.COUNT):
            target = f"{self.folder}/many/{number % 7}/{number}"
            os.makedirs(target)
            mount(self.folder + "/many", target, None, MS_BIND)
        mount("cover", self.folder + "/many", "tmpfs")


class World(Place):
    """Random steps mount, move, cover, rename and unmount. They do so in a world that nothing of the host
    is left in: its root is a file system of its own, and everything else is detached."""

    def __init__(self, folder, rng):
        self.folder = str(folder)
        self.rng = rng
        os.mkdir(folder)
        super().__init__()

    def make(self):
        self.proc = os.open("/proc", os.O_PATH)
        self._enter_new_root(self.folder)
        unmount("/old", MNT_DETACH)
        if self._file_systems() != {b"world"}:
            raise RuntimeError("something of the host is in the world")
        self._fill("/")
        self.places = [os.open("/", os.O_PATH)]  # folders to go on from, also once hidden
        if self.rng.random() < 0.5:
            self._change_root()
        for _ in range(STEPS):
            if len(self._table()) >= MOUNTS:
                break
            with contextlib.suppress(OSError):
                self._step()
        os.chdir("/")
        for place in [self.proc, *self.places]:
            os.close(place)

    def _table(self):
        """The lines of mountinfo, also where there is no /proc."""
        with open(os.open("self/mountinfo", os.O_RDONLY, dir_fd=self.proc), "rb") as table:
            return table.read().splitlines()

    def _file_systems(self):
        return {line.split(b" - ")[1].split()[1] for line in self._table()}

    def _enter_new_root(self, folder):
        """An empty file system becomes the root; what was the root is at /old."""
        mount("world", folder, "tmpfs", 0, "size=1m")
        os.mkdir(folder + "/old")
        pivot_root(folder, folder + "/old")
        os.chdir("/")

    def _change_root(self):
        """Once more; the world's first root stays below the second, or goes."""
        os.mkdir("/new")
        self._enter_new_root("/new")
        self._fill("/")
        self.places.append(os.open("/", os.O_PATH))
        if self.rng.random() < 0.5:
            unmount("/old", MNT_DETACH)

    def _fill(self, folder):
        """Folders of all names, so that mounts hide each other's, a file and a link."""
        for name in NAMES:
            os.makedirs(os.path.join(folder, name, self.rng.choice(NAMES), self.rng.choice(NAMES)), exist_ok=True)
        os.close(os.open(os.path.join(folder, "file"), os.O_CREAT | os.O_WRONLY))
        os.symlink(self.rng.choice(NAMES), os.path.join(folder, "link"))

    def _go(self):
        """Into a folder kept from before, the root, or what is mounted over that: /.. leads there."""
        if self.rng.random() < 0.5:
            os.fchdir(self.rng.choice(self.places))
        else:
            os.chdir("/.." if self.rng.random() < 0.1 else "/")

    def _path(self):
        """Of what there is from here on, 0 to 3 names deep."""
        path = "."
        for _ in range(self.rng.randint(0, DEPTH)):
            below = os.listdir(path) if os.path.isdir(path) else None
            if not below:
                break
            path = os.path.join(path, self.rng.choice(sorted(below)))
        return path

    def _mounted_path(self):
        """The same, of a mount if there is luck."""
        for _ in range(8):
            path = self._path()
            if path != "." and os.path.ismount(path):
                break
        return path

    def _step(self):
        self._go()
        self.rng.choice([self._mount, self._mount, self._mount, self._bind, self._bind, self._bind,
                         self._bind_all, self._move, self._move, self._propagate, self._propagate,
                         self._beneath, self._rename, self._rename_from_elsewhere, self._keep,
                         self._keep, self._unmount, self._over_root, self._replace_by_link])()

    def _mount(self):
        self._mount_at(self._path())

    def _mount_at(self, target):
        mount("world", target, "tmpfs", 0, "size=256k")
        if self.rng.random() < 0.8:
            place = os.open(target, os.O_PATH)
            os.fchdir(place)
            self.places.append(place)
            self._fill(".")

    def _bind(self):
        mount(self._path(), self._path(), None, MS_BIND)

    def _bind_all(self):
        mount(self._path(), self._path(), None, MS_BIND | MS_REC)

    def _move(self):
        mount(self._mounted_path(), self._path(), None, MS_MOVE)

    def _beneath(self):
        mount_beneath(self._path(), self._mounted_path())

    def _propagate(self):
        mount(None, self._mounted_path(), None,
              self.rng.choice([MS_SHARED, MS_SHARED, MS_SLAVE, MS_PRIVATE]))

    def _over_root(self):
        if self.rng.random() < 0.07:
            self._mount_at("/..")

    def _rename(self):
        os.rename(self._path(), os.path.join(self._path(), self.rng.choice(NAMES)))

    def _rename_from_elsewhere(self):
        """Renames a mount point, which only another mount namespace can do that has no mount there."""
        old, new = self._mounted_path(), os.path.join(self._path(), self.rng.choice(NAMES))

        def rename():
            with contextlib.suppress(OSError):
                kernel_mounts.unshare_mounts()
                unmount(old, MNT_DETACH)
                os.rename(old, new)
        kernel_mounts.in_child(rename)

    def _replace_by_link(self):
        path = self._path()
        os.rename(path, path + "-")
        os.symlink(os.path.basename(path) + "-", path)

    def _keep(self):
        self.places.append(os.open(self._path(), os.O_PATH | os.O_DIRECTORY))

    def _unmount(self):
        unmount(self._mounted_path(), MNT_DETACH)
