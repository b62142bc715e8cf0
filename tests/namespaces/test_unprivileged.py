# SPDX-License-Identifier: Apache-2.0
"""Without privileges: what could be seen is stored, what couldn't is said, and never taken for gone."""

import os
import shutil
import subprocess

import support
from support import TestCase, needs_root, needs_whole_root

NOBODY = 65534
WITH_HIDEPID = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                "mount -t proc -o hidepid=2 proc /proc && exec \"$@\"", "sh"]


@needs_root
class Unprivileged(TestCase):
    def setUp(self):
        super().setUp()
        # The build may stand where nobody may go.
        self.program = self.folder / "nslapse"
        shutil.copy(support.NSLAPSE, self.program)
        self.folder.chmod(0o755)
        os.chown(self.folder, NOBODY, NOBODY)

    def record_as_nobody(self, *prefix):
        done = subprocess.run(
            [*prefix, "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--",
             self.program, "--db", self.database.path, "record"],
            capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return done

    def sleep_as_nobody(self):
        process = subprocess.Popen(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                                    "sleep", "1000"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        while open(f"/proc/{process.pid}/comm").read() != "sleep\n":
            pass
        return process

    def test_its_own_processes_in_full_and_of_others_what_anyone_may_see(self):
        own = self.sleep_as_nobody()
        done = self.record_as_nobody()
        export = self.database.export()
        process = export.process(own.pid)
        self.assertEqual("alive", process["condition"])
        self.assertEqual(os.stat("/proc/self/ns/net").st_ino, process["namespaces"]["net"])
        self.assertTrue(process["exe"].endswith("/sleep"))

        other = export.process(os.getpid())
        self.assertEqual("unreadable", other["condition"])
        self.assertEqual([0, 0, 0, 0], other["uid"])
        self.assertIsNone(other["namespaces"]["net"])
        self.assertIsNone(other["exe"])
        self.assertGreater(len(export["gaps"]), 0)
        self.assertIn("root", done.stderr, "it says what to do")

    def test_its_namespaces_though_it_does_not_record_itself(self):
        self.record_as_nobody()
        export = self.database.export()
        own = export.namespace("net", os.stat("/proc/self/ns/net").st_ino)
        self.assertEqual(["/proc/self/ns/net"], own["reference"])
        self.assertGreater(len(export["mounts"]), 0)
        self.assertFalse([process for process in export["processes"]
                          if str(self.database.path) in (process["cmdline"] or [])])

    def test_what_root_saw_is_unobserved_not_removed(self):
        situation = self.situation("thread-net")
        self.database.record()
        namespace = self.database.export().namespace("net", situation["namespace"])
        for path in self.folder.glob("test.db*"):
            os.chown(path, NOBODY, NOBODY)
        self.record_as_nobody()
        difference = self.database.diff()
        self.assertEqual(["unobserved"], difference.ops_of(namespace))
        self.assertNotIn("removed", difference.ops("processes", pid=situation["pid"]))
        self.assertNotIn("removed", difference.ops("threads", pid=situation["pid"]))

    @needs_whole_root
    def test_in_a_user_namespace_of_ones_own(self):
        os.chown(self.folder, 0, 0)  # the only user that is mapped
        self.database.record(prefix=["unshare", "--user", "--map-root-user"])
        export = self.database.export()
        self.assertGreater(len(export["processes"]), 0)
        self.assertGreater(len(export["namespaces"]), 0)

    @needs_whole_root
    def test_what_hidepid_hides_has_not_ended(self):
        self.record_as_nobody()
        self.record_as_nobody(*WITH_HIDEPID)
        export = self.database.export()
        self.assertEqual([], export.all("processes", pid=os.getpid()))
        self.assertIn("hidepid", " ".join(gap["error"] for gap in export.all("gaps", source="processes")))
        self.assertEqual(["unobserved"], self.database.diff().ops("processes", pid=os.getpid()))

    @needs_whole_root
    def test_under_the_same_hidepid_what_has_ended_was_removed(self):
        own = self.sleep_as_nobody()
        self.record_as_nobody(*WITH_HIDEPID)
        own.kill()
        own.wait()
        self.record_as_nobody(*WITH_HIDEPID)
        self.assertEqual(["removed"], self.database.diff().ops("processes", pid=own.pid))
