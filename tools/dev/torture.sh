#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Long campaigns: the rows of docs/reliability.md at release figures. Called by ./dev, which has
# configured build/. Environment: FIRST, the first compiler; CLANG, the version of the second.
#
# Usage: torture.sh [--quick | --hours H] [--row N]... [--gb N] [--list]
#   --quick    each row once, small: some minutes a row at most
#   --hours H  what repeats goes on with new seeds, for H hours in all (default: release figures)
#   --row N    only this row; may be repeated
#   --gb N     size of the big state (default 1)
# Prints for each row how long it ran and how it ended, and all of them again at the end.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

quick=no hours='' gb=1 list=no rows=()
while [ "$#" -gt 0 ]; do
  case "$1" in
    --quick) quick=yes ;;
    --list) list=yes ;;
    --hours | --row | --gb)
      [[ ${2:-} =~ ^[0-9]+$ ]] || {
        echo "dev: $1 wants a whole number" >&2
        exit 2
      }
      case "$1" in --hours) hours=$2 ;; --row) rows+=("$2") ;; --gb) gb=$2 ;; esac
      shift
      ;;
    *)
      echo "dev: usage: ./dev torture [--quick | --hours H] [--row N]... [--gb N] [--list]" >&2
      exit 2
      ;;
  esac
  shift
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/tally"
failures=0

wanted() {
  local each
  [ "${#rows[@]}" -gt 0 ] || return 0
  for each in "${rows[@]}"; do [ "$each" != "$1" ] || return 0; done
  return 1
}

# row NUMBER TITLE FUNCTION: runs it, unless it is not wanted.
row() {
  local number=$1 title=$2 function=$3 begin=$SECONDS status=0 verdict
  wanted "$number" || return 0
  if [ "$list" = yes ]; then
    printf 'row %-3s %s\n' "$number" "$title"
    return 0
  fi
  printf '\n== row %s: %s\n' "$number" "$title"
  ("$function") || status=$?
  case "$status" in
    0) verdict=passed ;;
    77) verdict='SKIPPED' ;;
    *)
      verdict=FAILED
      failures=$((failures + 1))
      ;;
  esac
  printf 'row %-3s %-8s %6s s  %s\n' "$number" "$verdict" "$((SECONDS - begin))" "$title" \
    | tee -a "$work/rows"
}

# built DIR TARGET...
built() {
  local dir=$1
  shift
  ninja -C "$dir" "$@" >"$work/log" 2>&1 || {
    tail -n 40 "$work/log"
    return 1
  }
}

# figure RELEASE QUICK: how often.
figure() { if [ "$quick" = yes ]; then echo "$2"; else echo "$1"; fi; }

# A part, in percent, of the hours; 0 where none were given.
seconds_of() { echo $((${hours:-0} * 3600 * $1 / 100)); }

# repeated PERCENT FUNCTION: once with seed 1, and with --hours again with further seeds until that
# part of the time is over.
repeated() {
  local seconds begin=$SECONDS seed=1 times=0
  seconds=$(seconds_of "$1")
  while :; do
    "$2" "$seed" || return
    times=$((times + 1)) seed=$((seed + 1))
    [ $((SECONDS - begin)) -lt "$seconds" ] || break
  done
  echo "$times times"
}

# tests DIR PROGRAM FILTER: of GoogleTest; at least one must have run.
tests() {
  local dir=$1 program=$2 filter=$3
  built "$dir" "$program" || return
  "$dir/$program" --gtest_brief=1 --gtest_filter="$filter" >"$work/log" 2>&1 || {
    tail -n 40 "$work/log"
    return 1
  }
  grep -E '^\[==========\] [1-9][0-9]* test' "$work/log" | tail -1
}

