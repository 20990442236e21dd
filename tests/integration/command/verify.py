#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""verify.py LENTIC DATA NOURING: store verify and store dump.

Bytes of a small state that mean something are flipped: verify names the file and exits with 4, or
nothing that can be read has changed. Of the first frame, the first run and the manifest all are
tried, of the others a sample; with LENTIC_EVERY_BYTE=1 all of them."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess

import harness

HOUR = harness.HOUR
OPTIONS = ["--ts", "t", "--key", "k", "--window", "tumbling:1h", "--agg", "count,sum:v",
           "--retention", "2d", "--output", "csv", "--time-format", "ms"]
FRAME = 4096
EVERY_BYTE = "LENTIC_EVERY_BYTE" in os.environ


def rows(count):
    return b"t,k,v\n" + b"".join(b"%d,key%d,%d\n" % (i * HOUR // 3, i % 4, i * i)
                                 for i in range(count))


def files_of(folder):
    return sorted(os.path.relpath(os.path.join(path, name), folder)
                  for path, _, names in os.walk(folder) for name in names)


def content(path):
    with open(path, "rb") as file:
        return file.read()


class Verify:
    def __init__(self, bench, checks):
        self.bench, self.checks = bench, checks
        self.state = bench.path("state")
        self.count = 60
        while self.make() and self.count < 80:  # what is sealed before a close is not promised
            self.count += 1

    def make(self):
        """Runs over `count` rows; whether the state has no run yet."""
        path = self.bench.write("input.csv", rows(self.count))
        self.bench.run("run", path, *OPTIONS, "--commit-interval", "10rows", "--state", self.state)
        return not any(name.endswith(".run") for name in files_of(self.state))

    def verify(self, state=None):
        return self.bench.run("store", "verify", state or self.state)

    def dump(self, *more, state=None):
        return self.bench.run("store", "dump", state or self.state, "--time-format", "ms", *more)

    def sound(self):
        before = {name: content(os.path.join(self.state, name)) for name in files_of(self.state)}
        result = self.verify()
        text = result.out.decode()
        self.checks.that("a sound state: exit 0, a line a store, a verdict", result.code == 0
                         and not result.err and re.search(
                             r"^journal: 1 files, \d+ frames, \d+ bytes read, up to commit \d+\n"
                             r"store run: 1 segments, 3 rows, \d+ bytes\n"
                             r"store task: 1 segments, 2 rows, \d+ bytes\n"
                             rf"store windows: \d+ segments, {self.count} rows, \d+ bytes\n"
                             rf"sound: commit \d+, 3 stores, \d+ segments, {self.count + 5} rows, "
                             r"\d+ bytes\n$", text), result)
        after = {name: content(os.path.join(self.state, name)) for name in files_of(self.state)}
        self.checks.that("it changes no file", before == after)
        self.checks.that("the state has runs, so that they are verified",
                         any(name.endswith(".run") for name in before), list(before))

    def dumps(self):
        """The rows of dump are those of scan."""
        result = self.dump("--store", "windows")
        found = []
        for row in csv.DictReader(io.StringIO(result.out.decode())):
            value = bytes.fromhex(row["value_hex"])
            count, total = (int.from_bytes(value[i:i + 8], "big") for i in (8, 16))
            start = int(row["window_start"])
            key = bytes.fromhex(row["key_hex"])
            good = key == row["key"].encode() + start.to_bytes(8, "big") + bytes(4)
            found.append(f"{row['key']},{start},{start + HOUR},{count},{total}" if good else row)
        scanned = self.bench.run("scan", self.state, "--output", "csv", "--time-format", "ms")
        wanted = scanned.out.decode().splitlines()[1:]
        self.checks.equal("dump round-trips against scan", (len(found), sorted(found)),
                          (self.count, sorted(wanted)))
        some = self.bench.run("get", self.state, "key1", "--output", "csv", "--time-format", "ms")
        self.checks.equal("and against get", sorted(row for row in found
                                                    if row.startswith("key1,")),
                          sorted(some.out.decode().splitlines()[1:]))
        as_json = [json.loads(line) for line in
                   self.dump("--output", "ndjson").out.decode().splitlines()]
        as_csv = list(csv.DictReader(io.StringIO(self.dump().out.decode())))
        self.checks.that("ndjson and csv hold the same rows in the same order",
                         len(as_csv) == self.count + 5
                         and [{**dict.fromkeys(("key", "window_start"), ""),
                               **{name: str(value) for name, value in row.items()}}
                              for row in as_json] == as_csv, as_json[:2])
        order = [(row["store"], int(row["segment"]), row["key_hex"]) for row in as_csv]
        self.checks.that("by store, segment and key", order == sorted(order))
        for limit in (0, 1, 5, 7, 1000):
            lines = self.dump("--limit", str(limit)).out.splitlines()
            self.checks.equal(f"--limit {limit}", len(lines), 1 + min(limit, self.count + 5))
        wrong = self.dump("--store", "window")
        self.checks.that("a store that is not there: exit 2, named, with the nearest",
                         wrong.code == 2 and '(have: run, task, windows); did you mean "windows"?'
                         in wrong.err, wrong)

    def closed_output(self):
        path = self.bench.write("many.csv", b"t,k,v\n" + b"".join(
            b"%d,key%d,1\n" % (i, i) for i in range(20000)))
        state = self.bench.path("many")
        self.bench.run("run", path, *OPTIONS, "--state", state)
        for command in ("verify", "dump"):
            read_end, write_end = os.pipe()
            os.close(read_end)
            process = self.bench.start("store", command, state, stdout=write_end)
            os.close(write_end)
            process.communicate()
            self.checks.equal(f"{command} with a closed standard output", process.returncode, 141)

    def meaning(self, name, raw):
        """Offsets to flip in a file: all that mean something, and some that do not."""
        if not name.startswith("journal-"):
            whole = EVERY_BYTE or not name.endswith(".run") or "/0-" in name
            return set(range(0, len(raw), 1 if whole else 11)), set()
        means, empty, at = set(), set(), 0
        while raw[at:at + 4] == b"LFRM":
            end = at + 64 + int.from_bytes(raw[at + 40:at + 48], "little")
            means.update(range(at, end, 1 if EVERY_BYTE or at == 0 else 23))
            at += -(-(end - at) // FRAME) * FRAME
            empty.update((end, (end + at) // 2, at - 1))
        return means, empty | {at, at + 100, len(raw) - 1}

    def flips(self):
        """One byte after the other of the closed state."""
        whole = self.dump().out
        for name in files_of(self.state):
            path = os.path.join(self.state, name)
            raw = content(path)
            means, empty = self.meaning(name, raw)
            unseen, wrong = [], []
            for at in sorted(means | empty):
                with open(path, "r+b") as file:
                    file.seek(at)
                    file.write(bytes([raw[at] ^ (1 << at % 8)]))
                result = self.verify()
                if result.code == 4 and os.path.basename(name).encode() in result.out:
                    wrong += [at] if at in empty else []
                elif result.code == 0 and at in empty:
                    unseen += [at] if self.dump().out != whole else []
                else:
                    unseen.append((at, result))
                with open(path, "r+b") as file:
                    file.seek(at)
                    file.write(raw[at:at + 1])
            self.checks.equal(f"{name}: {len(means)} flipped bytes are named, each with the file",
                              unseen, [])
            self.checks.equal(f"{name}: {len(empty)} flipped bytes between and behind the frames "
                              "change nothing", wrong, [])
        self.checks.equal("the state is as it was", (self.verify().code, self.dump().out),
                          (0, whole))

    def cut_files(self):
        """Files that are missing or too short."""
        for name in files_of(self.state):
            if name == "LOCK":
                continue
            path = os.path.join(self.state, name)
            raw = content(path)
            for length in (None, 0, len(raw) // 2) if name.endswith(".run") else (0, 20):
                os.remove(path)
                if length is not None:
                    self.bench.write(path, raw[:length])
                result = self.verify()
                self.checks.that(f"{name} cut to {length}: exit 4, named", result.code == 4
                                 and os.path.basename(name) in result.out.decode()
                                 and "restore it from a copy" in result.err, result)
                if name.endswith(".run"):
                    self.goes_on(f"{name} cut to {length}", name)
                self.bench.write(path, raw)
        self.checks.equal("the state is as it was", self.verify().code, 0)

    def goes_on(self, what, name):
        """The other stores are dumped when the file of one is not there."""
        result = self.dump()
        stores = {row["store"] for row in csv.DictReader(io.StringIO(result.out.decode()))}
        wanted = {"run", "task", "windows"} - {name.split("/")[0]}
        self.checks.that(f"{what}: dump shows the other stores and ends with 4",
                         result.code == 4 and wanted <= stores
                         and "parts of " in result.err, (result.err, stores))

    def block(self):
        """A damaged block in the middle of a large run: the keys on both sides of it are named, and
        all other rows are read."""
        state, runs = self.bench.path("large"), []
        for more in range(1, 20):  # what is sealed before a close is not promised
            path = self.bench.write("large.csv", b"t,k,v\n" + b"".join(
                b"%d,key%05d,1\n" % (i, i % 3000) for i in range(3000))
                + b"172000000,z,1\n" * more)
            self.bench.run("run", path, *OPTIONS, "--commit-interval", "1000rows", "--state", state)
            runs = [name for name in files_of(state) if name.startswith("windows/0-")]
            if runs:
                break
        if not self.checks.that("a large run is written", runs, files_of(state)):
            return
        run = runs[0]
        with open(os.path.join(state, run), "r+b") as file:
            file.seek(60_000)
            byte = file.read(1)
            file.seek(60_000)
            file.write(bytes([byte[0] ^ 1]))
        result = self.verify(state)
        found = re.search(r'block (\d+) at (\d+), from key [0-9a-f]+ \(hex\), below key [0-9a-f]+ '
                          r'\(hex\); store windows, segment 0, windows that start '
                          r'from 1970-01-01T00:00:00Z to \S+, '
                          r'keys after "key(\d+)" at \S+ and before '
                          r'"key(\d+)" at 1970-01-01T00:00:00Z\n', result.out.decode())
        self.checks.that("a damaged block: file, offset, store, segment, windows and keys",
                         result.code == 4 and found and run in result.out.decode(), result)
        if not found:
            return
        block, offset, after, before = map(int, found.groups())
        self.checks.that("the offset is that of the block, and the keys lie around it",
                         offset <= 60_000 < offset + 8192 and block > 5
                         and 0 < before - after < 200, found.groups())
        self.checks.that("all rows outside it are read",
                         f"{3001 - (before - after - 1)} rows, " in result.out.decode(), result.out)
        first = self.dump(state=state)
        self.checks.that("dump prints what precedes it, and ends with 4", first.code == 4
                         and f"key{after:05}".encode() in first.out and "block" in first.err,
                         first.err)
        self.checks.that("and what lies behind it", f"key{before:05}".encode() in first.out)
        self.several_blocks(state, run, result.out.decode())

    def several_blocks(self, state, run, once):
        """Each damaged block is told, and what can be read is saved by dump and load."""
        with open(os.path.join(state, run), "r+b") as file:
            for at in (10_000, 14_200, 40_000):
                file.seek(at)
                byte = file.read(1)
                file.seek(at)
                file.write(bytes([byte[0] ^ 1]))
        result = self.verify(state)
        text = result.out.decode()
        self.checks.that("four damaged blocks are told", result.code == 4
                         and text.count("\ndamaged: ") == 4 and "damaged, 4 found" in text, text)
        count = int(re.search(r"store windows: \d+ segments, (\d+) rows", text).group(1))
        whole = int(re.search(r"store windows: \d+ segments, (\d+) rows", once).group(1))
        self.checks.that("and cost their rows alone", whole - 600 < count < whole, (count, whole))
        dump = self.dump("--store", "windows", state=state)
        left = self.bench.write("left.csv", dump.out)
        saved = self.bench.path("saved")
        loaded = self.bench.run("store", "load", saved, left)
        again = self.dump(state=saved)
        self.checks.that("dump and load save what is left", dump.code == 4 and loaded.code == 0
                         and dump.out.count(b"\n") == count + 1
                         and self.bench.run("store", "verify", saved).code == 0
                         and [line.split(b",")[2] for line in again.out.splitlines()]
                         == [line.split(b",")[2] for line in dump.out.splitlines()], loaded)

    def killed(self):
        """After SIGKILL all is sound; a last frame that cannot be read is told as a cut."""
        state = self.bench.path("killed")
        process = self.bench.start("run", "-", *OPTIONS, "--state", state, "--commit-interval",
                                   "10rows", "--log-commits", stdin=subprocess.PIPE)
        lines = harness.Lines(process.stderr)
        process.stdin.write(rows(40))
        process.stdin.flush()
        lines.wait(lambda line: line.endswith(" row 40"))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        result = self.verify(state)
        self.checks.that("after a kill: sound", result.code == 0
                         and b"\nsound: " in result.out and b"note" not in result.out, result)
        journal = os.path.join(state, "journal-1.log")
        raw = content(journal)
        last = max(at for at in range(0, len(raw), FRAME) if raw[at:at + 4] == b"LFRM")
        with open(journal, "r+b") as file:
            file.seek(last + 70)
            file.write(bytes([raw[last + 70] ^ 1]))
        result = self.verify(state)
        self.checks.that("its last frame flipped: told as a cut, not as damage", result.code == 0
                         and b"note: behind it are" in result.out, result)
        again = self.bench.run("run", "-", *OPTIONS, "--state", state, input=rows(60))
        self.checks.equal("and the next run goes on", (again.code, self.verify(state).code), (0, 0))

    def refused(self):
        result = self.verify(self.bench.path("absent"))
        self.checks.that("no state: exit 4 or 5, nothing on stdout, nothing made",
                         result.code in (4, 5) and not result.out
                         and not os.path.exists(self.bench.path("absent")), result)
        process = self.bench.start("run", "-", *OPTIONS, "--state", self.bench.path("busy"),
                                   "--log-commits", stdin=subprocess.PIPE)
        lines = harness.Lines(process.stderr)
        process.stdin.write(rows(1))
        process.stdin.flush()
        lines.wait(lambda line: line.startswith("resumed row"))
        result = self.verify(self.bench.path("busy"))
        self.checks.that("a state in use: exit 4, says so",
                         result.code == 4 and "stop the other process" in result.err, result)
        process.stdin.close()
        process.wait()
        shutil.copytree(self.state, self.bench.path("copy"))
        result = self.verify(self.bench.path("copy"))
        self.checks.equal("a copy of a state is as sound", result.code, 0)


def main():
    options = harness.arguments("nouring")
    checks = harness.Checks("verify")
    with harness.Bench(options.lentic) as bench:
        verify = Verify(bench, checks)
        for part in (verify.sound, verify.dumps, verify.closed_output, verify.flips,
                     verify.cut_files, verify.block, verify.killed, verify.refused):
            part()
    checks.end()


main()
