#!/usr/bin/env python3
"""Checks what pages say: links and anchors of the built site, quoted code and numbers beside their sources, and both
languages of a page beside each other. docs/site/README.md has the directives.

check_pages.py --site=FOLDER [--root=FOLDER]   FOLDER of the built site, and of the checkout (default: where it is run)
"""

import argparse
import html.parser
import json
import os
import pathlib
import re
import sys
import urllib.parse

SKIPPED_FOLDERS = {".git", ".workbench", ".gpu_scratch", "answer", "external", "node_modules"}
CODE = re.compile(r'^<!-- code: (?P<path>[^\s#"]+)(?:#L(?P<first>\d+)(?:-L(?P<last>\d+))?| "(?P<begin>.*)" \.\. "(?P<end>.*)")? -->$')
NUMBER = re.compile(
    r"<!-- number: (?P<path>[^\s#]+)#(?P<pointer>/[^\n]+?)(?: (?P<operator>[*/])(?P<factor>[0-9.eE+-]+))? (?P<format>%[0-9.]*[dfeg]) -->")
ANY_NUMBER = re.compile(r"<!--\s*number\b.*?-->", re.DOTALL)
SHOWN = re.compile(r"([-+\u2212]?\d[\d,\u2009\u202f]*(?:\.\d+)?(?:e[-+]?\d+)?)[^\d]{0,12}$")


# --- The built site ---------------------------------------------------------------------------------------------------


class PageReader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.ids = []
        self.links = []  # href and src

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "src") and value is not None:
                self.links.append(value)


def check_site(site):
    """Each link leads to a file of the site, and to an id of that page; ids are unique."""
    site = pathlib.Path(os.path.abspath(site))  # not resolved: its pages may be links to elsewhere
    pages = {}
    for path in sorted(site.rglob("*.html")):
        reader = PageReader()
        reader.feed(path.read_text(encoding="utf-8"))
        pages[path] = reader
    if not pages:
        return ["%s holds no pages" % site]
    troubles = []
    for path, reader in pages.items():
        name = path.relative_to(site)
        for twice in sorted({i for i in reader.ids if reader.ids.count(i) > 1}):
            troubles.append("%s: the id %s is there twice" % (name, twice))
        for link in reader.links:
            url = urllib.parse.urlsplit(link)
            if url.scheme or url.netloc or link == "#":
                continue
            target = pathlib.Path(os.path.abspath(path.parent / urllib.parse.unquote(url.path))) if url.path else path
            if target.is_dir():
                target = target / "index.html"
            if site not in target.parents or not target.is_file():
                troubles.append("%s: the link %s leads to no file of the site" % (name, link))
            elif url.fragment and target in pages and urllib.parse.unquote(url.fragment) not in pages[target].ids:
                troubles.append("%s: the link %s leads to no heading there" % (name, link))
    return troubles


# --- Markdown sources -------------------------------------------------------------------------------------------------


def fenced_blocks(lines):
    """(index of the opening line, lines of the block) of each fenced block."""
    blocks = []
    fence, opened = None, 0
    for index, line in enumerate(lines):
        found = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if fence is None:
            if found and not (found.group(1)[0] == "`" and "`" in line[found.end() :]):
                fence, opened = found.group(1), index
        elif found and found.group(1).startswith(fence) and not line[found.end() :].strip():
            blocks.append((opened, lines[opened + 1 : index]))
            fence = None
    return blocks


def without_blocks(lines):
    """The lines with those of fenced blocks emptied, so that numbers of lines stay."""
    lines = list(lines)
    for opened, block in fenced_blocks(lines):
        for index in range(opened, opened + len(block) + 2):
            lines[index] = ""
    return lines


def source_lines(root, directive):
    """What a code directive names: its lines, or a complaint."""
    path = os.path.join(root, directive["path"])
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return None, "%s cannot be read (under Bazel it has to be in //docs:page_sources)" % directive["path"]
    if directive["first"]:
        first = int(directive["first"])
        last = int(directive["last"] or first)
        if not 1 <= first <= last <= len(lines):
            return None, "%s has no lines %d to %d" % (directive["path"], first, last)
        return lines[first - 1 : last], None
    if directive["begin"] is None:
        return lines, None
    found = [index for index, line in enumerate(lines) if line.strip() == directive["begin"].strip()]
    if len(found) != 1:
        return None, "%s has %d lines that read: %s" % (directive["path"], len(found), directive["begin"])
    for last in range(found[0], len(lines)):
        if lines[last].strip() == directive["end"].strip():
            return lines[found[0] : last + 1], None
    return None, "%s has no line after that which reads: %s" % (directive["path"], directive["end"])


def dedented(lines):
    """Without the indentation that all lines share, and without spaces at their ends."""
    filled = [line for line in lines if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in filled), default=0)
    return [line[margin:].rstrip() for line in lines]


def check_code(root, name, lines):
    troubles = []
    blocks = dict(fenced_blocks(lines))
    for index, line in enumerate(without_blocks(lines)):
        if not re.match(r"\s*<!--\s*code\b", line):
            continue
        where = "%s:%d" % (name, index + 1)
        directive = CODE.match(line.strip())
        if not directive:
            troubles.append('%s: not a directive: it reads <!-- code: path#L1-L9 --> or <!-- code: path "first line" .. "last line" -->' % where)
            continue
        after = next((i for i in range(index + 1, len(lines)) if lines[i].strip()), None)
        if after not in blocks:
            troubles.append("%s: no block of code follows the directive" % where)
            continue
        source, complaint = source_lines(root, directive)
        if complaint:
            troubles.append("%s: %s" % (where, complaint))
            continue
        shown, real = dedented(blocks[after]), dedented(source)
        if shown != real:
            at = next((i for i, (a, b) in enumerate(zip(shown, real)) if a != b), min(len(shown), len(real)))
            troubles.append(
                "%s: the block differs from %s in its line %d: the page has %r, the file %r"
                % (where, directive["path"], at + 1, shown[at] if at < len(shown) else None, real[at] if at < len(real) else None))
    return troubles


