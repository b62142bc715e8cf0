# SPDX-License-Identifier: Apache-2.0
"""What nslapse export writes: documents that fit their schemas, and graphs that Graphviz takes."""

import copy
import functools
import json
import pathlib
import shutil
import subprocess
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_host import SmallHost
from support import SOURCE, TestCase, needs_root

GRAPHS = ["namespaces", "processes", "mounts"]
SCHEMAS = {"nslapse/1": "nslapse-1.schema.json", "nslapse-diff/1": "nslapse-diff-1.schema.json"}

# Names as processes give them to themselves (at most 15 bytes), and how a graph shows them.
HOSTILE_NAMES = {
    '"];x[label="': '"];x[label="',
    "</B>><TABLE/>": "</B>><TABLE/>",
    "&amp;&lt;": "&amp;&lt;",
    "\\N\\G\\l": "\\\\N\\\\G\\\\l",
    "two\nlines": "two\\nlines",
    "\033[31mred": "\\u{1B}[31mred",
    "<!--": "<!--",
    "\u202egnp": "\\u{202E}gnp",
    "\uffff": "\\u{FFFF}",
    "": '""',
}


@functools.cache
def validator(file):
    try:
        import jsonschema
    except ImportError as missing:
        raise unittest.SkipTest("python3-jsonschema is not installed") from missing
    schemas = {name: json.loads((SOURCE / "schema" / name).read_text()) for name in SCHEMAS.values()}
    kind = jsonschema.Draft202012Validator
    kind.check_schema(schemas[file])
    try:  # since jsonschema 4.18
        import referencing.jsonschema
    except ImportError:
        resolver = jsonschema.RefResolver((SOURCE / "schema" / file).as_uri(), schemas[file])
        return kind(schemas[file], resolver=resolver)
    resources = [(name, referencing.jsonschema.DRAFT202012.create_resource(schema))
                 for name, schema in schemas.items()]
    return kind(schemas[file], registry=referencing.Registry().with_resources(resources))


def misfits(document):
    """What is wrong with the document, a few words for each."""
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in validator(SCHEMAS[document["format"]]).iter_errors(document)]


def graphviz(text, form):
    """What dot makes of the text; fails when it has anything to say about it."""
    if not shutil.which("dot"):
        raise unittest.SkipTest("Graphviz is not installed")
    done = subprocess.run(["dot", f"-T{form}"], input=text, capture_output=True, text=True, timeout=120,
                          check=False)
    complaints = [line for line in done.stderr.splitlines() if "Warning" not in line]
    if done.returncode or complaints:
        raise AssertionError(f"dot: {complaints}\n{text}")
    return done.stdout


def texts_of(svg):
    # A document of XML holds the text as it is meant; spaces come out as no-break ones.
    root = xml.etree.ElementTree.fromstring(svg)
    return [(element.text or "").replace("\u00a0", " ") for element in root.iter("{http://www.w3.org/2000/svg}text")]


class LiveDocuments(TestCase):
    """Of the host that the tests run on, with something odd on it."""

    def record_twice(self):
        self.database.record("--label", "before")
        for name in ("odd-name", "mounts", "nested-user", "thread-net", "zombie"):
            with self.subTest(situation=name):
                self.situation(name)
        self.database.record("--label", 'after "<b>\\N')

    @needs_root
    def test_documents_fit_their_schemas(self):
        self.record_twice()
        for revision in ("latest~1", "latest", "latest~1..latest", "latest..latest~1"):
            document = json.loads(self.database.run("export", revision, "--format", "json").stdout)
            self.assertEqual([], misfits(document), revision)

    @needs_root
    def test_graphviz_takes_the_graphs(self):
        self.record_twice()
        for graph in GRAPHS:
            for revision in ("latest", "latest~1..latest", "latest..latest~1"):
                with self.subTest(graph=graph, revision=revision):
                    export = ["export", revision, "--format", "dot", "--graph", graph]
                    text = self.database.run(*export).stdout
                    self.assertEqual(text, self.database.run(*export).stdout)
                    graphviz(text, "svg")


