#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bad_state.py LENTIC DATA NOURING: state directories that cannot be used, and full disks.

As root it mounts small and read-only file systems, in a mount namespace of its own."""

import ctypes
import os
import re
import signal
import subprocess

import harness

CLONE_NEWNS = 0x20000
SMALL = ["--ts", "t", "--key", "k", "--window", "tumbling:1h", "--output", "csv", "--time-format",
         "ms", "--agg"]


def own_mounts():
    """Why nothing can be mounted; None when all mounts are now private to this process."""
    if os.geteuid() != 0:
        return "needs root"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        return "unshare: " + os.strerror(ctypes.get_errno())
    done = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, text=True)
    return done.stderr.strip() or None if done.returncode else None


def mount(*args):
    subprocess.run(["mount", *args], check=True)


class BadState:
    def __init__(self, bench, checks):
        self.bench, self.checks = bench, checks
        rows = b"".join(b"%d,key%d,%d\n" % (i * 60_000, i % 40, i) for i in range(2000))
        self.input = bench.write("input.csv", b"t,k,v\n" + rows)

    def run(self, state, *more, agg="count,sum:v", **process):
        return self.bench.run("run", self.input, *SMALL, agg, "--state", self.bench.path(state),
                              *more, **process)

    def refused(self, claim, result, code, pattern):
        self.checks.that(f"{claim}: exit {code}, /{pattern}/",
                         result.code == code and re.search(pattern, result.err)
                         and not result.out, result)

    def topology(self):
        first = self.run("topology")
        for option, value, name in (("--grace", "1h", "--grace"), ("--retention", "9h", "--ret"),
                                    ("--key", "v", "--key"), ("--output", "ndjson", "--output"),
                                    ("--time-format", "rfc3339", "--time-format"),
                                    ("--window", "tumbling:2h", "--window"), ("--ts", "v", "--ts")):
            args = [*SMALL, "count,sum:v"]
            if option in args:
                args[args.index(option) + 1] = value
            else:
                args += [option, value]
            result = self.bench.run("run", self.input, *args, "--state",
                                    self.bench.path("topology"))
            self.refused(f"another {option}", result, 4,
                         rf"topology.*{name}.* is .* in the state, now .*another --state")
        self.refused("other aggregates", self.run("topology", agg="count"), 4,
                     r"another topology: --agg is count,sum:v in the state, now count")
        again = self.run("topology")
        self.checks.equal("the state is as it was: complete", (again.code, again.out), (0, b""))
        self.checks.that("the first run printed all", first.out.count(b"\n") > 1000)

    def in_use(self):
        state = self.bench.path("used")
        first = self.bench.start("run", "-", *SMALL, "count", "--state", state, "--log-commits",
                                 stdin=subprocess.PIPE)
        first.stdin.write(b"t,k\n1,a\n")
        first.stdin.flush()
        harness.Lines(first.stderr).wait(lambda line: line.startswith("resumed row"))
        second = self.bench.run("run", self.input, *SMALL, "count", "--state", state)
        self.refused("a directory in use", second, 4,
                     r"used.*in use by another process.*stop the other process")
        first.stdin.close()
        self.checks.equal("the first process goes on", (first.wait(), first.stdout.read()),
                          (0, b"k,window_start,window_end,count\na,0,3600000,1\n"))

    def no_state(self):
        os.mkdir(self.bench.path("photos"))
        self.bench.write("photos/a.jpg", "not ours")
        self.refused("a directory with other files", self.run("photos"), 4,
                     "photos.*give the directory of an earlier run .to lentic run also an")
        self.checks.equal("it is left alone", os.listdir(self.bench.path("photos")), ["a.jpg"])
        self.bench.write("a-file", "not ours")
        result = self.run("a-file")
        self.checks.that("a file as --state: exit 4 or 5, named",
                         result.code in (4, 5) and "a-file" in result.err, result)
        for command in (["get", "--state", self.bench.path("absent"), "--key", "a"],
                        ["scan", "--state", self.bench.path("absent")],
                        ["store", "stat", "--state", self.bench.path("absent")]):
            result = self.bench.run(*command)
            self.checks.that(f"{command[0]} of a missing directory: exit 4 or 5, named, not made",
                             result.code in (4, 5) and "absent" in result.err
                             and not os.path.exists(self.bench.path("absent")), result)

    def damaged(self):
        """A frame in the middle of a killed process's journal."""
        state = self.bench.path("damaged")
        process = self.bench.start("run", "-", *SMALL, "count,sum:v", "--state", state,
                                   "--commit-interval", "100rows", "--log-commits",
                                   stdin=subprocess.PIPE)
        lines = harness.Lines(process.stderr)
        with open(self.input, "rb") as file:
            process.stdin.write(file.read(30000))
        process.stdin.flush()
        lines.wait(lambda line: re.fullmatch(r"commit \d+ row 1500", line))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        journal = max((name for name in os.listdir(state) if name.startswith("journal")))
        with open(os.path.join(state, journal), "r+b") as file:
            file.seek(3 * 4096 + 100)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 0x40]))
        for command in (["run", self.input, *SMALL, "count,sum:v"], ["scan"], ["store", "stat"]):
            result = self.bench.run(*command, "--state", state)
            self.refused(f"a damaged journal: {command[0]}", result, 4,
                         r"journal-\d+\.log at \d+.*damaged.*restore the directory")

    def read_only(self, why_not):
        self.run("still")
        state = self.bench.path("still")
        if why_not:
            self.checks.skip("a read-only state directory", why_not)
            return
        mount("--bind", state, state)
        mount("-o", "remount,bind,ro", state)
        self.refused("a read-only state directory", self.run("still"), 5,
                     "still.*Read-only.*choose a directory that can be written")
        for command in (["get", "--key", "key7"], ["scan"], ["store", "stat"]):
            result = self.bench.run(*command, "--state", state)
            self.checks.that(f"{command[0]} reads a read-only one", result.code == 0 and result.out,
                             result)


