#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests: with one compiler, or with --ci in every configuration that CI asks for.
# Called by ./dev, which has installed the packages and configured build/. Environment: FIRST, the
# first compiler; CLANG, the version of the second, may be empty.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tools/dev/steps.sh
source tools/dev/steps.sh

# built NAME SECONDS DIR [TARGET...]: compiles, quietly unless it fails.
built() {
  local name=$1 seconds=$2 dir=$3
  shift 3
  budgeted "build: $name" "$seconds" bash -c 'ninja -C "$@" >"$1/dev-build.log" 2>&1 || {
    tail -n 60 "$1/dev-build.log"
    exit 1
  }' build "$dir" "$@" && return 0
  echo "FAILED: build: $name"
  record failed
  return 1
}

# tested NAME SECONDS DIR [MESON TEST OPTION...]: counts every GoogleTest case.
tested() {
  local name=$1 seconds=$2 dir=$3
  shift 3
  rm -f "$dir"/*.xml "$dir"/meson-logs/testlog*.json
  budgeted "tests: $name" "$seconds" \
    meson test -C "$dir" --no-rebuild --quiet --print-errorlogs "$@"
  local status=$? passed=0 failed=0 count word detail
  while read -r count word detail; do
    case "$word" in
      passed) passed=$count ;;
      failed)
        failed=$((failed + count))
        echo "FAILED: $name: $detail"
        ;;
      skipped) skip "$detail" "$count" ;;
    esac
  done < <(python3 tools/dev/count_tests.py "$dir" | sort | uniq -c)
  if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
    echo "FAILED: $name: meson test ended with $status"
    failed=1
  fi
  echo "$name: $passed passed, $failed failed"
  record passed "$passed"
  record failed "$failed"
}

first=${FIRST:-g++}
short=(--no-suite crash --no-suite campaign)

if built "$first" 1200 build; then
  tested "$first" 480 build "${short[@]}"
fi
if [ "${1:-}" != --ci ]; then
  echo
  summary
  exit
fi

# Not piped into grep -q: pipefail would take its early end for a failure of meson.
has_suite() { [ -n "$(meson test -C "$1" --list --suite "$2" 2>/dev/null)" ]; }
for suite in crash campaign; do
  if has_suite build "$suite"; then tested "$suite" 600 build --suite "$suite"; fi
done

if [ -n "${CLANG:-}" ] && command -v "clang++-$CLANG" >/dev/null; then
  if configured_second && built "clang++-$CLANG" 1200 build-clang; then
    tested "clang++-$CLANG" 480 build-clang "${short[@]}"
    for target in tests/fuzz/*_fuzz.cpp; do
      fuzzer=build-clang/${target%.cpp}
      # shellcheck disable=SC2016  # $0 is the fuzzer
      step "fuzzing: ${fuzzer##*/}" 60 bash -c '"$0" -max_total_time=15 -rss_limit_mb=2048 \
        -timeout=5 -artifact_prefix=build-clang/ >"$0.log" 2>&1 || { tail -30 "$0.log"; exit 1; }' \
        "$fuzzer"
    done
    step "two compilers, two engines" 300 python3 tests/integration/two_builds.py \
      build build-clang examples/data/flights-2001q1.csv.gz
  fi
else
  skip "no clang++ 16 or newer"
fi

# Quick to compile, and without --werror: g++ 12 warns of its own library under a sanitizer.
sanitized=(--buildtype=plain -Doptimization=1 -Dbench=disabled -Dexamples=disabled)

# ptrace-style limits or an old kernel can refuse the sanitizers' address layout.
sanitizer_runs() {
  printf 'int main() {}\n' >"build/probe-$1.cpp"
  "$first" "-fsanitize=$1" "build/probe-$1.cpp" -o "build/probe-$1" 2>/dev/null \
    && "build/probe-$1" 2>/dev/null
}

if sanitizer_runs address; then
  if werror=false configured build-address "$first" "${sanitized[@]}" \
    -Db_sanitize=address,undefined && built "address, undefined" 1500 build-address; then
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
      tested "address, undefined" 1200 build-address --timeout-multiplier 4 "${short[@]}"
  fi
else
  skip "the address sanitizer does not run here"
fi

if ! has_suite build threads; then
  echo "no test is in the suite 'threads': nothing for the thread sanitizer"
elif sanitizer_runs thread; then
  if werror=false configured build-thread "$first" "${sanitized[@]}" -Db_sanitize=thread \
    -Dcpp_args=-Wno-tsan \
    && mapfile -t programs < <(python3 tools/dev/suite_targets.py build-thread threads) \
    && built "thread" 900 build-thread "${programs[@]}"; then
    tested "thread" 300 build-thread --timeout-multiplier 4 --suite threads
  fi
else
  skip "the thread sanitizer does not run here"
fi

echo
summary
