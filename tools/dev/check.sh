#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything that is checked without running the program. Called by ./dev, which has installed the
# packages and configured build/. Environment: FIRST and CLANG as in test.sh.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tools/dev/steps.sh
source tools/dev/steps.sh

format() {
  git ls-files -co --exclude-standard -z -- '*.hpp' '*.cpp' \
    | xargs -0 -r clang-format-16 --dry-run --Werror
}
if command -v clang-format-16 >/dev/null; then
  step "format" 120 bash -c "$(declare -f format); set -o pipefail; format"
else
  skip "no clang-format 16"
fi

step "style" 60 python3 tools/dev/style.py
step "style rules find what they should" 60 python3 -B tools/dev/style_test.py
step "code in pages is code of the tree" 30 python3 tools/dev/snippets.py
step "scripts parse" 30 bash -c 'for script in dev .ci/run $(git ls-files "*.sh"); do
  bash -n "$script" || exit 1
done'
step "floors" 60 python3 tools/dev/floors.py build

# The build directory of test.sh: what one compiled the other finds in its cache.
headers() {
  ninja -C "$1" header_check >"$1/dev-headers.log" 2>&1 || {
    tail -n 60 "$1/dev-headers.log"
    return 1
  }
}
step "headers alone: ${FIRST:-g++}" 400 bash -c "$(declare -f headers); headers build"
if [ -n "${CLANG:-}" ] && command -v "clang++-$CLANG" >/dev/null; then
  if configured_second; then
    step "headers alone: clang++-$CLANG" 400 bash -c "$(declare -f headers); headers build-clang"
  fi
else
  skip "no clang++ 16 or newer"
fi

tidy_seconds=${LENTIC_TIDY_SECONDS:-420}
if [ -n "${CLANG:-}" ] && command -v "clang-tidy-$CLANG" >/dev/null; then
  status=0
  budgeted "clang-tidy-$CLANG" "$((tidy_seconds + 10))" \
    tools/dev/tidy.sh "$CLANG" "$tidy_seconds" || status=$?
  case "$status" in
    0) record passed ;;
    3) skip "clang-tidy: time budget of $tidy_seconds s used up before every file was read" ;;
    *)
      echo "FAILED: clang-tidy"
      record failed
      ;;
  esac
else
  skip "no clang-tidy 16 or newer"
fi

echo
summary
