# SPDX-License-Identifier: Apache-2.0
"""What one view of the kernel shows and another doesn't. The lies are those of a preloaded library, as of
rootkits in /etc/ld.so.preload."""

import os
import signal
import subprocess

import kernel_mounts
from support import HELPERS, TestCase, features, is_chrooted, needs_root, needs_whole_root

LISTS = {"readdir", "detached-procfs"}


def lies(hidden_from, **what):
    """The environment of a recorder to which the library lies."""
    # The sanitizers want to be the first library; this one calls them.
    options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return {"LD_PRELOAD": str(HELPERS / "hide.so"), "ASAN_OPTIONS": options,
            "HIDE_FROM": ",".join(hidden_from), **{name: str(value) for name, value in what.items()}}


@needs_root
class CrossViews(TestCase):
    def setUp(self):
        super().setUp()
        self.victim = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(self.victim.wait)
        self.addCleanup(self.victim.kill)
        with open(f"/proc/{self.victim.pid}/comm") as comm:
            while comm.read() != "sleep\n":
                comm.seek(0)
        self.subject = f"pid:{self.victim.pid}"

    def record(self, *hidden_from, **keywords):
        """A snapshot by a recorder from which the victim is hidden."""
        lie = lies(hidden_from, HIDE_PID=self.victim.pid)
        self.database.record(environment=lie, **keywords)
        return self.database.export()

    def of_victim(self, export):
        """The views that lack it, each with those that show it."""
        return {record["missing_from"]: set(record["shown_by"])
                for record in export.all("discrepancies", subject=self.subject)}

    def views(self):
        """Those of a process list, as far as this kernel has them."""
        wanted = {"readdir", "lookup", "getsid", "cgroup.procs"}
        return wanted | {"detached-procfs"} if features()["detached_procfs"] else wanted

    def test_nothing_is_hidden(self):
        export = self.record()
        self.assertEqual({}, self.of_victim(export))
        self.assertEqual([], export.all("discrepancies", subject="threads"))

    def test_hidden_from_the_list_it_is_recorded_all_the_same(self):
        self.database.record()
        honest = self.database.export().process(self.victim.pid)
        export = self.record("readdir")
        lists = self.views() & LISTS
        self.assertEqual({view: self.views() - LISTS for view in lists}, self.of_victim(export))
        for record in export.all("discrepancies", subject=self.subject):
            self.assertEqual("sleep", record["name"])
            self.assertEqual(honest["start_ticks"], record["start_ticks"])
            self.assertEqual(honest["pidfs_inode"], record["id"])
        hidden = export.process(self.victim.pid)
        for name in ("comm", "cmdline", "exe", "start_ticks", "namespaces", "cgroup"):
            self.assertEqual(honest[name], hidden[name])
        self.assertEqual([], export.all("discrepancies", subject="threads"), "its threads are known")
        self.assertEqual([], self.database.diff().ops("processes", pid=self.victim.pid))

    def test_hidden_from_one_other_view(self):
        for hidden, view in (("getsid", "getsid"), ("lookup", "lookup"), ("cgroup", "cgroup.procs")):
            with self.subTest(view):
                self.assertEqual({view: self.views() - {view}}, self.of_victim(self.record(hidden)))

    def test_hidden_from_all_but_one(self):
        for hidden, view in (("readdir,lookup,cgroup", "getsid"), ("readdir,lookup,getsid", "cgroup.procs")):
            with self.subTest(view):
                export = self.record(hidden)
                # Of what can't be looked up it isn't known whether a cgroup must have it: a zombie is in none.
                lacking = self.views() - {view, "cgroup.procs"}
                self.assertEqual({other: {view} for other in lacking}, self.of_victim(export))
                self.assertEqual([], export.all("processes", pid=self.victim.pid))

    def count_of_threads(self, *hidden_from):
        """What is said of it, once the host has been quiet for as long as they are counted."""
        for _ in range(200):
            export = self.record(*hidden_from)
            if not export.all("gaps", source="cross-views", subject="threads"):
                return export.all("discrepancies", subject="threads")
        return self.fail("the host was never quiet")

    def test_hidden_from_every_view_its_thread_is_still_counted(self):
        record, = self.count_of_threads("readdir", "lookup", "getsid", "cgroup")
        self.assertEqual(("readdir", ["loadavg"], "1 thread more than the processes have"),
                         (record["missing_from"], record["shown_by"], record["detail"]))

    def test_loadavg_lies(self):
        record, = self.count_of_threads("loadavg")
        self.assertEqual(("loadavg", ["readdir"], "1 thread fewer than the processes have"),
                         (record["missing_from"], record["shown_by"], record["detail"]))

    def test_since_when(self):
        """As long as it is the same process and the same view, it is the same thing."""
        self.record()
        for _ in range(3):
            self.record("getsid")
        text = self.database.run("show", f"discrepancy:{self.subject}").stdout
        self.assertRegex(text, r"in this state +snapshot 2 ")
        self.assertIn("discrepancies", self.database.run("show", self.subject).stdout)
        self.assertEqual([], self.database.diff("2", "4").ops("discrepancies", subject=self.subject))
        self.assertEqual(["added"], self.database.diff("1", "4").ops("discrepancies", subject=self.subject))
        self.record()
        self.assertEqual(["removed"], self.database.diff().ops("discrepancies", subject=self.subject))

    def test_it_is_told(self):
        self.record("getsid")
        self.assertEqual(1, self.database.snapshots()[0]["counts"]["discrepancies"])
        self.assertIn("DISCREPANCIES", self.database.run("log").stdout)
        self.assertIn(self.subject, self.database.run("list", "discrepancies").stdout)

    def test_left_out(self):
        self.record("getsid")
        self.database.record("--without", "cross-views")
        export = self.database.export()
        self.assertEqual([], export["discrepancies"])
        self.assertIn("cross-views", export["snapshot"]["without"])
        self.assertEqual("discrepancy", export.one("gaps", source="cross-views")["hides"])
        self.assertEqual(["unobserved"], self.database.diff().ops("discrepancies", subject=self.subject))

    def test_hidepid(self):
        """Who may see neither list nor folder is told by getsid and by the cgroups."""
        if is_chrooted():
            self.skipTest("mounts are not ours")
        prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                  "mount -t proc -o hidepid=2 proc /proc && exec setpriv --bounding-set=-all "
                  "--inh-caps=-all --reuid=65534 --regid=65534 --clear-groups -- \"$@\"", "sh"]
        self.folder.chmod(0o755)
        os.chown(self.folder, 65534, 65534)
        done = subprocess.run([*prefix, self.program(), "--db", self.database.path, "record"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        hidden = self.of_victim(self.database.export())
        self.assertEqual({view: {"getsid", "cgroup.procs"} for view in ("readdir", "lookup")}, hidden)

    def program(self):
        """Where nobody may go, too."""
        copy = self.folder / "nslapse"
        copy.write_bytes(open(os.environ["NSLAPSE"], "rb").read())
        copy.chmod(0o755)
        return copy


@needs_root
@needs_whole_root
class CoveredProcesses(TestCase):
    """A bind mount over /proc/PID: the list has the number, which leads elsewhere."""

    def setUp(self):
        super().setUp()
        self.held = self.situation("covered-processes")
        self.inside = ["nsenter", f"--mount=/proc/{self.held['keeper']}/ns/mnt"]

    def record(self):
        self.database.record(prefix=self.inside)
        return self.database.export()

    def covers(self, export):
        return {record["subject"]: record["detail"]
                for record in export.all("discrepancies", missing_from="lookup")}

    def test_they_are_told(self):
        """With what covers each: an empty folder, and that of their keeper."""
        covers = self.covers(self.record())
        self.assertEqual({f"pid:{self.held['pid']}", f"pid:{self.held['replaced_pid']}"}, set(covers))
        self.assertRegex(covers[f"pid:{self.held['pid']}"], r"^covered by mount \d+: tmpfs /empty$")
        self.assertRegex(covers[f"pid:{self.held['replaced_pid']}"],
                         rf"^covered by mount \d+: proc /{self.held['keeper']}$")

    def test_they_are_recorded_all_the_same(self):
        """By a procfs that is mounted nowhere. Without one, nothing is said of them that is another's."""
        export = self.record()
        for name in ("pid", "replaced_pid"):
            if features()["detached_procfs"]:
                process = export.process(self.held[name])
                self.assertEqual(("alive", self.held["keeper"]), (process["condition"], process["ppid"]))
            else:
                self.assertEqual([], export.all("processes", pid=self.held[name]))
        self.assertEqual(os.getpid(), export.process(export.process(self.held["keeper"])["ppid"])["ppid"])

    def test_what_replaces_one_is_not_taken_for_it(self):
        self.database.record(prefix=self.inside, environment={"NSLAPSE_WITHOUT": "detached_procfs"})
        export = self.database.export()
        pid = self.held["replaced_pid"]
        self.assertEqual([], export.all("processes", pid=pid))
        self.assertEqual("process", export.one("gaps", source="processes", subject=f"pid:{pid}")["hides"])
        self.assertIn(f"pid:{pid}", self.covers(export))

    def test_gone_after_release(self):
        self.record()
        before = self.database.snapshots()[0]["counts"]["discrepancies"]
        self.assertGreaterEqual(before, 2)
        self.held.release()
        self.database.record()
        for name in ("pid", "replaced_pid"):
            subject = f"pid:{self.held[name]}"
            self.assertEqual(["removed"], self.database.diff().ops("discrepancies", subject=subject))


def enter(pid):
    """A process that has come into the mount namespace of another one."""
    reader, writer = os.pipe()
    entered = os.fork()
    if not entered:
        namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
        answer = b"y" if kernel_mounts.libc.setns(namespace, 0) == 0 else b"n"
        os.dup2(writer, 3)
        os.closerange(4, 1024)  # whatever would hold a situation
        os.write(3, answer)
        signal.pause()
    if os.read(reader, 1) != b"y":
        raise OSError("cannot enter the mount namespace")
    os.close(reader)
    os.close(writer)
    return entered


@needs_root
@needs_whole_root
class HiddenMounts(TestCase):
    """A mount that mountinfo or listmount(2) lacks, in a mount namespace of a process."""

    def setUp(self):
        super().setUp()
        self.held = self.situation("mounts-in-one")
        self.target = f"{self.held['folder']}/one"
        self.subject = f"mount:{self.target}@mnt:{self.held['namespace']}"
        self.database.record()
        self.mount = self.database.export().one("mounts", namespace=self.held["namespace"], source="in one")

    def record(self, *hidden_from, **what):
        self.database.record(environment=lies(hidden_from, **what))
        return self.database.export()

    def mounts_of(self, export):
        return [record for record in export["discrepancies"] if record["subject"].startswith("mount:")]

    def check(self, export, missing_from, shown_by):
        """Where the kernel can be asked for other namespaces' mounts. Else one view is all there is."""
        if not features()["statmount_lines"]:
            self.assertEqual([], self.mounts_of(export))
            return
        record, = self.mounts_of(export)
        self.assertEqual((self.subject, missing_from, [shown_by], self.target, "tmpfs", self.mount["unique_id"]),
                         (record["subject"], record["missing_from"], record["shown_by"], record["name"],
                          record["detail"], record["id"]))
        self.assertEqual(["added"], self.database.diff().ops("discrepancies", subject=self.subject))
        self.assertIn("discrepancies", self.database.run("show", self.subject).stdout)
        self.assertEqual([], self.mounts_of(self.record()))
        self.assertEqual(["removed"], self.database.diff().ops("discrepancies", subject=self.subject))

    def test_hidden_from_mountinfo(self):
        self.check(self.record("mountinfo", HIDE_MOUNT=self.target), "mountinfo", "listmount")

    def test_hidden_from_listmount(self):
        unique = self.mount["unique_id"] or 0
        export = self.record("listmount", HIDE_UNIQUE_ID=unique)
        if features()["statmount_lines"]:
            record, = self.mounts_of(export)
            # What its unique id is, only the view that lacks it could tell.
            self.assertEqual((self.subject, "listmount", ["mountinfo"], None),
                             (record["subject"], record["missing_from"], record["shown_by"], record["id"]))

    def test_with_what_is_below_it_only_the_mount_itself_is_told(self):
        held = self.situation("overmounts")
        subject = f"mount:{held['folder']}/master@mnt:{held['namespace']}"
        export = self.record("mountinfo", HIDE_MOUNT=f"{held['folder']}/master")
        self.assertEqual([subject] if features()["statmount_lines"] else [],
                         [record["subject"] for record in self.mounts_of(export)])

    def test_a_chroot_and_a_mount_over_the_root_are_none(self):
        for name in ("mounts-from-folder", "mounts-from-both", "mount-over-root", "chroot", "mounts", "in-flight"):
            self.situation(name)
        self.assertEqual([], self.mounts_of(self.record()))

    def test_what_is_below_the_root_of_who_came_in_later_is_none(self):
        """His root is what is mounted over /: of all the rest, mountinfo shows nothing, listmount(2) does."""
        held = self.situation("mount-over-root")
        pid = enter(held["pid"])
        self.addCleanup(os.waitpid, pid, 0)
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        held.release()
        self.assertEqual([b"/", b"/below"], [line.target for line in kernel_mounts.mountinfo(pid)])
        self.assertEqual([], self.mounts_of(self.record()))

    def test_left_out(self):
        for source in ("mounts", "cross-views"):
            self.database.record("--without", source, environment=lies(["mountinfo"], HIDE_MOUNT=self.target))
            self.assertEqual([], self.mounts_of(self.database.export()))
