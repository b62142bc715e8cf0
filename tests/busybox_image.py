# SPDX-License-Identifier: Apache-2.0
"""An image for the tests of real engines: nothing but a static busybox, made here and pulled from nowhere."""

import hashlib
import io
import json
import pathlib
import platform
import tarfile
import unittest

NAME = "docker.io/library/nslapse-test:1"
BUSYBOX = pathlib.Path("/bin/busybox")
PROGRAMS = ["busybox", "sh", "sleep", "cat"]


def tar(files):
    """An archive of files, each executable: a dictionary of names and bytes."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as file:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            file.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def root_files():
    if not BUSYBOX.exists():
        raise unittest.SkipTest("there is no /bin/busybox (busybox-static)")
    busybox = BUSYBOX.read_bytes()
    return {f"bin/{program}": busybox for program in PROGRAMS} | {"etc/passwd": b"root:x:0:0::/:/bin/sh\n"}


def root_tar():
    """The root file system, as `docker import` takes it."""
    return tar(root_files())


def image_tar(command=("/bin/sleep", "100000")):
    """The image, as `docker load` and `ctr images import` take it."""
    layer = root_tar()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}
    config = json.dumps({
        "architecture": machine.get(platform.machine(), platform.machine()), "os": "linux",
        "config": {"Cmd": list(command), "Env": ["PATH=/bin", "SECRET=hidden"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = [{"Config": config_name, "RepoTags": [NAME], "Layers": ["layer.tar"]}]
    return tar({config_name: config, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()})
