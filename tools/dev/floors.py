#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that a floor that includes a higher one does not compile.

Usage: floors.py BUILD_DIR
Takes the very command that the build uses for a source of each floor, and compiles probes with it:
one that includes a header of the own floor must compile, one that includes a header of a higher
floor must fail because the header is not found. Exit status 1 when one does not.
"""
import json
import pathlib
import shlex
import subprocess
import sys

FLOORS = ("coro", "lib", "windows")


def any_header(floor):
    root = pathlib.Path(floor, "include")
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.hpp"))
    return found[0] if found else None


def compile_command(build, floor):
    """The compiler command of one source of the floor, without source, output and dependencies."""
    sources = pathlib.Path(floor, "src").resolve()
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if sources not in path.parents:
            continue
        words = shlex.split(entry["command"])
        kept, skip = [], False
        for word in words:
            if skip or word in ("-o", "-MF", "-MQ"):
                skip = not skip
            elif word not in ("-MD", "-c", entry["file"]):
                kept.append(word)
        return [word for word in kept if word != "ccache"], entry["directory"]
    return None, None


def compiles(command, directory, header):
    done = subprocess.run(command + ["-fsyntax-only", "-x", "c++", "-"], cwd=directory, text=True,
                          input=f"#include <{header}>\n", capture_output=True)
    return done.returncode == 0, done.stderr


def main():
    build = pathlib.Path(sys.argv[1])
    failures = 0
    for level, floor in enumerate(FLOORS):
        command, directory = compile_command(build, floor)
        if command is None:
            print(f"FAILED: the build compiles nothing of {floor}/")
            failures += 1
            continue
        for other in FLOORS[level:]:
            header = any_header(other)
            if header is None:
                print(f"{other}/ has no header yet")
                continue
            works, errors = compiles(command, directory, header)
            missing = "No such file" in errors or "file not found" in errors
            good = works if other == floor else not works and missing
            failures += not good
            print(f"{'ok' if good else 'FAILED'}: {floor}/ including <{header}> "
                  f"{'compiles' if works else 'does not compile'}")
            if not good:
                print(errors)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
