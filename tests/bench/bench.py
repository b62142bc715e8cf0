# SPDX-License-Identifier: Apache-2.0
"""tools/bench: measures, and puts the tables into docs/performance.md, between the two marks."""

import argparse
import contextlib
import datetime
import os
import pathlib
import platform
import re
import sys
import tempfile

from measuring import NSLAPSE, SOURCE, output
from reading import Reading
from storage import Storage

REPORT = SOURCE / "docs/performance.md"
BEGIN, END = "<!-- From here to the next mark, tools/bench writes. -->", "<!-- To here. -->"
PARTS = {"worlds": (Reading, "worlds"), "growth": (Reading, "fits"), "sizes": (Storage, "sizes"),
         "year": (Storage, "year"), "differences": (Storage, "differences"), "exports": (Storage, "exports")}


def processor():
    names = re.findall(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0] if names else platform.machine()


def machine():
    versions = [output(NSLAPSE, "--version").splitlines()[0], f"Linux {platform.release()}"]
    versions += [output(*command).splitlines()[0] for command in
                 (("ps", "--version"), ("lsns", "--version"), ("zstd", "--version"), ("jq", "--version"))]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return (f"{today}, {os.cpu_count()} processors ({processor()}), {memory:.0f} GiB of memory.\n"
            f"{'; '.join(version.strip('* ') for version in versions)}.")


def folder_for(kept):
    """Where databases are made, for a `with` block: a folder that stays, or one that goes with the block."""
    if not kept:
        return tempfile.TemporaryDirectory(prefix="nslapse-bench-")
    kept.mkdir(parents=True, exist_ok=True)
    return contextlib.nullcontext(kept)


def measure(names, quick, kept):
    """Yields the name of each part, and its section of the report."""
    with folder_for(kept) as folder:
        for name in names:
            print(f"-- {name}", file=sys.stderr, flush=True)
            kind, method = PARTS[name]
            section = getattr(kind(pathlib.Path(folder), quick), method)()
            print(section, "\n", flush=True)
            yield name, section


def write_report(name, section):
    """Puts the section in place of the one that stood there; the others stay as they were measured."""
    text = REPORT.read_text()
    head, rest = text.split(BEGIN)
    old, tail = rest.split(END)
    found = dict(re.findall(r"<!-- (\w+) -->\n(.*?)(?=<!-- \w+ -->|\Z)", old, re.DOTALL))
    found[name] = f"Measured {machine()}\n\n{section}\n"
    body = "\n".join(f"<!-- {name} -->\n{found[name].strip()}\n" for name in PARTS if name in found)
    REPORT.write_text(f"{head}{BEGIN}\n\n{body}\n{END}{tail}")


def main():
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller and fewer, for a look; the report stays")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER",
                        help="make the databases there, and take the year that is there already")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(PARTS)} (default: all)")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    for name, section in measure(arguments.parts or list(PARTS), arguments.quick, arguments.keep):
        if not arguments.quick:
            write_report(name, section)


main()
