# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Steps with a time budget, and the tally of what passed, failed and was skipped. Sourced.
#
# LENTIC_TALLY names a file that collects one word a line (passed, failed, skipped) over several
# scripts; without it each script has its own. LENTIC_DEADLINE, in seconds since 1970, cuts every
# budget to what is left until then.

tally=${LENTIC_TALLY:-$(mktemp)}
tally_start=$(wc -l <"$tally")
[ -n "${LENTIC_TALLY:-}" ] || trap 'rm -f "$tally"' EXIT

# record WORD [COUNT]
record() {
  local i
  for ((i = 0; i < ${2:-1}; i++)); do echo "$1"; done >>"$tally"
}

# skip REASON [COUNT]: allowed for the reasons in .ci/skips (one beginning a line); in CI any other
# reason is a failure.
skip() {
  local reason=$1 count=${2:-1} known
  echo "SKIPPED: $reason$([ "$count" = 1 ] || echo " ($count cases)")"
  record skipped "$count"
  while IFS= read -r known; do
    case "$known" in "" | "#"*) continue ;; esac
    case "$reason" in "$known"*) return 0 ;; esac
  done <.ci/skips
  if [ "${CI:-}" = true ]; then
    echo "FAILED: this reason to skip is not listed in .ci/skips: $reason"
    record failed
  fi
}

# budgeted NAME SECONDS COMMAND...: prints the budget, runs, prints the time taken.
budgeted() {
  local name=$1 seconds=$2 status=0 begin=$SECONDS
  shift 2
  if [ -n "${LENTIC_DEADLINE:-}" ]; then
    local left=$((LENTIC_DEADLINE - $(date +%s)))
    if [ "$left" -lt 1 ]; then left=1; fi
    if [ "$left" -lt "$seconds" ]; then seconds=$left; fi
  fi
  echo
  echo "== $name (budget $seconds s)"
  timeout --kill-after=10 "$seconds" "$@" || status=$?
  [ "$status" != 124 ] || echo "the budget of $seconds s was used up"
  echo "-- $name: $((SECONDS - begin)) s"
  return "$status"
}

# step NAME SECONDS COMMAND...: the same, counted as one check.
step() {
  if budgeted "$@"; then
    record passed
  else
    echo "FAILED: $1"
    record failed
  fi
}

# Prints the last line for everything recorded since this file was sourced; the status says
# whether anything failed.
summary() {
  tail -n "+$((tally_start + 1))" "$tally" | awk '
    { count[$1]++ }
    END { printf "%d passed, %d failed, %d skipped\n", count["passed"], count["failed"],
                 count["skipped"]; exit count["failed"] > 0 }'
}

# configured DIR COMPILER OPTION...
configured() {
  local dir=$1 compiler=$2
  shift 2
  [ ! -e "$dir/build.ninja" ] || return 0
  if command -v ccache >/dev/null; then compiler="ccache $compiler"; fi
  rm -rf "$dir"
  CXX=$compiler meson setup "$dir" "-Dwerror=${werror:-true}" "$@" >"$dir.log" 2>&1 || {
    cat "$dir.log"
    echo "FAILED: configure $dir"
    record failed
    return 1
  }
  mv "$dir.log" "$dir/"
}

# The build of the second compiler, CLANG, the same for every script that wants it.
configured_second() {
  configured build-clang "clang++-$CLANG" --buildtype=release -Dfuzz=true
}
