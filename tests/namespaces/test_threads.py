# SPDX-License-Identifier: Apache-2.0
"""A thread alone in a namespace: the process is not in it, and nothing else shows it."""

from support import TestCase, needs_root


@needs_root
class ThreadAlone(TestCase):
    def check(self, kind):
        situation = self.situation(f"thread-{kind}")
        self.database.record()
        export = self.database.export()

        sources = export.namespace(kind, situation["namespace"])["sources"]
        self.assertEqual(["thread"], [source for source in sources if source != "kernel"])
        process = export.process(situation["pid"])
        self.assertEqual(situation["process_namespace"], process["namespaces"][kind])
        threads = {thread["tid"]: thread for thread in process["threads"]}
        self.assertEqual([situation["tid"]], list(threads))
        self.assertEqual(situation["namespace"], threads[situation["tid"]]["namespaces"][kind])

        self.assert_gone_after_release(situation, "namespaces", type=kind, inode=situation["namespace"])
        self.assertEqual(["removed"], self.database.diff().ops("threads", tid=situation["tid"]))

    def test_in_a_network_namespace(self):
        self.check("net")

    def test_in_a_uts_namespace(self):
        self.check("uts")

    def test_in_a_mount_namespace(self):
        self.check("mnt")

    def test_the_mounts_of_its_mount_namespace_are_recorded(self):
        situation = self.situation("thread-mnt")
        self.database.record()
        export = self.database.export()
        with open(f"/proc/{situation['pid']}/task/{situation['tid']}/mountinfo", "rb") as mountinfo:
            lines = mountinfo.readlines()
        mounts = export.all("mounts", namespace=situation["namespace"])
        self.assertEqual(sorted(int(line.split()[0]) for line in lines),
                         sorted(mount["id"] for mount in mounts))
