#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""restart.py LENTIC DATA NOURING: stopping and going on: signals, stdin, inputs that changed."""

import fcntl
import gzip
import os
import re
import signal
import subprocess
import termios

import harness

HEADER = b"t,k,v\n"
COLUMNS = "k,window_start,window_end,count,sum:v"
HOUR = harness.HOUR


def rows(first, last):
    """One row each 20 minutes: three close a window."""
    return b"".join(b"%d,key%d,%d\n" % (i * HOUR // 3, i % 4, i * i) for i in range(first, last))


class Restart:
    def __init__(self, bench, checks):
        self.bench, self.checks, self.states = bench, checks, 0

    def options(self, *more):
        return ["--ts", "t", "--key", "k", "--window", "tumbling:1h", "--agg", "count,sum:v",
                "--output", "csv", "--time-format", "ms", *more]

    def run(self, path, *more, **process):
        return self.bench.run("run", path, *self.options(*more), **process)

    def start(self, path, *more, **process):
        return self.bench.start("run", path, *self.options("--log-commits", *more), **process)

    def state(self):
        self.states += 1
        return ["--state", self.bench.path(f"state-{self.states}")]

    def undisturbed(self, content):
        result = self.run(self.bench.write("undisturbed.csv", content))
        return harness.read_by_rule(result.out.decode(), COLUMNS)

    def result(self, claim, outputs, content):
        found = harness.read_by_rule(b"".join(outputs).decode(), COLUMNS)
        self.checks.equal(claim, found, self.undisturbed(content))

    def signals(self):
        for number, name in ((signal.SIGINT, "SIGINT"), (signal.SIGTERM, "SIGTERM")):
            state = self.state()
            process = self.start("-", *state, "--commit-interval", "10rows",
                                 stdin=subprocess.PIPE)
            lines = harness.Lines(process.stderr)
            process.stdin.write(HEADER + rows(0, 35))
            process.stdin.flush()
            lines.wait(lambda line: re.fullmatch(r"commit \d+ row 30", line))
            process.send_signal(number)
            first = process.stdout.read()
            process.stdin.close()
            lines.thread.join()
            self.checks.equal(f"{name}: exit code", process.wait(), 128 + number)
            self.checks.equal(f"{name}: all rows that came are committed",
                              max(lines.commits())[1], 35)
            self.checks.that(f"{name}: closed windows are printed", first.count(b"\n") > 25, first)
            rest = self.run("-", *state, input=HEADER + rows(0, 60))
            self.checks.equal(f"{name}: the rerun completes", rest.code, 0)
            self.result(f"{name}: both outputs are the result", [first, rest.out],
                        HEADER + rows(0, 60))

    def signal_while_waiting(self):
        """Before the header has come, and while a replayed input is compared."""
        state, content = self.state(), HEADER + rows(0, 40)
        outputs = []
        for sent, claim in ((b"", "before the header"), (HEADER[:3], "inside the header")):
            process = self.start("-", *state, stdin=subprocess.PIPE)
            lines = harness.Lines(process.stderr)
            process.stdin.write(sent)
            process.stdin.flush()
            self.wait_asleep(process)
            process.send_signal(signal.SIGINT)
            outputs.append(process.stdout.read())
            self.checks.equal(f"SIGINT {claim}: exit code", process.wait(), 130)
            process.stdin.close()
            lines.thread.join()
        outputs.append(self.run("-", *state, input=content).out)
        process = self.start("-", *state, stdin=subprocess.PIPE)
        lines = harness.Lines(process.stderr)
        process.stdin.write(content[:50])
        process.stdin.flush()
        self.wait_asleep(process)
        process.send_signal(signal.SIGTERM)
        outputs.append(process.stdout.read())
        self.checks.equal("SIGTERM while a replay is compared: exit code", process.wait(), 143)
        process.stdin.close()
        lines.thread.join()
        rest = self.run("-", *state, input=HEADER + rows(0, 60))
        self.checks.equal("the rerun completes", rest.code, 0)
        self.result("and all outputs are the result", [*outputs, rest.out], HEADER + rows(0, 60))

    def wait_asleep(self, process):
        """Until its signal handler stands and it waits for input."""
        for _ in range(100000):
            with open(f"/proc/{process.pid}/status") as file:
                status = file.read()
            caught = int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16)
            asleep = re.search(r"State:\s*S", status)
            if caught >> (signal.SIGTERM - 1) & 1 and asleep and self.took_all(process):
                return
        raise TimeoutError("the command does not wait for input")

    def took_all(self, process):
        left = bytearray(4)
        fcntl.ioctl(process.stdin, termios.FIONREAD, left)
        return not any(left)

    def idle_commit(self):
        """A commit by time fires while the input is open and silent."""
        state = self.state()
        process = self.start("-", *state, "--commit-interval", "20ms", stdin=subprocess.PIPE)
        lines = harness.Lines(process.stderr)
        process.stdin.write(HEADER + rows(0, 7))
        process.stdin.flush()
        found = lines.wait(lambda line: re.fullmatch(r"commit \d+ row 7", line))
        self.checks.that("a commit fires while standard input is idle", found, lines.all)
        first = os.read(process.stdout.fileno(), 65536)
        self.checks.that("and prints what has closed", first.startswith(COLUMNS.encode()), first)
        process.stdin.write(rows(7, 20))
        process.stdin.close()
        rest = process.stdout.read()
        lines.thread.join()
        self.checks.equal("the input goes on after it", process.wait(), 0)
        self.result("and ends in the result", [first, rest], HEADER + rows(0, 20))

    def empty_output(self):
        content = HEADER + rows(0, 30)
        path, state = self.bench.write("input.csv", content), self.state()
        out = self.bench.path("rows.csv")
        with open(out, "wb") as file:
            self.run(path, *state, stdout=file)
        self.bench.write("input.csv", content + rows(30, 60))
        with open(self.bench.path("other.csv"), "wb") as file:
            refused = self.run(path, *state, stdout=file)
        self.checks.that("an empty file as output of a resumed run: exit 2, names >> and --state",
                         refused.code == 2 and ">>" in refused.err and "--state" in refused.err,
                         refused)
        with open(out, "ab") as file:
            again = self.run(path, *state, stdout=file)
        self.checks.equal("with >> it goes on", again.code, 0)
        with open(out, "rb") as file:
            self.result("and the file is the result", [file.read()], content + rows(30, 60))

    def complete(self):
        path, state = self.bench.write("input.csv", HEADER + rows(0, 30)), self.state()
        first = self.run(path, *state)
        again = self.run(path, *state, "--stats", "json")
        self.checks.equal("a rerun of what is complete: exit 0, prints nothing",
                          (again.code, again.out), (0, b""))
        self.checks.that("it says complete", "complete" in again.err, again.err)
        self.checks.equal("it reads no row", harness.statistics(again.err)["rows_read"], 0)
        self.bench.write("input.csv", HEADER + rows(0, 50))
        grown = self.run(path, *state)
        self.checks.equal("a grown input goes on", grown.code, 0)
        self.result("windows printed while open are printed again", [first.out, grown.out],
                    HEADER + rows(0, 50))

    def last_line(self):
        whole = HEADER + rows(0, 20)
        path, state = self.bench.write("input.csv", whole[:-1]), self.state()
        first = self.run(path, *state)
        self.checks.equal("a last line without a line end counts", first.code, 0)
        self.bench.write("input.csv", whole[:-1] + b"0\n")
        grown = self.run(path, *state)
        self.checks.that("when it has grown: exit 3, file and remedy", grown.code == 3
                         and re.search(r"input\.csv.*has grown since.*start over", grown.err),
                         grown)
        self.bench.write("input.csv", whole + rows(20, 40))
        rest = self.run(path, *state)
        self.checks.equal("when it only got its line end: it goes on", rest.code, 0)
        self.result("to the result", [first.out, rest.out], HEADER + rows(0, 40))

    def changed(self):
        content = HEADER + rows(0, 400)
        path, state = self.bench.write("input.csv", content), self.state()
        first = self.run(path, *state)
        for claim, other, says in (
                ("another beginning", content.replace(b"key1", b"kez1", 1), "not the one"),
                ("another end", content[:-3] + b"7" + content[-2:], "not the one"),
                ("a shorter input", content[:-40], "shorter")):
            self.bench.write("input.csv", other)
            refused = self.run(path, *state)
            self.checks.that(f"{claim}: refused with 3, file and remedy", refused.code == 3
                             and re.search(rf"input\.csv.*{says}.*; give .* --state", refused.err)
                             and not refused.out, refused)
        self.bench.write("input.csv", content + rows(400, 410))
        rest = self.run(path, *state)
        self.result("the right input still goes on", [first.out, rest.out],
                    content + rows(400, 410))
        packed = self.bench.write("input.csv.gz", gzip.compress(content + rows(400, 420)))
        more = self.run(packed, *state)
        self.checks.equal("the same bytes in gzip go on, too", more.code, 0)
        self.result("to the result", [first.out, rest.out, more.out], content + rows(400, 420))

    def standard_input(self):
        state = self.state()
        first = self.run("-", *state, input=HEADER + rows(0, 20))
        replay = self.run("-", *state, "--stats", "json", input=HEADER + rows(0, 40))
        figures = harness.statistics(replay.err)
        self.checks.equal("a replayed standard input: only the rest is read",
                          (replay.code, figures["resumed_at_row"], figures["rows_read"]),
                          (0, 20, 20))
        fresh = self.run("-", *state, "--stdin", "new", "--stats", "json",
                         input=HEADER + rows(40, 60))
        figures = harness.statistics(fresh.err)
        self.checks.equal("--stdin new: all of it is new",
                          (fresh.code, figures["resumed_at_row"], figures["rows_read"],
                           figures["rows_in"]), (0, 40, 20, 60))
        self.result("all outputs are the result", [first.out, replay.out, fresh.out],
                    HEADER + rows(0, 60))
        short = self.run("-", *state, input=HEADER + rows(40, 41))
        self.checks.that("a replay that ends too early: exit 3, names --stdin new",
                         short.code == 3 and "--stdin new" in short.err, short)

    def other_flags(self):
        """What is no part of the topology may change between attempts."""
        path, state = self.bench.write("input.csv", HEADER + rows(0, 20)), self.state()
        first = self.run(path, *state, "--commit-interval", "3rows")
        self.bench.write("input.csv", HEADER + rows(0, 20) + b"x,y,z\n" + rows(20, 30))
        rest = self.run(path, *state, "--commit-interval", "1s", "--max-bad", "5", "--max-jump",
                        "2h", "--progress", "never")
        self.checks.equal("other flags may change", rest.code, 0)
        self.result("and the result does not", [first.out, rest.out], HEADER + rows(0, 30))


def main():
    options = harness.arguments("nouring")
    checks = harness.Checks("restart")
    with harness.Bench(options.lentic) as bench:
        restart = Restart(bench, checks)
        for part in (restart.signals, restart.signal_while_waiting, restart.idle_commit,
                     restart.empty_output, restart.complete, restart.last_line, restart.changed,
                     restart.standard_input, restart.other_flags):
            part()
    checks.end()


main()
