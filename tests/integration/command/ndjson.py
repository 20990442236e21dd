#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ndjson.py LENTIC DATA NOURING: NDJSON that is wrong, and runs over NDJSON that are stopped.

Each result is compared to that of the same rows as CSV."""

import gzip
import random
import re
import signal
import subprocess

import harness

HEADER = b"t,k,v\n"
COLUMNS = "/k,window_start,window_end,count,sum:/v"
REMEDY = r"correct the row, or allow bad rows with --max-bad"
GOOD = [b'{"t":1000,"k":"a","v":1}\n', b'{"v":"-2","k":"b","t":2000}\n',
        b'{"t":7200000,"k":"a","v":3,"note":{"x":[1,null,"\\u00e9"]}}\n',
        b'{"t":"1970-01-01T02:01:40Z","k":"c","v":4}\n']
AFTER = [b'{"t":10900000,"k":"a","v":5}\n', b'{"t":14500000,"k":"b","v":6}\n']
DEEP = b'{"t":1,"k":"a","v":1,"x":'

# name, bad line, column of the fault, what is said
BAD_LINES = [
    ("no time", b'{"k":"a","v":1}\n', 1, "/t: missing"),
    ("no key", b'{"t":1,"v":1}\n', 1, "/k: missing"),
    ("null", b'{"t":7400000,"k":"a","v":null}\n', 26, "/v: null"),
    ("an object", b'{"t":7400000,"k":{"a":1},"v":1}\n', 18, "/k: an object or an array"),
    ("an array", b'{"t":7400000,"k":"a","v":[1]}\n', 26, "/v: an object or an array"),
    ("an empty key", b'{"t":7400000,"k":"","v":1}\n', 18, '/k "": empty'),
    ("not a time", b'{"t":"12:60","k":"a","v":1}\n', 6, '/t "12:60": not a time'),
    ("not a number", b'{"t":7400000,"k":"a","v":true}\n', 26, '/v "true": not a number'),
    ("type change", b'{"t":7400000,"k":"a","v":1.5}\n', 26, '/v "1.5": not an integer'),
    ("beyond int64", b'{"t":7400000,"k":"a","v":9223372036854775808}\n', 26, "out of range"),
    ("sum overflow", b'{"t":7400000,"k":"a","v":9223372036854775807}\n', 26, "overflow"),
    ("line break in a key", b'{"t":7400000,"k":"a\\nb","v":1}\n', 18, "line break"),
    ("no JSON", b"t=1 k=a v=1\n", 1, "not a JSON object"),
    ("an array as line", b"[1,2]\n", 1, "not a JSON object"),
    ("a string as line", b'"a"\n', 1, "not a JSON object"),
    ("cut off", b'{"t":7400000,"k":"a","v":1\n', 1, "not valid JSON"),
    ("an open string", b'{"t":7400000,"k":"a,"v":1}\n', 23, "not valid JSON"),
    ("two objects", b'{"t":7400000,"k":"a","v":1}{}\n', 26, "not valid JSON"),
    ("a comma too many", b'{"t":7400000,"k":"a","v":1,}\n', 26, "not valid JSON"),
    ("a bad literal nobody asked for", b'{"x":nil,"t":1,"k":"a","v":1}\n', 6, "not valid JSON"),
    ("a control character", b'{"t":7400000,"k":"a\x01","v":1}\n', 20, "not valid JSON"),
    ("a zero byte", b'{"t":7400000,"k":"a","v":1\x00}\n', 26, "not valid JSON"),
    ("half a surrogate", b'{"t":7400000,"k":"\\udc00","v":1}\n', 18, "no character"),
    ("a name twice", b'{"t":7400000,"k":"a","v":1,"k":"b"}\n', 28, "twice"),
    ("nested too deep", DEEP + b"[" * 70 + b"]" * 70 + b"}\n", 89, "deeper than 64"),
    ("500,000 brackets", DEEP + b"[" * 500_000 + b"}\n", None, "JSON"),
    ("invalid UTF-8", b'{"t":7400000,"k":"\xff","v":1}\n', 19, "UTF-8"),
    ("a line of 2 MiB", b'{"x":"' + b"x" * (2 << 20) + b'"}\n', 1, "longer than 1 MiB"),
]


def rows(first, last):
    """One row each 20 minutes: three close a window."""
    return b"".join(b"%d,key%d,%d\n" % (i * harness.HOUR // 3, i % 4, i * i)
                    for i in range(first, last))


class Ndjson:
    def __init__(self, bench, checks):
        self.bench, self.checks, self.states = bench, checks, 0

    def run(self, path, *more, **process):
        return self.bench.run("run", path, *self.options(*more), **process)

    def options(self, *more, mark="/"):
        return ["--ts", mark + "t", "--key", mark + "k", "--window", "tumbling:1h", "--agg",
                f"count,sum:{mark}v", "--output", "csv", "--time-format", "ms", *more]

    def state(self):
        self.states += 1
        return ["--state", self.bench.path(f"state-{self.states}")]

    def undisturbed(self, content):
        """The rows of a run over `content`, CSV, in memory."""
        path = self.bench.write("undisturbed.csv", content)
        result = self.bench.run("run", path, *self.options(mark=""))
        return harness.read_by_rule(result.out.decode(), COLUMNS.replace("/", ""))

    def result(self, claim, outputs, content):
        found = harness.read_by_rule(b"".join(outputs).decode(), COLUMNS)
        self.checks.equal(claim, found, self.undisturbed(content))

    def lines(self):
        """Reported with file, line and column; corrected, the run goes on; or skipped."""
        good = b"".join(GOOD + AFTER)
        wanted = harness.read_by_rule(
            self.run(self.bench.write("good.ndjson", good)).out.decode(), COLUMNS)
        self.checks.equal("the good lines alone", len(wanted), 6)
        for name, line, column, reason in BAD_LINES:
            bad = b"".join(GOOD) + line + b"".join(AFTER)
            path, state = self.bench.write("input.ndjson", bad), self.state()
            first = self.run(path, *state)
            place = f"input.ndjson:5:{r'[0-9]+' if column is None else column}: "
            self.checks.that(f"{name}: exit 3 and the place",
                             first.code == 3
                             and re.search(place + ".*" + re.escape(reason) + ".*" + REMEDY,
                                           first.err), first)
            self.bench.write("input.ndjson", good)
            second = self.run(path, *state)
            self.checks.equal(f"{name}: corrected, it ends in the right result",
                              (second.code, harness.read_by_rule((first.out + second.out).decode(),
                                                                 COLUMNS)), (0, wanted))
            path = self.bench.write("input.ndjson", bad)
            skipped = self.run(path, "--max-bad", "1", "--stats", "json")
            figures = harness.statistics(skipped.err)
            self.checks.equal(f"{name}: skipped with --max-bad 1",
                              (skipped.code, figures["rows_bad"], figures["rows_in"],
                               harness.read_by_rule(skipped.out.decode(), COLUMNS)),
                              (0, 1, 6, wanted))

    def shapes(self):
        """What looks odd and is good."""
        text = b"".join(GOOD)
        plain = self.run(self.bench.write("input.ndjson", text)).out
        for name, content in (("CRLF", text.replace(b"\n", b"\r\n")),
                              ("byte order mark", b"\xef\xbb\xbf" + text),
                              ("no line end at the end", text[:-1]),
                              ("blank lines", text.replace(b"\n", b"\n \n\n")),
                              ("spaces", text.replace(b":", b" :\t").replace(b"\n", b"  \n")
                               .replace(b"02 :\t01 :\t40", b"02:01:40")),
                              ("escapes", text.replace(b'"k"', b'"\\u006b"'))):
            result = self.run(self.bench.write("input.ndjson", content))
            self.checks.equal(f"{name}: the same result", (result.code, result.out), (0, plain))
        empty = self.run(self.bench.write("input.ndjson", b""))
        self.checks.equal("an empty file is an empty result",
                          (empty.code, empty.out.decode()), (0, COLUMNS + "\n"))
        state = self.state()
        outputs = []
        for length in (0, 0, 1, 3, 4):  # it grows from nothing, with a state
            outputs.append(self.run(self.bench.write("input.ndjson", b"".join(GOOD[:length])),
                                    *state).out)
        self.checks.equal("a file that grows from nothing is read once",
                          harness.read_by_rule(b"".join(outputs).decode(), COLUMNS),
                          harness.read_by_rule(plain.decode(), COLUMNS))

    def keys(self):
        content = (b'{"t":1,"k":1.50}\n{"t":2,"k":"1.50"}\n{"t":3,"k":true}\n'
                   b'{"t":4,"k":"a,\\"b"}\n')
        path = self.bench.write("keys.jsonl", content)
        result = self.bench.run("run", path, "--ts", "t", "--key", "k", "--window", "tumbling:1h",
                                "--agg", "count", "--output", "csv", "--time-format", "ms")
        self.checks.equal("keys may be strings, numbers as written, and booleans",
                          sorted(result.out.splitlines()[1:]),
                          [b'"a,""b",0,3600000,1', b"1.50,0,3600000,2", b"true,0,3600000,1"])

    def names(self):
        path = self.bench.write("input.ndjson", b"".join(GOOD))
        args = self.options()
        args[args.index("/k")] = "/k~"
        result = self.bench.run("run", path, *args)
        self.checks.that("a name that is no pointer: exit 2, with the rule", result.code == 2
                         and '--key "/k~": not a JSON pointer (want ~1' in result.err, result)

    def last_line(self):
        """A last line without a line end that grows is refused; a line end alone is no growth."""
        state = self.state()
        content = harness.ndjson(HEADER + rows(0, 20))
        path = self.bench.write("input.ndjson", content[:-1])
        first = self.run(path, *state)
        self.bench.write("input.ndjson", content[:-1] + b" \n")
        refused = self.run(path, *state)
        self.checks.that("a last line that has grown: exit 3",
                         refused.code == 3 and "has grown since" in refused.err, refused)
        content += harness.ndjson(HEADER + rows(20, 30))
        self.bench.write("input.ndjson", content)
        rest = self.run(path, *state)
        self.result("more lines behind it go on", [first.out, rest.out], HEADER + rows(0, 30))
        self.bench.write("input.ndjson", content.replace(b"key1", b"key9"))
        changed = self.run(path, *state)
        self.checks.that("other lines: exit 3, refused", changed.code == 3
                         and "is not the one" in changed.err, changed)

    def standard_input(self):
        state = [*self.state(), "--input", "ndjson"]
        part = [harness.ndjson(HEADER + rows(i, i + 20)) for i in (0, 20, 40)]
        first = self.run("-", *state, input=part[0])
        replay = self.run("-", *state, "--stats", "json", input=part[0] + part[1])
        figures = harness.statistics(replay.err)
        self.checks.equal("a replayed standard input: only the rest is read",
                          (replay.code, figures["resumed_at_row"], figures["rows_read"]),
                          (0, 20, 20))
        fresh = self.run("-", *state, "--stdin", "new", input=part[2])
        self.result("and --stdin new: all of it is new", [first.out, replay.out, fresh.out],
                    HEADER + rows(0, 60))

    def other_format(self):
        """The same file read as the other format is refused, and nothing is lost."""
        content = HEADER + rows(0, 20)
        path, state = self.bench.write("input.csv", content), self.state()
        first = self.bench.run("run", path, *self.options(*state, mark=""))
        as_ndjson = self.bench.run("run", path, *self.options(*state, "--input", "ndjson",
                                                              mark=""))
        self.checks.that("a state of CSV with --input ndjson: exit 3, names the remedy",
                         as_ndjson.code == 3 and "--input csv" in as_ndjson.err, as_ndjson)
        packed = self.bench.write("input.csv.gz", gzip.compress(content + rows(20, 30)))
        rest = self.bench.run("run", packed, *self.options(*state, mark=""))
        self.checks.equal("and it goes on as CSV",
                          (rest.code, first.out.count(b"\n"), rest.out.count(b"\n") > 10),
                          (0, 21, True))
        state = self.state()
        path = self.bench.write("input.ndjson", harness.ndjson(content))
        self.run(path, *state)
        as_csv = self.run(path, *state, "--input", "csv")
        self.checks.that("a state of NDJSON with --input csv: exit 3",
                         as_csv.code == 3 and "header can no longer be read" in as_csv.err, as_csv)

    def kills(self):
        """Ten SIGKILLs at random commits of the flights, then to the end."""
        seed = 7
        chance = random.Random(seed)
        with open(self.bench.plain, "rb") as file:
            path = self.bench.write("flights.ndjson", harness.ndjson(file.read()))
        outputs, state, kills = [], self.bench.path("killed"), 0
        for target in [*sorted(chance.randrange(1000, 215_000) for _ in range(10)), None]:
            with open(self.bench.path("out"), "ab") as out:
                process = self.bench.start("run", path, *harness.flights_options(), "--state",
                                           state, "--commit-interval", "1000rows",
                                           "--log-commits", stdin=subprocess.DEVNULL, stdout=out)
            lines = harness.Lines(process.stderr)
            if target is not None and lines.wait(lambda line: reached(line, target)):
                process.send_signal(signal.SIGKILL)
            process.wait()
            lines.thread.join()
            kills += process.returncode == -signal.SIGKILL
            outputs.append(lines.resumed())
        with open(self.bench.path("out")) as file:
            found = harness.read_by_rule(file.read())
        self.checks.equal(f"{kills} kills, seed {seed}: the golden result",
                          (process.returncode, harness.digest(found.values())),
                          (0, harness.GOLDEN_2H))
        self.checks.that("and most attempts went on from a later row than the one before",
                         kills >= 5 and outputs == sorted(outputs) and outputs[-1][0] > 100_000,
                         (kills, outputs))


def reached(line, target):
    words = line.split()
    if words[:2] == ["resumed", "row"]:
        return int(words[2]) >= target
    return len(words) == 4 and words[0] == "commit" and int(words[3]) >= target


def main():
    options = harness.arguments("nouring")
    checks = harness.Checks("ndjson")
    with harness.Bench(options.lentic, options.data) as bench:
        ndjson = Ndjson(bench, checks)
        for part in (ndjson.lines, ndjson.shapes, ndjson.keys, ndjson.names, ndjson.last_line,
                     ndjson.standard_input, ndjson.other_format, ndjson.kills):
            part()
    checks.end()


main()
