# SPDX-License-Identifier: Apache-2.0
"""A small host as a folder for --root, in which every time and every number is known."""

import os
import pathlib
import shutil

BOOT = 1_700_000_000  # 2023-11-14 22:13:20 UTC
UPTIME = 5000  # seconds from then to the snapshot

INITIAL = {"cgroup": 4026531835, "ipc": 4026531839, "mnt": 4026531841, "net": 4026531840,
           "pid": 4026531836, "time": 4026531834, "user": 4026531837, "uts": 4026531838}

STAT = ("{pid} ({comm}) S {ppid} {pid} {pid} 0 -1 4194560 100 0 5 0 11 7 0 0 20 0 {threads} 0 {start} "
        "10000000 250 18446744073709551615 94000000000000 94000000100000 140000000000000 "
        "0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n")

STATUS = """Name:\t{name}
Umask:\t0022
State:\tS (sleeping)
Tgid:\t{tgid}
Ngid:\t0
Pid:\t{pid}
PPid:\t{ppid}
TracerPid:\t0
Uid:\t{uid}\t{uid}\t{uid}\t{uid}
Gid:\t{uid}\t{uid}\t{uid}\t{uid}
FDSize:\t64
Groups:\t{uid} \nNStgid:\t{tgid}
NSpid:\t{ns_pids}
NSpgid:\t{tgid}
NSsid:\t{tgid}
VmRSS:\t    1000 kB
Threads:\t{threads}
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t000001ffffffffff
CapAmb:\t0000000000000000
NoNewPrivs:\t0
Seccomp:\t0
Cpus_allowed_list:\t0-1
voluntary_ctxt_switches:\t10
nonvoluntary_ctxt_switches:\t1
"""

MOUNTS = ("21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
          "22 21 0:22 / /sys/fs/cgroup rw,nosuid shared:2 - cgroup2 cgroup2 rw\n")


class SmallHost:
    """Makes the folder, with process 1 in it; `process()` adds more."""

    def __init__(self, folder, name="small", machine="0123456789abcdef0123456789abcdef"):
        self.folder = pathlib.Path(folder)
        self.proc = self.folder / "proc"
        self.write("proc/sys/kernel/hostname", f"{name}\n")
        self.write("proc/sys/kernel/osrelease", "6.1.0-small\n")
        self.write("proc/sys/kernel/random/boot_id", "11111111-2222-4333-8444-555555555555\n")
        self.write("proc/version", "Linux version 6.1.0-small (x)\n")
        self.write("proc/loadavg", "0.10 0.20 0.30 1/50 812\n")
        self.write("proc/stat", f"cpu 1 2 3\nbtime {BOOT}\nprocesses 1000\n")
        self.write("etc/machine-id", f"{machine}\n")
        self.link("proc/self", "1")
        for path in ("", "/system.slice", "/system.slice/web.service"):
            self.cgroup(path)
        self.at(UPTIME)
        self.process(1, "init", ppid=0, start=5, cmdline=["/sbin/init"])

    def write(self, path, text):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def at(self, uptime):
        """The moment of the next snapshot, in seconds after the boot."""
        self.write("proc/uptime", f"{uptime}.00 1.00\n")

    def cgroup(self, path):
        """Adds a cgroup of the unified hierarchy."""
        self.write(f"sys/fs/cgroup{path}/cgroup.controllers", "cpu memory\n")
        self.write(f"sys/fs/cgroup{path}/cgroup.procs", "")
        if path:
            self.write(f"sys/fs/cgroup{path}/cgroup.type", "domain\n")
            self.write(f"sys/fs/cgroup{path}/cgroup.events", "populated 1\nfrozen 0\n")

    def process(self, pid, comm, /, *, ppid=1, start=100, cmdline=(), uid=0, mounts=MOUNTS, cgroup="/",
                threads=(), ns_pids=(), **namespaces):
        """Adds a process, or writes it anew. `ns_pids`: its numbers in inner pid namespaces."""
        count = 1 + len(threads)
        facts = {"pid": pid, "tgid": pid, "ppid": ppid, "comm": comm, "start": start, "uid": uid,
                 "threads": count, "cgroup": cgroup, "namespaces": {**INITIAL, **namespaces},
                 "ns_pids": "\t".join(map(str, (pid, *ns_pids)))}
        self.task(f"proc/{pid}", facts)
        self.write(f"proc/{pid}/cmdline", b"".join(os.fsencode(word) + b"\0" for word in cmdline))
        self.write(f"proc/{pid}/mountinfo", mounts)
        self.link(f"proc/{pid}/exe", f"/usr/bin/{pid}")
        self.link(f"proc/{pid}/cwd", "/")
        self.link(f"proc/{pid}/root", "/")
        self.task(f"proc/{pid}/task/{pid}", facts)
        for tid, name in threads:
            self.task(f"proc/{pid}/task/{tid}", {**facts, "pid": tid, "comm": name})

    def remove(self, pid):
        shutil.rmtree(self.proc / str(pid))

    def task(self, folder, facts):
        comm = facts["comm"]
        name = comm.replace("\\", "\\\\").replace("\n", "\\n")
        self.write(f"{folder}/stat", os.fsencode(STAT.format(**facts)))
        self.write(f"{folder}/status", os.fsencode(STATUS.format(name=name, **facts)))
        self.write(f"{folder}/comm", os.fsencode(comm + "\n"))
        self.write(f"{folder}/cgroup", f"0::{facts['cgroup']}\n")
        for kind, inode in facts["namespaces"].items():
            self.link(f"{folder}/ns/{kind}", f"{kind}:[{inode}]")
        for kind in ("pid", "time"):
            self.link(f"{folder}/ns/{kind}_for_children", f"{kind}:[{facts['namespaces'][kind]}]")

    def link(self, path, target):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)
