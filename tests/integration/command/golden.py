#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""golden.py LENTIC DATA NOURING [PART]: the flights give the golden results, on every way through.

Each result is compared to an oracle in Python and to the published figures."""

import gzip
import json
import os

import harness
from harness import HOUR

# window, grace, size, advance, grace in ms, late_dropped, windows, sha256
TABLE = [
    ("tumbling:1h", "0", HOUR, HOUR, 0, 65534, 63582,
     "52f7d08aaf4ef4cd0232df48fa901fb10d66347174e31c711b61ed2a428e1cc3"),
    ("tumbling:1h", "1h", HOUR, HOUR, HOUR, 5086, 70976,
     "4d5d9d031641590a9db07c266acfd4e7a9cbec3437c7557aa38f3f084896c40b"),
    ("tumbling:1h", "2h", HOUR, HOUR, 2 * HOUR, 751, 71388, harness.GOLDEN_2H),
    ("tumbling:1d", "2h", 24 * HOUR, 24 * HOUR, 2 * HOUR, 1, 5263,
     "a9edbc826af4275d060d04dd008e874052f54b55b690cbd16081d5bd59d9f296"),
    ("hopping:1h/10m", "2h", HOUR, HOUR // 6, 2 * HOUR, 4741, 429021,
     "222115148d6e664a62ab3f5f51e524a630484bba315dcd30ef64caf21e564bfd"),
    ("hopping:1h/10m", "0", HOUR, HOUR // 6, 0, 421017, 374907,
     "d1518712ac82bf809a4eedb1f7c18341d221b9be65a7301d9d573eff54251ab7"),
]
ROWS = 231083


class Golden:
    def __init__(self, bench, checks, nouring):
        self.bench, self.checks, self.nouring = bench, checks, nouring
        self.states = 0

    def run(self, window, grace, state, interval="5000rows", gz=False, uring=True, **more):
        args = ["run", self.bench.gz if gz else self.bench.plain,
                *harness.flights_options(window, grace, **more), "--commit-interval", interval,
                "--stats", "json"]
        if state:
            self.states += 1
            args += ["--state", self.bench.path(f"state-{self.states}")]
        self.bench.prefix = [] if uring else [self.nouring, "EPERM"]
        return self.bench.run(*args)

    def check(self, name, result, want):
        *_, late, windows, sha = want
        lines = result.out.decode().splitlines()
        figures = harness.statistics(result.err) if result.code == 0 else {}
        found = (result.code, lines[:1], figures.get("rows_in"), figures.get("late_dropped"),
                 figures.get("windows_out"), len(lines) - 1, harness.digest(lines[1:]))
        self.checks.equal(name, found, (0, [harness.FLIGHTS_HEADER], ROWS, late, windows, windows,
                                        sha))

    def oracle(self):
        rows = harness.flights(self.bench.plain)
        for window, grace, size, advance, grace_ms, late, windows, sha in TABLE:
            made = harness.expected(rows, size, advance, grace_ms)
            self.checks.equal(f"{window} grace {grace}: the oracle agrees with the figures",
                              (made.late, len(made.lines), harness.digest(made.lines.values())),
                              (late, windows, sha))

    def every_way(self):
        """2 h grace: commits x state x engine."""
        want = TABLE[2]
        for uring in (True, False):
            for state in (False, True):
                for interval in ("100rows", "100000rows"):
                    name = (f"tumbling:1h grace 2h: {'state' if state else 'memory'}, commit "
                            f"{interval}, io_uring {'allowed' if uring else 'denied'}")
                    result = self.run("tumbling:1h", "2h", state, interval, uring=uring)
                    self.check(name, result, want)
                    if not state:
                        continue
                    note = [line for line in result.err.splitlines() if "io_uring" in line]
                    self.checks.equal(name + ": lines about the engine", len(note),
                                      0 if uring else 1)

    def other_rows(self):
        for want in TABLE[:2] + TABLE[3:]:
            for state in (False, True):
                name = f"{want[0]} grace {want[1]}: {'state' if state else 'memory'}"
                self.check(name, self.run(want[0], want[1], state), want)

    def inputs(self):
        for state in (False, True):
            result = self.run("tumbling:1h", "2h", state, gz=True)
            self.check(f"gzip: {'state' if state else 'memory'}", result, TABLE[2])
        with open(self.bench.plain, "rb") as file:
            piped = self.bench.run("run", "-", *harness.flights_options(), "--stats", "json",
                                   stdin=file)
        self.check("standard input", piped, TABLE[2])

    def ndjson(self):
        """The flights as NDJSON give the same bytes as the CSV, plain, packed and piped."""
        wanted = self.run("tumbling:1h", "2h", False).out
        with open(self.bench.plain, "rb") as file:
            content = harness.ndjson(file.read())
        plain = self.bench.write("flights.ndjson", content)
        packed = self.bench.write("flights.jsonl.gz", gzip.compress(content, 1))
        self.bench.prefix = []
        for name, path, state, more in (("plain", plain, True, []), ("gzip", packed, False, []),
                                        ("stdin", "-", False, ["--input", "ndjson"])):
            args = ["--state", self.bench.path("state-ndjson")] if state else []
            with open(plain, "rb") as file:
                result = self.bench.run("run", path, *harness.flights_options(), *more, *args,
                                        "--stats", "json", stdin=file)
            self.check(f"ndjson, {name}", result, TABLE[2])
            self.checks.that(f"ndjson, {name}: the bytes of the csv", result.out == wanted)
        with open(self.bench.plain, "rb") as file:
            self.bench.write("flights.ndjson", harness.ndjson(file.read(), pointers=True))
        options = harness.flights_options()
        options[options.index("origin")] = "/where/0/id"
        deep = self.bench.run("run", plain, *options)
        self.checks.equal("ndjson, a pointer through an array: its name is the column's, the rows "
                          "are the same", deep.out.split(b"\n", 1),
                          [harness.FLIGHTS_HEADER.replace("origin", "/where/0/id").encode(),
                           wanted.split(b"\n", 1)[1]])

    def formats(self):
        csv_ms = self.run("tumbling:1h", "2h", False).out.decode().splitlines()[1:]
        ndjson = self.run("tumbling:1h", "2h", False, output="ndjson")
        lines = [",".join(str(v) for v in json.loads(line).values())
                 for line in ndjson.out.decode().splitlines()]
        self.checks.that("ndjson and csv hold the same rows in the same order", lines == csv_ms)
        text = self.run("tumbling:1h", "2h", False, times="rfc3339")
        lines = []
        for line in text.out.decode().splitlines()[1:]:
            fields = line.split(",")
            fields[1:3] = (str(harness.utc_ms(each)) for each in fields[1:3])
            lines.append(",".join(fields))
        self.checks.that("rfc3339 and ms hold the same rows in the same order", lines == csv_ms)

    def bytes_written(self):
        lines = None
        for interval, bound in (("5000rows", 32), ("100rows", 64), ("100000rows", 16)):
            result = self.run("tumbling:1h", "2400h", True, interval)
            figures = harness.statistics(result.err)
            self.checks.that(f"grace 2400h, commit {interval}: bytes_written <= {bound} MB",
                             0 < figures["bytes_written"] <= bound * 10**6,
                             figures["bytes_written"])
            found = sorted(result.out.splitlines())
            self.checks.that(f"grace 2400h, commit {interval}: nothing is late",
                             figures["late_dropped"] == 0 and lines in (None, found))
            lines = found
        memory = harness.statistics(self.run("tumbling:1h", "2h", False).err)
        self.checks.equal("without a state nothing is written", memory["bytes_written"], 0)


def main():
    options = harness.arguments("nouring", "part?")
    checks = harness.Checks("golden")
    parts = ["oracle", "every_way", "other_rows", "inputs", "ndjson", "formats", "bytes_written"]
    with harness.Bench(options.lentic, options.data) as bench:
        golden = Golden(bench, checks, os.path.abspath(options.nouring))
        for part in [options.part] if options.part else parts:
            getattr(golden, part)()
    checks.end()


main()
