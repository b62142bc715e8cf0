# SPDX-License-Identifier: Apache-2.0
"""Mounts as the kernel has them: its calls, its table, and where it ends up when it looks up a path. For
tests that hold nslapse against it; none of this knows how nslapse does it."""

import ctypes
import json
import os
import re
import struct

MS_BIND, MS_MOVE, MS_REC = 1 << 12, 1 << 13, 1 << 14
MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED = 1 << 17, 1 << 18, 1 << 19, 1 << 20
MNT_DETACH = 2
CLONE_NEWNS = 0x20000
AT_FDCWD, AT_EMPTY_PATH = -100, 0x1000
STATX_MNT_ID, STATX_MNT_ID_UNIQUE = 0x1000, 0x4000
OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_BENEATH = 1, 4, 0x200
SYS_OPEN_TREE, SYS_MOVE_MOUNT = 428, 429
STATX_SIZE, STATX_MNT_ID_AT = 256, 144

libc = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _bytes(text):
    return os.fsencode(text) if text is not None else None


def unshare_mounts():
    """A mount namespace of this process's own, from which nothing propagates to others."""
    _check(libc.unshare(CLONE_NEWNS))
    mount(None, "/", None, MS_REC | MS_PRIVATE)


def mount(source, target, fstype, flags=0, options=None):
    _check(libc.mount(_bytes(source), _bytes(target), _bytes(fstype), ctypes.c_ulong(flags), _bytes(options)))


def unmount(target, flags=0):
    _check(libc.umount2(_bytes(target), flags))


def pivot_root(new, old):
    _check(libc.pivot_root(_bytes(new), _bytes(old)))


def mount_beneath(source, target):
    """Mounts a clone of the mount at `source` beneath the topmost one at `target` (kernel 6.5)."""
    tree = _check(libc.syscall(SYS_OPEN_TREE, AT_FDCWD, _bytes(source), OPEN_TREE_CLONE | os.O_CLOEXEC))
    try:
        _check(libc.syscall(SYS_MOVE_MOUNT, tree, b"", AT_FDCWD, _bytes(target),
                            MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_BENEATH))
    finally:
        os.close(tree)


def _mount_id(fd, mask):
    answer = ctypes.create_string_buffer(STATX_SIZE)
    _check(libc.statx(fd, b"", AT_EMPTY_PATH, mask, answer))
    got, = struct.unpack_from("=I", answer)
    return struct.unpack_from("=Q", answer, STATX_MNT_ID_AT)[0] if got & mask else None


def look_up(target):
    """The ids, [of mountinfo, unique or None], of the mount that the path `target` (bytes) leads to from the
    root of this process, following no symbolic link; the error's name if it leads nowhere."""
    fd = os.open("/", os.O_PATH | os.O_CLOEXEC)
    try:
        for name in filter(None, target.split(b"/")):
            below = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
            os.close(fd)
            fd = below
        return [_mount_id(fd, STATX_MNT_ID), _mount_id(fd, STATX_MNT_ID_UNIQUE)]
    except OSError as error:
        return error.strerror
    finally:
        os.close(fd)


def _enter(pid):
    """Into the mount namespace of the process and, from the topmost mount over its root, to its root."""
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    root = os.open(f"/proc/{pid}/root", os.O_PATH)
    _check(libc.setns(namespace, CLONE_NEWNS))
    os.fchdir(root)
    os.chroot(".")


def in_child(function):
    """What `function` returns, called in a child process; it must fit JSON."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.close(reader)
            with os.fdopen(writer, "w") as stream:
                json.dump(function(), stream)
            status = 0
        except BaseException as error:  # nothing returns into the test's code
            os.write(2, f"in a child: {error!r}\n".encode())
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError("the child process failed")
    return json.loads(text)


def look_up_as(pid, targets):
    """look_up() of all targets, as the process `pid` would do it."""
    def look_up_all():
        _enter(pid)
        return [look_up(target) for target in targets]
    return in_child(look_up_all)


def original(text):
    """The bytes of a name that the JSON contract writes as `text`; the reverse of support.text_of()."""
    def byte(escape):
        return b"\\" if escape[1] == b"\\" else bytes([int(escape[1][1:], 16)])
    return re.sub(rb"\\(x[0-9A-F]{2}|\\)", byte, text.encode())


def enter(steps):
    """Into the mount namespaces that these paths lead to, one after the other; call it in a child."""
    for step in steps:
        namespace = os.open(original(step), os.O_RDONLY)
        _check(libc.setns(namespace, CLONE_NEWNS))
        os.close(namespace)


def follow_reference(steps):
    """The inode of the namespace that a reference leads to; call it in a child."""
    enter(steps[:-1])
    return os.stat(original(steps[-1])).st_ino


class Line:
    """One line of a mountinfo; proc_pid_mountinfo(5)."""

    def __init__(self, line):
        words = line.split(b" ")
        self.id, self.parent = int(words[0]), int(words[1])
        self.device = words[2].decode()
        self.target = re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), words[4])
        self.text = line

    def __repr__(self):
        return os.fsdecode(self.text)


def mountinfo(pid="self"):
    with open(f"/proc/{pid}/mountinfo", "rb") as file:
        return [Line(line) for line in file.read().split(b"\n") if line]


def mountinfo_inside(steps):
    """The mountinfo of who enters the mount namespaces that these paths lead to, one after the other."""
    def read():
        proc = os.open("/proc", os.O_PATH)  # inside there may be none
        enter(steps)
        with open(os.open("self/mountinfo", os.O_RDONLY, dir_fd=proc), "rb") as file:
            return file.read().hex()
    return [Line(line) for line in bytes.fromhex(in_child(read)).split(b"\n") if line]
