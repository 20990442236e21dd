#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same state from two compilers and both I/O engines.

Usage: two_builds.py BUILD OTHER_BUILD DATA
1. On the simulated disk each operation and each byte follows from the seed: the traces of the
   example test_your_topology, which hash both, must be equal over the builds.
2. On a real disk the environment has a random number, so files differ; what they hold must not:
   dumps are compared byte by byte, digests, and after store compact the sizes of all runs. Each
   build with each engine verifies the states of all others, and goes on with a run that another
   one began.
"""
import glob
import gzip
import itertools
import os
import shutil
import subprocess
import sys
import tempfile

BUILDS, DATA = sys.argv[1:3], sys.argv[3]
OPTIONS = ["--ts", "scheduled", "--key", "origin", "--window", "tumbling:1h", "--grace", "2h",
           "--agg", "count,sum:delay,max:delay", "--commit-interval", "20000rows",
           "--progress", "never"]
failed = 0


def check(claim, holds, detail=""):
    global failed
    failed += not holds
    print(("ok      " if holds else "FAILED  ") + claim + ("" if holds else f"  [{detail}]"[:500]),
          flush=True)


class Writer:
    """A build with an engine."""

    def __init__(self, build, engine):
        self.lentic = os.path.join(build, "tools", "lentic")
        self.name = f"{os.path.basename(os.path.normpath(build))}, {engine}"
        self.engine = engine

    def run(self, *args):
        environment = dict(os.environ, LENTIC_IO=self.engine)
        return subprocess.run([self.lentic, *args], env=environment, capture_output=True)

    def fill(self, data, state):
        return self.run("run", data, *OPTIONS, "--state", state)


def traces(stories):
    results = []
    for build in BUILDS:
        program = os.path.join(build, "examples", "test_your_topology")
        done = subprocess.run([program, "--stories", str(stories)], capture_output=True, text=True)
        check(f"{build}: {done.stdout.strip()}", done.returncode == 0, done.stderr)
        results.append(done.stdout)
    check("both compilers: every operation and every byte equal", results[0] == results[1], results)


def run_sizes(state):
    """(store, segment) -> bytes; the generation counts the attempts."""
    found = {}
    for path in glob.glob(state + "/*/*.run"):
        segment = os.path.basename(path).rsplit("-", 1)[0]
        found[os.path.basename(os.path.dirname(path)), segment] = os.path.getsize(path)
    return found


def compare(writers, data, work):
    states = {}
    for writer in writers:
        states[writer] = os.path.join(work, writer.name.replace(", ", "-"))
        done = writer.fill(data, states[writer])
        check(f"{writer.name}: the run", done.returncode == 0, done.stderr)
    first = writers[0]
    dump = first.run("store", "dump", states[first]).stdout
    digest = sorted(first.run("store", "digest", states[first]).stdout.splitlines())
    for writer, reader in itertools.product(writers, writers):
        verified = reader.run("store", "verify", states[writer])
        same = (reader.run("store", "dump", states[writer]).stdout == dump and len(dump) > 1000
                and sorted(reader.run("store", "digest", states[writer]).stdout.splitlines())
                == digest)
        check(f"written by {writer.name}, read by {reader.name}: sound, the same rows",
              verified.returncode == 0 and same, verified)
    sizes = []
    for writer, other in zip(writers, reversed(writers)):
        done = other.run("store", "compact", states[writer])
        check(f"written by {writer.name}, compacted by {other.name}", done.returncode == 0, done)
        sizes.append(run_sizes(states[writer]))
    check(f"{len(sizes[0])} runs of {sum(sizes[0].values())} bytes, all sizes equal",
          len(sizes[0]) > 3 and all(each == sizes[0] for each in sizes), sizes)


def go_on(writers, data, work):
    """One begins with half of the input, another one ends it."""
    with open(data, "rb") as file:
        lines = file.readlines()
    half = os.path.join(work, "half.csv")
    with open(half, "wb") as file:
        file.writelines(lines[:len(lines) // 2])
    whole = os.path.join(work, "whole")
    writers[0].fill(data, whole)
    # The totals of a run count what was printed at the end of the first half, too: not compared.
    wanted = [line for line in writers[0].run("store", "dump", "--store", "windows", whole)
              .stdout.splitlines()]
    for nth, writer in enumerate(writers):
        other = writers[(nth + len(writers) // 2) % len(writers)]
        state = os.path.join(work, f"half-{nth}")
        begun, ended = writer.fill(half, state), other.fill(data, state)
        rows = other.run("store", "dump", "--store", "windows", state).stdout.splitlines()
        check(f"begun by {writer.name}, ended by {other.name}: the same windows",
              (begun.returncode, ended.returncode) == (0, 0) and rows == wanted, ended.stderr)


def main():
    traces(300)
    work = tempfile.mkdtemp(prefix="lentic-two-")
    try:
        data = os.path.join(work, "flights.csv")
        with gzip.open(DATA, "rb") as packed, open(data, "wb") as plain:
            plain.write(b"".join(itertools.islice(packed, 60001)))
        writers = [Writer(build, engine) for build in BUILDS for engine in ("io_uring", "threads")]
        probe = writers[0].run("store", "dump", os.path.join(work, "none"))
        if b"io_uring" in probe.stderr and b"not permitted" in probe.stderr:
            print("SKIPPED: io_uring is refused here: the engines are not compared")
            writers = [each for each in writers if each.engine == "threads"]
        compare(writers, data, work)
        go_on(writers, data, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
