#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows a second of `lentic run` over the flights: plain and gzip, in memory and with --state.

Usage: run_flights.py [LENTIC] [--rounds N] [--directory DIR]
Each round runs every variant once, in turn, so that a disturbance of the machine meets all of
them; the table shows medians over the rounds. Two durations are given: wall, and CPU (user and
system time of the process and its threads), which other load on the machine disturbs less. The
state and the output go to DIR (default: where temporary files go) and are removed.
Each run must print the same windows, or there is no table.
"""
import argparse
import gzip
import hashlib
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
FLIGHTS = os.path.join(TREE, "examples", "data", "flights-2001q1.csv.gz")
QUERY = ["--ts", "scheduled", "--key", "origin", "--window", "tumbling:1h", "--grace", "2h",
         "--agg", "count,sum:delay,max:delay", "--emit", "close", "--output", "csv",
         "--progress", "never"]
ROWS = 231083
VARIANTS = (
    ("plain, in memory", "csv", None),
    ("gzip, in memory", "gz", None),
    ("plain, --state, commit every 1s", "csv", "1s"),
    ("gzip, --state, commit every 1s", "gz", "1s"),
    ("plain, --state, commit every 5000rows", "csv", "5000rows"),
    ("plain, --state, commit every 100rows", "csv", "100rows"),
)


def command_output(*words):
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def compiler_of(program):
    """What the compiler left in the program's .comment section: a GCC or clang version."""
    text = command_output("readelf", "-p", ".comment", program)
    names = [line.split("]", 1)[1].strip() for line in text.split("\n") if "]" in line]
    return next((name for name in names if "clang" in name), names[0] if names else "unknown")


def machine(lentic, directory):
    """Lines on what the figures depend on."""
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), platform.processor())
    filesystem = command_output("stat", "-f", "-c", "%T", directory).strip()
    return [
        f"machine   {os.cpu_count()} x {cpu}, Linux {platform.release()}",
        f"state on  {filesystem}",
        f"compiler  {compiler_of(lentic)}",
        f"load      {os.getloadavg()[0]:.1f} in the last minute, before the first run",
        f"date      {time.strftime('%Y-%m')}",
    ]


def digest(path):
    with open(path, "rb") as stream:
        lines = stream.read().splitlines(keepends=True)
    return hashlib.sha256(b"".join(sorted(set(lines)))).hexdigest()


def run_once(lentic, source, interval, work):
    """(wall seconds, CPU seconds, digest of the windows) of one run into fresh files."""
    state, output = os.path.join(work, "state"), os.path.join(work, "windows.csv")
    words = [lentic, "run", source, *QUERY]
    if interval:
        words += ["--state", state, "--commit-interval", interval]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    with open(output, "wb") as stream:
        subprocess.run(words, stdout=stream, check=True)
    wall = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = digest(output)
    shutil.rmtree(state, ignore_errors=True)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("lentic", nargs="?", default=os.path.join(TREE, "build/tools/lentic"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--directory")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as work:
        print("\n".join(machine(chosen.lentic, work)))
        plain = os.path.join(work, "flights.csv")
        with gzip.open(FLIGHTS) as packed, open(plain, "wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        sources = {"csv": plain, "gz": FLIGHTS}
        runs = {name: [] for name, _, _ in VARIANTS}
        digests = set()
        for _ in range(chosen.rounds):
            for name, form, interval in VARIANTS:
                wall, cpu, found = run_once(chosen.lentic, sources[form], interval, work)
                runs[name].append((wall, cpu))
                digests.add(found)
    if len(digests) != 1:
        sys.exit("run_flights: the runs printed different windows: no figures")
    print(f"\n{ROWS:,} rows, medians of {chosen.rounds} rounds\n")
    print(f"{'':<40} {'wall s':>7} {'rows/s':>10} {'CPU s':>7} {'rows/CPU s':>11}")
    for name, samples in runs.items():
        wall, cpu = (statistics.median(column) for column in zip(*samples))
        print(f"{name:<40} {wall:>7.3f} {ROWS / wall:>10,.0f} {cpu:>7.3f} {ROWS / cpu:>11,.0f}")


if __name__ == "__main__":
    main()
