# SPDX-License-Identifier: Apache-2.0
"""With the capabilities that the systemd unit leaves to the recorder it sees what it sees with all."""

import errno
import re

from support import SOURCE, TestCase, needs_root

UNIT = SOURCE / "packaging/nslapse.service.in"


def capabilities():
    """Those of the unit, as setpriv writes them."""
    lines = re.findall(r"(?m)^CapabilityBoundingSet=(.*)$", UNIT.read_text())
    return [name.removeprefix("CAP_").lower() for name in " ".join(lines).split()]


@needs_root
class Service(TestCase):
    def sources_of(self, inodes):
        """Of the network namespaces that were found."""
        export = self.database.export()
        return [namespace["sources"] for inode in inodes
                for namespace in export.all("namespaces", type="net", inode=inode)]

    def gap_sources(self):
        """But for what never came to rest, which is the host's doing."""
        return {gap["source"] for gap in self.database.export().document["gaps"] if gap["errno"] != errno.EAGAIN}

    def test_nothing_is_out_of_its_sight(self):
        held = [self.situation(name)["namespace"] for name in ("socket", "inside-net")]
        self.database.record()
        gaps, sources = self.gap_sources(), self.sources_of(held)
        self.assertIn(["bind-mount"], sources)
        bounding = ",".join(["-all", *(f"+{name}" for name in capabilities())])
        self.database.run("record", prefix=["setpriv", f"--bounding-set={bounding}"])
        self.assertEqual(sources, self.sources_of(held))
        self.assertEqual(set(), self.gap_sources() - gaps)
