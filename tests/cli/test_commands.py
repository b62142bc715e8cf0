# SPDX-License-Identifier: Apache-2.0
"""Commands, options and help: the same tables make the parser, --help, completion and the man page."""

import re
import shutil
import subprocess
import unittest

from support import NSLAPSE, SOURCE, TestCase, nslapse

COMMANDS = ["record", "log", "list", "show", "diff", "export", "doctor", "verify", "completion", "help"]
MAN_PAGE = SOURCE / "docs/man/nslapse.1"


def options_of(text):
    """The options that a help text lists, as (letter or None, name)."""
    return re.findall(r"^ {2}(?:-(\w), | {4})--([\w-]+)", text, re.MULTILINE)


class Usage(TestCase):
    def refused(self, *arguments, says):
        done = self.database.run(*arguments, expect=2)
        self.assertEqual("", done.stdout)
        self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        self.assertIn(says, done.stderr)
        self.assertFalse(self.database.path.exists(), "nothing is made for a typing error")

    def test_nothing_to_do_is_a_usage_error_with_a_short_help(self):
        done = nslapse(expect=2)
        self.assertEqual("", done.stdout)
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", done.stderr)

    def test_mistyped_words_get_a_suggestion(self):
        self.refused("lsit", says="did you mean 'list'?")
        self.refused("exprot", says="did you mean 'export'?")
        self.refused("record", "--lable", "x", says="unknown option --lable; did you mean '--label'?")
        self.refused("--verbos3", "log", says="did you mean '--verbose'?")
        self.refused("list", "proceses", says="did you mean 'processes'?")
        self.refused("list", "processes", "-o", "cmdlin", says="did you mean 'cmdline'?")
        self.refused("diff", "--kind", "mount,cgruops", says="did you mean 'cgroups'?")
        self.refused("export", "--format", "jsno", says="did you mean 'json'?")
        self.refused("--color", "alway", "log", says="did you mean 'always'?")
        self.refused("help", "recrod", says="did you mean 'record'?")
        self.refused("show", "muont:/x", says="did you mean 'mount'?")

    def test_a_word_like_nothing_gets_none(self):
        done = self.database.run("xyzzy", expect=2)
        self.assertNotIn("did you mean", done.stderr)
        self.assertIn("nslapse help", done.stderr)

    def test_wrong_numbers_of_arguments(self):
        self.refused("list", says="nslapse list KIND")
        self.refused("show", says="nslapse show ENTITY")
        self.refused("log", "1", says="'1' is one argument too many")
        self.refused("diff", "1", "2", "3", says="'3' is one argument too many")

    def test_wrong_values(self):
        self.refused("log", "-n", says="option --lines wants its N")
        self.refused("log", "-n", "-3", says="whole number")
        self.refused("log", "-n", "3x", says="whole number")
        self.refused("log", "--json=yes", says="takes no value")
        self.refused("--wait", "soon", "log", says="wants seconds")
        self.refused("--wait", "nan", "log", says="wants seconds")
        self.refused("log", "-x", says="unknown option -x")
        self.refused("record", "--l", "x", "--no", says="wants its TEXT")
        self.refused("record", "--with", "secrets", says="environment")
        self.refused("record", "--without", "everything", says="everything")
        self.refused("export", says="--format")
        self.refused("export", "--format", "json", "--wait", says="SECONDS")
        self.refused("--db", "", "log", says="--db is empty")
        self.refused("show", "812", says="pid:812")
        self.refused("show", "net:eth0", says="a number")
        self.refused("list", "gaps", "--tree", says="no tree")
        self.refused("list", "processes", "--tree", "--json", says="--json")
        self.refused("diff", "--stat", "--json", says="--stat")

    def test_an_ambiguous_abbreviation_names_what_it_may_be(self):
        done = self.database.run("record", "--w", "x", expect=2)
        for option in ("--without", "--with", "--wait"):
            self.assertIn(option, done.stderr)

    def test_common_options_stand_on_either_side_of_the_command(self):
        for arguments in (["--db", "/nonexistent/x.db", "log"], ["log", "--db", "/nonexistent/x.db"],
                          ["log", "--db=/nonexistent/x.db"]):
            self.assertIn("/nonexistent/x.db", nslapse(*arguments, expect=10).stderr)

    def test_two_dashes_end_the_options(self):
        self.assertIn("'--json'", nslapse("log", "--", "--json", expect=2).stderr)


