# SPDX-License-Identifier: Apache-2.0
"""A /proc that isn't of the recorder's own pid namespace: the numbers in it are not the recorder's."""

import json
import pathlib

from support import TestCase, needs_root, needs_whole_root

INSIDE = ["unshare", "--pid", "--fork"]


@needs_root
@needs_whole_root
class OtherProcfs(TestCase):
    def test_the_outer_process_1_is_not_taken_for_the_recorder(self):
        self.database.record(prefix=INSIDE)
        process = self.database.export().process(1)
        self.assertEqual(pathlib.Path("/proc/1/comm").read_text().rstrip("\n"), process["comm"])

    def test_no_identity_is_asked_for_by_a_number_that_means_another_process(self):
        doctor = json.loads(self.database.run("doctor", "--json", prefix=INSIDE).stdout)
        available = {feature["name"]: feature["available"] for feature in doctor["features"]}
        self.assertFalse(available["pidfd"] or available["pidfs"] or available["pidfd_thread"])

    def test_a_procfs_of_its_own(self):
        self.database.record(prefix=[*INSIDE, "--mount-proc"])
        export = self.database.export()
        self.assertEqual([], export["processes"], "all that is left is the recorder")
        self.assertIn("/proc is not of the host's first pid namespace",
                      " ".join(gap["error"] for gap in export["gaps"]))
