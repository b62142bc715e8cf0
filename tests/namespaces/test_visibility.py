# SPDX-License-Identifier: Apache-2.0
"""Which mounts are visible: by the kernel's own lookup of each one's target, in situations, in random
worlds, and on this host."""

import os
import random
import time

import kernel_mounts
from mount_worlds import Covered, Many, World
from support import TestCase, features, needs_root, needs_whole_root, text_of

HIDDEN = {"overmounted", "shadowed", "unreachable"}
WORLDS = int(os.environ.get("NSLAPSE_WORLDS", 50))


def describe(mounts):
    return "\n".join(f"{mount['id']} on {mount['parent']} at {mount['target']}: {mount['visibility']}, "
                     f"covered by {mount['covered_by']}" for mount in mounts)


class VisibilityCase(TestCase):
    def recorded(self, export, inode):
        """The mounts of the namespace by id."""
        mounts = export.all("mounts", namespace=inode)
        self.assertEqual(len(mounts), len({mount["id"] for mount in mounts}))
        return {mount["id"]: mount for mount in mounts}

    def assert_covers(self, mounts, mount):
        """What an overmounted or shadowed mount is covered by can be what hides it."""
        if mount["visibility"] not in ("overmounted", "shadowed"):
            self.assertIsNone(mount["covered_by"], mount)
            return
        cover = mounts[mount["covered_by"]]
        self.assertNotEqual(cover["id"], mount["id"])
        if mount["visibility"] == "overmounted":
            self.assertEqual((mount["id"], mount["target"]), (cover["parent"], cover["target"]))
        else:
            self.assertTrue(mount["target"] == cover["target"] or
                            mount["target"].startswith(cover["target"].rstrip("/") + "/"), (mount, cover))

    def assert_agrees(self, export, inode, pid, lines):
        """nslapse's answer for each mount of the namespace is the one that a process in it gets. Where all of
        its processes are outside, since what they had was unmounted, one enters."""
        mounts = self.recorded(export, inode)
        if not lines:
            self.assert_mounts(kernel_mounts.mountinfo_inside([f"/proc/{pid}/ns/mnt"]), mounts.values())
            return mounts
        self.assertEqual(sorted(line.id for line in lines), sorted(mounts))
        answers = kernel_mounts.look_up_as(pid, [line.target for line in lines])
        for line, answer in zip(lines, answers):
            mount = mounts[line.id]
            found, unique = answer if isinstance(answer, list) else (None, None)
            self.assertEqual(text_of(line.target), mount["target"])
            self.assertIn(mount["visibility"], HIDDEN | {"visible"}, mount)
            if (mount["visibility"] == "visible") != (found == line.id):
                self.fail(f"{line}\nlookup: {answer}\nnslapse: {mount}\nof {describe(mounts.values())}")
            if unique is not None and mount["unique_id"] is not None:
                self.assertEqual(mount["visibility"] == "visible", str(unique) == mount["unique_id"], mount)
            self.assert_covers(mounts, mount)
        return mounts


@needs_root
class Host(VisibilityCase):
    def test_every_mount_of_the_host(self):
        """Mounts may come and go meanwhile: then once more."""
        inode = os.stat("/proc/self/ns/mnt").st_ino
        for _ in range(10):
            before = kernel_mounts.mountinfo()
            self.database.record()
            export = self.database.export()
            if [line.text for line in before] == [line.text for line in kernel_mounts.mountinfo()]:
                break
        self.assert_agrees(export, inode, os.getpid(), before)