stories=$(figure 200000 3000)
campaign() {
  LENTIC_CAMPAIGN_SEED=$((1 + ($1 - 1) * stories)) LENTIC_CAMPAIGN_STORIES=$stories \
    LENTIC_CACHE_STORIES=$((stories / 4)) build/tests/crash/crash_campaign --gtest_brief=1 \
    --gtest_filter='*Campaign.No*' || return
}
power_cuts() { built build tests/crash/crash_campaign && repeated 40 campaign; }
exhaustive() { tests build tests/crash/crash_campaign 'CrashScripts.*'; }
nth_failure() {
  tests build tests/lib/lib_tests '*IoFailure*:*Checkpoint*:*Salvage*' || return
  tests build tests/lib/compact_test '*' || return
  tests build tests/lib/memory_failure_test '*Operation*:*FailedSync*' || return
  tests build tests/windows/path_failure_test '*'
}
nth_allocation() {
  local each
  for each in lib/store_allocation lib/cache_allocation lib/merge_cursor \
    lib/young_table_allocation windows/path_allocation; do
    tests build "tests/${each}_test" '*' || return
  done
  tests build tests/lib/memory_failure_test '*Allocation*'
}
sync_failure() { tests build tests/lib/lib_tests 'Poison.*:*IoFailure*:Rotation.*'; }
kills_of() { python3 tests/crash/kill_loop.py -n "$(figure 10000 100)" --seed "$1" "${@:2}"; }
kills() {
  kills_of "$1" build/tests/crash/durable || return
  python3 tests/crash/kill_loop.py -n "$(figure 1000 50)" --seed "$1" build/tests/crash/durable \
    --copies
}
real_kills() {
  built build tests/crash/durable tools/lentic tests/crash/nouring tests/crash/big_state || return
  repeated 15 kills || return
  tests/integration/command/kill_campaign.py build/tools/lentic \
    examples/data/flights-2001q1.csv.gz build/tests/crash/nouring "$(figure 60 3)" 3 \
    | tail -n 1
  return "${PIPESTATUS[0]}"
}
calls() {
  local n
  n=$(figure 1000 40)
  python3 tests/crash/call_loop.py -n "$n" --seed "$1" build/tests/crash/durable || return
  python3 tests/crash/call_loop.py -n "$n" --seed "$1" build/tests/crash/durable --engine threads
}
killed_calls() { built build tests/crash/durable && repeated 5 calls; }
cuts() {
  local kind
  for kind in ext4 xfs; do
    python3 tests/crash/power_cut.py --fs "$kind" -n "$(figure 5000 20)" --seed "$1" \
      build/tests/crash/durable || return
  done
}
real_cuts() { built build tests/crash/durable && repeated 15 cuts; }
every_bit() {
  LENTIC_EVERY_BIT=1 tests build tests/lib/lib_tests \
    '*JournalDamage*:*RunDamage*:*ManifestDamage*:*RunFile*' || return
  built build tools/lentic tests/crash/nouring || return
  [ "$quick" = no ] || return 0
  LENTIC_EVERY_BYTE=1 python3 tests/integration/command/verify.py build/tools/lentic \
    examples/data/flights-2001q1.csv.gz build/tests/crash/nouring | tail -n 1
  return "${PIPESTATUS[0]}"
}
every_length() {
  tests build tests/lib/lib_tests '*JournalDamage*:*ManifestDamage*:*RunDamage*:*SalvageMode*'
}
full_disk() {
  tests build tests/lib/lib_tests 'FullDisk.*' || return
  built build tools/lentic tests/crash/nouring || return
  python3 tests/integration/command/bad_state.py build/tools/lentic \
    examples/data/flights-2001q1.csv.gz build/tests/crash/nouring | grep -v '^ok'
  return "${PIPESTATUS[0]}"
}
with_clang() {
  # shellcheck source=tools/dev/steps.sh
  LENTIC_TALLY=$work/tally source tools/dev/steps.sh
  if [ -z "${CLANG:-}" ] || ! command -v "clang++-$CLANG" >/dev/null; then
    echo "SKIPPED: no clang++ 16 or newer"
    return 77
  fi
  configured_second
}
fuzzing() {
  local target name seconds status=0
  with_clang || return
  seconds=$(figure 3600 20)
  [ -z "$hours" ] || seconds=$(($(seconds_of 10) / 5))
  for target in tests/fuzz/*_fuzz.cpp; do
    name=${target%.cpp}
    built build-clang "$name" || return
    "build-clang/$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=5 \
      -artifact_prefix=build-clang/ >"$work/log" 2>&1 || {
      tail -n 30 "$work/log"
      status=1
    }
    echo "${name##*/}: $seconds s"
  done
  return "$status"
}
models() {
  tests build tests/lib/lib_tests \
    '*EnvironmentModel*:*byte_store_suite*:*segmented_store_suite*:*Young*' || return
  tests build tests/lib/memory_budget_test '*MemoryModel*' || return
  tests build tests/windows/windows_test '*AggregationModel*' || return
  tests build tests/windows/windowed_pipe_test '*PipeModel*'
}
# sanitized NAME OPTION...: as in ./dev test --ci.
sanitized() {
  local dir=build-$1
  # shellcheck source=tools/dev/steps.sh
  LENTIC_TALLY=$work/tally source tools/dev/steps.sh
  werror=false configured "$dir" "${FIRST:-g++}" --buildtype=plain -Doptimization=1 \
    -Dbench=disabled -Dexamples=disabled "${@:2}"
}
addresses() {
  sanitized address -Db_sanitize=address,undefined || return
  built build-address tests/crash/crash_campaign || return
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  LENTIC_CAMPAIGN_STORIES=$(figure 50000 500) build-address/tests/crash/crash_campaign \
    --gtest_brief=1 || return
  [ "$quick" = no ] || return 0
  built build-address && meson test -C build-address --no-rebuild --quiet --print-errorlogs \
    --timeout-multiplier 10 --no-suite campaign
}
threads() {
  local targets
  sanitized thread -Db_sanitize=thread -Dcpp_args=-Wno-tsan || return
  mapfile -t targets < <(python3 tools/dev/suite_targets.py build-thread threads)
  built build-thread "${targets[@]}" || return
  meson test -C build-thread --no-rebuild --quiet --print-errorlogs --timeout-multiplier 10 \
    --suite threads --repeat "$(figure 50 1)"
}
memcheck() {
  command -v valgrind >/dev/null || {
    echo "SKIPPED: no valgrind"
    return 77
  }
  built build tests/crash/durable tests/coro/sim_test || return
  local check=(valgrind -q --leak-check=full --error-exitcode=9)
  "${check[@]}" build/tests/crash/durable "$work/durable" --engine threads --commits \
    "$(figure 2000 100)" >/dev/null || return
  [ "$quick" = no ] || return 0
  "${check[@]}" build/tests/coro/sim_test --gtest_brief=1
}
no_uring() {
  built build tests/crash/nouring tests/crash/durable tests/coro/coro_io_tests || return
  local error
  for error in EPERM ENOSYS; do
    build/tests/crash/nouring "$error" build/tests/coro/coro_io_tests --gtest_brief=1 || return
    build/tests/crash/nouring "$error" python3 tests/crash/kill_loop.py -n "$(figure 1000 30)" \
      build/tests/crash/durable || return
  done
}
completions() { tests build tests/coro/sim_test '*'; }
stops() {
  tests build tests/lib/lib_tests '*stop_points*:*Abandoned*' || return
  tests build tests/windows/path_failure_test '*PathStop*'
}
locks() {
  tests build tests/lib/lib_tests 'Environment.*:*SalvageMode*' || return
  built build tools/lentic tests/crash/nouring || return
  python3 tests/integration/command/load.py build/tools/lentic \
    examples/data/flights-2001q1.csv.gz build/tests/crash/nouring | grep -v '^ok'
  return "${PIPESTATUS[0]}"
}
determinism() {
  built build tests/crash/crash_campaign examples/test_your_topology || return
  LENTIC_CAMPAIGN_STORIES=1000 build/tests/crash/crash_campaign --gtest_brief=1 \
    --gtest_filter='*EqualSeeds*' || return
  build/examples/test_your_topology --stories "$(figure 100000 1000)"
}
big_state() {
  built build tests/crash/big_state tools/lentic || return
  mkdir -p build/torture # on the disk of the clone
  python3 tests/crash/big_state.py --gb "$(figure "$gb" 1)" --kills "$(figure 6 2)" \
    --directory build/torture build/tests/crash/big_state build/tools/lentic
}
soak() {
  built build tests/crash/memory_soak || return
  local seconds
  seconds=$(seconds_of 10)
  [ "$seconds" -gt 0 ] || seconds=$(figure 300 10)
  python3 tests/crash/memory_soak.py --seconds "$seconds" build/tests/crash/memory_soak
}
versions() { tests build tests/lib/lib_tests '*Newer*'; }
hostile() {
  tests build tests/lib/odd_files_test '*' || return
  tests build tests/lib/lib_tests 'ForeignDirectory*'
}
mutants() {
  local some=()
  [ "$quick" = no ] || some=(--only frame-without-fdatasync --only no-checksum-test)
  python3 tests/crash/mutants.py "${some[@]}" || return
  [ "$quick" = yes ] || tests/integration/command/mutants.sh
}

