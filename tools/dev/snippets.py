#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that code shown in Markdown is the code of a file in the tree.

A snippet is a fenced block right behind a line `<!-- from PATH -->`. It must equal what stands in
PATH between the lines `// README: from here` and `// README: to here`, or all of PATH when it has
no such lines.

Usage: snippets.py [FILE.md...]    without arguments: README.md and every page under docs/.
       snippets.py --write [...]   puts the code into the pages instead.
Exit status: 0 when all agree.
"""
import os
import re
import subprocess
import sys

SNIPPET = re.compile(r"(<!-- from (\S+) -->\n```\w*\n)(.*?)(^```$)", re.S | re.M)
PART = re.compile(r"^// README: from here\n(.*?)^// README: to here$", re.S | re.M)


def code_of(path):
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    part = PART.search(text)
    return part.group(1) if part else text


def check_page(page, write):
    """The number of snippets in the page, and of those that differ from their file."""
    with open(page, encoding="utf-8") as stream:
        text = stream.read()
    count = wrong = 0
    for match in SNIPPET.finditer(text):
        count += 1
        line = text.count("\n", 0, match.start()) + 1
        if not os.path.isfile(match.group(2)):
            print(f"{page}:{line}: snippet: there is no {match.group(2)}")
            wrong += 1
        elif not write and match.group(3) != code_of(match.group(2)):
            print(f"{page}:{line}: snippet: differs from {match.group(2)}; "
                  f"remedy: tools/dev/snippets.py --write")
            wrong += 1
    if write and not wrong:
        with open(page, "w", encoding="utf-8") as stream:
            stream.write(SNIPPET.sub(lambda m: m.group(1) + code_of(m.group(2)) + m.group(4), text))
    return count, wrong


def main(arguments):
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    write = arguments[:1] == ["--write"]
    pages = arguments[1:] if write else arguments
    if not pages:
        pages = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "README.md",
                                "docs/*.md"], check=True, capture_output=True,
                               text=True).stdout.split()
    counts = [check_page(page, write) for page in pages]
    count, wrong = sum(c for c, _ in counts), sum(w for _, w in counts)
    print(f"snippets: {len(pages)} pages, {count} snippets, {wrong} wrong")
    return 1 if wrong or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
