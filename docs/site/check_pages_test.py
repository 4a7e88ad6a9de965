#!/usr/bin/env python3
"""Tests check_pages.py: each rule with a page that keeps it and pages that break it."""

import importlib.util
import json
import os
import pathlib
import tempfile
import unittest

HERE = pathlib.Path(os.path.dirname(os.path.abspath(__file__)))
spec = importlib.util.spec_from_file_location("check_pages", HERE / "check_pages.py")
check_pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_pages)

SOURCE = "int first;\nint f() {\n  if (x) {\n    return 1;\n  }\n}\nint last;\n"
NUMBERS = {"share, of all (%)": 65.6018, "a": {"share": 0.8794, "count": 12345, "b/c": -2}, "list": [{"name": "ring/4", "time": 1500.4}, {"name": "tree", "time": 2}]}


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.write("src/a.cc", SOURCE)
        self.write("src/numbers.json", json.dumps(NUMBERS))
        self.write("docs/good.md", "# Good\n")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def holds(self, text, path="docs/page.md"):
        self.write(path, text)
        self.assertEqual(check_pages.check_sources(self.root), [])

    def fails(self, text, complaint, path="docs/page.md"):
        self.write(path, text)
        troubles = check_pages.check_sources(self.root)
        self.assertEqual(len(troubles), 1, troubles)
        self.assertIn(complaint, troubles[0])
        self.assertTrue(troubles[0].startswith(path), troubles[0])


class Code(Tree):
    def test_lines(self):
        self.holds("<!-- code: src/a.cc#L2-L3 -->\n```cpp\nint f() {\n  if (x) {\n```\n")
        self.holds("<!-- code: src/a.cc#L4 -->\n\n```cpp\nreturn 1;\n```\n")
        self.fails("<!-- code: src/a.cc#L2-L3 -->\n```cpp\nint f() {\n  if (y) {\n```\n", "in its line 2")
        self.fails("<!-- code: src/a.cc#L2-L4 -->\n```cpp\nint f() {\n  if (x) {\n```\n", "in its line 3")
        self.fails("<!-- code: src/a.cc#L7-L8 -->\n```cpp\nint last;\n```\n", "has no lines 7 to 8")

    def test_first_and_last_line(self):
        self.holds('<!-- code: src/a.cc "if (x) {" .. "}" -->\n```\nif (x) {\n  return 1;\n}\n```\n')
        self.fails('<!-- code: src/a.cc "if (y) {" .. "}" -->\n```\nif (x) {\n```\n', "has 0 lines that read: if (y) {")
        self.fails('<!-- code: src/a.cc "int last;" .. "}" -->\n```\nint last;\n```\n', "no line after that which reads: }")
        self.fails('<!-- code: src/a.cc "}" .. "int last;" -->\n```\n}\n```\n', "has 2 lines that read: }")

    def test_whole_file(self):
        self.holds("<!-- code: src/a.cc -->\n```cpp\n%s```\n" % SOURCE)
        self.fails("<!-- code: src/none.cc -->\n```cpp\nx\n```\n", "src/none.cc cannot be read")

    def test_directive(self):
        self.fails("<!-- code: src/a.cc#1 -->\n```\nint first;\n```\n", "not a directive")
        self.fails("<!-- code: src/a.cc#L1 -->\ntext\n\n```\nint first;\n```\n", "no block of code follows")
        self.holds("```\n<!-- code: nothing -->\n```\n")


