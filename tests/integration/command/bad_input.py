#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bad_input.py LENTIC DATA NOURING: what the command says to input that is wrong, and what is kept.

Each bad file is run with a state, corrected, and run again: the result must be that of the
corrected file, read once."""

import gzip
import os
import re
import resource
import threading

import harness

HEADER = b"t,k,v\n"
COLUMNS = "k,window_start,window_end,count,sum:v,max:v"
GOOD = [b"1000,a,1\n", b"2000,b,-2\n", b"7200000,a,3\n", b"7300000,c,4\n"]
AFTER = [b"10900000,a,5\n", b"14500000,b,6\n"]
REMEDY = r"correct the row, or allow bad rows with --max-bad"

# name, bad row, column of the fault, reason, further options
BAD_ROWS = [
    ("unparsable time", b"yesterday,a,1\n", 1, "not a time .*want", []),
    ("time without zone", b"2001-01-31T14:05,a,1\n", 1, "without zone .*want", []),
    ("negative time", b"-5,a,1\n", 1, "before 1970", []),
    ("time before 1970", b"1969-12-31T23:59:59Z,a,1\n", 1, "before 1970", []),
    ("window past 9999", b"9999-12-31T23:30Z,a,1\n", 1, "after the year 9999", []),
    ("time of 30 digits", b"1" * 30 + b",a,1\n", 1, "", []),
    ("far-future time", b"2100-01-01T00:00Z,a,1\n", 1, "--max-jump", ["--max-jump", "1d"]),
    ("empty time", b",a,1\n", 1, "empty", []),
    ("empty key", b"7400000,,1\n", 9, "empty", []),
    ("empty value", b"7400000,a,\n", 11, "empty", []),
    ("not a number", b"7400000,a,many\n", 11, "not a", []),
    ("type change", b"7400000,a,1.5\n", 11, "not an integer", []),
    ("value beyond int64", b"7400000,a,9223372036854775808\n", 11, "", []),
    ("sum overflow", b"7400000,a,9223372036854775807\n", 11, "overflow", []),
    ("key with a line break", b'7400000,"a\nb",1\n', 9, "line break", []),
    ("invalid UTF-8", b"7400000,\xff,1\n", 9, "UTF-8", []),
    ("too few fields", b"7400000,a\n", 1, "number of fields", []),
    ("too many fields", b"7400000,a,1,1\n", 1, "number of fields", []),
    ("text after a quote", b'7400000,"a"b,1\n', 12, "after a closing quote", []),
    ("a row of 2 MiB", b"7400000," + b"x" * (2 << 20) + b",1\n", 1, "longer than 1 MiB", []),
]


def fill(path, content):
    with open(path, "wb") as pipe:
        pipe.write(content)


class Bad:
    def __init__(self, bench, checks):
        self.bench, self.checks, self.states = bench, checks, 0

    def options(self, *more):
        return ["--ts", "t", "--key", "k", "--window", "tumbling:1h", "--agg",
                "count,sum:v,max:v", "--output", "csv", "--time-format", "ms", *more]

    def run(self, path, *more, **process):
        return self.bench.run("run", path, *self.options(*more), **process)

    def state(self):
        self.states += 1
        return ["--state", self.bench.path(f"state-{self.states}")]

    def undisturbed(self, content):
        """The rows of a run over `content` in memory."""
        result = self.run(self.bench.write("undisturbed.csv", content))
        return harness.read_by_rule(result.out.decode(), COLUMNS)

    def mended(self, name, bad, good, code, patterns, *more, file="input.csv"):
        """`bad` ends with `code` and a message; `good` in its place with the right result."""
        path, state = self.bench.write(file, bad), self.state()
        first = self.run(path, *state, *more)
        self.checks.equal(f"{name}: exit code", first.code, code)
        for pattern in patterns:
            self.checks.that(f"{name}: says /{pattern[:70]}/", re.search(pattern, first.err),
                             first.err)
        self.bench.write(file, good)
        second = self.run(path, *state, *more)
        whole = harness.read_by_rule((first.out + second.out).decode(), COLUMNS)
        plain = gzip.decompress(good) if good[:2] == b"\x1f\x8b" else good
        self.checks.equal(f"{name}: corrected, it ends in the right result",
                          (second.code, whole), (0, self.undisturbed(plain)))
        return first

    def rows(self):
        good = HEADER + b"".join(GOOD + AFTER)
        for name, row, column, reason, more in BAD_ROWS:
            bad = HEADER + b"".join(GOOD) + row + b"".join(AFTER)
            line = 7 if b'"a\n' in row and column == 1 else 6
            place = re.escape(f"input.csv:{line}:{column}: ")
            self.mended(name, bad, good, 3, [place + ".*" + reason + ".*" + REMEDY], *more)
            path = self.bench.write("input.csv", bad)
            skipped = self.run(path, "--max-bad", "1", "--stats", "json", *more)
            figures = harness.statistics(skipped.err)
            self.checks.equal(
                f"{name}: skipped with --max-bad 1",
                (skipped.code, figures["rows_bad"], figures["rows_in"],
                 harness.read_by_rule(skipped.out.decode(), COLUMNS)),
                (0, 1, 6, self.undisturbed(good)))

    def far_future_accepted(self):
        """Without --max-jump such a row is good, and makes the others late."""
        path = self.bench.write("input.csv", HEADER + b"2100-01-01T00:00Z,a,1\n" + GOOD[0])
        result = self.run(path, "--stats", "json")
        figures = harness.statistics(result.err)
        self.checks.equal("far-future time without --max-jump: the rest is late",
                          (result.code, figures["late_dropped"], figures["rows_in"]), (0, 1, 2))

    def open_quote(self):
        bad = HEADER + b"".join(GOOD) + b'7400000,"a,1\n' + b"".join(AFTER)
        good = HEADER + b"".join(GOOD + AFTER)
        self.mended("open quote", bad, good, 3,
                    [r"input\.csv:6:9: a quote that is never closed.*" + REMEDY])

    def past_max_bad(self):
        """What precedes the row that is one too many is committed and printed."""
        rows = [GOOD[0], b"x,a,1\n", GOOD[2], b"y,a,1\n", GOOD[3]]
        path, state = self.bench.write("input.csv", HEADER + b"".join(rows)), self.state()
        first = self.run(path, *state, "--max-bad", "1", "--stats", "json")
        figures = harness.statistics(first.err)
        self.checks.equal("past --max-bad: exit 3, what precedes is counted",
                          (first.code, figures["rows_in"], figures["rows_bad"]), (3, 2, 1))
        self.checks.that("past --max-bad: both rows are reported",
                         "input.csv:3:1: " in first.err and "input.csv:5:1: " in first.err,
                         first.err)
        self.checks.that("past --max-bad: a window that was closed is printed",
                         b"a,0,3600000,1,1,1\n" in first.out, first.out)
        again = self.run(path, *state, "--max-bad", "1")
        self.checks.that("past --max-bad: it stops at the same row again",
                         again.code == 3 and "input.csv:5:1: " in again.err
                         and "input.csv:3:1: " not in again.err, again)
        more = self.run(path, *state, "--max-bad", "2", "--stats", "json")
        figures = harness.statistics(more.err)
        self.checks.equal("a larger --max-bad goes on",
                          (more.code, figures["rows_in"], figures["rows_bad"]), (0, 3, 2))

    def compressed(self):
        body = b"".join(b"%d,k%d,%d\n" % (1000 * i, i * 7919 % 1000, i) for i in range(60000))
        packed = gzip.compress(HEADER + body, mtime=0)
        cut = self.mended("truncated gzip", packed[:len(packed) // 2], packed, 3,
                          [r"f\.csv\.gz:\d+: the gzip stream ends too early.*run again"],
                          file="f.csv.gz")
        self.checks.that("truncated gzip: what precedes is printed", len(cut.out) > 10000)
        damaged = bytearray(packed)
        damaged[len(damaged) // 2] ^= 0xFF
        self.mended("corrupt gzip", bytes(damaged), packed, 3,
                    [r"f\.csv\.gz:\d+:.* (damaged|UTF-8|fields|time|number)"], file="f.csv.gz")
        checksum = bytearray(packed)
        checksum[-6] ^= 1
        self.mended("gzip with a wrong checksum", bytes(checksum), packed, 3,
                    [r"f\.csv\.gz:\d+: the gzip stream is damaged.*run again"], file="f.csv.gz")
        members = gzip.compress(HEADER + body[:1000], mtime=0) + gzip.compress(body[1000:], mtime=0)
        two = self.run(self.bench.write("two.csv.gz", members))
        self.checks.equal("two gzip members are one input",
                          harness.read_by_rule(two.out.decode(), COLUMNS),
                          self.undisturbed(HEADER + body))

    def huge_line(self):
        # Beyond what the program takes before it reads: over 100 MB with the address sanitizer,
        # which would also keep what was freed, 256 MB of it.
        os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=4")
        small = self.bench.write("small.csv", HEADER + GOOD[0])
        self.run(small)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        path = self.bench.write("huge.csv", HEADER + GOOD[0])
        with open(path, "r+b") as file:
            file.seek(100_000_000, os.SEEK_END)
            file.write(b"\n" + GOOD[1])
        result = self.run(path, *self.state())
        self.checks.that("a line of 100 MB: reported, exit 3",
                         result.code == 3 and re.search(r"huge\.csv:3:1: .*1 MiB", result.err),
                         result)
        skipped = self.run(path, "--max-bad", "1", "--stats", "json")
        self.checks.equal("a line of 100 MB: skipped", harness.statistics(skipped.err)["rows_in"],
                          2)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.checks.that("a line of 100 MB takes less than 50 MB of memory",
                         peak < before + 50_000, (before, peak))

    def pipes(self):
        """A pipe by name is read like one on standard input: from its first byte."""
        data = HEADER + b"".join(GOOD)
        for name, content in (("plain", data), ("gzip", gzip.compress(data, mtime=0))):
            fifo = self.bench.path("fifo." + name)
            os.mkfifo(fifo)
            writer = threading.Thread(target=fill, args=(fifo, content))
            writer.start()
            result = self.run(fifo)
            writer.join()
            self.checks.equal(f"a named pipe, {name}: all rows",
                              harness.read_by_rule(result.out.decode(), COLUMNS),
                              self.undisturbed(data))

    def empty_names(self):
        good = self.bench.write("input.csv", HEADER + GOOD[0])
        for result in (self.run(good, "--state", ""), self.bench.run("store", "verify", ""),
                       self.bench.run("store", "copy", self.state()[1], "")):
            self.checks.that("an empty name of a directory is refused, exit 2",
                             result.code == 2 and "is empty" in result.err, result)

    def files(self):
        good = HEADER + b"".join(GOOD)
        self.mended("empty file", b"", good, 3,
                    [r"input\.csv:.* empty: the first line must name the columns"])
        self.mended("blank lines only", b"\n\n", good, 3, [r"must name the columns"])
        self.mended("header only", HEADER, good, 0, [])
        only = self.run(self.bench.write("input.csv", HEADER))
        self.checks.equal("header only: an empty result", (only.code, only.out.decode()),
                          (0, COLUMNS + "\n"))
        self.mended("broken header", b't,"k"x,v\n', good, 3,
                    [r"input\.csv:1:6: .*after a closing quote; the first line must name the"])
        missing = self.run(self.bench.path("absent.csv"), *self.state())
        self.checks.that("missing file: exit 3, named, with a remedy", missing.code == 3
                         and re.search(r"absent\.csv: No such file.*check the path", missing.err),
                         missing)
        folder = self.run(self.bench.folder, *self.state())
        self.checks.that("a directory as input: exit 3, named, with a remedy", folder.code == 3
                         and self.bench.folder + ": Is a directory; give a file" in folder.err,
                         folder)

    def columns(self):
        path = self.bench.write("input.csv", b"time,origin,delay\n1,a,1\n")
        for option, name, guess in (("--ts", "tiem", "time"), ("--key", "orgin", "origin"),
                                    ("--agg", "sum:delai", "delay")):
            options = {"--ts": "time", "--key": "origin", "--agg": "count", option: name}
            flat = [each for pair in options.items() for each in pair]
            result = self.bench.run("run", path, *flat, "--window", "tumbling:1h", *self.state())
            column = name.split(":")[-1]
            self.checks.that(f"unknown column in {option}: exit 2, file, columns, guess",
                             result.code == 2 and "input.csv" in result.err
                             and f'no column "{column}" ' in result.err
                             and f'(have: time, origin, delay); did you mean "{guess}"?'
                             in result.err, result)

    def shapes(self):
        """What looks odd and is good."""
        plain = self.undisturbed(HEADER + b"".join(GOOD))
        text = HEADER + b"".join(GOOD)
        for name, content in (("CRLF", text.replace(b"\n", b"\r\n")),
                              ("byte order mark", b"\xef\xbb\xbf" + text),
                              ("no line end at the end", text[:-1]),
                              ("quotes around all", re.sub(rb"([^,\n]+)", rb'"\1"', text)),
                              ("blank lines", text.replace(b"\n", b"\n\n"))):
            self.checks.equal(f"{name}: the same result", self.undisturbed(content), plain)
        quoted = HEADER.replace(b"\n", b",note\n") + b'1000,"a,""b""",1,"one\ntwo"\n'
        result = self.run(self.bench.write("input.csv", quoted))
        self.checks.equal("quoted commas, quotes and line breaks",
                          result.out.decode().splitlines()[1:], ['"a,""b""",0,3600000,1,1,1'])


def main():
    options = harness.arguments("nouring")
    checks = harness.Checks("bad input")
    with harness.Bench(options.lentic) as bench:
        bad = Bad(bench, checks)
        for part in (bad.huge_line, bad.pipes, bad.empty_names, bad.rows,
                     bad.far_future_accepted, bad.open_quote, bad.past_max_bad, bad.compressed,
                     bad.files, bad.columns, bad.shapes):
            part()
    checks.end()


main()