class Documents(TestCase):
    """Of a small host that is known in full."""

    def setUp(self):
        super().setUp()
        self.host = SmallHost(self.folder / "host")
        self.host.process(812, "web", threads=[(813, "worker"), (814, "worker")])
        self.record()
        self.host.process(900, "late", net=4026532001)
        self.host.remove(812)
        self.record()

    def record(self):
        self.database.run("--root", self.host.folder, "record", "-q")

    def export(self, revision, *arguments):
        return self.database.run("export", revision, "--format", *arguments).stdout

    def test_the_difference_is_that_of_diff(self):
        self.assertEqual(self.export("1..2", "json"), self.database.run("diff", "1", "2", "--json").stdout)

    def test_threads_stand_in_their_process(self):
        process = self.database.export("1").process(812)
        self.assertEqual([813, 814], [thread["tid"] for thread in process["threads"]])

    def test_exports_can_be_compared_by_line(self):
        self.record()
        second, third = (self.export(revision, "json").splitlines() for revision in "23")
        unlike = [line for line in zip(second, third, strict=True) if line[0] != line[1]]
        self.assertEqual(1, len(unlike), unlike)
        self.assertTrue(unlike[0][0].startswith('"snapshot": '), unlike)

    def test_schemas_are_strict(self):
        for revision, spoil in (
                ("1", lambda d: d.update(more=1)),
                ("1", lambda d: d.pop("gaps")),
                ("1", lambda d: d["snapshot"].pop("uuid")),
                ("1", lambda d: d["processes"][0].update(more=1)),
                ("1", lambda d: d["processes"][0].pop("comm")),
                ("1", lambda d: d["processes"][0].update(pid=None)),
                ("1", lambda d: d["processes"][0]["sample"].update(more=1)),
                ("1", lambda d: d["processes"][0]["namespaces"].pop("mnt")),
                ("1", lambda d: d["namespaces"][0].update(id=1)),
                ("1", lambda d: d["namespaces"][0].update(type="socks")),
                ("1", lambda d: d["mounts"][0].update(visibility="maybe")),
                ("1..2", lambda d: d["changes"][0].update(op="gone")),
                ("1..2", lambda d: d["changes"][0].update(before=None, after=None)),
                ("1..2", lambda d: d["changes"][0].update(kind="mount")),
                ("1..2", lambda d: d["summary"].pop("mounts"))):
            document = json.loads(self.export(revision, "json"))
            self.assertEqual([], misfits(document))
            spoiled = copy.deepcopy(document)
            spoil(spoiled)
            self.assertNotEqual(document, spoiled)
            self.assertNotEqual([], misfits(spoiled))

    def test_graphs_are_the_same_each_time(self):
        for graph in GRAPHS:
            for revision in ("1", "2", "1..2"):
                text = self.export(revision, "dot", "--graph", graph)
                self.assertEqual(text, self.export(revision, "dot", "--graph", graph))
                graphviz(text, "canon")

    def test_the_graph_of_a_difference(self):
        shown = texts_of(graphviz(self.export("1..2", "dot", "--graph", "processes"), "svg"))
        self.assertIn("+ late", shown)
        self.assertIn("\u2212 web", shown)
        shown = texts_of(graphviz(self.export("1..2", "dot", "--graph", "namespaces"), "svg"))
        self.assertIn("+ net 4026532001", shown)

    def test_hostile_names_stay_in_their_labels(self):
        for pid, name in enumerate(HOSTILE_NAMES, start=1000):
            self.host.process(pid, name, net=4026532100 + pid)
        self.record()
        for revision in ("3", "2..3"):
            for graph in ("processes", "namespaces"):
                canonical = graphviz(self.export(revision, "dot", "--graph", graph), "svg")
                shown = " ".join(texts_of(canonical))
                for name in HOSTILE_NAMES.values():
                    self.assertIn(name, shown, (revision, graph))

    def test_hostile_mounts_stay_in_their_labels(self):
        mounts = [r'a\040b', '"quoted"', "</B><B>", r"new\012line", r"back\134Nslash", "x" * 300, r"esc\033[0m"]
        text = "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + "".join(
            f"{30 + i} 21 0:{30 + i} / /{name} rw - fs{i} {name} rw\n" for i, name in enumerate(mounts))
        self.host.process(1, "init", ppid=0, start=5, mounts=text)
        self.host.process(900, "late", mounts=text, net=4026532001)
        self.record()
        shown = " ".join(texts_of(graphviz(self.export("3", "dot", "--graph", "mounts"), "svg")))
        for name in ("/a b", '/"quoted"', "/</B><B>", r"/new\nline", r"/back\\Nslash", "xxx\u2026xxx", r"/esc\u{1B}[0m"):
            self.assertIn(name, shown)

    def test_title_and_label(self):
        self.database.run("--root", self.host.folder, "record", "-q", "--label", 'l<a>"b&\\N')
        shown = texts_of(graphviz(self.export("latest", "dot"), "svg"))
        self.assertIn("namespaces of small", shown)
        titles = [line for line in shown if line.startswith('snapshot 3 \u201cl<a>"b&\\N\u201d, 20')]
        self.assertEqual(1, len(titles), shown[:5])


if __name__ == "__main__":
    unittest.main()
