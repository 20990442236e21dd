#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the power of a real file system under `durable`: a loop image, shut down by FS_IOC_SHUTDOWN
without a flush of its log, so that what was not synced is gone.

A kill cannot find a missing fdatasync, since the page cache outlives a process. A sync that
overlaps the shutdown may answer well and be lost all the same, which no power cut could show to
anybody: only acknowledgements read before the shutdown count as promises.

Needs root, a loop device and mkfs; prints "SKIPPED: reason" and exits with 77 where it has not.
Usage: power_cut.py --fs ext4|xfs [-n 15] PROGRAM [OPTION...]
"""
import argparse
import fcntl
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from driven import BrokenPromise, Life, judge

FS_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2
IMAGE_BYTES = 400 << 20  # XFS takes no less than 300 MiB


class Skip(Exception):
    pass


def tool(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        why = (done.stdout.strip() or "failed").splitlines()[-1]
        raise Skip(" ".join(command[:2]) + ": " + why)


class Disk:
    def __init__(self, work, kind):
        self.image = os.path.join(work, "image")
        self.path = os.path.join(work, "mounted")
        self.mounted = False
        os.mkdir(self.path)
        with open(self.image, "wb") as image:
            image.truncate(IMAGE_BYTES)
        tool("mkfs." + kind, "-q", self.image)

    def mount(self):
        tool("mount", "-o", "loop", self.image, self.path)
        self.mounted = True

    def unmount(self):
        """An io_uring closes its files some milliseconds after its process is gone: try again."""
        for _ in range(100):
            if not self.mounted:
                return
            done = subprocess.run(["umount", self.path], stderr=subprocess.PIPE, text=True)
            self.mounted = done.returncode != 0
            if self.mounted:
                time.sleep(0.05)
        raise RuntimeError(done.stderr.strip())

    def cut_power(self):
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(handle, FS_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        except OSError as error:
            raise Skip(f"FS_IOC_SHUTDOWN: {error.strerror}") from error
        finally:
            os.close(handle)


def run(options, disk):
    dice = random.Random(options.seed)
    command = [options.program, os.path.join(disk.path, "state")] + options.options
    promised = at_most = acks = kept = 0
    for _ in range(options.n):
        disk.mount()
        life = Life(command)
        try:
            life.wait_recovered()
            judge(promised, at_most, life)
            kept += life.recovered > promised
            life.wait_acks(dice.randint(0, options.acks))
            time.sleep(dice.uniform(0, 0.003))
            promised = life.acked
            disk.cut_power()
        finally:
            life.kill()
            life.drain()
        at_most = life.acked + 1
        acks += promised - life.recovered
        disk.unmount()
    print(f"{options.fs}: {options.n} power cuts, {acks} acknowledged commits, 0 lost, {kept} kept "
          "that were not seen acknowledged")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=15)
    parser.add_argument("--fs", choices=["ext4", "xfs"], required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--acks", type=int, default=40, help="at most so many before a cut")
    parser.add_argument("program")
    parser.add_argument("options", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="lentic-power-")
    disk = None
    try:
        if os.geteuid() != 0:
            raise Skip("needs root")
        if shutil.which("mkfs." + options.fs) is None:
            raise Skip(f"no mkfs.{options.fs}")
        disk = Disk(work, options.fs)
        run(options, disk)
    except Skip as reason:
        print(f"SKIPPED: {reason}")
        return 77
    except BrokenPromise as broken:
        print(f"seed {options.seed}: {broken}", file=sys.stderr)
        return 1
    finally:
        if disk:
            disk.unmount()
        shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
