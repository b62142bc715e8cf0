# SPDX-License-Identifier: Apache-2.0
"""nslapse diff, and the revisions that name its two sides."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import BOOT, MOUNTS, SmallHost
from support import TestCase

HEADING = "small: snapshot 1 (2023-11-14 23:36:40 +0000) -> snapshot 2 (2023-11-14 23:36:40 +0000)\n"


class Comparing(TestCase):
    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")

    def record(self, *arguments):
        self.database.run("--root", self.host.folder, "record", "-q", *arguments)

    def diff(self, *arguments, **keywords):
        return self.database.run("diff", *arguments, **keywords).stdout


class CopiedMounts(Comparing):
    """A mount namespace begins as a copy: of a new one, only what is unlike is worth a line."""

    def test_what_other_namespaces_have_as_well_is_one_line(self):
        self.record()
        self.host.process(900, "sandbox", mnt=4026532100,
                          mounts=MOUNTS.replace("21 1 ", "51 1 ").replace("22 21 ", "52 51 ")
                          + "53 51 0:30 / /secret rw - tmpfs tmpfs rw\n")
        self.record()
        self.host.remove(900)
        self.record()
        for mark, revisions in (("+", ("1", "2")), ("-", ("2", "3"))):
            answer = self.diff(*revisions)
            self.assertIn(f"  {mark} mount:/secret@mnt:4026532100  tmpfs  tmpfs  rw\n"
                          f"  {mark} 2 mounts of mnt:4026532100 that other namespaces have as well "
                          "(-v lists them)\n", answer)
            self.assertNotIn("mount:/@mnt:4026532100", answer)
            self.assertIn("mount:/@mnt:4026532100", self.diff(*revisions, "-v"))
            self.assertNotIn("other namespaces", self.diff(*revisions, "-v"))

    def test_in_a_namespace_that_stays_each_has_its_line(self):
        self.record()
        self.host.process(1, "init", ppid=0, start=5, cmdline=["/sbin/init"],
                          mounts=MOUNTS + "30 21 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n")
        self.record()
        self.assertIn("  + mount:/@mnt:4026531841", self.diff())


class Diff(Comparing):
    def make_a_change(self):
        """A process that goes, one that comes, one that changes, and a mount."""
        self.host.process(700, "going", cmdline=["going"])
        self.host.process(812, "web", cmdline=["web", "-d"])
        self.record()
        self.host.remove(700)
        self.host.process(812, "web", cmdline=["web", "-d"], cgroup="/system.slice", uid=33)
        self.host.process(900, "ev\nil", cmdline=["ev\x1b[31mil"])
        self.host.process(1, "init", ppid=0, start=5, cmdline=["/sbin/init"],
                          mounts=MOUNTS + "30 21 0:30 / /mnt rw - tmpfs tmpfs rw\n")
        self.record()

    def test_kinds_marks_and_fields(self):
        self.make_a_change()
        self.assertEqual(HEADING + """
processes: 1 added, 1 removed, 1 changed
  - pid:700  going  going
  M pid:812  web  web -d
      real_uid: 0 -> 33
      effective_uid: 0 -> 33
      saved_uid: 0 -> 33
      filesystem_uid: 0 -> 33
      real_gid: 0 -> 33
      effective_gid: 0 -> 33
      saved_gid: 0 -> 33
      filesystem_gid: 0 -> 33
      groups: 0 -> 33
      cgroup: unified=/ -> unified=/system.slice
  + pid:900  ev\\nil  'ev\\u{1B}[31mil'

mounts: 1 added
  + mount:/mnt@mnt:4026531841  tmpfs  tmpfs  rw
""", self.diff())

    def test_the_other_way_round(self):
        self.make_a_change()
        text = self.diff("2", "1")
        self.assertIn("\n  + pid:700 ", text)
        self.assertIn("\n      cgroup: unified=/system.slice -> unified=/\n", text)

    def test_numbers_alone(self):
        self.make_a_change()
        self.assertEqual(HEADING + """\
