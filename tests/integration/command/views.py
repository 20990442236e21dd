#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""views.py LENTIC DATA NOURING: get, scan and store stat; help, usage errors, terminals."""

import os
import pty
import re
import subprocess

import harness
from harness import HOUR

RUN = ["--ts", "t", "--key", "k", "--window", "tumbling:1h", "--agg", "count"]


class Views:
    def __init__(self, bench, checks):
        self.bench, self.checks = bench, checks
        self.state = bench.path("state")
        rows = harness.flights(bench.plain)
        made = harness.expected(rows, HOUR, HOUR, 2 * HOUR)
        self.newest = max(time - time % HOUR for _, time, _ in rows)
        oldest = self.newest - 72 * HOUR + 1  # the retention below
        self.kept = sorted((line for key, line in made.lines.items() if int(key[1]) >= oldest),
                           key=str.encode)
        keys = [line.split(",")[0] for line in self.kept]
        self.key = max(sorted(set(keys)), key=keys.count)
        bench.run("run", bench.plain, *harness.flights_options(), "--retention", "72h", "--state",
                  self.state)

    def rows(self, *command, output="csv"):
        result = self.bench.run(*command, "--state", self.state, "--output", output,
                                "--time-format", "ms")
        lines = result.out.decode().splitlines()
        return result, sorted(lines[1:], key=str.encode)

    def same(self, claim, found, wanted):
        self.checks.that(claim, found == wanted and wanted,
                         f"{len(found)} rows, wanted {len(wanted)}: {found[:2]} {wanted[:2]}")

    def scan(self):
        result, found = self.rows("scan")
        self.same("scan shows what is retained, and no more", found, self.kept)
        self.checks.that("scan says what is retained", "retained" in result.err, result.err)
        prefix = [line for line in found if line.startswith(self.key[0])]
        self.same("scan --prefix", self.rows("scan", "--prefix", self.key[0])[1], prefix)
        self.same("scan --key", self.rows("scan", "--key", self.key)[1],
                  [line for line in found if line.startswith(self.key + ",")])
        start = self.newest - 3 * HOUR
        within = [line for line in found if start <= int(line.split(",")[1]) <= start + HOUR]
        self.same("scan --from --to, both inclusive",
                  self.rows("scan", "--from", str(start), "--to", str(start + HOUR))[1], within)
        self.same("scan --prefix --from",
                  self.rows("scan", "--prefix", self.key[0], "--from", str(start))[1],
                  [line for line in prefix if int(line.split(",")[1]) >= start])
        result, _ = self.rows("scan", "--prefix", "no such key")
        self.checks.equal("scan that finds nothing", (result.code, result.out.count(b"\n")),
                          (0, 1))

    def get(self):
        _, everything = self.rows("scan")
        own = [line for line in everything if line.startswith(self.key + ",")]
        result, found = self.rows("get", "--key", self.key)
        self.same("get shows the windows of one key", found, own)
        self.checks.that("get says what is retained", "retained" in result.err, result.err)
        start = int(own[-1].split(",")[1])
        for offset in (0, HOUR // 2, HOUR - 1):
            self.same(f"get --at: the window holds its start + {offset} ms",
                      self.rows("get", "--key", self.key, "--at", str(start + offset))[1],
                      [line for line in own if line.split(",")[1] == str(start)])
        result, found = self.rows("get", "--key", "NOWHERE")
        self.checks.equal("get of an unknown key", (result.code, found), (0, []))

    def stat(self):
        result = self.bench.run("store", "stat", "--state", self.state)
        facts = dict(re.split(r"\s{2,}", line, maxsplit=1)
                     for line in result.out.decode().splitlines() if re.search(r"\s{2,}", line))
        self.checks.equal("store stat: what the run was",
                          [facts.get(name) for name in ("key", "window", "grace", "retention",
                                                        "rows_in", "complete")],
                          ["origin", "tumbling:1h", "2h", "3d", "231083", "yes"])

    def live(self):
        """A state whose writer runs is locked; one whose writer was killed is read as it is."""
        state = self.bench.path("live")
        process = self.bench.start("run", "-", *RUN, "--state", state, "--commit-interval", "2rows",
                                   "--log-commits", stdin=subprocess.PIPE)
        lines = harness.Lines(process.stderr)
        process.stdin.write(b"t,k\n1,a\n2,a\n3,b\n4,a\n5,c\n")
        process.stdin.flush()
        lines.wait(lambda line: line.endswith(" row 4"))
        busy = self.bench.run("scan", "--state", state)
        self.checks.that("scan of a state in use: exit 4, says so",
                         busy.code == 4 and "stop the other process" in busy.err, busy)
        process.kill()
        process.communicate()
        shown = self.bench.run("scan", "--state", state, "--output", "csv", "--time-format", "ms")
        self.checks.equal("open windows are shown as of the last commit",
                          (shown.code, shown.out.decode().splitlines()[1:]),
                          (0, ["a,0,3600000,3", "b,0,3600000,1"]))

    def help(self):
        rules = {("run",): ["stream time", "late_dropped", "--max-bad", "last of several lines",
                            ">>", "SHA-256", "--stdin new", "NDJSON", "JSON pointer", "Exit codes",
                            "1 MiB", "overflow"],
                 ("get",): ["retained"], ("scan",): ["retained"], ("store", "stat"): ["--state"],
                 (): ["run", "get", "scan", "store", "Exit codes"],
                 ("store",): ["stat", "verify", "dump", "copy", "salvage", "digest"],
                 ("store", "copy"): ["hard links", "in use"],
                 ("store", "salvage"): ["--to", "Exit codes", "in use"],
                 ("store", "digest"): ["--hash-key", "--scan", "keeps these sums", "in use"],
                 ("store", "verify"): ["checksum", "Exit codes"],
                 ("store", "dump"): ["key_hex", "--limit"]}
        for command, words in rules.items():
            result = self.bench.run(*command, "--help")
            text = re.sub(r"\s+", " ", result.out.decode())
            missing = [word for word in words if word.lower() not in text.lower()]
            self.checks.equal(f"lentic {' '.join((*command, '--help'))}: on stdout, with its rules",
                              (result.code, result.err, missing), (0, "", []))

    def usage(self):
        path = self.bench.write("input.csv", "t,k\n1,a\n")
        for args, pattern in (
                ([], "a command is missing"), (["rnu"], 'did you mean "run"'), (["store"], "stat"),
                (["run"], "INPUT"), (["run", path], "--ts|--key|--window|--agg"),
                (["get", "--state", self.state], "--key"), (["scan"], "--state"),
                (["scan", "--state", self.state, "--key", "a", "--prefix", "b"], "together")):
            self.refused(args, pattern)
        for option, value, pattern in (
                ("--gracee", "1h", 'did you mean "--grace"'),
                ("--grace", "soon", "not a duration.*want"),
                ("--window", "tumbling:0h", "not a window.*want"),
                ("--retention", "10m", "smaller than window size"), ("--agg", "median:k", "median"),
                ("--commit-interval", "0rows", "not a commit interval"),
                ("--emit", "update", "want close"), ("--max-bad", "-1", "--max-bad"),
                ("--max-jump", "-1h", "not a duration"), ("--stdin", "new", "INPUT -"),
                ("--output", "tabel", 'did you mean "table"')):
            options = {**dict(zip(RUN[::2], RUN[1::2])), option: value}
            self.refused(["run", path, *(each for pair in options.items() for each in pair)],
                         pattern, f"run {option} {value}")
        self.refused(["run", path, *RUN, "--output", "table", "--state", self.bench.path("t")],
                     "terminal", "table with --state into a pipe")

    def refused(self, args, pattern, name=None):
        result = self.bench.run(*args)
        name = name or " ".join(os.path.basename(word) for word in args) or "(nothing)"
        self.checks.that(f"usage: {name}: exit 2, /{pattern}/, nothing on stdout",
                         result.code == 2 and re.search(pattern, result.err) and not result.out,
                         result)

    def on_terminal(self, stream, *args):
        """Starts with `stream` (stdout or stderr) on a terminal of 120 columns; answers our end."""
        ours, theirs = pty.openpty()
        subprocess.run(["stty", "cols", "120", "-opost"], stdin=theirs, check=True)
        process = self.bench.start(*args, stdin=subprocess.PIPE, **{stream: theirs})
        os.close(theirs)
        return process, ours

    def read_terminal(self, fd, until=None):
        text = b""
        while until is None or until not in text:
            try:
                part = os.read(fd, 65536)
            except OSError:  # the other side is gone
                break
            if not part:
                break
            text += part
        return text.decode()

    def terminals(self):
        path = self.bench.write("input.csv", "t,k\n1,a\n2,a\n3,b\n")
        for more in ([], ["--state", self.bench.path("table")]):
            process, ours = self.on_terminal("stdout", "run", path, *RUN, *more)
            text = self.read_terminal(ours)
            self.checks.that(f"a terminal gets a table{' with --state' if more else ''}",
                             re.match(r"k +window_start +window_end +count\r?\na +1970-01-01T00:00",
                                      text) and process.wait() == 0, text)
            os.close(ours)
        process, ours = self.on_terminal("stderr", "run", "-", *RUN)
        process.stdin.write(b"t,k\n1,a\n")
        process.stdin.flush()
        text = self.read_terminal(ours, b"event time")
        self.checks.that("a terminal gets a progress line: rows/s, event time, late dropped",
                         re.search(r"rows.*rows/s.*event time 1970.*late 0", text), text)
        process.stdin.close()
        text = self.read_terminal(ours)
        self.checks.that("which is wiped at the end", text.endswith("\r\x1b[K"), text)
        self.checks.equal("and does not disturb the rows", (process.wait(), process.stdout.read()),
                          (0, b"k,window_start,window_end,count\n"
                              b"a,1970-01-01T00:00:00Z,1970-01-01T01:00:00Z,1\n"))
        os.close(ours)
        quiet = self.bench.run("run", path, *RUN)
        self.checks.equal("without a terminal: csv and no progress line",
                          (quiet.out.splitlines()[0], quiet.err),
                          (b"k,window_start,window_end,count", ""))


def main():
    options = harness.arguments("nouring")
    checks = harness.Checks("views")
    with harness.Bench(options.lentic, options.data) as bench:
        views = Views(bench, checks)
        for part in (views.scan, views.get, views.stat, views.live, views.help, views.usage,
                     views.terminals):
            part()
    checks.end()


main()
