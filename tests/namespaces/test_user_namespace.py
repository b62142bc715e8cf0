# SPDX-License-Identifier: Apache-2.0
"""The same situations without privileges: made, recorded and compared in a user namespace of an ordinary
user, who is root in there and nobody on the host. Tests that are None want what such a user may not do."""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import support
import test_descriptors
import test_for_children
import test_hierarchy
import test_mounts
import test_reuse
import test_tasks
import test_threads
import test_visibility
from support import Database, Situation

NOBODY = 65534


def start_keeper():
    """A process that keeps the user namespace, with mount and network namespaces of its own."""
    keeper = subprocess.Popen(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--",
                               "unshare", "--user", "--map-root-user", "--mount", "--net", "sleep", "1000"])
    while keeper.poll() is None:
        with open(f"/proc/{keeper.pid}/comm") as comm:
            if comm.read() == "sleep\n":
                return keeper
    raise support.Failure("cannot make a user namespace as an ordinary user")


class InUserNamespace:
    """Before a class of tests: what it makes and records is in there."""

    def copy(self, path):
        """A copy, for the build may stand where nobody may go."""
        return shutil.copy(path, self.folder)

    def make_database(self):
        if support.is_chrooted():
            self.skipTest("in a chroot, or user namespaces are not allowed")
        keeper = start_keeper()
        self.addCleanup(keeper.wait)
        self.addCleanup(keeper.kill)
        self.inside = ["nsenter", "--target", str(keeper.pid), "--user", "--mount", "--net", "--"]
        self.folder.chmod(0o755)
        os.chown(self.folder, NOBODY, NOBODY)
        self.helper = self.copy(support.HELPERS / "situation")
        return Database(self.folder / "test.db", self.inside, self.copy(support.NSLAPSE))

    def make_situation(self, name):
        return Situation(name, self.inside, self.helper)


class Files(InUserNamespace, test_descriptors.OnlyByFile):
    test_beside_a_file_whose_file_system_never_answers = None  # /dev/fuse
    test_in_a_copied_host = None  # its copy is made outside
    test_also_by_descriptor = None  # the test's own


class Sockets(InUserNamespace, test_descriptors.OnlyBySocket):
    test_tun = None  # /dev/net/tun
    test_tun_by_another_name = None


class PidForChildren(InUserNamespace, test_for_children.PidForChildren):
    pass


class TimeForChildren(InUserNamespace, test_for_children.TimeForChildren):
    pass


class Hierarchy(InUserNamespace, test_hierarchy.Hierarchy):
    test_owner_uid_of_an_ordinary_user = None  # uid 1000 is not mapped


class Threads(InUserNamespace, test_threads.ThreadAlone):
    pass


class Tasks(InUserNamespace, test_tasks.Tasks):
    test_real_time_scheduling_and_affinity_of_one_thread = None


class Mounts(InUserNamespace, test_mounts.Mounts):
    pass


class LongOptions(InUserNamespace, test_mounts.LargeTables):
    test_ten_thousand_mounts = None  # takes long, and is no other than as root


class Visibility(InUserNamespace, test_visibility.Situations):
    test_many_mounts = None  # made outside
    test_what_uncovers_is_a_change = None


class Reuse(InUserNamespace, test_reuse.Reuse):
    test_of_a_pid = None  # clone3(2) with set_tid