row 1 "power cuts on the simulated disk" power_cuts
row 2 "a crash at every operation of short scripts" exhaustive
row 3 "the n-th operation fails" nth_failure
row 4 "the n-th allocation fails" nth_allocation
row 5 "fdatasync fails" sync_failure
row 6 "kill -9 of real processes" real_kills
row 7 "killed in the k-th system call" killed_calls
row 8 "power cuts of ext4 and xfs" real_cuts
row 10 "every bit of a small state" every_bit
row 11 "every length of each file" every_length
row 13 "full disks" full_disk
row 14 "fuzzing" fuzzing
row 15 "random operations against models" models
row 16 "address and undefined sanitizers" addresses
row 17 "thread sanitizer" threads
row 18 "valgrind on the thread engine" memcheck
row 19 "no io_uring" no_uring
row 20 "completions: short, refused, in any order" completions
row 21 "a stop at each suspension" stops
row 22 "locks" locks
row 23 "equal seeds, equal traces" determinism
row 24 "ten times a memory budget" soak
row 25 "a big state opens after kill -9" big_state
row 26 "versions" versions
row 27 "hostile directories" hostile
row 29 "mutants" mutants

[ "$list" = no ] || exit 0
printf '\n'
cat "$work/rows" 2>/dev/null || echo "no such row"
printf 'rows without a test: 9, 12, 28, 30 (docs/reliability.md)\n'
[ "$failures" = 0 ]
