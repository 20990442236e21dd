// SPDX-License-Identifier: Apache-2.0
// Views that are used for too long are seen in builds that look for them: under AddressSanitizer
// the read is reported, with -Dpoison_views=true it shows 0xDB. In other builds only the helper
// itself is tested.
#include "handed_views.hpp"

#include "snapshot_worlds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

namespace lentic::test {
namespace {

using detail::spoilt_views;
using detail::stale_views_are_reported;

bool is_spoilt(bytes_view raw) {
  return std::all_of(raw.begin(), raw.end(),
                     [](std::byte each) { return each == spoilt_views::poison; });
}

// Reading it ends the process, or shows the poison.
void expect_stale(bytes_view view) {
  if constexpr (stale_views_are_reported) {
    EXPECT_DEATH(static_cast<void>(is_spoilt(view)), "use-after-free");
  } else {
    EXPECT_TRUE(is_spoilt(view));
  }
}

TEST(SpoiltViews, AViewIsACopyUntilItExpires) {
  spoilt_views views;
  std::string raw = "a value";
  const bytes_view view = views.hand_out(as_bytes(raw));
  raw = "changed";
  EXPECT_EQ(as_text(view), "a value");
  views.expire();
  expect_stale(view);
}

TEST(SpoiltViews, TheNextOneEndsIt) {
  spoilt_views views;
  const bytes_view first = views.hand_out(as_bytes("first"));
  const bytes_view second = views.hand_out(first);
  EXPECT_EQ(as_text(second), "first");
  expect_stale(first);
  EXPECT_EQ(views.hand_out(std::optional<bytes_view>()), std::nullopt);
  expect_stale(second);
  EXPECT_EQ(views.hand_out(bytes_view()).size(), 0U);
}

#if defined(LENTIC_HAS_ADDRESS_SANITIZER) || defined(LENTIC_POISON_VIEWS)
static_assert(detail::views_are_spoilt);

// Stores that have the row "k", in memory or in a run.
class StaleViews : public testing::Test {
 protected:
  static bytes_view look(byte_store& store) { return *store.get(as_bytes("k")).take(); }

  // Each call that ends a view.
  static void check(byte_store& store, byte_store& writes) {
    const bytes_view of_get = look(store);
    EXPECT_EQ(as_text(of_get), "a value");
    static_cast<void>(store.get(as_bytes("another")).take());
    expect_stale(of_get);
    const bytes_view of_put = look(store);
    writes.put(as_bytes("l"), as_bytes("other")).take();
    expect_stale(of_put);
    const bytes_view of_erase = look(store);
    static_cast<void>(writes.erase(as_bytes("l")).take());
    expect_stale(of_erase);
    const bytes_view of_range = look(store);
    static_cast<void>(store.scan());
    expect_stale(of_range);
  }

  static void check_all(byte_store& store) {
    check(store, store);
    const bytes_view given = look(store);
    store.put(as_bytes("m"), given).take();  // may be used to its end
    EXPECT_EQ(as_text(*store.get(as_bytes("m")).take()), "a value");
    const bytes_view of_clear = look(store);
    store.clear().take();
    expect_stale(of_clear);
  }
};

TEST_F(StaleViews, OfAMemoryStore) {
  memory_store store;
  store.put(as_bytes("k"), as_bytes("a value")).take();
  check_all(store);
}

TEST_F(StaleViews, OfASegmentWithItsRowYoungOrInARun) {
  for (const aging how : {aging::in_memory, aging::journal, aging::run}) {
    environment_world world(how);
    byte_store& store = world.segments().segment(1);
    store.put(as_bytes("k"), as_bytes("a value")).take();
    world.settle();
    check_all(store);
  }
}

TEST_F(StaleViews, OfAKafkaCacheWithItsRowAboveOrBelow) {
  for (const bool below : {false, true}) {
    caching_world<caching::kafka, std::uint64_t{64} << 20> world;
    world.store().put(as_bytes("k"), as_bytes("a value")).take();
    if (below) world.settle();
    check_all(world.store());
  }
}

TEST_F(StaleViews, OfAFusedCache) {
  caching_world<caching::fused, std::uint64_t{64} << 20> world;
  world.store().put(as_bytes("k"), as_bytes("a value")).take();
  check_all(world.store());
}

TEST_F(StaleViews, OfASnapshotThatIsClosed) {
  over_memory world;
  world.store().put(as_bytes("k"), as_bytes("a value")).take();
  std::optional<shot> then(world.open({}));
  const bytes_view of_store = look(then->rows());
  world.store().put(as_bytes("k"), as_bytes("changed")).take();
  expect_stale(of_store);
  const bytes_view saved = look(then->rows());
  EXPECT_EQ(as_text(saved), "a value");
  const bytes_view again = look(then->rows());
  expect_stale(saved);
  EXPECT_EQ(as_text(again), "a value");
}
#else
// A view is the stored bytes: nothing is copied.
TEST(PlainViews, AreTheBytesThemselves) {
  detail::handed_views views;
  const std::string raw = "a value";
  EXPECT_EQ(views.hand_out(as_bytes(raw)).data(), as_bytes(raw).data());
}
#endif

}  // namespace
}  // namespace lentic::test