@needs_root
@needs_whole_root
class Situations(VisibilityCase):
    def hold(self, name):
        held = self.situation(name)
        self.database.record()
        self.export = self.database.export()
        return held

    def assert_agrees_with(self, held):
        return self.assert_agrees(self.export, held["namespace"], held["pid"],
                                  kernel_mounts.mountinfo(held["pid"]))

    def answers(self, held, target=""):
        """Of the mounts at and below `target` in the situation's folder, by name: the visibility, and the
        name of what covers it."""
        mounts = self.recorded(self.export, held["namespace"])
        folder = f"{held['folder']}/{target}".rstrip("/")
        return {mount["source"]: (mount["visibility"], mount["covered_by"] and
                                  mounts[mount["covered_by"]]["source"])
                for mount in mounts.values() if f"{mount['target']}/".startswith(f"{folder}/")}

    def test_in_place(self):
        held = self.hold("overmounts")
        self.assert_agrees_with(held)
        self.assertEqual({"place lower": ("overmounted", "place upper"), "place upper": ("visible", None)},
                         self.answers(held, "place"))
        self.assertEqual({"stack 1": ("overmounted", "stack 2"), "stack 2": ("overmounted", "stack 3"),
                          "stack 3": ("visible", None), "on stack 1": ("shadowed", "stack 2"),
                          "on stack 3": ("visible", None)}, self.answers(held, "stack"))

    def test_over_a_parent_directory(self):
        held = self.hold("overmounts")
        self.assertEqual({"below a": ("shadowed", "over a"), "over a": ("shadowed", "over parent"),
                          "beside a": ("shadowed", "over parent"), "over parent": ("visible", None),
                          "again": ("visible", None)}, self.answers(held, "parent"))

    def test_propagated_beneath(self):
        held = self.hold("overmounts")
        self.assertEqual({"master": ("visible", None), "propagated": ("visible", None)},
                         self.answers(held, "master"))
        self.assertEqual({"master": ("visible", None), "propagated": ("overmounted", "slave's own"),
                          "slave's own": ("visible", None)}, self.answers(held, "slave"))

    def test_over_the_root(self):
        """lxkns 6: it takes the old tree for hidden, which all see that were there before."""
        held = self.hold("mount-over-root")
        mounts = self.assert_agrees_with(held)
        by_source = {mount["source"]: mount for mount in mounts.values()}
        root = self.export.one("mounts", namespace=held["namespace"], id=by_source["over root"]["parent"])
        self.assertEqual(("/", "visible"), (root["target"], root["visibility"]))
        for name in ("before", "after", "scratch"):
            self.assertEqual("visible", by_source[name]["visibility"], name)
        for name in ("over root", "below over root"):
            self.assertEqual("unreachable", by_source[name]["visibility"], name)

    def test_a_plain_folder_alone(self):
        """lxkns 5: there is no / in what the process sees. Where the kernel tells no more, nothing may be called
        visible, for want of the root; what is hidden inside is hidden from everywhere."""
        held = self.hold("mounts-from-folder")
        if features()["statmount_lines"]:
            self.assertEqual({"scratch": ("visible", None), "in jail": ("visible", None),
                              "jailed below": ("shadowed", "jailed lower"),
                              "jailed lower": ("overmounted", "jailed upper"), "jailed upper": ("visible", None)},
                             self.answers(held))
            return
        self.assertEqual({"in jail": (None, None), "jailed below": ("shadowed", "jailed lower"),
                          "jailed lower": ("overmounted", "jailed upper"), "jailed upper": (None, None)},
                         self.answers(held))

    def test_a_plain_folder_and_the_root(self):
        held = self.hold("mounts-from-both")
        self.assert_agrees_with(held)
        self.assertEqual({"in jail": ("visible", None), "jailed below": ("shadowed", "jailed lower"),
                          "jailed lower": ("overmounted", "jailed upper"),
                          "jailed upper": ("visible", None)}, self.answers(held, "jail"))

    def test_in_one_namespace_alone(self):
        held = self.hold("mounts-in-one")
        mounts = self.assert_agrees_with(held)
        self.assertEqual({"in both": ("visible", None), "in one": ("visible", None)},
                         {name: answer for name, answer in self.answers(held).items() if name != "scratch"})
        copy = self.assert_agrees(self.export, held["copy_namespace"], held["copy_pid"],
                                  kernel_mounts.mountinfo(held["copy_pid"]))
        answers = {mount["source"]: mount["visibility"] for mount in copy.values()}
        self.assertEqual(("overmounted", "visible"), (answers["in both"], answers["cover"]))
        self.assertNotIn("in one", answers)
        self.assertEqual([held["namespace"]],
                         [mount["namespace"] for mount in self.export.all("mounts", source="in one")])
        self.assertNotIn("cover", [mount["source"] for mount in mounts.values()])

    def test_gone_after_release(self):
        for name in ("overmounts", "mount-over-root", "mounts-from-folder", "mounts-from-both", "mounts-in-one"):
            with self.subTest(name):
                held = self.hold(name)
                mounts = self.recorded(self.export, held["namespace"])
                self.assert_gone_after_release(held, "namespaces", type="mnt", inode=held["namespace"])
                removed = self.database.diff().changes("mounts", "removed", namespace=held["namespace"])
                self.assertEqual(sorted(mounts), sorted(change["before"]["id"] for change in removed))

    def test_many_mounts(self):
        many = Many(self.folder / "world")
        self.addCleanup(many.end)
        self.database.record()
        inode = os.stat(f"/proc/{many.pid}/ns/mnt").st_ino
        mounts = self.assert_agrees(self.database.export(), inode, many.pid, kernel_mounts.mountinfo(many.pid))
        answers = [mount["visibility"] for mount in mounts.values() if "/many/" in mount["target"]]
        self.assertEqual(Many.COUNT, len(answers))
        self.assertEqual({"shadowed"}, set(answers))

    def test_what_uncovers_is_a_change(self):
        """A mount that is taken away changes those that it hid."""
        world = Covered(self.folder / "world")
        self.addCleanup(world.end)
        self.database.record()
        world.go_on()
        self.database.record()
        changes = self.database.diff().changes("mounts", "changed", source="covered")
        self.assertEqual([["visibility", "covered_by"]], [change["fields"] for change in changes])
        self.assertEqual(["shadowed"], [change["before"]["visibility"] for change in changes])
        self.assertEqual(["visible"], [change["after"]["visibility"] for change in changes])


@needs_root
@needs_whole_root
class Worlds(VisibilityCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("NSLAPSE_SEED", time.time_ns() % 2**32))
        print(f"NSLAPSE_SEED={self.seed}", flush=True)

    def test_random_worlds(self):
        worlds = []
        for number in range(WORLDS):
            world = World(self.folder / f"world-{number}", random.Random(f"{self.seed}-{number}"))
            self.addCleanup(world.end)
            worlds.append(world)
        self.database.record()
        export = self.database.export()
        seen = {}
        for number, world in enumerate(worlds):
            with self.subTest(world=number):
                inode = os.stat(f"/proc/{world.pid}/ns/mnt").st_ino
                mounts = self.assert_agrees(export, inode, world.pid, kernel_mounts.mountinfo(world.pid))
                for mount in mounts.values():
                    seen[mount["visibility"]] = seen.get(mount["visibility"], 0) + 1
        print(seen, flush=True)
        if WORLDS >= 50:
            self.assertEqual(HIDDEN | {"visible"}, set(seen))
