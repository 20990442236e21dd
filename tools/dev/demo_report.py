#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads what the demo wrote, as any reader should, prints a table and checks the digest.

Usage: demo_report.py OUTPUT_CSV STDERR_LOG
The reader's rule: lines with the wrong number of fields or an open quote are dropped (an attempt
was cut off there), so are repeated headers; of several lines for one window the last one wins.
"""
import datetime
import hashlib
import json
import sys

DIGEST = "a174db3063b5408c1358446b44cef28d416d9bf98a31d443e816383c3951a24d"
HEADER = "origin,window_start,window_end,count,sum:delay,max:delay"
TOP = 10


def milliseconds(text):
    when = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(when.timestamp()) * 1000


def read_windows(path):
    """{(origin, window start): fields}, and the number of lines that repeat an earlier window."""
    windows, repeated = {}, 0
    with open(path, encoding="utf-8", newline="\n") as lines:
        for line in lines:
            line = line.rstrip("\n")
            fields = line.split(",")
            if line == HEADER or len(fields) != HEADER.count(",") + 1 or line.count('"') % 2:
                continue
            repeated += (fields[0], fields[1]) in windows
            windows[fields[0], fields[1]] = fields
    return windows, repeated


def read_statistics(path):
    """The last JSON object on stderr, and the row at which the attempt resumed."""
    statistics = None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("{"):
                statistics = json.loads(line)
    if statistics is None:
        sys.exit("demo: the second attempt printed no statistics")
    return statistics


def digest(windows):
    lines = [f"{f[0]},{milliseconds(f[1])},{milliseconds(f[2])},{f[3]},{f[4]},{f[5]}\n"
             for f in windows.values()]
    lines.sort(key=lambda line: line[:-1].encode())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def print_table(windows):
    print(f"The {TOP} busiest hours (delays in minutes; below 0 is earlier than planned)\n")
    print("  origin  hour (UTC)         flights  total delay  worst delay")
    print("  ------  ----------------  --------  -----------  -----------")
    busiest = sorted(windows.values(), key=lambda f: (-int(f[3]), f[1], f[0]))[:TOP]
    for origin, start, _, count, total, worst in busiest:
        hour = start[:16].replace("T", " ")
        print(f"  {origin:<6}  {hour:<16}  {count:>8}  {total:>11}  {worst:>11}")


def main():
    windows, repeated = read_windows(sys.argv[1])
    statistics = read_statistics(sys.argv[2])
    resumed = statistics["resumed_at_row"]
    print(f"   resumed at row {resumed:,} and read the {statistics['rows_read']:,} rows left in "
          f"{statistics['seconds']:.2f} s;\n   {repeated} windows were written twice\n")
    print_table(windows)
    late, rows = statistics["late_dropped"], statistics["rows_in"]
    print(f"\n{rows:,} flights in, {len(windows):,} windows out, {late:,} late dropped "
          f"({100 * late / rows:.2f} %).")
    print("Late dropped: these flights left so long after their scheduled hour that it had been\n"
          "closed, 2 hours (--grace) after its end by the latest schedule time seen. They are\n"
          "counted, not hidden; a longer grace drops fewer, and gives results later.")
    found = digest(windows)
    if found != DIGEST:
        print(f"\nWRONG: the windows have sha256 {found}\n       expected {DIGEST}")
        return 1
    print(f"\nThe {len(windows):,} windows are exactly those of an undisturbed run:\n"
          f"sha256 {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
