#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs an example in an empty directory, twice, and compares what it prints.
# Its standard input is NAME.input beside NAME.expected, or empty.
# Usage: run_example.sh PROGRAM EXPECTED
set -euo pipefail
program=$(realpath "$1")
expected=$(realpath "$2")
input=${expected%.expected}.input
[ -e "$input" ] || input=/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for attempt in first second; do
  "$program" <"$input" >printed || {
    echo "FAILED: the $attempt run exited with $?"
    exit 1
  }
  diff "$expected" printed || {
    echo "FAILED: the $attempt run printed something else"
    exit 1
  }
done
