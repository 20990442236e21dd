#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests what style rules a machine can test; prints `path:line: rule: message`, one per line.

Usage: style.py [FILE...]      without arguments: every file that git knows or would add.
Exit status: 0 without a finding, 1 with findings. Needs nothing but Python and git.
The text of a file is scrubbed first: comments and literals become blanks of the same length, so
that the rules see code only and line numbers stay right.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import style_await  # noqa: E402
import style_text  # noqa: E402

COLUMNS_MAX = 100
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
FLOORS = ("coro", "lib", "windows")
LICENCE = "SPDX-License-Identifier: Apache-2.0"

# Only these may call the system: they are the engines and the clock behind the interfaces.
ENGINES = re.compile(
    r"^coro/src/(posix_\w*\.(hpp|cpp)"
    r"|(hosted_engine|uring_engine|uring_buffers|thread_engine|asio_runtime)\w*\.cpp)$")
# The one place where text and bytes meet.
TEXT_AND_BYTES = "lib/include/lentic/bytes.hpp"
SYSTEM_CALLS = (
    # With :: in front these are the system's; without it they are likely members of ours.
    (re.compile(r"(?<![\w>])::(open|creat|read|write|readv|writev|close|rename|unlink|remove|stat"
                r"|truncate|lseek|flock|mkdir|rmdir|time|poll|select)\s*\("), 1),
    # These names are the system's wherever they are called (not where one is declared).
    (re.compile(r"(?:^|[^\w.:>&*\s]|\b(?:return|co_return|co_await|else|case|throw)\b|[;{}(])\s*"
                r"(?:std::|::)?"
                r"(openat|pread|pwrite|preadv|pwritev|fsync|fdatasync|syncfs|mmap|munmap|mremap"
                r"|ftruncate|posix_fallocate|fallocate|fopen|freopen|fdopen|getrandom|getentropy"
                r"|s?rand|clock_gettime|gettimeofday|syscall)\s*\("), 1),
    (re.compile(r"\b(std::(?:basic_)?[io]?fstream|std::filesystem|std::random_device|random_device"
                r"|steady_clock|system_clock|high_resolution_clock|utc_clock)\b"), 1),
)
SYSTEM_INCLUDES = {"fstream", "filesystem", "sys/mman.h", "sys/random.h", "ctime", "time.h"}
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"]+)[>\"]", re.M)


class source:
    """One file: its path inside the tree, its text, and the text without comments and literals."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        self.code = style_text.scrub(text)
        self.floor = path.split("/")[0] if path.split("/")[0] in FLOORS else None
        self.header = path.endswith((".hpp", ".h"))
        self.public = self.floor is not None and "/include/" in path
        self.production = self.floor is not None or path.startswith("tools/")
        self.findings = []

    def report(self, offset_or_line, rule, message, is_line=False):
        line = offset_or_line if is_line else self.text.count("\n", 0, offset_or_line) + 1
        self.findings.append((line, rule, message))


def check_plain(src):
    """Rules that hold for every text file of ours: licence line, columns, tabs."""
    if not any(LICENCE in line for line in src.lines[:2]):
        src.report(1, "licence", f"the first line must be '{LICENCE}'", True)
    for number, line in enumerate(src.lines, 1):
        if len(line) > COLUMNS_MAX:
            src.report(number, "columns", f"{len(line)} columns, at most {COLUMNS_MAX}", True)
        if "\t" in line:
            src.report(number, "tab", "tab character", True)


def check_anatomy(src):
    """Licence first, #pragma once, file comment, file length."""
    if src.lines[0] != "// " + LICENCE:
        src.report(1, "licence", f"the first line must be exactly '// {LICENCE}'", True)
    length = len(src.lines) - (1 if src.lines[-1] == "" else 0)
    if length > FILE_LINES_MAX:
        src.report(length, "file-length", f"{length} lines, at most {FILE_LINES_MAX}", True)
    if not src.header:
        return
    if len(src.lines) < 2 or src.lines[1] != "#pragma once":
        src.report(2, "pragma-once", "the second line of a header must be '#pragma once'", True)
    rest = [line for line in src.lines[2:] if line.strip()]
    if src.production and (not rest or not rest[0].startswith("//")):
        src.report(3, "file-comment", "a header starts with a comment on its role", True)


