#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""load.py LENTIC DATA NOURING: store load and store compact, and who may work beside whom.

What store dump prints loads into a state with the same digest, also when the load is killed and
begun again; a row that cannot be used is named by file and line; compact keeps all rows and takes
the journal away; each command that is refused names the state's path."""

import glob
import os
import pty
import re
import signal
import subprocess
import time

import harness

HOUR = harness.HOUR
RUN = ["--ts", "t", "--key", "k", "--window", "tumbling:1h", "--agg", "count,sum:v",
       "--retention", "20d", "--output", "csv", "--time-format", "ms", "--commit-interval",
       "20rows"]
READING = ["stat", "verify", "dump", "digest", "copy", "salvage"]
WRITING = ["load", "compact"]


def rows(count):
    return b"t,k,v\n" + b"".join(b"%d,k\xc3\xa9y%d,%d\n" % (i * HOUR // 3, i % 4, i * i)
                                 for i in range(count))


class Loads:
    def __init__(self, bench, checks):
        self.bench, self.checks = bench, checks
        self.state = bench.path("run.state")
        for count in range(60, 90):  # what is sealed before a close is not promised
            bench.run("run", bench.write("first.csv", rows(count)), *RUN, "--state", self.state)
            if glob.glob(self.state + "/*/*.run"):
                break

    def store(self, *args, **more):
        return self.bench.run("store", *args, **more)

    def digest(self, state):
        result = self.store("digest", state)
        return (result.code, sorted(result.out.decode().splitlines()))

    def dumps(self):
        wanted = self.digest(self.state)
        for kind in ("csv", "ndjson"):
            file = self.bench.write("dump." + kind, self.store("dump", self.state, "--output",
                                                               kind).out)
            state = self.bench.path("from-" + kind)
            result = self.store("load", state, file)
            self.checks.equal(f"{kind}: a dump loads", (result.code, result.err), (0, ""))
            self.checks.that("it says how many rows", re.fullmatch(
                rb"\d+ rows loaded in \d+ commits; commit \d+\n", result.out), result)
            self.checks.equal("and is the same rows", self.digest(state), wanted)
            again = self.bench.run("run", self.bench.path("first.csv"), *RUN, "--state", state)
            windows = self.bench.path("windows-" + kind)
            part = self.bench.write("windows." + kind, self.store(
                "dump", self.state, "--store", "windows", "--output", kind).out)
            self.checks.equal("the dump of its windows alone loads",
                              self.store("load", windows, part).code, 0)
            alone = self.bench.run("run", self.bench.path("first.csv"), *RUN, "--state", windows)
            self.checks.that("and no run goes on from that either", alone.code == 4
                             and "is not of lentic run" in alone.err, alone)
            self.checks.that("no run goes on from it", again.code == 4
                             and "count rows twice" in again.err, again)
        piped = self.store("load", self.bench.path("piped"), input=self.store("dump",
                                                                              self.state).out)
        self.checks.equal("from a pipe, too", (piped.code, self.digest(self.bench.path("piped"))),
                          (0, wanted))
        refused = self.store("load", self.state, self.bench.path("dump.csv"))
        self.checks.that("into the state of a run it does not", refused.code == 4
                         and "belongs to a run" in refused.err, refused)

    def plain(self):
        state = self.bench.path("plain")
        file = self.bench.write("plain.csv", 'value,key,segment\n"a,b",x,0\nc,"y\ny",7\n')
        none = self.store("load", state, file)
        self.checks.that("without a store: usage", none.code == 2 and "--store" in none.err, none)
        result = self.store("load", state, file, "--store", "kv")
        self.checks.equal("key and value as text", result.code, 0)
        file = self.bench.write("more.ndjson", '{"store":"kv","key":"x","value":12.50}\n\n'
                                '{"store":"other","key_hex":"00ff","value_hex":""}\n')
        self.checks.equal("and as JSON", self.store("load", state, file).code, 0)
        dump = self.store("dump", state).out.decode().splitlines()[1:]
        self.checks.equal("the last value counts", dump, [
            f"kv,0,{b'x'.hex()},,,{b'12.50'.hex()}", f"kv,7,{b'y'.hex()}0a79,,,{b'c'.hex()}",
            "other,0,00ff,,,"])

    def faults(self):
        def said(text, wanted, code=3, more=("--store", "kv"), name="bad.csv"):
            result = self.store("load", self.bench.path("bad"), self.bench.write(name, text), *more,
                                "--from-start")
            self.checks.that(wanted, result.code == code and wanted in result.err, result)
        said("key,value_hex\na,00\nb,0g\n", 'bad.csv:3:3: value_hex "0g": not an even number of')
        said("key,value_hex\na,000\n", "bad.csv:2:3: value_hex")
        said("key,value\na,b,c\n", "bad.csv:2:")
        said("key,value,segment\na,b,-1\n", 'bad.csv:2:5: segment "-1": not a whole number')
        said(f"key,value,segment\na,b,{2**64 - 1}\n", "bad.csv:2:5: segment")
        said("k,value\na,b\n", "no column key or key_hex (have: k, value)")
        said("key,v\na,b\n", "no column value or value_hex (have: key, v)")
        said("", "the first line must name the columns")
        said('{"key":"a","value":"b"}\n{"key":"a"}\n', "bad.ndjson:2:1: no value or value_hex",
             name="bad.ndjson")
        said('{"key":"a","value":"b"}\n{"key":"a",\n', "bad.ndjson:2:", name="bad.ndjson")
        said('{"key":["a"],"value":"b"}\n', "an object or an array", name="bad.ndjson")
        said("key,value\n" + "k" * 70000 + ",v\n", "bad.csv:2: ")
        state = self.bench.path("resumed")
        good = [b"%d,%d\n" % (i, i) for i in range(3000)]
        file = self.bench.write("fault.csv", b"key,value_hex\n" + b"".join(good[:2000]))
        bad = self.store("load", state, self.bench.write(
            "fault.csv", b"key,value\n" + b"".join(good[:2000]) + b"x\n"), "--store", "kv")
        self.checks.that("rows before a fault are loaded", bad.code == 3
                         and "fault.csv:2002:" in bad.err and "2000 rows before it" in bad.err, bad)
        file = self.bench.write("fault.csv", b"key,value\n" + b"".join(good))
        result = self.store("load", state, file, "--store", "kv")
        self.checks.that("and the corrected input goes on behind them", result.code == 0
                         and b"1000 rows loaded behind the first 2000" in result.out, result)
        self.checks.equal("with all rows", self.digest(state)[1][0].split(",")[:3], ["kv", "0",
                                                                                     "3000"])

    def killed(self):
        count = 60000
        text = b"key,value\n" + b"".join(b"key-%d,value %d\n" % (i * 7919 % count, i)
                                         for i in range(count))
        file = self.bench.write("large.csv", text)
        args = [file, "--store", "kv", "--commit-rows", "200"]
        whole = self.bench.path("whole")
        self.checks.equal("a load that nobody kills", self.store("load", whole, *args).code, 0)
        state = self.bench.path("killed")
        kills = resumed = 0
        for nth in range(12):
            process = self.bench.start("store", "load", state, *args)
            deadline = time.monotonic() + harness.GIVE_UP_S
            while process.poll() is None and time.monotonic() < deadline:
                if harness.folder_bytes(state) > 200000 * (nth + 1):
                    process.send_signal(signal.SIGKILL)
                    break
            out, _ = process.communicate(timeout=harness.GIVE_UP_S)
            kills += process.returncode == -signal.SIGKILL
            resumed += b"behind the first" in out
            if process.returncode == 0:
                break
        if process.returncode != 0:
            last = self.store("load", state, *args)
            resumed += b"behind the first" in last.out
            self.checks.equal("the last load ends", last.code, 0)
        self.checks.that("a load is killed and goes on", kills >= 1 and resumed == 1,
                         (kills, resumed))
        self.checks.equal(f"after {kills} kills the same rows", self.digest(state),
                          self.digest(whole))
        # Half of it has landed for certain: the load ends at a fault in the middle.
        half = self.bench.path("half")
        broken = self.bench.write("half.csv", text.replace(b"value 30000\n", b"value,30000\n"))
        self.checks.equal("half a load", self.store("load", half, broken, *args[1:]).code, 3)
        other = self.bench.write("other.csv", text.replace(b"key-0,", b"kez-0,"))
        result = self.store("load", half, other, *args[1:])
        self.checks.that("another input is refused", result.code == 2
                         and "--from-start" in result.err, result)
        result = self.store("load", half, other, *args[1:], "--from-start")
        self.checks.that("unless from its start", result.code == 0
                         and b"60000 rows loaded in" in result.out, result)

    def compact(self):
        state = self.bench.path("killed")
        before = self.digest(state)
        result = self.store("compact", state)
        found = re.fullmatch(rb"before (\d+) bytes: journal (\d+) in \d+ files, runs 0 in 0 files\n"
                             rb"after  (\d+) bytes: journal (\d+) in 1 files, runs (\d+) in 1 files"
                             rb"\n", result.out)
        self.checks.that("compact says the bytes before and after", result.code == 0 and found,
                         result)
        if found:
            figures = [int(each) for each in found.groups()]
            self.checks.that("fewer", figures[2] < figures[0] and figures[3] <= 20000, figures)
        self.checks.equal("and keeps the rows", self.digest(state), before)
        self.checks.equal("in a sound state", self.store("verify", state).code, 0)
        again = self.store("compact", state)
        self.checks.equal("again: nothing to do", (again.code, self.digest(state)), (0, before))
        copy = self.bench.path("run.copy")
        self.store("copy", self.state, copy)
        rows_before = self.digest(copy)
        self.checks.equal("of a run, too", (self.store("compact", copy).code, self.digest(copy)),
                          (0, rows_before))
        more = self.bench.run("run", self.bench.path("first.csv"), *RUN, "--state", copy)
        self.checks.that("which goes on", more.code == 0 and "complete" in more.err, more)

    def stat(self):
        result = self.store("stat", self.bench.path("whole"))
        lines = result.out.decode()
        self.checks.that("stat tells of any state", result.code == 0 and not result.err
                         and re.search(r"^store kv segment 0 +\d+ rows in the run, \d+ in the "
                                       r"journal$", lines, re.M)
                         and re.search(r"^fragmentation +\d+\.\d %$", lines, re.M), result)
        fresh = self.bench.path("fresh")
        environment = self.store("load", fresh, self.bench.write("none.csv", "key,value\n"),
                                 "--store", "kv")
        self.checks.that("also of one without rows", environment.code == 0
                         and self.store("stat", fresh).code == 0, environment)
        broken = self.bench.path("broken")
        self.store("copy", self.state, broken)
        self.store("compact", broken)
        for run in glob.glob(broken + "/run/*.run"):
            with open(run, "r+b") as file:
                file.seek(-10, 2)
                file.write(b"x")
        result = self.store("stat", broken)
        self.checks.that("also where the records of the run are damaged", result.code == 4
                         and b"its records cannot be read" in result.out
                         and b"quarantined" in result.out and "damaged" in result.err, result)
        result = self.store("stat", self.state)
        lines = result.out.decode()
        self.checks.that("stat tells runs, quarantined ones and the journal apart",
                         re.search(r"^runs +\d+ files, \d+ bytes$", lines, re.M)
                         and re.search(r"^quarantined +0 runs$", lines, re.M)
                         and re.search(r"^segment \d+ +\d+ rows in the run, \d+ in the journal",
                                       lines, re.M), result)
        copy = self.bench.path("lost.run")
        self.store("copy", self.state, copy)
        os.remove(sorted(glob.glob(copy + "/windows/*.run"))[0])
        result = self.store("stat", copy)
        self.checks.that("a run that is lost is counted", result.code == 0
                         and re.search(rb"^quarantined +1 runs$", result.out, re.M), result)
        flipped = self.bench.path("flipped")
        self.store("copy", self.state, flipped)
        run = sorted(glob.glob(flipped + "/windows/*.run"))[0]
        content = bytearray(open(run, "rb").read())
        content[100] ^= 1
        os.remove(run)  # a hard link
        with open(run, "wb") as file:
            file.write(content)
        for command in (["scan", flipped], ["get", flipped, "k\u00e9y0"]):
            result = self.bench.run(*command)
            self.checks.that(f"{command[0]} names the file of a damaged block", result.code == 4
                             and os.path.basename(run) in result.err, result)

    def refused(self, command, state):
        more = {"copy": [self.bench.path("copy.of")], "load": [self.bench.path("first.csv")]}
        return self.store(command, state, *more.get(command, []))

    def paths(self):
        nowhere = self.bench.path("nowhere")
        for command in [*READING, "compact"]:
            result = self.refused(command, nowhere)
            self.checks.that(f"{command} names a path that is not there", result.code in (4, 5)
                             and nowhere in result.err, result)
        result = self.store("load", self.bench.path("no/where"), self.bench.path("first.csv"))
        self.checks.that("load, too", result.code in (4, 5) and "no/where" in result.err, result)

    def beside(self):
        """The table of `lentic store --help`."""
        held = self.bench.path("held")
        writer = self.bench.start("run", "-", *RUN, "--log-commits", "--state", held,
                                  stdin=subprocess.PIPE)
        writer.stdin.write(rows(60))
        writer.stdin.flush()
        seen = harness.Lines(writer.stderr).wait(lambda line: line.startswith("commit "))
        self.checks.that("a run holds the state", seen is not None)
        for command in [*READING, *WRITING]:
            result = self.refused(command, held)
            self.checks.that(f"beside a writer: {command} is refused", result.code == 4
                             and held in result.err and str(writer.pid) in result.err, result)
        writer.stdin.close()
        writer.stdout.read()
        writer.wait()
        large = self.bench.path("whole")
        reader = self.bench.start("store", "dump", large)
        reader.stdout.read(10)
        for command in ["verify", "dump", "digest", "copy", "salvage"]:
            result = self.refused(command, large)
            self.checks.equal(f"beside a reader: {command} works", (result.code, result.err),
                              (0, ""))
        for command in WRITING:
            result = self.refused(command, large)
            self.checks.that(f"beside a reader: {command} is refused", result.code == 4
                             and large in result.err, result)
        result = self.bench.run("run", self.bench.path("first.csv"), *RUN, "--state", large)
        self.checks.equal("and so is run", result.code, 4)
        reader.kill()
        reader.communicate()

    def help(self):
        text = self.store("--help").out.decode()
        self.checks.that("the help has the table", "open to be written" in text, text)
        for command in [*READING, *WRITING]:
            text = self.store(command, "--help").out.decode()
            self.checks.equal(f"{command} --help: DIR is required once",
                              len(re.findall(r"(?:DIR|--state).*REQUIRED", text)), 1)

    def progress(self):
        """A line on a terminal, none without one; at the end it is gone."""
        front, back = pty.openpty()
        process = self.bench.start("store", "load", self.bench.path("shown"), "--store", "kv",
                                   stdin=subprocess.PIPE, stderr=back)
        os.close(back)
        process.stdin.write(b"key,value\n")
        text, deadline = b"", time.monotonic() + 60
        os.set_blocking(front, False)
        while b"load: " not in text and time.monotonic() < deadline:
            process.stdin.write(b"some key,some value\n" * 100)
            process.stdin.flush()
            time.sleep(0.02)  # paces the rows; nothing is measured
            try:
                text += os.read(front, 1000)
            except BlockingIOError:
                pass
        process.stdin.close()
        process.stdout.read()
        process.wait()
        self.checks.that("progress on a terminal", re.search(rb"load: [\d.]+k?B, [\d.]+k?B/s",
                                                             text), text)
        try:
            text += os.read(front, 1000)
        except (BlockingIOError, OSError):
            pass
        os.close(front)
        self.checks.that("which is gone at the end", text.endswith(b"\r\x1b[K"), text)


def main():
    options = harness.arguments("nouring")
    checks = harness.Checks("load")
    with harness.Bench(options.lentic) as bench:
        loads = Loads(bench, checks)
        for part in (loads.dumps, loads.plain, loads.faults, loads.killed, loads.compact,
                     loads.stat, loads.paths, loads.beside, loads.help, loads.progress):
            part()
    checks.end()


if __name__ == "__main__":
    main()
