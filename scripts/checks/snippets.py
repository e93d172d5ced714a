"""Checks that every Swift snippet of the documentation stands, as it is, in a source file that is compiled.

A snippet is preceded by a line `<!-- from path/of/File.swift -->`; indentation does not count. In docs/ every snippet is, in the
READMEs of plugins those that say so. Files that the documentation names, in links or in backquotes, have to exist.
"""

import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
SNIPPET = re.compile(r"(?:<!-- from (?P<path>\S+) -->\n)?```swift\n(?P<text>.*?)```", re.DOTALL)
NAMED = re.compile(r"`((?:Sources|Plugins|Tests|Benchmarks|docs|deploy|examples|scripts)/[\w./+-]+)`")
LINKED = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def lines(text):
    return [line.rstrip() for line in textwrap.dedent(text).strip("\n").splitlines()]


def stands_in(snippet, source):
    """Whether the lines follow one another in the source, all indented by the same amount."""
    wanted, present = lines(snippet), source.splitlines()
    for start in range(len(present) - len(wanted) + 1):
        if lines("\n".join(present[start:start + len(wanted)])) == wanted:
            return True
    return False


def missing(page):
    """What a page names and links to that is not there. Names count from the root, links from the page."""
    text = page.read_text()
    for pattern, folder in ((NAMED, ROOT), (LINKED, page.parent)):
        for match in pattern.finditer(text):
            if "NAME" not in match[1] and not (folder / match[1]).exists():
                yield f"{page.relative_to(ROOT)}:{text[:match.start()].count(chr(10)) + 1}: there is no {match[1]}"


def main():
    problems, count = [], 0
    readmes = sorted(ROOT.glob("Plugins/*/README.md"))
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *readmes]):
        problems += missing(page)
    for page in sorted(ROOT.glob("docs/*.md")) + readmes:
        text = page.read_text()
        for match in SNIPPET.finditer(text):
            if match["path"] is None and page in readmes:
                continue
            count += 1
            where = f"{page.relative_to(ROOT)}:{text[:match.start('text')].count(chr(10)) + 1}"
            if match["path"] is None:
                problems.append(f"{where}: say where the snippet comes from: <!-- from path/of/File.swift -->")
            elif not (ROOT / match["path"]).is_file():
                problems.append(f"{where}: there is no {match['path']}")
            elif not stands_in(match["text"], (ROOT / match["path"]).read_text()):
                problems.append(f"{where}: the snippet does not stand in {match['path']}")
    print("\n".join(problems) or f"{count} snippets stand in compiled sources")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