def json_value(document, pointer):
    """RFC 6901, and [key=value] for the one element of an array whose key reads so."""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        choice = re.fullmatch(r"\[([^=\]]+)=(.*)\]", part)
        if choice and isinstance(document, list):
            found = [item for item in document if str(item.get(choice.group(1))) == choice.group(2)]
            if len(found) != 1:
                raise KeyError("%d elements are %s" % (len(found), part))
            document = found[0]
        elif isinstance(document, list):
            document = document[int(part)]
        else:
            document = document[part]
    return document


def formatted(value, directive):
    if directive["operator"]:
        factor = float(directive["factor"])
        value = value * factor if directive["operator"] == "*" else value / factor
    if directive["format"].endswith("d"):
        value = round(value)
    return directive["format"] % value


def check_numbers(root, name, lines):
    text = "\n".join(without_blocks(lines))
    troubles = []
    for comment in ANY_NUMBER.finditer(text):
        where = "%s:%d" % (name, text.count("\n", 0, comment.start()) + 1)
        directive = NUMBER.fullmatch(comment.group(0))
        if not directive:
            troubles.append("%s: not a directive: it reads <!-- number: path.json#/pointer *100 %%.1f -->" % where)
            continue
        before = ANY_NUMBER.sub("", text[max(0, comment.start() - 400) : comment.start()])
        shown = SHOWN.search(before.rsplit("\n\n", 1)[-1])
        if not shown:
            troubles.append("%s: no number stands before the directive" % where)
            continue
        try:
            with open(os.path.join(root, directive["path"]), encoding="utf-8") as file:
                value = json_value(json.load(file), directive["pointer"])
            expected = formatted(value, directive)
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, ZeroDivisionError) as error:
            troubles.append("%s: %s#%s: %s: %s" % (where, directive["path"], directive["pointer"], type(error).__name__, error))
            continue
        written = re.sub("[,\u2009\u202f]", "", shown.group(1)).replace("\u2212", "-")
        if written != expected:
            troubles.append("%s: the page says %s, %s says %s" % (where, written, directive["path"], expected))
    return troubles


def outline(lines):
    return [len(found.group(1)) for line in without_blocks(lines) if (found := re.match(r"(#{1,6})(?:\s|$)", line))]


def figures(lines):
    return re.findall(r"!\[[^\]]*\]\(([^)\s]+)", "\n".join(without_blocks(lines)))


def check_twins(name, english, chinese):
    """Same headings' levels, same code, same figures."""
    troubles = []
    levels, levels_zh = outline(english), outline(chinese)
    if levels != levels_zh:
        at = next((i for i, (a, b) in enumerate(zip(levels, levels_zh)) if a != b), min(len(levels), len(levels_zh)))
        troubles.append("%s: its headings differ from the English page's, from number %d on (%d and %d headings)"
                        % (name, at + 1, len(levels_zh), len(levels)))
    code, code_zh = ([block for _, block in fenced_blocks(lines)] for lines in (english, chinese))
    if [len(code), len(code_zh)] != [len(code_zh), len(code)]:
        troubles.append("%s: %d blocks of code, the English page has %d" % (name, len(code_zh), len(code)))
    for number, (a, b) in enumerate(zip(code, code_zh), 1):
        if without_comments(a) != without_comments(b):
            troubles.append("%s: block of code %d differs from the English page's" % (name, number))
    if figures(english) != figures(chinese):
        troubles.append("%s: its figures differ from the English page's" % name)
    return troubles


def without_comments(block):
    """Comments at a line's end may be translated."""
    return [re.sub(r"(^|\s)(#|//)(\s.*)?$", "", line).rstrip() for line in block]


def check_sources(root):
    troubles = []
    pages = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS and not f.startswith(("bazel-", "answer.")))
        for file in sorted(files):
            if not file.endswith(".md"):
                continue
            pages += 1
            path = os.path.join(folder, file)
            name = os.path.relpath(path, root)
            lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
            troubles += check_code(root, name, lines) + check_numbers(root, name, lines)
            if file.endswith(".zh.md"):
                english = path[: -len(".zh.md")] + ".md"
                if not os.path.exists(english):
                    troubles.append("%s: there is no English page beside it" % name)
                    continue
                troubles += check_twins(name, pathlib.Path(english).read_text(encoding="utf-8").splitlines(), lines)
    return troubles if pages else ["%s holds no Markdown pages" % root]


def main():
    parser = argparse.ArgumentParser(description="Checks the pages of the documentation site.")
    parser.add_argument("--site", help="the built site")
    parser.add_argument("--root", default=".", help="the checkout")
    arguments = parser.parse_args()
    troubles = check_sources(arguments.root) + (check_site(arguments.site) if arguments.site else [])
    for trouble in troubles:
        print(trouble)
    print("%d thing(s) amiss" % len(troubles) if troubles else "pages are as their sources say")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
