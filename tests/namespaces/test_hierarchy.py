# SPDX-License-Identifier: Apache-2.0
"""Namespaces with parents and owners."""

import json

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
            self.assertEqual(["removed"], self.database.diff().ops_of(export.namespace(kind, inode)))
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

    def test_the_pid_of_a_process_as_seen_from_each_pid_namespace(self):
        situation = self.situation("nested-pid")
        self.database.record()
        export = self.database.export()
        chain = [situation["outer_namespace"], *situation["namespaces"]]
        for depth, pid in enumerate(situation["pids"], 1):
            pids = export.process(pid)["pids"]
            # The first process of each namespace is the next number of all that are further out.
            wanted = {f"pid:{inode}": depth - level for level, inode in enumerate(chain[1:depth + 1])}
            self.assertEqual({f"pid:{chain[0]}": pid, **wanted}, pids)
            for space, number in pids.items():
                shown = json.loads(self.database.run("show", f"pid:{number}@{space}", "--json").stdout)
                self.assertEqual([f"pid:{pid}"], [thing["key"] for thing in shown])
        self.database.run("show", f"pid:{len(chain)}@pid:{chain[1]}", expect=2)

    def test_what_a_pid_namespace_sees(self):
        """Its own processes, and those of the namespaces below it; not those above."""
        situation = self.situation("nested-pid")
        self.database.record()
        for depth, inode in enumerate(situation["namespaces"]):
            inside = self.database.run("list", "processes", "--in", f"pid:{inode}", "--json").stdout
            self.assertEqual(situation["pids"][depth:], [process["pid"] for process in json.loads(inside)])

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
