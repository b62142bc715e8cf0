#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one file of tests: run.py FILE [TEST..]. Exit 0: passed, 1: failed, 77: all were skipped.

With $NSLAPSE_NO_SKIP set (and not empty), a test that skips has failed: where everything is known to be
there, a skip hides that something was not tested.
"""

import importlib.util
import os
import pathlib
import sys
import unittest

SKIPPED = 77


def load(path):
    """The tests of the file `path`, with tests/ on the search path for `support`."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    return module


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    try:
        module = load(pathlib.Path(arguments[0]).resolve())
    except unittest.SkipTest as reason:
        print(f"skipped: {arguments[0]}: {reason}", file=sys.stderr)
        return 1 if os.environ.get("NSLAPSE_NO_SKIP") else SKIPPED
    loader = unittest.defaultTestLoader
    if arguments[1:]:
        suite = loader.loadTestsFromNames(arguments[1:], module)
    else:
        suite = loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    if not result.wasSuccessful():
        return 1
    if not result.testsRun and not result.skipped:
        print("no test in this file", file=sys.stderr)
        return 1
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}", file=sys.stderr)
    if result.skipped and os.environ.get("NSLAPSE_NO_SKIP"):
        print("NSLAPSE_NO_SKIP is set: a skipped test counts as failed", file=sys.stderr)
        return 1
    return SKIPPED if len(result.skipped) >= result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
