# SPDX-License-Identifier: Apache-2.0
"""Mounts in a mount namespace of their own, with names of all sorts."""

from support import TestCase, features, needs_root, needs_whole_root, text_of_hex


@needs_root
@needs_whole_root
class Mounts(TestCase):
    def setUp(self):
        super().setUp()
        self.held = self.situation("mounts")
        self.database.record()
        self.export = self.database.export()

    def mount(self, wanted):
        return self.export.one("mounts", namespace=self.held["namespace"],
                               target=text_of_hex(wanted["target_hex"]))

    def test_names_and_sources_can_be_turned_back(self):
        for wanted in self.held["mounts"]:
            mount = self.mount(wanted)
            self.assertEqual(text_of_hex(wanted["source_hex"]), mount["source"], wanted)
            self.assertEqual("tmpfs", mount["fstype"])
            self.assertEqual("/", mount["root"])
            self.assertIn("size=64k", mount["super_options"])

    def test_propagation(self):
        by_kind = {}
        for wanted in self.held["mounts"]:
            propagation = self.mount(wanted)["propagation"]
            by_kind[wanted["propagation"]] = propagation
            self.assertEqual(wanted["propagation"] == "shared", propagation["shared"] is not None, wanted)
            self.assertEqual(wanted["propagation"] == "slave", propagation["master"] is not None, wanted)
            self.assertEqual(wanted["propagation"] == "unbindable", propagation["unbindable"], wanted)
        self.assertEqual(by_kind["shared"]["shared"], by_kind["slave"]["master"])

    def test_the_table_is_the_kernels(self):
        with open(f"/proc/{self.held['pid']}/mountinfo", "rb") as mountinfo:
            lines = [line.split() for line in mountinfo]
        mounts = self.export.all("mounts", namespace=self.held["namespace"])
        self.assertEqual(sorted((int(line[0]), int(line[1]), line[2].decode()) for line in lines),
                         sorted((mount["id"], mount["parent"], mount["device"]) for mount in mounts))

    def test_unique_ids_where_the_kernel_has_them(self):
        ids = [mount["unique_id"] for mount in self.export.all("mounts", namespace=self.held["namespace"])]
        if features()["listmount"]:
            self.assertEqual(len(ids), len(set(ids)))
            self.assertTrue(all(isinstance(unique, str) and unique.isdigit() for unique in ids), ids)
        else:
            self.assertEqual({None}, set(ids))

    def test_gone_after_release(self):
        namespace = self.database.export().namespace("mnt", self.held["namespace"])
        self.held.release()
        self.database.record()
        difference = self.database.diff()
        for wanted in self.held["mounts"]:
            self.assertEqual(["removed"],
                             difference.ops("mounts", namespace=self.held["namespace"],
                                            target=text_of_hex(wanted["target_hex"])), wanted)
        self.assertEqual(["removed"], difference.ops_of(namespace))


@needs_root
@needs_whole_root
class LargeTables(TestCase):
    def test_ten_thousand_mounts(self):
        situation = self.situation("many-mounts")
        self.database.record()
        mounts = self.database.export().all("mounts", namespace=situation["namespace"])
        below = [mount for mount in mounts if mount["target"].startswith(situation["below"])]
        self.assertEqual(situation["count"], len(below))
        self.assertEqual(len(mounts), len({mount["id"] for mount in mounts}))
        ids = {mount["unique_id"] for mount in mounts} - {None}
        self.assertEqual(len(mounts) if features()["listmount"] else 0, len(ids))
        self.check_gone(situation, len(mounts))

    def check_gone(self, situation, count):
        self.assert_gone_after_release(situation, "namespaces", type="mnt", inode=situation["namespace"])
        self.assertEqual(["removed"] * count,
                         self.database.diff().ops("mounts", namespace=situation["namespace"]))

    def test_options_of_more_than_64_kibibytes(self):
        if not features()["detached_procfs"]:
            return  # a kernel without fsopen(2) has no such options either
        situation = self.situation("long-options")
        self.database.record()
        export = self.database.export()
        overlay = export.one("mounts", namespace=situation["namespace"], target=situation["target"])
        self.assertGreater(len(overlay["super_options"]), 64 * 1024)
        self.assertEqual(situation["layers"], overlay["super_options"].count("lowerdir"))
        export.one("mounts", namespace=situation["namespace"], target=situation["after"])
        self.check_gone(situation, len(export.all("mounts", namespace=situation["namespace"])))
