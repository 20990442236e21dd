#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds a program with lentic as a Meson subproject of its project, and runs it.
# Usage: subproject.sh SOURCE_DIR
# Nothing but the library may be configured: no tests, tools, benchmarks or examples.
set -euo pipefail
source_dir=$1
# shellcheck source=tests/integration/package_support.sh
source "$(dirname "${BASH_SOURCE[0]}")/package_support.sh"
consumer=$work/consumer
cp -r "$source_dir/tests/integration/consumer" "$consumer"
cp "$source_dir/examples/test_your_topology.cpp" "$consumer"
copy_sources "$source_dir" "$consumer/subprojects/lentic"
cat >"$consumer/subprojects/lentic.wrap" <<'WRAP'
[wrap-file]
directory = lentic

[provide]
dependency_names = lentic, lentic-testing
WRAP

logged "configuring the parent project" meson setup "$work/build" "$consumer" \
  --wrap-mode=default --force-fallback-for=lentic,lentic-testing
extra=$(cd "$work/build" && ninja -t targets all \
  | grep -E '^subprojects/lentic/(tests|tools|bench|examples)/.*\.o:' | head -3) || true
[ -z "$extra" ] || fail "the subproject builds more than the library: $extra"
logged "building the parent project" ninja -C "$work/build" word_counts \
  test_your_topology
counts_right subproject "$work/build/word_counts"
finds_mistake subproject "$work/build/test_your_topology"
