#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds every example against an installed tree, through pkg-config only, and runs it.
# Usage: installed_examples.sh SOURCE_DIR BUILD_DIR
# An example must exit with 0; its output must equal examples/NAME.expected where that file exists.
# One with a driver, examples/run_NAME.py PROGRAM, is run by it.
set -euo pipefail

source_dir=$1
build_dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}

DESTDIR="$work/root" meson install -C "$build_dir" --no-rebuild --quiet --tags devel,runtime \
  || fail "meson install"
pc=$(find "$work/root" -name lentic.pc) || true
[ -n "$pc" ] || fail "no lentic.pc was installed"
export PKG_CONFIG_PATH="${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
# The prefix of the file is the final one; relocated, it is the one inside our root.
prefix="$work/root$(pkg-config --variable=prefix lentic)"
# flags_of PACKAGE
flags_of() { pkg-config --define-variable=prefix="$prefix" --cflags --libs --static "$1"; }

# What is installed is what the tree shows: a header that no meson.build lists is missing here.
"$source_dir/tests/headers/list_headers.py" "$source_dir" >"$work/tree.txt"
(cd "$prefix/include" && find lentic -name '*.hpp' | LC_ALL=C sort) >"$work/installed.txt"
diff "$work/tree.txt" "$work/installed.txt" || fail "installed headers differ from the tree's"

count=0
for example in "$source_dir"/examples/*.cpp; do
  [ -e "$example" ] || continue
  name=$(basename "$example" .cpp)
  package=lentic
  if grep -q '<lentic/testing/' "$example"; then package=lentic-testing; fi
  flags=$(flags_of "$package")
  # shellcheck disable=SC2086  # flags and the compiler are lists of words
  ${CXX:-g++} -Wall -Wextra -Werror "$example" -o "$work/$name" $flags \
    || fail "$name does not compile against the installed tree"
  driver="${example%/*}/run_$name.py"
  if [ -e "$driver" ]; then
    TMPDIR="$work" "$driver" "$work/$name" || fail "$name: see above"
    echo "ok: $name"
    count=$((count + 1))
    continue
  fi
  mkdir "$work/run-$name"
  input="${example%.cpp}.input"
  [ -e "$input" ] || input=/dev/null
  (cd "$work/run-$name" && TMPDIR="$work/run-$name" "$work/$name") <"$input" >"$work/$name.out" \
    || fail "$name exited with $?"
  expected="${example%.cpp}.expected"
  if [ -e "$expected" ]; then
    diff "$expected" "$work/$name.out" || fail "$name printed something else"
  fi
  echo "ok: $name"
  count=$((count + 1))
done
if [ "$count" = 0 ]; then
  printf '#include <lentic/coro/task.hpp>\nint main() {}\n' >"$work/probe.cpp"
  flags=$(flags_of lentic)
  # shellcheck disable=SC2086
  ${CXX:-g++} "$work/probe.cpp" -o "$work/probe" $flags || fail "a bare program does not link"
fi
echo "$count examples built against the installed tree"
