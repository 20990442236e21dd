#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""memory.py LENTIC DATA NOURING: --memory: windows that do not fit go to disk and the result is the
same; what cannot go ends the run with a text that says what to do."""
import csv
import os

import harness

KEYS = 60000


def write_rows(path):
    """Each key twice in one window of a day, so that all windows stay open to the end."""
    with open(path, "w", encoding="ascii") as file:
        file.write("t,k,n\n")
        for turn in range(2):
            for key in range(KEYS):
                file.write("%d,key-%06d,%d\n" % (turn * 1000 + key % 1000, key, key + turn))


def options(*more):
    return ["--key", "k", "--ts", "t", "--window", "tumbling:1d", "--grace", "1h", "--agg",
            "count,sum:n", "--emit", "changes", "--cache", "64KiB", "--commit-interval",
            "5000rows", "--output", "csv", *more]


def newest(out):
    """The last values of each key and window."""
    told = {}
    for row in csv.DictReader(out.decode().splitlines()):
        told[row["k"]] = [value for name, value in row.items() if name.startswith("new:")]
    return told


def main():
    arguments = harness.arguments("nouring")
    checks = harness.Checks("memory")
    with harness.Bench(arguments.lentic, arguments.data) as bench:
        path = bench.path("open.csv")
        write_rows(path)
        free = bench.run("run", path, *options("--memory", "0"))
        checks.equal("without a budget: code", free.code, 0)
        state = bench.path("state")
        tight = bench.run("run", path, *options("--memory", "6MiB", "--state", state))
        checks.equal("6 MiB and a directory: code", tight.code, 0)
        checks.that("6 MiB and a directory: the same result",
                    newest(tight.out) == newest(free.out) and len(newest(free.out)) == KEYS,
                    tight.err)
        runs = [name for _, _, names in os.walk(state) for name in names if name.endswith(".run")]
        checks.that("6 MiB and a directory: windows went to disk", runs, runs)
        refused = bench.run("run", path, *options("--memory", "1MiB"))
        checks.equal("1 MiB and no directory: code", refused.code, 5)
        checks.that("1 MiB and no directory: the holder and the remedy",
                    "young rows" in refused.err and "--memory" in refused.err
                    and "--state DIR" in refused.err, refused.err)
        wrong = bench.run("run", path, *options("--memory", "12q"))
        checks.that("--memory 12q is refused", wrong.code == 2
                    and "not an amount of memory" in wrong.err, wrong)
    checks.end()


main()
