#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests of installed_packages.sh over a lentic that was built as a shared library.
# Usage: shared_package.sh SOURCE_DIR
set -euo pipefail
source_dir=$1
# shellcheck source=tests/integration/package_support.sh
source "$(dirname "${BASH_SOURCE[0]}")/package_support.sh"
off=(-Dtests=disabled -Dtools=disabled -Dbench=disabled -Dexamples=disabled)
logged "configuring a shared library" \
  meson setup "$work/build" "$source_dir" -Ddefault_library=shared --buildtype=debug "${off[@]}"
logged "building a shared library" ninja -C "$work/build"
status=0
"$source_dir/tests/integration/installed_packages.sh" "$source_dir" "$work/build" || status=$?
exit "$status"