class Numbers(Tree):
    def test_figures(self):
        self.holds("It reaches 87.9 %<!-- number: src/numbers.json#/a/share *100 %.1f --> of it.\n")
        self.holds("12,345 bytes<!-- number: src/numbers.json#/a/count %d -->, \u22122<!-- number: src/numbers.json#/a/b~1c %d -->\n")
        self.holds("| 1.5 us<!-- number: src/numbers.json#/list/[name=ring~14]/time /1000 %.1f --> |\n")
        self.holds("2<!-- number: src/numbers.json#/list/1/time %d -->\n")
        self.holds("65.6 %<!-- number: src/numbers.json#/share, of all (%) %.1f --> of it\n")
        self.fails("87.8 %<!-- number: src/numbers.json#/a/share *100 %.1f -->\n", "the page says 87.8, src/numbers.json says 87.9")
        self.fails("88 %<!-- number: src/numbers.json#/a/share *100 %.1f -->\n", "says 87.9")
        self.fails("-87.9<!-- number: src/numbers.json#/a/share *100 %.1f -->\n", "the page says -87.9")

    def test_sources(self):
        self.fails("1<!-- number: src/none.json#/a %d -->\n", "FileNotFoundError")
        self.fails("1<!-- number: src/a.cc#/a %d -->\n", "JSONDecodeError")
        self.fails("1<!-- number: src/numbers.json#/a/nothing %d -->\n", "KeyError")
        self.fails("1<!-- number: src/numbers.json#/list/[name=ring]/time %d -->\n", "0 elements are [name=ring]")
        self.fails("1<!-- number: src/numbers.json#/list/0/name %d -->\n", "TypeError")

    def test_directive(self):
        self.fails("1<!-- number: src/numbers.json /a %d -->\n", "not a directive")
        self.fails("text<!-- number: src/numbers.json#/a/count %d -->\n", "no number stands before")
        self.fails("7\n\ntext<!-- number: src/numbers.json#/a/count %d -->\n", "no number stands before")


class Twins(Tree):
    ENGLISH = "# A\n\n## B\n\n![f](figures/f.svg)\n\n```sh\nls   # lists\n```\n"

    def test_twins(self):
        self.write("docs/page.md", self.ENGLISH)
        twin = "docs/page.zh.md"
        self.holds(self.ENGLISH.replace("A", "甲").replace("# lists", "# 列出"), twin)
        self.fails(self.ENGLISH.replace("## B", "### B"), "from number 2 on", twin)
        self.fails(self.ENGLISH + "## C\n", "from number 3 on (3 and 2 headings)", twin)
        self.fails(self.ENGLISH.replace("ls ", "rm "), "block of code 1 differs", twin)
        self.fails(self.ENGLISH + "```\nx\n```\n", "2 blocks of code, the English page has 1", twin)
        self.fails(self.ENGLISH.replace("f.svg", "g.svg"), "figures differ", twin)

    def test_alone(self):
        self.fails("# A\n", "no English page", "docs/alone.zh.md")

    def test_headings_in_code_do_not_count(self):
        self.write("docs/page.md", "# A\n\n```sh\n# x\n```\n")
        self.holds("# 甲\n\n```sh\n# y\n```\n", "docs/page.zh.md")


class Site(Tree):
    def site(self, html):
        self.write("site/index.html", '<h1 id="a">A</h1><a href="b/c.html#x y">b</a>')
        self.write("site/b/c.html", '<h1 id="x y">A</h1><a href="../index.html?lang=zh#a">b</a>' + html)
        return check_pages.check_site(self.root / "site")

    def test_links(self):
        self.write("site/b/f.svg", "")
        self.assertEqual(self.site('<a href="https://a.b/none">x</a><a href="#x%20y"></a><img src="f.svg"><a href="data:,">'), [])
        for html, complaint in [
            ('<a href="none.html">', "leads to no file"),
            ('<img src="none.svg">', "leads to no file"),
            ('<script src="../none.js"></script>', "leads to no file"),
            ('<a href="../../src/a.cc">', "leads to no file"),
            ('<a href="../index.html#none">', "leads to no heading"),
            ('<a href="#none">', "leads to no heading"),
            ('<p id="x y">', "is there twice"),
        ]:
            troubles = self.site(html)
            self.assertEqual(len(troubles), 1, troubles)
            self.assertIn(complaint, troubles[0])

    def test_nothing_to_check(self):
        self.assertIn("holds no pages", check_pages.check_site(self.root / "src")[0])
        self.assertIn("no Markdown", check_pages.check_sources(self.root / "src")[0])


if __name__ == "__main__":
    unittest.main()
