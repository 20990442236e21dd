#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the cases of the last `meson test` in a build directory.

Usage: count_tests.py BUILD_DIR
Prints one line a case: `passed`, `failed<TAB>name` or `skipped<TAB>reason`. A GoogleTest program
counts by its cases; any other test is one case. A program that died is at least one failure. A
reason to skip is the first line of the GTEST_SKIP message, or the line `SKIPPED: reason`.
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as et


def cases_of(report):
    """(word, detail) of each case in a GoogleTest report; nothing when it is no report."""
    try:
        root = et.parse(report).getroot()
    except (OSError, et.ParseError):
        return
    for case in root.iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None:
            yield "failed", name
        elif skipped is not None or case.get("result") == "skipped":
            message = (skipped.get("message") or "") if skipped is not None else ""
            lines = [line.strip() for line in message.split("\n") if line.strip()]
            lines = [line for line in lines if not re.match(r"\S+\.cpp:\d+$", line)]
            yield "skipped", (lines or [name])[0]
        elif case.get("status") != "notrun":
            yield "passed", name


def cases_in(output):
    """The same from what a GoogleTest program printed, where it wrote no report."""
    said = ""
    for line in output.split("\n"):
        found = re.match(r"\[ +(OK|SKIPPED|FAILED) +\] ([^\s,]+\.\S+?),?(?: .*)? \(\d+ ms\)", line)
        if found is None:
            said = line.strip() or said
        elif found.group(1) == "SKIPPED":
            yield "skipped", said
        else:
            yield ("passed" if found.group(1) == "OK" else "failed"), found.group(2)


def cases_of_test(build, test):
    name = test["name"].split(" / ")[-1]
    cases = list(cases_of(build / f"{name}.xml")) or list(cases_in(test.get("stdout", "")))
    good = test["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
    if cases and (good or any(word == "failed" for word, _ in cases)):
        return cases
    if not good:
        return cases + [("failed", f"{name} ({test['result']})")]
    if test["result"] == "SKIP":
        found = re.search(r"^SKIPPED: (.*)$", test.get("stdout", ""), re.M)
        return [("skipped", found.group(1) if found else name)]
    return [("passed", name)]


def main():
    build = pathlib.Path(sys.argv[1])
    for log in (build / "meson-logs").glob("testlog*.json"):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            for word, detail in cases_of_test(build, json.loads(line)):
                print(word if word == "passed" else f"{word}\t{detail}")


if __name__ == "__main__":
    main()
