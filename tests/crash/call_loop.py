#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills `durable` in its k-th system call of a kind, again and again, on one directory.

strace delivers SIGKILL when the call is entered, so nothing of it has happened; kill_loop.py hits
moments, this hits places. Usage: call_loop.py [-n 50] [--seed 1] PROGRAM [OPTION...]
With `--engine threads` the calls are those of the files themselves, else also that of the ring.
"""
import argparse
import random
import shutil
import subprocess
import sys
import tempfile

from driven import BrokenPromise, Life

THREAD_CALLS = ["pwrite64", "fdatasync"] * 3 + [
                "fsync", "fallocate", "ftruncate", "unlinkat", "openat",
                "renameat,renameat2,rename", "mmap", "flock"]
RING_CALLS = ["io_uring_enter"] * 4 + ["mmap", "flock", "unlinkat", "openat", "munmap"]
# About so many of one kind has a life of 25 commits; strace counts for each thread.
CALLS_MAX = {"io_uring_enter": [30, 150, 260]}
CALLS_MAX_ELSE = [2, 6, 12]
COMMITS = "25"


def can_trace():
    probe = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=getppid:signal=SIGKILL",
             sys.executable, "-c", "import os; os.getppid()"]
    if shutil.which("strace") is None:
        return False
    return subprocess.run(probe, stderr=subprocess.DEVNULL).returncode == -9


def one_life(command, promised, at_most):
    """Answers what it acknowledged, or what was promised before when it did not get so far."""
    life = Life(command)
    try:
        if not life.read_line():
            return promised, at_most, False
        if not promised <= life.recovered <= at_most:
            raise BrokenPromise(f"{promised} to {at_most} may be there, {life.recovered} recovered")
        while life.read_line():
            pass
        killed = life.process.wait() != 0
        return life.acked, life.acked + 1, killed
    finally:
        life.kill()
        life.drain()


def run(options, directory):
    dice = random.Random(options.seed)
    threads = "threads" in options.options
    promised, at_most, kills, early = 0, 1, 0, 0
    program = [options.program, directory] + options.options + ["--commits", COMMITS]
    for _ in range(options.n):
        calls = dice.choice(THREAD_CALLS if threads else RING_CALLS)
        nth = dice.randint(1, dice.choice(CALLS_MAX.get(calls, CALLS_MAX_ELSE)))
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls, "-e",
                   f"inject={calls}:signal=SIGKILL:when={nth}"] + program
        before = promised, at_most
        promised, at_most, killed = one_life(command, promised, at_most)
        kills += killed
        early += (promised, at_most) == before and not killed
    last, at_most, killed = one_life(program, promised, at_most)
    if killed:
        raise BrokenPromise("the last life, which nobody kills, did not end well")
    print(f"{options.n} lives, {kills} killed after and {early} before they had recovered, "
          f"{last} commits, 0 lost")
    if kills < options.n // 12 or kills + early < options.n // 3:
        raise BrokenPromise("the kills hit too few lives")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("program")
    parser.add_argument("options", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not can_trace():
        print("SKIPPED: no strace that can trace")
        return 77
    directory = tempfile.mkdtemp(prefix="lentic-calls-")
    try:
        run(options, directory)
    except BrokenPromise as broken:
        print(f"seed {options.seed}: {broken}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
