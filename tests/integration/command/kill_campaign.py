#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill_campaign.py LENTIC DATA NOURING JOBS SEED: jobs of ten SIGKILLs each, resumed with >>.

Each job kills the command ten times between its first and its last commit and then lets it end.
Odd jobs run without io_uring: there /proc/PID/io counts all that the process reads (reads through
a ring are in no such account), the state directory included, which recovery reads at most once."""

import os
import random
import signal
import subprocess
import time

import harness
from harness import HOUR

KILLS = 10
INTERVAL = 1000
MEBIBYTE = 1 << 20


class Facts:
    """What the oracle knows of the input."""

    def __init__(self, plain):
        rows = harness.flights(plain)
        self.count = len(rows)
        self.lines = harness.expected(rows, HOUR, HOUR, 2 * HOUR).lines
        self.closed_by = harness.closing_rows(rows, HOUR, 2 * HOUR)
        self.offsets = []  # [n]: bytes up to and with row n
        with open(plain, "rb") as file:
            total = 0
            for line in file:
                total += len(line)
                self.offsets.append(total)


class Attempt:
    def __init__(self, number, lines, read_bytes, state_bytes, text, code):
        self.number, self.lines, self.read_bytes = number, lines, read_bytes
        self.state_bytes, self.text, self.code = state_bytes, text, code
        self.commits = lines.commits()
        self.resumed = (lines.resumed() or [None])[0]


class Job:
    def __init__(self, bench, facts, number, seed, prefix):
        self.bench, self.facts, self.prefix = bench, facts, prefix
        self.random = random.Random(f"{seed}/{number}")
        self.state = bench.path(f"state-{number}")
        self.out = bench.path(f"out-{number}.csv")
        self.problems, self.kills, self.text = [], 0, ""

    def attempt(self, number, target):
        """One start of the command, killed behind the commit of row `target`; None: to the end."""
        state_bytes = harness.folder_bytes(self.state)
        with open(self.out, "ab") as out:
            process = self.bench.start(
                "run", self.bench.plain, *harness.flights_options(), "--state", self.state,
                "--commit-interval", f"{INTERVAL}rows", "--log-commits", "--stats", "json",
                stdin=subprocess.DEVNULL, stdout=out)
            lines = harness.Lines(process.stderr)
            if target is not None and lines.wait(lambda line: self.reached(line, target)):
                time.sleep(self.random.uniform(0, 0.006))  # where in the next commit it dies
                process.send_signal(signal.SIGKILL)
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            read_bytes = read_by(process.pid)
            lines.thread.join()
            code = process.wait()
        with open(self.out) as out:
            whole = out.read()
        text, self.text = whole[len(self.text):], whole
        return Attempt(number, lines, read_bytes, state_bytes, text, code)

    def reached(self, line, target):
        words = line.split()
        if words[:2] == ["resumed", "row"]:
            return int(words[2]) >= target
        return len(words) == 4 and words[0] == "commit" and int(words[3]) >= target

    def run(self):
        last = self.facts.count * 95 // 100  # so that it seldom ends before it is killed
        targets = sorted(self.random.randrange(1, last) for _ in range(KILLS))
        before, seen_before = None, ""
        for number, target in enumerate([*targets, None]):
            attempt = self.attempt(number, target)
            if target is not None:
                self.kills += attempt.code == -signal.SIGKILL
            elif attempt.code != 0:
                self.problem(attempt, f"exit code {attempt.code}: {attempt.lines.all[-3:]}")
            if before:
                self.check_resume(before, attempt)
                if attempt.resumed is not None:
                    self.check_repeats(seen_before, attempt)
            elif attempt.resumed != 0:
                self.problem(attempt, f"a new state resumed at row {attempt.resumed}")
            seen_before, before = self.text, attempt
            if self.problems:
                return  # what follows would only be a consequence
        result = harness.read_by_rule(self.text)
        if harness.digest(result.values()) != harness.GOLDEN_2H:
            wrong = sorted(set(result.values()) ^ set(self.facts.lines.values()))
            self.problem(attempt, f"another result: {len(wrong)} lines: {wrong[:4]}")

    def problem(self, attempt, text):
        self.problems.append(f"attempt {attempt.number}: {text}")

    def check_resume(self, before, attempt):
        if attempt.resumed is None or attempt.resumed > self.facts.count:
            return self.problem(attempt, f"resumed row {attempt.resumed}: {attempt.lines.all[-3:]}")
        last = max([row for _, row in before.commits] + [before.resumed])
        if not last <= attempt.resumed <= last + 2 * INTERVAL:
            self.problem(attempt, f"resumed row {attempt.resumed}, last commit seen {last}")
        if self.prefix and attempt.read_bytes is not None:
            left = self.facts.offsets[-1] - self.facts.offsets[attempt.resumed]
            if attempt.read_bytes > left + attempt.state_bytes + MEBIBYTE:
                self.problem(attempt, f"{attempt.read_bytes} bytes read, {left} were left and "
                                      f"{attempt.state_bytes} in the state")
        if attempt.code == 0:
            read = harness.statistics("\n".join(attempt.lines.all))["rows_read"]
            if read != self.facts.count - attempt.resumed:
                self.problem(attempt, f"{read} rows read behind row {attempt.resumed}")

    def check_repeats(self, seen_before, attempt):
        """Only rows of the two outboxes before the resumed row may come again, and no row may have
        come before its commit was durable."""
        old, new = harness.read_by_rule(seen_before), harness.read_by_rule(attempt.text)
        if attempt.text and not attempt.text.startswith("\n" + harness.FLIGHTS_HEADER + "\n"):
            self.problem(attempt, "does not begin with a new line and the header")
        early = attempt.resumed - 2 * INTERVAL
        again = [key for key in new
                 if key in old and self.facts.closed_by.get(key[1], early) <= early]
        if again:
            self.problem(attempt, f"{len(again)} rows repeat that were acknowledged: {again[:3]}")
        ahead = [key for key in old if self.facts.closed_by.get(key[1], 0) > attempt.resumed]
        if ahead:
            self.problem(attempt, f"{len(ahead)} rows were printed before their commit was "
                                  f"durable: {ahead[:3]}")


def read_by(pid):
    """Bytes that an ended process read, before it is waited for; None where that is not told."""
    try:
        with open(f"/proc/{pid}/io") as file:
            return int(dict(line.split(": ") for line in file)["rchar"])
    except (OSError, KeyError):
        return None


def main():
    options = harness.arguments("nouring", "jobs", "seed")
    checks = harness.Checks(f"kill campaign, seed {options.seed}")
    kills = 0
    with harness.Bench(options.lentic, options.data) as bench:
        facts = Facts(bench.plain)
        for number in range(int(options.jobs)):
            prefix = [os.path.abspath(options.nouring), "EPERM"] if number % 2 else []
            bench.prefix = prefix
            job = Job(bench, facts, number, options.seed, prefix)
            job.run()
            kills += job.kills
            engine = "without io_uring" if prefix else "with io_uring"
            checks.that(f"job {number + 1}, {engine}: {job.kills} kills, golden result",
                        not job.problems, "; ".join(job.problems))
            os.remove(job.out)
        checks.that(f"{kills} of {KILLS * int(options.jobs)} kills came before the end",
                    kills >= KILLS * int(options.jobs) * 9 // 10)
    checks.end()


main()
