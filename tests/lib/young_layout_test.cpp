// SPDX-License-Identifier: Apache-2.0
// The layout of a store in an environment: chosen once, found again by every recovery.
#include "environment_life.hpp"
#include "manifest.hpp"

#include <lentic/store/young_layout.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>

namespace lentic::test {
namespace {

using layouts = std::map<std::string, young_layout>;

// As the newest manifest has them.
layouts layouts_of(coro::sim_disk& disk) {
  std::uint64_t newest = 0;
  layouts found;
  for (const auto& [path, content] : files_of(disk)) {
    const result<detail::manifest> read = detail::decode_manifest(as_bytes(content));
    if (!read || read->number < newest) continue;
    newest = read->number;
    found.clear();
    for (const detail::manifest_store& each : read->stores) found[each.name] = each.layout;
  }
  return found;
}

TEST(YoungLayout, IsHashedForSegmentsAndOrderedForBytesUnlessItIsChosen) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  life.env().open_byte_store("bytes");
  life.env().open_byte_store("hashed-bytes", young_layout::hashed);
  life.env().open_segmented_store("windows");
  life.env().open_segmented_store("ordered-windows", young_layout::ordered);
  life.commit();
  life.close();
  EXPECT_EQ(layouts_of(disk), (layouts{{"bytes", young_layout::ordered},
                                       {"hashed-bytes", young_layout::hashed},
                                       {"ordered-windows", young_layout::ordered},
                                       {"windows", young_layout::hashed}}));
}

TEST(YoungLayout, OfAStoreThatExistsStaysWhateverAnOpenAsksFor) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open();
    life.shell("windows", 3).put("b", "1");
    sync_wait(life.runtime(),
              life.env().open_byte_store("bytes").put(as_bytes("a"), as_bytes("2")));
    life.commit();
    life.kill();  // only the journal knows the stores
  }
  for (std::uint64_t round = 2; round < 4; ++round) {  // from the journal, then from the manifest
    environment_life life(disk, round);
    life.open();
    byte_store& segment =
        life.env().open_segmented_store("windows", young_layout::ordered).segment(3);
    life.env().open_byte_store("bytes", young_layout::hashed);
    sync_wait(life.runtime(), segment.put(as_bytes("a"), as_bytes(std::to_string(round))));
    EXPECT_EQ(life.shell("windows", 3).scan(),
              (text_rows{{"a", std::to_string(round)}, {"b", "1"}}));
    life.commit();
    life.close();
    EXPECT_EQ(layouts_of(disk),
              (layouts{{"bytes", young_layout::ordered}, {"windows", young_layout::hashed}}));
  }
}

}  // namespace
}  // namespace lentic::test
