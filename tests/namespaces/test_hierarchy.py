# SPDX-License-Identifier: Apache-2.0
"""Namespaces with parents and owners."""

from support import TestCase, needs_root


@needs_root
class Hierarchy(TestCase):
    def check_nested(self, kind):
        situation = self.situation(f"nested-{kind}")
        self.database.record()
        export = self.database.export()
        parent = situation["outer_namespace"]
        for pid, inode in zip(situation["pids"], situation["namespaces"]):
            namespace = export.namespace(kind, inode)
            self.assertEqual(parent, namespace["parent"])
            self.assertEqual([pid], namespace["processes"])
            self.assertEqual(pid, namespace["leader"])
            self.assertFalse(namespace["initial"])
            self.assertIn("process", namespace["sources"])
            self.assertEqual(inode, export.process(pid)["namespaces"][kind])
            parent = inode
        self.assert_gone_after_release(situation, "namespaces", type=kind, inode=parent)
        for inode in situation["namespaces"]:
            self.assertEqual(["removed"], self.database.diff().ops("namespaces", type=kind, inode=inode))
        return situation, export

    def test_user_namespaces_three_deep(self):
        situation, export = self.check_nested("user")
        for inode in situation["namespaces"]:
            self.assertEqual(0, export.namespace("user", inode)["owner_uid"])

    def test_pid_namespaces_three_deep(self):
        situation, export = self.check_nested("pid")
        own = len(open("/proc/self/status").read().split("NSpid:")[1].split("\n")[0].split())
        for depth, pid in enumerate(situation["pids"], 1):
            ns_pids = export.process(pid)["ns_pids"]
            self.assertEqual(pid, ns_pids[0])
            self.assertEqual(1, ns_pids[-1], "the first process of its namespace")
            self.assertEqual(own + depth, len(ns_pids))

    def test_a_user_namespace_without_process_is_found_as_a_parent(self):
        situation = self.situation("user-empty-middle")
        self.database.record()
        export = self.database.export()
        inner = export.namespace("user", situation["inner_namespace"])
        middle = export.namespace("user", situation["middle_namespace"])
        self.assertEqual(situation["middle_namespace"], inner["parent"])
        self.assertEqual(situation["outer_namespace"], middle["parent"])
        self.assertIn("parent", middle["sources"])
        self.assertNotIn("process", middle["sources"])
        self.assertEqual([], middle["processes"])
        self.assertIsNone(middle["leader"])
        self.assert_gone_after_release(situation, "namespaces", type="user",
                                       inode=situation["middle_namespace"])

    def test_owner_uid_of_an_ordinary_user(self):
        situation = self.situation("user-owner")
        self.database.record()
        export = self.database.export()
        user = export.namespace("user", situation["user_namespace"])
        self.assertEqual(situation["owner_uid"], user["owner_uid"])
        self.assertEqual(situation["outer_namespace"], user["parent"])
        net = export.namespace("net", situation["net_namespace"])
        self.assertEqual(situation["user_namespace"], net["owner"])
        self.assertIsNone(net["owner_uid"], "only user namespaces have one")
        self.assert_gone_after_release(situation, "namespaces", type="net",
                                       inode=situation["net_namespace"])

    def test_each_type_has_one_root_at_most(self):
        for name in ("nested-pid", "for-children-time", "user-empty-middle"):
            self.situation(name)
        self.database.record()
        export = self.database.export()
        for kind in ("user", "pid"):
            roots = [namespace for namespace in export.all("namespaces", type=kind)
                     if namespace["parent"] is None]
            self.assertEqual(1, len(roots), roots)
