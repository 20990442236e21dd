#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy over the sources of the library and the command.
# Usage: tidy.sh VERSION SECONDS      a file that passed is not read again until it, a header, the
# configuration or the version changes. Sources that this branch changed come first.
# Exit status: 0 all passed, 1 findings, 3 the time was used up without a finding.
set -uo pipefail
version=$1
deadline=$((SECONDS + $2))
passed=build/tidy-passed
mkdir -p "$passed"

common=$(git ls-files -co --exclude-standard -- '*.hpp' .clang-tidy | LC_ALL=C sort \
  | xargs -d '\n' cat | sha256sum)
all=$(git ls-files -co --exclude-standard -- {coro,lib,windows,tools}'/src/*.cpp')
base=$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse HEAD)
changed=$(git diff --name-only "$base" -- {coro,lib,windows,tools}'/src/*.cpp')

one() {
  local file=$1 deadline=$2 left stamp
  stamp=$passed/$(printf '%s %s %s' "$version" "$common" "$(cat "$file")" | sha256sum | cut -c1-32)
  [ ! -e "$stamp" ] || return 0
  left=$((deadline - $(date +%s)))
  if [ "$left" -le 0 ]; then
    echo "$file" >>"$work/left"
    return 0
  fi
  local status=0
  timeout "$left" "clang-tidy-$version" --quiet -p build --extra-arg=-Wno-unknown-warning-option \
    "$file" >"$work/${file//\//_}.log" 2>/dev/null || status=$?
  if [ "$status" = 124 ]; then
    echo "$file" >>"$work/left"
  elif [ "$status" = 0 ]; then
    touch "$stamp"
  else
    cat "$work/${file//\//_}.log"
    echo "$file" >>"$work/bad"
  fi
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/left" "$work/bad"
export -f one
export version passed common work

printf '%s\n%s\n' "$changed" "$all" | awk 'NF && !seen[$0]++' \
  | while IFS= read -r file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done \
  | xargs -0 -r -P "$(nproc)" -I{} bash -c 'one "$1" "$2"' one {} \
    "$(($(date +%s) + deadline - SECONDS))"

total=$(printf '%s\n' "$all" | grep -c .)
bad=$(grep -c . "$work/bad")
left=$(grep -c . "$work/left")
echo "clang-tidy: $total files, $bad with findings, $left not read"
[ ! -s "$work/bad" ] || exit 1
[ ! -s "$work/left" ] || exit 3
