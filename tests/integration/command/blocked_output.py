#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""blocked_output.py LENTIC DATA NOURING: a reader that stops, is slow, or goes away.

A blocked standard output stops the input within two frames; a closed one keeps its rows in the
state."""

import fcntl
import os
import re
import signal
import subprocess
import time

import harness
from harness import HOUR

INTERVAL = 1000
PIPE_BYTES = 4096
F_SETPIPE_SZ = 1031


class Facts:
    def __init__(self, plain):
        rows = harness.flights(plain)
        self.lines = harness.expected(rows, HOUR, HOUR, 2 * HOUR).lines
        closed_by = harness.closing_rows(rows, HOUR, 2 * HOUR)
        printed = len(harness.FLIGHTS_HEADER) + 1
        by_row = sorted((closed_by.get(key[1], len(rows)), len(line) + 1)
                        for key, line in self.lines.items())
        for row, line_bytes in by_row:
            printed += line_bytes
            if printed > PIPE_BYTES:
                break
        # The first frame whose rows do not fit, and the one after it, may be durable.
        self.last_frame_row = ((row + INTERVAL - 1) // INTERVAL + 1) * INTERVAL


def small_pipe():
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, F_SETPIPE_SZ, PIPE_BYTES)
    return read_end, write_end


def start(bench, state, stdout):
    return bench.start("run", bench.plain, *harness.flights_options(), "--state",
                       bench.path(state), "--commit-interval", f"{INTERVAL}rows", "--log-commits",
                       stdin=subprocess.DEVNULL, stdout=stdout)


def activity(pid):
    """Grows while the process does anything: context switches and ticks of its threads."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as file:
            total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
        with open(f"/proc/{pid}/task/{task}/stat") as file:
            total += sum(int(each) for each in file.read().rsplit(")", 1)[1].split()[11:13])
    return total


def wait_until_still(process):
    """Until it has done nothing at all for a while. False when it never rests, or has ended."""
    still, before = 0, -1
    for _ in range(3000):
        if still == 40 or process.poll() is not None:
            break
        now = activity(process.pid)
        still = still + 1 if now == before else 0
        before = now
        time.sleep(0.02)
    return still == 40 and process.poll() is None


def read_all(fd, piece=65536):
    parts = []
    while part := os.read(fd, piece):
        parts.append(part)
    return b"".join(parts)


def golden(checks, claim, text):
    checks.equal(claim, harness.digest(harness.read_by_rule(text).values()), harness.GOLDEN_2H)


def blocked(bench, checks, facts, engine):
    read_end, write_end = small_pipe()
    process = start(bench, f"blocked-{engine}", write_end)
    os.close(write_end)
    lines = harness.Lines(process.stderr)
    lines.wait(lambda line: line.startswith("commit "))
    checks.that(f"{engine}: a blocked reader stops the command", wait_until_still(process))
    rows = [row for _, row in lines.commits()]
    checks.that(f"{engine}: at most two commits are told of beyond what the reader took",
                0 < max(rows, default=0) <= facts.last_frame_row,
                f"{max(rows, default=0)} > {facts.last_frame_row}")
    text = read_all(read_end, 1000).decode()
    os.close(read_end)
    checks.equal(f"{engine}: it goes on when the reader does", process.wait(), 0)
    golden(checks, f"{engine}: a slow reader gets the golden result", text)
    checks.equal(f"{engine}: nothing is printed twice",
                 (len(text.splitlines()), text.count(harness.FLIGHTS_HEADER)),
                 (len(facts.lines) + 1, 1))


def resume(bench, state):
    return bench.run("run", bench.plain, *harness.flights_options(), "--state", bench.path(state),
                     "--log-commits", stdin=subprocess.DEVNULL)


def killed_while_blocked(bench, checks, facts, engine):
    state = f"killed-{engine}"
    read_end, write_end = small_pipe()
    process = start(bench, state, write_end)
    os.close(write_end)
    wait_until_still(process)
    process.kill()
    process.wait()
    first = read_all(read_end).decode()
    os.close(read_end)
    rest = resume(bench, state)
    resumed = int(re.search(r"^resumed row (\d+)$", rest.err, re.M)[1])
    checks.that(f"{engine}: killed while blocked, it had committed two frames beyond at most",
                INTERVAL <= resumed <= facts.last_frame_row, (resumed, facts.last_frame_row))
    golden(checks, f"{engine}: what was read and the rest are the golden result",
           first + rest.out.decode())


def closed_from_the_start(bench, checks, engine):
    read_end, write_end = small_pipe()
    os.close(read_end)
    process = start(bench, f"closed-{engine}", write_end)
    os.close(write_end)
    _, err = process.communicate()
    checks.equal(f"{engine}: a closed standard output ends with 141", process.returncode, 141)
    checks.that(f"{engine}: it says so, and names the state",
                b"standard output is closed" in err and b"state" in err, err)
    rest = resume(bench, f"closed-{engine}")
    checks.equal(f"{engine}: the next attempt completes", rest.code, 0)
    golden(checks, f"{engine}: and prints everything", rest.out.decode())


def closed_midway(bench, checks):
    """The reader takes all there is, while the command is stopped, and then goes away."""
    read_end, write_end = small_pipe()
    process = start(bench, "midway", write_end)
    os.close(write_end)
    parts = []
    while sum(map(len, parts)) < 1_000_000:
        parts.append(os.read(read_end, 65536))
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    os.set_blocking(read_end, False)
    try:
        while part := os.read(read_end, 65536):
            parts.append(part)
    except BlockingIOError:
        pass
    os.close(read_end)
    process.send_signal(signal.SIGCONT)
    process.communicate()
    checks.equal("a reader that goes away midway ends it with 141", process.returncode, 141)
    rest = resume(bench, "midway")
    golden(checks, "what it read and the rest are the golden result",
           b"".join(parts).decode() + rest.out.decode())


def full_output(bench, checks):
    with open("/dev/full", "wb") as full:
        process = start(bench, "full", full)
    _, err = process.communicate()
    checks.equal("a full output device ends with 5", process.returncode, 5)
    checks.that("it names standard output and a remedy",
                b"standard output" in err and b"run the command again" in err, err)
    golden(checks, "the next attempt prints everything", resume(bench, "full").out.decode())


def main():
    options = harness.arguments("nouring")
    checks = harness.Checks("blocked output")
    with harness.Bench(options.lentic, options.data) as bench:
        facts = Facts(bench.plain)
        for engine, prefix in (("io_uring", []), ("threads", [options.nouring, "EPERM"])):
            bench.prefix = prefix
            blocked(bench, checks, facts, engine)
            killed_while_blocked(bench, checks, facts, engine)
            closed_from_the_start(bench, checks, engine)
        bench.prefix = []
        closed_midway(bench, checks)
        full_output(bench, checks)
    checks.end()


main()
