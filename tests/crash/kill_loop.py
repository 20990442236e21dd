#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills `durable` with SIGKILL at random moments, again and again, on one directory.

The next life is started right after the signal, before the dead one is reaped: it must get the lock
within its wait. Usage: kill_loop.py [-n 50] [--seed 1] PROGRAM [OPTION...]
"""
import argparse
import glob
import os
import random
import shutil
import sys
import tempfile
import time

from driven import BrokenPromise, Life, judge


def run(options, directory):
    dice = random.Random(options.seed)
    command = [options.program, directory] + options.options
    acks = kept = 0
    slowest = 0.0
    life = Life(command)
    try:
        life.wait_recovered()
        for _ in range(options.n):
            life.wait_acks(dice.randint(0, options.acks))
            time.sleep(dice.uniform(0, 0.003))
            life.kill()
            started = time.monotonic()
            following = Life(command)
            dead, life = life, following
            dead.drain()
            life.wait_recovered()
            slowest = max(slowest, time.monotonic() - started)
            judge(dead.acked, dead.acked + 1, life)
            acks += dead.acked - dead.recovered
            kept += life.recovered > dead.acked
    finally:
        life.kill()
        life.process.wait()
    print(f"{options.n} kills, {acks} acknowledged commits, 0 lost, {kept} kept that were not "
          f"acknowledged, slowest reopen {slowest * 1000:.0f} ms")
    if "--copies" in options.options:
        with open(directory + ".copies", encoding="ascii") as file:
            whole, unfinished = map(int, file.read().split())
        print(f"checkpoints: {whole} whole, {unfinished} unfinished")
        if not whole or not unfinished:
            raise BrokenPromise("the kills hit no checkpoint, or each of them")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--acks", type=int, default=40, help="at most so many before a kill")
    parser.add_argument("program")
    parser.add_argument("options", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="lentic-kill-")
    try:
        run(options, directory)
    except BrokenPromise as broken:
        print(f"seed {options.seed}: {broken}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        for copy in glob.glob(directory + ".copy-*"):
            shutil.rmtree(copy, ignore_errors=True)
        if os.path.exists(directory + ".copies"):
            os.remove(directory + ".copies")
    return 0


if __name__ == "__main__":
    sys.exit(main())
