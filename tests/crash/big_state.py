#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fills a large state, kills its writer with SIGKILL, and measures the open that follows.

Usage: big_state.py [--gb 1] [--kills 5] [--budget-ms 1000] [--directory D] BIG_STATE LENTIC
Each open is measured twice: with the files in the page cache, and with them dropped from it. The
rows are checked by number, and by store digest before and after the open. Exit status 1 when an
acknowledged commit is lost, a digest differs or an open takes longer than the budget.
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from driven import BrokenPromise

ROWS_PER_COMMIT = 256


def files_of(directory):
    return [os.path.join(path, name) for path, _, names in os.walk(directory) for name in names]


def drop_from_cache(directory):
    """Clean pages of these files alone; the rest of the machine keeps its own."""
    for path in files_of(directory):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def digest(lentic, directory):
    done = subprocess.run([lentic, "store", "digest", directory], capture_output=True, check=True)
    return sorted(done.stdout.splitlines())


def run_and_kill(program, directory, commits):
    """Answers how many rows were acknowledged."""
    process = subprocess.Popen([program, directory, "run"], stdout=subprocess.PIPE, text=True)
    acked = None
    while commits >= 0:
        line = process.stdout.readline()
        if not line.endswith("\n"):
            raise BrokenPromise(f"ended by itself: {process.wait()}")
        acked = int(line.split()[1])
        commits -= 1
    process.kill()
    for line in process.stdout:
        if line.endswith("\n"):
            acked = int(line.split()[1])
    process.wait()
    return acked


def opened(program, directory):
    done = subprocess.run([program, directory, "open"], capture_output=True, text=True)
    if done.returncode != 0:
        raise BrokenPromise(f"open: {done.stderr.strip()}")
    return json.loads(done.stdout)


def measure(options, directory, nth, commits):
    acked = run_and_kill(options.program, directory, commits)
    before = digest(options.lentic, directory)
    cold = nth % 2 == 0
    if cold:
        drop_from_cache(directory)
    figures = opened(options.program, directory)
    if not acked <= figures["rows"] <= acked + ROWS_PER_COMMIT:
        raise BrokenPromise(f"{acked} rows were acknowledged, {figures['rows']} recovered")
    if digest(options.lentic, directory) != before:
        raise BrokenPromise("the digest differs after the open")
    print(f"kill {nth} ({'cold' if cold else 'warm'}): open {figures['open_ms']:.0f} ms, "
          f"{figures['bytes_replayed'] / 1e6:.1f} MB in {figures['frames']} frames replayed, "
          f"{figures['runs']} runs of {figures['run_bytes'] / 1e9:.2f} GB, digest equal",
          flush=True)
    return figures["open_ms"]


def run(options, directory):
    started = time.monotonic()
    wanted = int(options.gb * 1e9)
    subprocess.run([options.program, directory, "fill", str(wanted)], check=True)
    took = time.monotonic() - started
    size = sum(os.path.getsize(path) for path in files_of(directory))
    print(f"filled: {size / 1e9:.2f} GB in {took:.0f} s, {size / 1e6 / took:.0f} MB/s", flush=True)
    dice = random.Random(options.seed)
    opens = [measure(options, directory, nth, dice.randint(5, 120))
             for nth in range(1, options.kills + 1)]
    print(f"{options.gb:g} GB, {options.kills} kills: 0 commits lost, slowest open "
          f"{max(opens):.0f} ms, budget {options.budget_ms} ms")
    if max(opens) > options.budget_ms:
        raise BrokenPromise("an open took longer than the budget")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gb", type=float, default=1)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget-ms", type=float, default=1000)
    parser.add_argument("--directory", help="where to make it; on a disk with 1.5 times its size")
    parser.add_argument("program")
    parser.add_argument("lentic")
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="lentic-big-", dir=options.directory)
    try:
        run(options, os.path.join(work, "state"))
    except BrokenPromise as broken:
        print(f"seed {options.seed}: {broken}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
