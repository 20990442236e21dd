#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""changes.py LENTIC DATA NOURING [PART]: --emit changes, read by its rule, is the golden result.

The rule: of what was appended by all attempts, the last line of each seq. Then the last new value
of each key and window is its result, and each old value is the new one before it."""

import csv
import io
import json
import os
import random
import signal
import subprocess
import time

import harness
from harness import HOUR

HEADER = ("seq,origin,window_start,window_end,old:count,new:count,old:sum:delay,new:sum:delay,"
          "old:max:delay,new:max:delay")
COLUMNS = HEADER.count(",") + 1
NOTHING = ("", "", "")
# Changes of tumbling 1 h with 2 h grace: one an accepted row without a cache, one a window with a
# cache that holds everything.
UPDATES, WINDOWS = 230332, 71388
HOPPING_UPDATES = 1381757
HOPPING_2H = "222115148d6e664a62ab3f5f51e524a630484bba315dcd30ef64caf21e564bfd"
KILLS = 6


def read_by_rule(text):
    """Rows by seq: lines with the wrong number of fields or an open quote and headers go, and the
    last line of each seq stays."""
    rows = {}
    for line in text.split("\n"):
        if line == HEADER or line.count('"') % 2:
            continue
        fields = next(csv.reader(io.StringIO(line)), [])
        if len(fields) == COLUMNS and fields[0].isdigit():
            rows[int(fields[0])] = fields
    return rows


class Story:
    """What a list of changes says: the results, and what is wrong with the chain."""

    def __init__(self, rows):
        self.count, self.wrong, self.results, self.chain = len(rows), [], {}, {}
        if rows and sorted(rows) != list(range(1, len(rows) + 1)):
            self.wrong.append(f"seq is not 1 to {len(rows)}: {min(rows)} to {max(rows)}")
        for seq in sorted(rows):
            fields = rows[seq]
            place, old, new = tuple(fields[1:4]), tuple(fields[4::2]), tuple(fields[5::2])
            before = self.chain.get(place, NOTHING)
            if old != before:
                self.wrong.append(f"seq {seq} {place}: old {old}, but new was {before}")
            self.chain[place] = new
        self.results = [",".join(place + new) for place, new in self.chain.items()]


def options(cache, mode, window="tumbling:1h", interval="1000000rows", output="csv"):
    args = harness.flights_options(window, output=output)
    args[args.index("close")] = "changes"
    return [*args, "--cache", cache, "--caching", mode, "--commit-interval", interval]


class Changes:
    def __init__(self, bench, checks):
        self.bench, self.checks, self.states = bench, checks, 0

    def state(self, wanted):
        if not wanted:
            return []
        self.states += 1
        return ["--state", self.bench.path(f"changes-{self.states}")]

    def story(self, name, count, sha, *args):
        """Runs once and holds the story against the golden one; `count` tells good numbers."""
        result = self.bench.run("run", self.bench.plain, *args)
        text = result.out.decode()
        story = Story(read_by_rule(text))
        self.checks.equal(name + ": exit code, header", (result.code, text.split("\n")[0]),
                          (0, HEADER))
        self.checks.that(name + ": number of changes", count(story.count), story.count)
        self.checks.equal(name + ": old is the new before it", story.wrong[:3], [])
        self.checks.equal(name + ": the last new values", harness.digest(story.results), sha)
        return story.count

    def budgets(self):
        for mode in ("kafka", "fused"):
            for kept in (False, True):
                place = "state" if kept else "memory"
                for cache, good in (("0", lambda n: n == UPDATES),
                                    ("1MB", lambda n: WINDOWS < n < UPDATES),
                                    ("256MB", lambda n: n == WINDOWS)):
                    self.story(f"{mode}, cache {cache}, {place}", good, harness.GOLDEN_2H,
                               *options(cache, mode), *self.state(kept))

    def hopping(self):
        for mode in ("kafka", "fused"):
            self.story(f"hopping, {mode}, cache 0", lambda n: n == HOPPING_UPDATES, HOPPING_2H,
                       *options("0", mode, "hopping:1h/10m"))

    def commits(self):
        """A commit flushes: the same story in more pieces, whatever the budget."""
        for mode in ("kafka", "fused"):
            for interval in ("100rows", "5000rows"):
                self.story(f"{mode}, commit {interval}", lambda n: WINDOWS < n <= UPDATES,
                           harness.GOLDEN_2H, *options("16MiB", mode, interval=interval),
                           *self.state(True))

    def formats(self):
        plain = self.bench.run("run", self.bench.plain, *options("256MB", "fused"))
        wanted = [line.split(",") for line in plain.out.decode().splitlines()[1:]]
        result = self.bench.run("run", self.bench.plain,
                                *options("256MB", "fused", output="ndjson"))
        found = [["" if value is None else str(value) for value in json.loads(line).values()]
                 for line in result.out.decode().splitlines()]
        self.checks.that("ndjson and csv hold the same changes", found == wanted)
        first = json.loads(result.out.decode().split("\n")[0])
        self.checks.equal("names of an ndjson change", ",".join(first), HEADER)

    def kills(self):
        for mode in ("kafka", "fused"):
            for seed in range(2):
                self.kill_job(mode, seed)

    def kill_job(self, mode, seed):
        name = f"{mode}, {KILLS} kills, seed {seed}"
        chance = random.Random(f"changes/{mode}/{seed}")
        state, out = self.state(True), self.bench.path(f"changes-{mode}-{seed}.csv")
        targets = sorted(chance.randrange(1, 220_000) for _ in range(KILLS))
        killed = 0
        for target in [*targets, None]:
            with open(out, "ab") as file:
                process = self.bench.start(
                    "run", self.bench.plain, *options("64KiB", mode, interval="1000rows"), *state,
                    "--log-commits", stdin=subprocess.DEVNULL, stdout=file)
                lines = harness.Lines(process.stderr)
                if target is not None and lines.wait(lambda line: self.reached(line, target)):
                    time.sleep(chance.uniform(0, 0.006))  # where in the next commit it dies
                    process.send_signal(signal.SIGKILL)
                code = process.wait()
                lines.thread.join()
            killed += code == -signal.SIGKILL
            if target is None:
                self.checks.equal(name + ": exit code", (code, lines.all[-1:] if code else []),
                                  (0, []))
        with open(out) as file:
            story = Story(read_by_rule(file.read()))
        self.checks.that(name + ": it was killed", killed >= KILLS // 2, killed)
        self.checks.equal(name + ": old is the new before it", story.wrong[:3], [])
        self.checks.equal(name + ": the last new values", harness.digest(story.results),
                          harness.GOLDEN_2H)

    @staticmethod
    def reached(line, target):
        words = line.split()
        if words[:2] == ["resumed", "row"]:
            return int(words[2]) >= target
        return len(words) == 4 and words[0] == "commit" and int(words[3]) >= target

    def restarts(self):
        """What may change between attempts, and what belongs to the state."""
        state = self.state(True)
        half = self.bench.path("half.csv")
        with open(self.bench.plain, "rb") as whole, open(half, "wb") as file:
            file.writelines(line for _, line in zip(range(120_001), whole))
        first = self.bench.run("run", half, *options("1MB", "kafka"), *state)
        self.checks.equal("the first half", (first.code, first.err), (0, ""))
        os.replace(self.bench.plain, half)  # the same path, grown
        self.bench.plain = half
        second = self.bench.run("run", half, *options("0", "fused"), *state)
        story = Story(read_by_rule((first.out + second.out).decode()))
        self.checks.equal("another cache and mode go on: old is the new before it",
                          (second.code, story.wrong[:3]), (0, []))
        self.checks.equal("another cache and mode go on: the last new values",
                          harness.digest(story.results), harness.GOLDEN_2H)
        again = self.bench.run("run", half, *harness.flights_options(), *state)
        self.checks.that("--emit close on a state of changes is refused",
                         again.code == 4 and "--emit is changes in the state, now close"
                         in again.err, again)
        shown = self.bench.run("scan", *state, "--time-format", "ms", "--output", "csv")
        rows = shown.out.decode().splitlines()[1:]
        self.checks.that("scan shows the last new values that are retained",
                         shown.code == 0 and rows and set(rows) <= set(story.results), shown)

    def skipped(self):
        """A row whose sum would overflow is skipped, although its read made room in the cache."""
        most = 2 ** 63 - 1
        rows = [f"{at},{key},{delay}" for at, (key, delay) in enumerate(
            [("A", most), ("B", 1), ("C", 1), ("B", 2), ("C", 2), ("A", 1), ("A", -1)])]
        path = self.bench.write("overflow.csv", "\n".join(["scheduled,origin,delay", *rows, ""]))
        for mode in ("kafka", "fused"):
            result = self.bench.run("run", path, *options("200", mode), "--max-bad", "100",
                                    *self.state(True))
            story = Story(read_by_rule(result.out.decode()))
            good = [f"A,0,{HOUR},2,{most - 1},{most}", f"B,0,{HOUR},2,3,2", f"C,0,{HOUR},2,3,2"]
            self.checks.equal(f"{mode}, a sum that overflows: the row is skipped",
                              (result.code, sorted(story.results), story.wrong), (0, good, []))
            self.checks.that(f"{mode}, a sum that overflows: the row is named",
                             "overflow.csv:7" in result.err, result.err)

    def arguments(self):
        for name, value, words in (("--cache", "12q", "not an amount of memory"),
                                   ("--caching", "kafak", 'did you mean "kafka"?'),
                                   ("--emit", "chnages", 'did you mean "changes"?')):
            args = options("1MB", "fused")
            args[args.index(name) + 1] = value
            result = self.bench.run("run", self.bench.plain, *args)
            self.checks.that(f"{name} {value} is refused", result.code == 2
                             and words in result.err, result)
        result = self.bench.run("run", self.bench.plain, *harness.flights_options(),
                                "--cache", "1MB")
        self.checks.that("--cache without --emit changes is refused",
                         result.code == 2 and "--emit changes" in result.err, result)


def main():
    arguments = harness.arguments("nouring", "part?")
    checks = harness.Checks("changes")
    parts = ["budgets", "hopping", "commits", "formats", "kills", "restarts", "skipped",
             "arguments"]
    with harness.Bench(arguments.lentic, arguments.data) as bench:
        changes = Changes(bench, checks)
        for part in [arguments.part] if arguments.part else parts:
            getattr(changes, part)()
    checks.end()


main()
