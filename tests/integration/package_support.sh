# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the package tests share. Sourced; sets `work`, a directory that is removed at the end.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}

# logged WHAT COMMAND...: quiet unless it fails.
logged() {
  local what=$1
  shift
  "$@" >"$work/log" 2>&1 || {
    tail -n 40 "$work/log"
    fail "$what"
  }
}

# counts_right NAME PROGRAM: the consumer counts, keeps its state, and goes on from it.
counts_right() {
  local name=$1 program=$2 state=$work/state-$1
  printf '0 still water\n59999 water\n60000 water\n' | "$program" "$state" >"$work/$name.1" \
    || fail "$name: the first run ended with $?"
  printf '60001 water runs\n' | "$program" "$state" >"$work/$name.2" \
    || fail "$name: the second run ended with $?"
  printf '%s\n' '0 still 1' '0 water 2' '1 water 1' | diff - <(LC_ALL=C sort "$work/$name.1") \
    || fail "$name: other counts"
  printf '%s\n' '0 still 1' '0 water 2' '1 runs 1' '1 water 2' \
    | diff - <(LC_ALL=C sort "$work/$name.2") || fail "$name: other counts after a restart"
  echo "ok: $name"
}

# finds_mistake NAME PROGRAM: the example that tests a topology passes, and fails with its mistake.
finds_mistake() {
  local name=$1 program=$2
  "$program" --stories 20 >"$work/log" 2>&1 || fail "$name: a sound topology fails"
  ! MISTAKEN=1 "$program" --stories 20 >"$work/log" 2>&1 || fail "$name: a mistake passes"
  grep -q '^seed .*again: ' "$work/log" || fail "$name: the failure does not name its seed"
  echo "ok: $name: lentic-testing"
}

# copy_sources FROM TO: the files of the tree that git knows or would add; all where git is missing.
copy_sources() {
  mkdir -p "$2"
  if (cd "$1" && git rev-parse --is-inside-work-tree >/dev/null 2>&1); then
    (cd "$1" && git ls-files -z -co --exclude-standard \
      | while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done \
      | tar --null -T - -cf -) | tar -xf - -C "$2"
  else
    (cd "$1" && tar --exclude='./build*' -cf - .) | tar -xf - -C "$2"
  fi
}
