#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Configures with every wrap whose source is at hand or can be fetched in place of the system's
# package, and builds the libraries of those wraps. Usage: forced_wraps.sh SOURCE_DIR
# A source that cannot be had is no failure: its wrap is named, and the rest is tested.
set -euo pipefail
source_dir=$1
# shellcheck source=tests/integration/package_support.sh
source "$(dirname "${BASH_SOURCE[0]}")/package_support.sh"
tree=$work/tree
copy_sources "$source_dir" "$tree"
cache=$tree/subprojects/packagecache
mkdir -p "$cache"

value() { sed -n "s/^$1 = //p" "$2"; }

has_hash() { [ -e "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]; }

# fetched WRAP: puts its source into the cache.
fetched() {
  local wrap=$1 file hash url
  file=$cache/$(value source_filename "$wrap")
  hash=$(value source_hash "$wrap")
  cp "$source_dir/subprojects/packagecache/${file##*/}" "$file" 2>/dev/null || true
  ! has_hash "$file" "$hash" || return 0
  for url in $(value source_fallback_url "$wrap") $(value source_url "$wrap"); do
    timeout 60 curl -sSfL --connect-timeout 10 -o "$file" "$url" 2>/dev/null || continue
    ! has_hash "$file" "$hash" || return 0
  done
  rm -f "$file"
  return 1
}

forced=() missing=()
for wrap in "$tree"/subprojects/*.wrap; do
  name=$(basename "$wrap" .wrap)
  if fetched "$wrap"; then forced+=("$name"); else missing+=("$name"); fi
done
if [ "${#forced[@]}" = 0 ]; then
  echo "SKIPPED: no source of a wrap can be reached"
  exit 77
fi

logged "configuring with ${forced[*]} from wraps" meson setup "$work/build" "$tree" \
  --force-fallback-for="$(IFS=,; echo "${forced[*]}")" --buildtype=debug -Dbench=disabled
for name in "${forced[@]}"; do
  directory=$(value directory "$tree/subprojects/$name.wrap")
  [ -e "$tree/subprojects/$directory/meson.build" ] || fail "$name did not come from its wrap"
done
mapfile -t libraries < <(cd "$work/build" && ninja -t targets all \
  | sed -n 's/^\(subprojects\/[^:]*\.a\): .*/\1/p')
[ "${#libraries[@]}" -gt 0 ] || fail "no library of a wrap is built"
logged "building ${libraries[*]}" ninja -C "$work/build" "${libraries[@]}"
echo "ok: ${forced[*]}"
if [ "${#missing[@]}" -gt 0 ]; then
  echo "SKIPPED: the source of a wrap cannot be reached: ${missing[*]}"
  exit 77
fi
