#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the example test_your_topology: it passes, is the same each time, and finds its mistake.

Usage: run_test_your_topology.py PROGRAM
Exit status 1, with what went wrong, when it does not.
"""
import os
import re
import shlex
import subprocess
import sys

PROGRAM = sys.argv[1]
SUMMARY = re.compile(r"(\d+) stories, (\d+) power cuts, (\d+) kills, (\d+) failed operations, "
                     r"(\d+) outputs repeated, trace [0-9a-f]{16}\n")


def run(command, mistaken):
    variables = dict(os.environ)
    variables.pop("MISTAKEN", None)
    if mistaken:
        variables["MISTAKEN"] = "1"
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300)


def expect(what, good, done):
    if not good:
        sys.exit(f"FAILED: {what}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    print(f"ok: {what}")


def main():
    sound = run([PROGRAM], False)
    figures = SUMMARY.fullmatch(sound.stdout)
    expect("300 stories pass", sound.returncode == 0 and figures, sound)
    struck = [int(each) for each in figures.groups()]
    expect("each kind of crash, and outputs that came again", min(struck) >= 50, sound)
    again = run([PROGRAM], False)
    expect("equal seeds, equal traces", again.stdout == sound.stdout, again)

    broken = run([PROGRAM], True)
    replay = re.search(r"\nseed (\d+); again: (.+)\n", broken.stderr)
    expect("the mistake is found", broken.returncode == 1 and replay, broken)
    told = broken.stderr.splitlines()[0]
    expect(f"and told: {told}", re.match(r'line \d+ is .*, not .*', told), broken)
    alone = run(shlex.split(replay.group(2)), True)
    expect(f"seed {replay.group(1)} alone shows it again",
           alone.returncode == 1 and alone.stderr == broken.stderr, alone)
    other = run(shlex.split(replay.group(2)), False)
    expect("and passes without it", other.returncode == 0, other)
    wrong = run([PROGRAM, "--seed", "x"], False)
    expect("a wrong argument is refused", wrong.returncode == 2, wrong)


if __name__ == "__main__":
    main()