KIND          ADDED REMOVED CHANGED UNOBSERVED
namespaces        0       0       0          0
processes         1       1       1          0
threads           0       0       0          0
mounts            1       0       0          0
containers        0       0       0          0
cgroups           0       0       0          0
discrepancies     0       0       0          0
""", self.diff("--stat"))
        self.assertEqual(["KIND", "mounts", "gaps"],
                         [line.split()[0] for line in
                          self.diff("--stat", "--kind", "mounts,gaps").splitlines()[1:]])

    def test_chosen_kinds(self):
        self.make_a_change()
        text = self.diff("--kind", "mount")
        self.assertIn("mount:/mnt", text)
        self.assertNotIn("pid:", text)

    def test_json_is_the_document_of_export(self):
        self.make_a_change()
        document = json.loads(self.diff("--json"))
        self.assertEqual(["format", "from", "to", "summary", "changes"], list(document))
        self.assertEqual("nslapse-diff/1", document["format"])
        self.assertEqual((1, 2), (document["from"]["id"], document["to"]["id"]))
        exported = self.database.run("export", "1..2", "--format", "json").stdout
        self.assertEqual(document, json.loads(exported))

    def test_what_a_gap_hides_is_not_gone(self):
        self.host.process(812, "web")
        self.record()
        self.host.remove(812)
        self.host.write("proc/812", "")
        self.record()
        text = self.diff()
        self.assertIn("processes: 1 unobserved\n  ? pid:812  web", text)
        self.assertIn("\n      not seen any more, but a gap may hide it\n", text)

    def test_what_a_gap_hides_has_not_changed(self):
        self.host.process(812, "web")
        self.record()
        (self.host.proc / "812/cgroup").unlink()
        (self.host.proc / "812/cgroup").mkdir()  # not to be read as a file
        self.record()
        self.assertEqual(HEADING + "\nprocesses: 1 unobserved\n  ? pid:812  web  []\n"
                         "      hidden by a gap: cgroup, frozen\n", self.diff())
        self.diff("--exit-code", expect=1)

    def test_exit_code(self):
        self.record()
        self.record()
        self.assertEqual(HEADING + "no differences\n", self.diff("--exit-code"))
        self.assertEqual("", self.diff("-q"))
        self.host.process(812, "web")
        self.record()
        self.diff("--exit-code", expect=1)
        self.diff("--exit-code", "--json", expect=1)
        self.diff("--exit-code", "--kind", "mounts")
        self.diff()

    def test_snapshots_of_two_hosts(self):
        self.record()
        self.host = SmallHost(self.folder / "other", name="other", machine="f" * 32)
        self.record()
        self.record()
        self.database.run("diff", "1", "2", expect=2)
        # Without a host in it, the second side is of the first one's host.
        self.assertTrue(self.diff("1").startswith("small: snapshot 1 "))
        self.assertTrue(self.diff().startswith("other: snapshot 2 "))


class Revisions(Comparing):
    def setUp(self):
        super().setUp()
        for number, uptime in enumerate((5000, 6000, 7000, 8000), 1):
            self.host.at(uptime)
            self.record("--label", f"label-{number}")

    def id_of(self, revision):
        document = self.database.run("export", revision, "--format", "json").stdout
        return json.loads(document)["snapshot"]["id"]

    def test_each_way_to_write_one(self):
        for revision, number in (("latest", 4), ("latest~", 3), ("latest~0", 4), ("latest~3", 1), ("2", 2),
                                 ("3~1", 2), ("label-3", 3), ("label-3~2", 1), (f"@{BOOT + 6000}", 2),
                                 (f"@{BOOT + 6999}", 2), (f"@{BOOT + 7000}~1", 2), ("@yesterday", 4),
                                 ("@2023-11-14T23:55Z", 2), ("@2 hours ago", 4), ("@1h", 4)):
            self.assertEqual(number, self.id_of(revision), revision)

    def test_the_newest_of_a_label_is_meant(self):
        self.record("--label", "label-1")
        self.assertEqual(5, self.id_of("label-1"))

    def test_what_names_no_snapshot(self):
        for revision, says in (("latest~4", "latest~"), ("5", "no snapshot 5"), ("0", "no snapshot 0"),
                               ("99999999999999999999", "too large"), ("some", "label 'some'"),
                               ("lable-3", "did you mean 'label-3'?"), ("latset~1", "did you mean 'latest'?"),
                               (f"@{BOOT}", "2023-11-14 22:13:20"), ("@noon-ish", "not a time"),
                               ("", "empty revision"), ("latest~x", "~"), ("~2", "empty revision")):
            done = self.database.run("list", "processes", revision, expect=2)
            self.assertIn(says, done.stderr)
            self.assertEqual("did you mean" in says, "did you mean" in done.stderr)
            self.assertEqual(1, done.stderr.count("\n"))

    def test_ranges(self):
        for arguments in (["2..3"], ["2", "3"], ["label-2..label-3"], ["latest~2..latest~1"]):
            document = json.loads(self.diff(*arguments, "--json"))
            self.assertEqual((2, 3), (document["from"]["id"], document["to"]["id"]))
        for arguments in (["2.."], ["2"], ["2", "latest"]):
            document = json.loads(self.diff(*arguments, "--json"))
            self.assertEqual((2, 4), (document["from"]["id"], document["to"]["id"]))
        for arguments in (["..3"], ["1..2..3"], ["1..2", "3"], [".."]):
            self.database.run("diff", *arguments, expect=2)

    def test_one_host_of_several(self):
        self.host = SmallHost(self.folder / "other", name="other", machine="f" * 32)
        self.record("--label", "label-2")
        self.assertEqual(5, self.id_of("latest"))
        self.assertEqual(5, self.id_of("label-2"))
        done = self.database.run("export", "label-2~1", "--host", "small", "--format", "json")
        self.assertEqual(1, json.loads(done.stdout)["snapshot"]["id"])
        done = self.database.run("export", "--host", "0123456789abcdef" * 2, "--format", "json")
        self.assertEqual(4, json.loads(done.stdout)["snapshot"]["id"])
        self.assertIn("is of host 'other'",
                      self.database.run("list", "gaps", "5", "--host", "small", expect=2).stderr)
        self.database.run("list", "gaps", "--host", "third", expect=2)