class FullDisk:
    def __init__(self, bench, checks):
        self.bench, self.checks = bench, checks
        self.mounted = bench.path("disk")
        os.mkdir(self.mounted)

    def attempt(self, interval, out):
        with open(out, "ab") as file:
            return self.bench.run("run", self.bench.plain, *harness.flights_options(), "--state",
                                  os.path.join(self.mounted, "state"), "--commit-interval",
                                  interval, "--log-commits", stdout=file,
                                  stdin=subprocess.DEVNULL)

    def fill(self, interval, ballast_kib):
        """Runs on a file system of 8 MB until it is full, makes it larger, runs again."""
        claim = f"a full disk, commit {interval}, {ballast_kib} KiB of other files"
        out = self.bench.path("full.csv")
        mount("-t", "tmpfs", "-o", "size=8m", "tmpfs", self.mounted)
        with open(os.path.join(self.mounted, "ballast"), "wb") as file:
            file.write(bytes(ballast_kib * 1024))
        first = self.attempt(interval, out)
        commits = len(re.findall(r"^commit \d+ row", first.err, re.M))
        self.checks.that(f"{claim}: exit 5 and a remedy after >= 3 commits", first.code == 5
                         and commits >= 3 and "No space left" in first.err
                         and "free some space and run the command again" in first.err,
                         (first.code, commits, first.err[-300:]))
        again = self.attempt(interval, out)
        self.checks.that(f"{claim}: while it is full, the same", again.code == 5
                         and "No space left" in again.err, (again.code, again.err[-300:]))
        os.remove(os.path.join(self.mounted, "ballast"))
        mount("-o", "remount,size=200m", self.mounted)
        rest = self.attempt(interval, out)
        with open(out) as file:
            found = harness.read_by_rule(file.read())
        self.checks.equal(f"{claim}: with space it goes on to the golden result",
                          (rest.code, harness.digest(found.values())), (0, harness.GOLDEN_2H))
        subprocess.run(["umount", self.mounted], check=True)
        os.remove(out)


def main():
    options = harness.arguments("nouring")
    checks = harness.Checks("bad state")
    why_not = own_mounts()
    with harness.Bench(options.lentic, options.data) as bench:
        state = BadState(bench, checks)
        state.topology()
        state.in_use()
        state.no_state()
        state.damaged()
        state.read_only(why_not)
        if why_not:
            checks.skip("a full disk", why_not)
        else:
            disk = FullDisk(bench, checks)
            plans = (("1000rows", 5600), ("100rows", 3000), ("5000rows", 6100))
            for interval, ballast_kib in plans:
                disk.fill(interval, ballast_kib)
            bench.prefix = [options.nouring, "EPERM"]
            disk.fill("1000rows", 5000)
        if not why_not:
            subprocess.run(["umount", bench.path("still")], check=True)
    checks.end()


main()
