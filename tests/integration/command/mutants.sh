#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Breaks one promise of the command at a time and expects the end-to-end tests to notice.
# Usage: mutants.sh [NAME...]     (all of mutants/*.patch by default)
# The first line of a patch says what it takes away, the second which test has to fail. They are
# applied to a copy of the tree, one after the other. Exit status 1 when one survives, no longer
# applies or does not build.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree build=$work/build

mkdir "$tree"
(cd "$root" && git ls-files -co --exclude-standard -z | tar c --null -T -) | tar x -C "$tree"
meson setup "$build" "$tree" -Dbench=disabled -Dexamples=disabled >"$work/log"

compile() {
  ninja -C "$build" tools/lentic tests/crash/nouring >"$work/log" 2>&1
}

# Succeeds when the test fails; prints its first failed check. The rest of it is not waited for.
notices() {
  local script=$1 line status=0
  shift
  coproc test {
    exec python3 -B "$here/$script" "$build/tools/lentic" \
      "$root/examples/data/flights-2001q1.csv.gz" "$build/tests/crash/nouring" "$@" 2>&1
  }
  local test_id=$test_PID
  while read -r line; do
    case "$line" in
      FAILED* | Traceback*)
        echo "${line:0:150}"
        kill -INT "$test_id" 2>/dev/null || true  # it removes what it made
        cat <&"${test[0]}" >/dev/null || true
        wait "$test_id" 2>/dev/null || true
        return 0
        ;;
    esac
  done <&"${test[0]}"
  wait "$test_id" || status=$?
  [ "$status" != 0 ]
}

judge() {
  local patch=$here/mutants/$1.patch words script
  read -r -a words < <(sed -n 's/^Caught by: //p' "$patch")
  script=${words[0]}
  if ! patch -d "$tree" -p1 -s -f <"$patch" >"$work/log" 2>&1; then
    echo "$1: NO LONGER APPLIES"
    return 1
  fi
  local verdict=0
  if ! compile; then
    tail -n 40 "$work/log"
    echo "$1: DOES NOT BUILD"
    verdict=1
  elif noticed=$(notices "$script" "${words[@]:1}"); then
    echo "$1: caught by $script: $noticed"
  else
    echo "$1: SURVIVED ${words[*]}"
    verdict=1
  fi
  patch -d "$tree" -p1 -s -f -R <"$patch"
  return "$verdict"
}

names=("$@")
if [ "${#names[@]}" = 0 ]; then
  for patch in "$here"/mutants/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi
compile || { tail -n 40 "$work/log"; exit 1; }
bad=0
for name in "${names[@]}"; do
  judge "$name" || bad=$((bad + 1))
done
echo "${#names[@]} mutants, $bad not caught"
[ "$bad" = 0 ]
