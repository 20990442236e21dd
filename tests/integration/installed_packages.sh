#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds a program outside the tree against an installed lentic, through pkg-config and through
# find_package in CMake, and runs it. Usage: installed_packages.sh SOURCE_DIR BUILD_DIR
# The installed tree is moved before it is used: nothing in it may know where it was.
set -euo pipefail
source_dir=$1
build_dir=$2
# shellcheck source=tests/integration/package_support.sh
source "$(dirname "${BASH_SOURCE[0]}")/package_support.sh"
consumer=$work/consumer
cp -r "$source_dir/tests/integration/consumer" "$consumer"
cp "$source_dir/examples/test_your_topology.cpp" "$consumer"
compiler=${CXX:-g++}

DESTDIR="$work/root" logged "meson install" \
  meson install -C "$build_dir" --no-rebuild --quiet --tags devel,runtime
config=$(find "$work/root" -name lentic-config.cmake)
[ -n "$config" ] || fail "no lentic-config.cmake was installed"
pc=$(find "$work/root" -name lentic.pc)
old_prefix=$work/root$(PKG_CONFIG_PATH=${pc%/*} pkg-config --variable=prefix lentic)
prefix=$work/moved
mv "$old_prefix" "$prefix"

export PKG_CONFIG_PATH=$prefix/${pc#"$old_prefix/"}
PKG_CONFIG_PATH=${PKG_CONFIG_PATH%/*}
static=--static
if [ -e "${PKG_CONFIG_PATH%/*}/liblentic.so" ]; then
  static=
  export LD_LIBRARY_PATH=${PKG_CONFIG_PATH%/*}
fi
# shellcheck disable=SC2086  # flags and the compiler are lists of words
logged "compiling through pkg-config" $compiler -Wall -Wextra -Werror "$consumer/main.cpp" \
  -o "$work/with-pkg-config" \
  $(pkg-config --define-variable=prefix="$prefix" --cflags --libs $static lentic)
counts_right pkg-config "$work/with-pkg-config"
# shellcheck disable=SC2086
logged "compiling a test through pkg-config" $compiler -Wall -Wextra -Werror \
  "$consumer/test_your_topology.cpp" -o "$work/test-with-pkg-config" \
  $(pkg-config --define-variable=prefix="$prefix" --cflags --libs $static lentic-testing)
finds_mistake pkg-config "$work/test-with-pkg-config"

if ! command -v cmake >/dev/null; then
  echo "SKIPPED: no cmake"
  exit 77
fi
compiler_word=${compiler##* }
launcher=${compiler% *}
[ "$launcher" != "$compiler" ] || launcher=
configure() {
  cmake -S "$consumer" -B "$1" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_CXX_COMPILER="$compiler_word" -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" "${@:2}"
}
logged "find_package in CMake" configure "$work/cmake"
logged "compiling with CMake" cmake --build "$work/cmake"
counts_right cmake "$work/cmake/word_counts"
finds_mistake cmake "$work/cmake/test_your_topology"

other_asio=$work/other-asio
mkdir -p "$other_asio/asio"
echo '#define ASIO_VERSION 1 // of no release' >"$other_asio/asio/version.hpp"
! configure "$work/cmake-asio" -DLENTIC_ASIO_INCLUDE_DIR="$other_asio" >"$work/log" 2>&1 \
  || fail "find_package took another Asio than lentic was built with"
grep -q "built with ASIO_VERSION" "$work/log" || fail "the refusal does not name the Asio"
echo "ok: another Asio is refused"

version=$(pkg-config --modversion lentic)
minor=${version%.*}
logged "find_package(lentic $minor)" configure "$work/cmake-same" -DLENTIC_WANTED="$minor"
for wanted in "${minor%.*}.$((${minor#*.} + 1))" "$((${version%%.*} + 1)).0"; do
  ! configure "$work/cmake-$wanted" -DLENTIC_WANTED="$wanted" >"$work/log" 2>&1 \
    || fail "find_package took $version for $wanted"
  grep -q "version: $version" "$work/log" || fail "the refusal of $wanted does not name $version"
done
echo "ok: versions"
