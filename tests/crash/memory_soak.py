#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs `memory_soak` in a control group (v1) whose limit is its budget and what a process takes
without one: a state of ten times the budget goes through it, and nothing is killed.

Passes when the process ended well and what was resident, without mapped files and beyond what it
was before the first row, stayed within the budget and a tenth of it.

Where no group can be made, the process runs without a limit and is judged all the same; the line
"NO LIMIT: reason" says so. Prints "SKIPPED: reason" and exits with 77 without /proc.
Usage: memory_soak.py [--budget MIB] [--seconds N] [--factor N] PROGRAM
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

GROUPS = "/sys/fs/cgroup/memory"
PROCESS_BYTES = 24 << 20  # code, stacks, the allocator, page tables, and what files are being read


def make_group(limit):
    """The path of a new group with that limit; OSError where none can be made."""
    path = os.path.join(GROUPS, "lentic-soak-%d" % os.getpid())
    os.mkdir(path)
    try:
        with open(os.path.join(path, "memory.limit_in_bytes"), "w", encoding="ascii") as file:
            file.write(str(limit))
    except OSError:
        os.rmdir(path)
        raise
    return path


def enter(group):
    with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as file:
        file.write(str(os.getpid()))


def run(options, directory, group):
    command = [options.program, directory, str(options.budget << 20), str(options.seconds),
               str(options.factor)]
    inside = (lambda: enter(group)) if group else None
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False,
                          preexec_fn=inside)


def judge(done, budget):
    if done.returncode != 0:
        return "it ended with %d" % done.returncode
    figures = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps(figures))
    grown = figures["resident_max"] - figures["resident_before"]
    print("resident %.1f MiB over the start, account %.1f MiB, of %.1f MiB"
          % (grown / 2**20, figures["account_max"] / 2**20, budget / 2**20))
    if grown > budget * 1.1:
        return "resident: more than the budget and a tenth"
    if figures["account_max"] > budget * 1.05:
        return "the account: more than the budget"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--budget", type=int, default=64, help="in MiB")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--factor", type=int, default=10)
    parser.add_argument("program")
    options = parser.parse_args()
    if not os.path.exists("/proc/self/status"):
        print("SKIPPED: no /proc")
        return 77
    budget = options.budget << 20
    group = None
    try:
        group = make_group(budget + PROCESS_BYTES)
    except OSError as error:
        print("NO LIMIT: no control group (v1): %s" % error)
    try:
        with tempfile.TemporaryDirectory(prefix="lentic-soak-") as home:
            wrong = judge(run(options, os.path.join(home, "state"), group), budget)
    finally:
        if group:
            os.rmdir(group)
    if wrong:
        print("FAILED: " + wrong)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