class Help(TestCase):
    def test_every_command_has_one(self):
        for command in COMMANDS:
            done = nslapse(command, "--help")
            self.assertTrue(done.stdout.startswith(f"usage: nslapse {command}"), done.stdout)
            self.assertEqual("", done.stderr)
            self.assertEqual(done.stdout, nslapse("help", command).stdout)

    def test_it_fits_into_a_terminal(self):
        for command in COMMANDS:
            lines = nslapse(command, "--help").stdout.splitlines()
            self.assertEqual([], [line for line in lines if len(line) > 100])
            self.assertLess(len(lines), 40)
        self.assertLess(len(nslapse("--help").stdout.splitlines()), 50)

    def test_a_kind_has_its_columns(self):
        text = nslapse("help", "namespaces").stdout
        self.assertRegex(text, r"(?m)^  \* inode +")
        self.assertRegex(text, r"(?m)^    sources +")

    def test_commands_that_take_kinds_name_them(self):
        for command in ("list", "diff"):
            text = nslapse(command, "--help").stdout
            kinds = re.search(r"(?m)^KIND is one of: (.*)$", text).group(1).split()
            self.assertIn("discrepancies", kinds)
            for kind in kinds:
                self.assertIn(f"Columns of {kind}", nslapse("help", kind).stdout)

    def test_the_version(self):
        self.assertRegex(nslapse("--version").stdout, r"\Anslapse \d+\.\d+\.\d+\n\Z")


class ManPage(TestCase):
    def test_it_has_every_option_and_command(self):
        page = MAN_PAGE.read_text()
        for command in COMMANDS:
            self.assertRegex(page, rf"(?m)^\.(It )?Nm Cm {command}\b", command)
            for letter, name in options_of(nslapse(command, "--help").stdout):
                written = rf"{letter} , -{name}" if letter else rf"-{name}"
                self.assertRegex(page, rf"(?m)^\.(It|Op|Fl).*Fl {written}(?![\w-])",
                                 f"{command} --{name}")
        for letter, name in options_of(nslapse("--help").stdout):
            self.assertRegex(page, rf"(?m)^\.It Fl {letter + ' , ' if letter else ''}-{name}(?![\w-])", name)

    def test_it_has_no_option_that_does_not_exist(self):
        known = {name for command in [*COMMANDS, "--help"]
                 for _, name in options_of(nslapse(*([command, "--help"] if command in COMMANDS
                                                     else [command])).stdout)}
        named = set(re.findall(r"Fl (?:\w , )?-([a-z][\w-]+)", MAN_PAGE.read_text()))
        self.assertEqual(set(), named - known)

    def test_it_has_every_exit_code(self):
        codes = MAN_PAGE.read_text().split(".Sh EXIT STATUS")[1].split(".Sh")[0]
        self.assertEqual(["0", "1", "2", "3", "10", "11", "12", "13"],
                         re.findall(r"(?m)^\.It (\d+)$", codes))

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_it_is_well_formed(self):
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", MAN_PAGE], capture_output=True, text=True,
                              check=False)
        self.assertEqual("", done.stdout + done.stderr)


@unittest.skipUnless(shutil.which("bash"), "bash is not installed")
class Completion(TestCase):
    def complete(self, *words):
        """What bash offers for the last of the words."""
        script = ('source <("$1" completion); shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  '_nslapse; printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, "bash", NSLAPSE, "nslapse", *words],
                              capture_output=True, text=True, check=True)
        self.assertEqual("", done.stderr)
        return done.stdout.split()

    def test_it_knows_commands_options_kinds_and_formats(self):
        self.assertEqual(["list", "log"], sorted(self.complete("l")))
        self.assertEqual(["--label"], self.complete("record", "--la"))
        self.assertEqual(["--exit-code"], self.complete("--db", "x", "diff", "--e"))
        self.assertEqual(["processes"], self.complete("list", "pr"))
        self.assertEqual(["json"], self.complete("export", "--format", "j"))
        self.assertEqual(["always", "auto"], sorted(self.complete("--color", "a")))