def check_includes(src):
    for match in INCLUDE.finditer(src.text):
        if src.code[match.start():match.end()].strip() == "":
            continue  # commented out
        quoted, name = match.group(1) == '"', match.group(2)
        at = match.start(1)
        if name in ("asio.hpp", "range/v3/all.hpp") or name.startswith("boost/"):
            src.report(at, "include", f"<{name}>: include the one narrow header that is used")
        if quoted and (src.public or name.startswith(("lentic/", "../"))):
            src.report(at, "include", f"\"{name}\": public headers are included as <lentic/...>")
        if not quoted and not name.startswith("lentic/") and src.production \
                and name.endswith(".hpp") and "/" not in name:
            src.report(at, "include", f"<{name}>: a private header is included with quotes")
        below = FLOORS[:FLOORS.index(src.floor)] if src.floor else ()
        if src.floor and name.startswith("lentic/"):
            target = name.split("/")[1] if name.split("/")[1] in ("coro", "windows") else "lib"
            if target != src.floor and target not in below:
                src.report(at, "floor", f"{src.floor}/ includes <{name}> of {target}/")
        if src.public and name.startswith(("fmt/", "CLI/", "liburing")):
            src.report(at, "include", f"<{name}>: public headers need std, Asio and ours only")
        if src.production and not ENGINES.match(src.path) and name in SYSTEM_INCLUDES:
            src.report(at, "system", f"<{name}>: files, clocks and randomness are handed in")


def check_words(src):
    for match in re.finditer(r"\b(TODO|FIXME|XXX)\b(?!\((?:#\d+|\w+)\))", src.text):
        src.report(match.start(), "todo", f"{match.group(1)} without an owner or issue in brackets")
    for match in re.finditer(r"^[ \t]*#[ \t]*if[ \t]+0\b", src.code, re.M):
        src.report(match.start(), "dead-code", "#if 0")
    if src.header:
        for match in re.finditer(r"\busing\s+namespace\b", src.code):
            src.report(match.start(), "using-namespace", "using namespace in a header")
    if not src.production:
        return
    for match in re.finditer(r"\bvolatile\b", src.code):
        src.report(match.start(), "volatile", "volatile is not for threads")
    if not src.path.startswith("coro/include/lentic/coro/"):
        for match in re.finditer(r"\bdetached\b", src.code):
            src.report(match.start(), "detached", "no detached work outside scope and sync_wait")
    if src.floor in ("lib", "windows") and src.path != TEXT_AND_BYTES:
        for match in re.finditer(r"\breinterpret_cast\b", src.code):
            src.report(match.start(), "cast", "reinterpret_cast: use std::memcpy or the codec")
    if src.floor:
        for match in re.finditer(r"\b(std::cout|(?:std::)?(?:printf|puts|putchar))\b", src.code):
            src.report(match.start(), "stdout", "the library does not write to stdout")


def check_system(src):
    if not src.production or ENGINES.match(src.path):
        return
    for pattern, group in SYSTEM_CALLS:
        for match in pattern.finditer(src.code):
            src.report(match.start(group), "system",
                       f"{match.group(group)}: files, clocks and randomness are handed in")


def check_functions(src):
    for first, last, name in style_text.functions(src.code):
        lines = src.text.count("\n", first, last) + 1
        if lines > FUNCTION_LINES_MAX:
            src.report(first, "function-length",
                       f"{name}: {lines} lines, at most {FUNCTION_LINES_MAX}")


def check_text(path, text):
    """Findings of one file as (line, rule, message), sorted. `path` is relative to the tree."""
    src = source(path, text)
    check_plain(src)
    if path.endswith((".hpp", ".h", ".cpp")):
        check_anatomy(src)
        check_includes(src)
        check_words(src)
        check_system(src)
        check_functions(src)
        for offset, message in style_await.problems(src.code):
            src.report(offset, "await", message)
    return sorted(set(src.findings))


def tree_files():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=True,
                            capture_output=True, text=True).stdout.split("\n")
    ours = re.compile(r"(\.(hpp|h|cpp|py|sh)|meson\.build|^dev|^\.ci/run)$")
    return [path for path in listed if ours.search(path) and os.path.isfile(path)
            and not re.match(r"subprojects/packagefiles/.*\.h$", path)]  # overlays of theirs


def main(arguments):
    if not arguments:
        os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    files = arguments or tree_files()
    count = 0
    for path in files:
        with open(path, encoding="utf-8") as stream:
            for line, rule, message in check_text(path, stream.read()):
                print(f"{path}:{line}: {rule}: {message}")
                count += 1
    print(f"style: {len(files)} files, {count} findings")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
