#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""copies.py LENTIC DATA NOURING: store copy, store salvage and store digest.

A copy holds the same rows, is sound, and the run goes on in it. Of a state whose journal is damaged
salvage names the commits that are lost and writes a state in which the run goes on to the same
result. Digests are those of an independent computation over store dump. No command changes what it
reads."""

import collections
import csv
import ctypes
import hashlib
import io
import os
import re
import shutil
import subprocess

import harness

HOUR = harness.HOUR
OPTIONS = ["--ts", "t", "--key", "k", "--window", "tumbling:1h", "--agg", "count,sum:v",
           "--retention", "2d", "--output", "csv", "--time-format", "ms"]
HEADER = "k,window_start,window_end,count,sum:v"
FRAME = 4096


def rows(count):
    return b"t,k,v\n" + b"".join(b"%d,key%d,%d\n" % (i * HOUR // 3, i % 4, i * i)
                                 for i in range(count))


def image_of(folder):
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                found[os.path.relpath(os.path.join(path, name), folder)] = file.read()
    return found


def xxh3():
    """XXH3, 64 bits, of bytes with a seed, from the shared library; None where there is none."""
    try:
        function = ctypes.CDLL("libxxhash.so.0").XXH3_64bits_withSeed
    except (OSError, AttributeError):
        return None
    function.restype = ctypes.c_uint64
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    return lambda raw, seed: function(raw, len(raw), seed % 2**64)


def plain_part(hashed):
    def part(segment, key, value):
        seed = hashed(int(segment).to_bytes(8, "little"), 0x6c656e7469632e31)
        return hashed(key + value, seed + len(key) * 0x9e3779b97f4a7c15)
    return part


def keyed_part(secret):
    def part(_, key, value):
        message = (len(secret).to_bytes(8, "little") + len(key).to_bytes(8, "little") + secret + key
                   + value)
        return int.from_bytes(hashlib.sha256(message).digest()[:8], "little")
    return part


def digests(dump, part):
    """As docs/format.md describes them, from the rows of store dump."""
    sums, counts = collections.Counter(), collections.Counter()
    for row in csv.DictReader(io.StringIO(dump.decode())):
        key, value = bytes.fromhex(row["key_hex"]), bytes.fromhex(row["value_hex"])
        place = row["store"], row["segment"]
        sums[place] += part(row["segment"], key, value)
        counts[place] += 1
    return {(*place, str(counts[place]), f"{sums[place] % 2**64:016x}") for place in sums}


class Copies:
    def __init__(self, bench, checks):
        self.bench, self.checks = bench, checks
        self.state = bench.path("state")
        for count in range(60, 80):  # what is sealed before a close is not promised
            self.bench.run("run", self.bench.write("first.csv", rows(count)), *OPTIONS,
                           "--commit-interval", "10rows", "--state", self.state)
            if any(name.endswith(".run") for name in image_of(self.state)):
                break

    def store(self, *args):
        return self.bench.run("store", *args)

    def digest(self, state, *more):
        result = self.store("digest", state, *more)
        lines = result.out.decode().splitlines()
        self.checks.equal("store digest: a header, exit 0",
                          (result.code, lines[:1]), (0, ["store,segment,rows,digest"]))
        return {tuple(line.split(",")) for line in lines[1:]}

    def results(self, state, data):
        """What the run prints that goes on in `state`, by the reader's rule."""
        result = self.bench.run("run", data, *OPTIONS, "--state", state)
        self.checks.equal("the run goes on", (result.code, result.err), (0, ""))
        return harness.read_by_rule(result.out.decode(), HEADER)

    def copy(self):
        before = image_of(self.state)
        new = self.bench.path("copied")
        result = self.store("copy", self.state, new)
        self.checks.that("store copy says which commit", result.code == 0 and not result.err
                         and re.fullmatch(rb"commit \d+ copied to .*copied\n", result.out), result)
        self.checks.equal("the source is as it was", image_of(self.state), before)
        self.checks.equal("the copy is sound", self.store("verify", new).code, 0)
        self.checks.equal("the copy holds the same rows", self.digest(new), self.digest(self.state))
        runs = [name for name in before if name.endswith(".run")]
        self.checks.that("sealed rows are hard links", runs and all(
            os.path.samefile(os.path.join(self.state, name), os.path.join(new, name))
            for name in runs), runs)
        result = self.store("copy", self.state, new)
        self.checks.that("a directory that holds something is refused: exit 2",
                         result.code == 2 and "is not empty" in result.err, result)
        self.goes_on(new)

    def goes_on(self, new):
        other = self.bench.path("other")
        self.store("copy", self.state, other)
        more = self.bench.write("first.csv", rows(90))
        self.checks.equal("copies give equal results", self.results(new, more),
                          self.results(other, more))
        changed = self.digest(new)
        self.checks.that("rows that changed change the digest", changed != self.digest(self.state))
        self.checks.equal("and so do the same rows in another history", self.digest(other), changed)

    def sums(self):
        dump = self.store("dump", self.state).out
        hashed = xxh3()
        if hashed is None:
            print("copies: no libxxhash.so.0, so digests are compared with those of a scan alone")
        else:
            self.checks.equal("digests are what the page says", self.digest(self.state),
                              digests(dump, plain_part(hashed)))
        self.checks.equal("and those of a scan", self.digest(self.state, "--scan"),
                          self.digest(self.state))
        self.checks.equal("with a key, too", self.digest(self.state, "--hash-key", "secret"),
                          digests(dump, keyed_part(b"secret")))

    def salvage(self):
        result = self.store("salvage", self.state)
        self.checks.that("salvage of a sound state: exit 0, the journal is whole",
                         result.code == 0 and b"the journal is whole" in result.out, result)
        state, count = self.unsealed()
        path = os.path.join(state, "journal-1.log")
        with open(path, "r+b") as file:
            file.seek(3 * FRAME + 70)
            old = file.read(1)
            file.seek(3 * FRAME + 70)
            file.write(bytes([old[0] ^ 1]))
        before = image_of(state)
        self.checks.equal("a damaged journal is refused", self.store("verify", state).code, 4)
        result = self.store("salvage", state)
        text = result.out.decode()
        self.checks.that("salvage: exit 4, names bytes, commits, stores and keys",
                         result.code == 4 and "lost: commit" in text and "journal-1.log from 12288"
                         in text and "store windows, segment" in text and "keys hex 6b6579" in text
                         and "whole frames" in text, result)
        new = self.bench.path("saved")
        result = self.store("salvage", state, "--to", new)
        self.checks.that("--to writes what is left", result.code == 4
                         and b"written to " + new.encode() in result.out, result)
        self.checks.equal("the damaged state is as it was", image_of(state), before)
        self.checks.equal("what was written is sound", self.store("verify", new).code, 0)
        data = self.bench.write("again.csv", rows(count))
        undisturbed = self.bench.path("undisturbed")
        self.checks.equal("the run goes on to the result of an undisturbed one",
                          self.results(new, data), self.results(undisturbed, data))

    def mixture(self):
        """Sealed rows are newer than the journal can be read: good to read, not to go on from."""
        state, new = self.bench.path("mixed"), self.bench.path("mixed.new")
        shutil.copytree(self.state, state)
        journal = sorted(name for name in image_of(state) if name.startswith("journal-"))[0]
        with open(os.path.join(state, journal), "r+b") as file:
            file.seek(FRAME + 70)
            old = file.read(1)
            file.seek(FRAME + 70)
            file.write(bytes([old[0] ^ 1]))
        result = self.store("salvage", state, "--to", new)
        self.checks.that("salvage tells a mixture", result.code == 4 and b"sealed rows may be of "
                         b"commits up to" in result.out and b"cannot go on" in result.out, result)
        result = self.store("verify", new)
        said = b"note: this state was salvaged: it is of commit" in result.out
        self.checks.that("verify repeats it", said and result.code == 0, result)
        copied = self.bench.path("mixed.copy")
        self.checks.equal("it can be copied", self.store("copy", new, copied).code, 0)
        data = self.bench.write("again.csv", rows(79))
        for directory in (new, copied):
            result = self.bench.run("run", data, *OPTIONS, "--state", directory)
            self.checks.that("a run does not go on from it: exit 4, says why", result.code == 4
                             and "was salvaged" in result.err and "count rows twice" in result.err
                             and not result.out, result)

        self.killed_mixture(state)

    def killed_mixture(self, state):
        """Whenever a salvage is killed: there is no NEW without its mark."""
        made = kills = 0
        for nth in range(20):
            new = self.bench.path(f"mixed.kill{nth}")
            process = self.bench.start("store", "salvage", state, "--to", new)
            while process.poll() is None and not os.path.exists(new + ".unmarked"):
                pass
            for _ in range(nth * 500):
                if process.poll() is not None:
                    break
            process.kill()
            process.communicate()
            kills += process.returncode < 0
            if not os.path.exists(new):
                continue
            made += 1
            result = self.store("verify", new)
            if b"this state was salvaged" not in result.out:
                self.checks.that("a state that a killed salvage made is marked", False, result)
                return
        self.checks.that(f"{kills} of 20 salvages killed, {made} states made, each marked",
                         kills > 0)

    def unsealed(self):
        """A state of some commits without runs, all of it in one journal file."""
        state, count = self.bench.path("small"), 8
        data = self.bench.write("again.csv", rows(count))
        self.bench.run("run", data, *OPTIONS, "--commit-interval", "1rows", "--state",
                       state)
        return state, count

    def busy(self):
        state = self.bench.path("busy")
        process = self.bench.start("run", "-", *OPTIONS, "--state", state, "--log-commits",
                                   stdin=subprocess.PIPE)
        lines = harness.Lines(process.stderr)
        process.stdin.write(rows(1))
        process.stdin.flush()
        lines.wait(lambda line: line.startswith("resumed row"))
        for command in (["copy", state, self.bench.path("none")], ["salvage", state],
                        ["digest", state]):
            result = self.store(*command)
            self.checks.that(f"store {command[0]} of a state in use: exit 4, says so",
                             result.code == 4 and "stop the other process" in result.err, result)
        self.checks.that("and nothing is made", not os.path.exists(self.bench.path("none")))
        process.stdin.close()
        process.wait()


def main():
    options = harness.arguments("nouring")
    checks = harness.Checks("copies")
    with harness.Bench(options.lentic) as bench:
        copies = Copies(bench, checks)
        for part in (copies.sums, copies.copy, copies.salvage, copies.mixture, copies.busy):
            part()
    checks.end()


main()
