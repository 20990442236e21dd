# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests of the lentic command share: running it, an oracle, and the checks.

The oracle computes windows with nothing of lentic in it. Nothing here looks at a clock, except to
give up on a process that hangs.
"""

import argparse
import collections
import csv
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

HOUR = 3_600_000
GIVE_UP_S = 600  # a hang, never a measurement
FLIGHTS_HEADER = "origin,window_start,window_end,count,sum:delay,max:delay"
GOLDEN_2H = "a174db3063b5408c1358446b44cef28d416d9bf98a31d443e816383c3951a24d"

Result = collections.namedtuple("Result", "code out err")
Expected = collections.namedtuple("Expected", "lines late rows_in")


def flights_options(window="tumbling:1h", grace="2h", output="csv", times="ms"):
    """Of a run whose result is published; by default the one of GOLDEN_2H."""
    return ["--ts", "scheduled", "--key", "origin", "--window", window, "--grace", grace,
            "--agg", "count,sum:delay,max:delay", "--emit", "close", "--output", output,
            "--time-format", times, "--progress", "never"]


class Checks:
    """Prints one line a check and remembers whether one failed."""

    def __init__(self, name):
        self.name, self.count, self.failed = name, 0, 0

    def that(self, claim, holds, detail=""):
        self.count += 1
        self.failed += not holds
        shown = "" if holds else f"  [{str(detail)[:600]}]"
        print(("ok      " if holds else "FAILED  ") + claim + shown, flush=True)
        return holds

    def equal(self, claim, found, wanted):
        return self.that(claim, found == wanted, f"found {found!r}, wanted {wanted!r}")

    def skip(self, claim, reason):
        print(f"SKIPPED: {claim}: {reason}", flush=True)

    def end(self):
        print(f"{self.name}: {self.count} checks, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed else 0)


def arguments(*more):
    """LENTIC DATA, and further positional arguments; with ? at the end: optional."""
    parser = argparse.ArgumentParser()
    for each in ("lentic", "data", *more):
        parser.add_argument(each.rstrip("?"), nargs="?" if each.endswith("?") else None)
    return parser.parse_args()


class Bench:
    """A folder with the data in it, and the command."""

    def __init__(self, lentic, data=None, prefix=()):
        self.lentic, self.prefix = os.path.abspath(lentic), list(prefix)
        self.folder = tempfile.mkdtemp(prefix="lentic-e2e-")
        if data:
            self.gz = os.path.abspath(data)
            self.plain = self.path("flights.csv")
            with gzip.open(self.gz, "rb") as packed, open(self.plain, "wb") as plain:
                shutil.copyfileobj(packed, plain)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def start(self, *args, **more):
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen([*self.prefix, self.lentic, *args], **more)

    def run(self, *args, input=b"", **more):
        """Runs to the end; standard input is `input`, then closed."""
        if "stdin" not in more:
            more["stdin"] = subprocess.PIPE
        process = self.start(*args, **more)
        sent = input if more["stdin"] == subprocess.PIPE else None
        out, err = process.communicate(sent, timeout=GIVE_UP_S)
        return Result(process.returncode, out or b"", err.decode(errors="replace"))


class Lines:
    """The lines of a process's standard error, as they come."""

    def __init__(self, stream):
        self.all, self.ended = [], False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read, args=(stream,), daemon=True)
        self.thread.start()

    def read(self, stream):
        for raw in stream:
            with self.changed:
                self.all.append(raw.decode(errors="replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, wanted):
        """The first line for which wanted(line) is true; None when the stream ended without."""
        at = 0
        with self.changed:
            while True:
                while at < len(self.all):
                    if wanted(self.all[at]):
                        return self.all[at]
                    at += 1
                if self.ended:
                    return None
                if not self.changed.wait(GIVE_UP_S):
                    raise TimeoutError("no such line on standard error")

    def commits(self):
        found = [re.fullmatch(r"commit (\d+) row (\d+)", line) for line in self.all]
        return [(int(m[1]), int(m[2])) for m in found if m]

    def resumed(self):
        found = [re.fullmatch(r"resumed row (\d+)", line) for line in self.all]
        return [int(m[1]) for m in found if m]


def folder_bytes(folder):
    return sum(os.path.getsize(os.path.join(path, name))
               for path, _, names in os.walk(folder) for name in names)


def statistics(err):
    """The object of --stats json."""
    return json.loads([line for line in err.splitlines() if line.startswith("{")][-1])


def digest(lines):
    """sha256 over the lines in the C locale's order, each with its newline."""
    whole = hashlib.sha256()
    for line in sorted(line.encode() for line in lines):
        whole.update(line + b"\n")
    return whole.hexdigest()


def utc_ms(text):
    """2001-01-31T14:05Z, without the datetime module: its days are checked nowhere else."""
    year, month, day = int(text[0:4]), int(text[5:7]), int(text[8:10])
    year -= month <= 2
    days = (365 * year + year // 4 - year // 100 + year // 400
            + (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 719469)
    return ((days * 24 + int(text[11:13])) * 60 + int(text[14:16])) * 60_000


def flights(plain):
    """(origin, time, delay) of each row, in order."""
    with open(plain, newline="") as file:
        rows = csv.reader(file)
        next(rows)
        times = {}
        result = []
        for row in rows:
            time = times.get(row[0])
            if time is None:
                time = times[row[0]] = utc_ms(row[0])
            result.append((row[3], time, int(row[1])))
        return result


def expected(rows, size, advance, grace):
    """The windows by the rule of the guarantees: a row raises stream time, then each (row, window)
    pair counts iff end > stream time - grace."""
    windows, late, stream = {}, 0, 0
    for key, time, value in rows:
        stream = max(stream, time)
        newest = time - time % advance
        first = max(newest - (size - 1 - time % advance) // advance * advance, 0)
        oldest_taken = stream - grace - size + 1  # the least start that is not late
        for start in range(first, newest + 1, advance):
            if start < oldest_taken:
                late += 1
                continue
            window = (key, start)
            old = windows.get(window)
            if old is None:
                windows[window] = [1, value, value]
            else:
                old[0] += 1
                old[1] += value
                if value > old[2]:
                    old[2] = value
    lines = {(key, str(start)): f"{key},{start},{start + size},{v[0]},{v[1]},{v[2]}"
             for (key, start), v in windows.items()}
    return Expected(lines, late, len(rows))


def ndjson(content, pointers=False):
    """CSV as NDJSON: numbers as numbers or, every other row, as strings; the order of the members
    changes from row to row. With pointers the key is {"where": [{"id": ...}]}."""
    lines = []
    for number, row in enumerate(csv.DictReader(io.StringIO(content.decode()))):
        members = list(row.items())
        if number % 2:
            members = [(name, int(text) if re.fullmatch(r"-?\d+", text) else text)
                       for name, text in reversed(members)]
        if pointers:
            members = [("where", [{"id": text}]) if name == "origin" else (name, text)
                       for name, text in members]
        lines.append(json.dumps(dict(members), ensure_ascii=bool(number % 3)))
    return "".join(line + "\n" for line in lines).encode()


def closing_rows(rows, size, grace):
    """For each window start of tumbling windows the number (from 1) of the row that closes it."""
    closed_by, open_starts, stream = {}, set(), 0
    for number, (_, time, _) in enumerate(rows, 1):
        if time > stream:
            stream = time
            for start in [s for s in open_starts if s + size <= stream - grace]:
                open_starts.remove(start)
                closed_by[str(start)] = number
        start = time - time % size
        if start not in open_starts and start + size > stream - grace:
            open_starts.add(start)
    return closed_by


def read_by_rule(text, header=FLIGHTS_HEADER):
    """The reader's rule on lines: drop those with the wrong number of fields or an open quote, and
    headers; of several lines for one (key, window_start) the last wins."""
    columns = header.count(",") + 1
    kept = {}
    for line in text.split("\n"):
        if line.count('"') % 2 or line == header:
            continue
        fields = next(csv.reader(io.StringIO(line)), [])
        if len(fields) == columns:
            kept[fields[0], fields[1]] = line
    return kept
