#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo: statistics over real flights, killed once in the middle with SIGKILL and resumed.
# Usage: demo.sh LENTIC      (./dev demo builds the command and calls this)
# Leaves nothing behind; LENTIC_DEMO_DIR=DIR keeps the state and the output there.
set -euo pipefail
lentic=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

input=examples/data/flights-2001q1.csv.gz
rows=231083
kill_after=$((rows / 2))

if [ -n "${LENTIC_DEMO_DIR:-}" ]; then
  work=$LENTIC_DEMO_DIR
  mkdir -p "$work"
  [ -z "$(ls -A "$work")" ] || {
    echo "demo: $work is not empty; choose another LENTIC_DEMO_DIR" >&2
    exit 1
  }
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
output=$work/windows.csv

# --ts scheduled --key origin: the hour of an airport in which a flight was scheduled to depart.
command=("$lentic" run "$input" --ts scheduled --key origin --window tumbling:1h --grace 2h
  --agg "count,sum:delay,max:delay" --emit close --output csv --state "$work/state"
  --commit-interval 1000rows --log-commits --progress never)

cat <<TEXT
The input: $rows real flights of early 2001, in the order in which they really departed. We ask
for each airport and each hour of the timetable: how many flights, how late in all, how late at
worst. An hour stays open for 2 more hours, because delayed flights arrive out of order.

  lentic run $input --ts scheduled --key origin \\
    --window tumbling:1h --grace 2h --agg count,sum:delay,max:delay \\
    --emit close --output csv --state DIR >> windows.csv

TEXT

echo "1. The first attempt: it will be killed with SIGKILL (kill -9) in the middle."
mkfifo "$work/log"
"${command[@]}" >>"$output" 2>"$work/log" &
job=$!
committed=0
status=0
{ # quiet: the shell itself would report the kill
  while read -r line; do
    case "$line" in
      "commit "*" row "*) committed=${line##* } ;;
      "resumed row "*) ;;
      *) echo "   $line" ;;
    esac
    if [ "$committed" -ge "$kill_after" ]; then kill -9 "$job" || true; fi
  done <"$work/log"
  wait "$job" || status=$?
} 2>/dev/null
if [ "$status" = 137 ]; then
  echo "   killed after the commit at row $committed of $rows"
elif [ "$status" = 0 ]; then
  echo "   it finished before the signal came; the second attempt has nothing left to do"
else
  echo "demo: the first attempt failed with exit status $status" >&2
  exit 1
fi

echo "2. The same command again, with the same state directory and >> the same file."
"${command[@]}" --stats json >>"$output" 2>"$work/second.log" || {
  status=$?
  cat "$work/second.log" >&2
  echo "demo: the second attempt failed with exit status $status" >&2
  exit 1
}
echo
python3 tools/dev/demo_report.py "$output" "$work/second.log"
