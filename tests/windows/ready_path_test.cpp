// SPDX-License-Identifier: Apache-2.0
// An executable of its own: it replaces operator new to count.
#include "flat_segments.hpp"
#include "run_now.hpp"

#include <lentic/endian.hpp>
#include <lentic/windows/segmented_window_store.hpp>
#include <lentic/windows/windowed_aggregation.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace lentic::windows {
namespace {

// A count of 8 bytes.
struct count_records {
  result<void> operator()(std::optional<bytes_view> old, bytes& out) const {
    append_be(out, old ? load_be<std::int64_t>(old->data()) + 1 : std::int64_t{1});
    return {};
  }
};

class ReadyPath : public ::testing::Test {
 protected:
  ReadyPath() : store_(segments_, store_options()), aggregation_(store_, hopping()) {}

  static time_windows hopping() {
    time_windows_options options;
    options.size_ms = 1000;
    options.advance_ms = 250;
    return time_windows::make(options).value();
  }
  static window_store_options store_options() {
    window_store_options options;
    options.window_size_ms = 1000;
    options.advance_ms = 250;
    options.retention_ms = 1000;
    return options;
  }
  // True when every record was answered without suspending.
  bool add_records(std::int64_t from_ms, std::int64_t to_ms) {
    count_records update;
    for (std::int64_t at = from_ms; at < to_ms; ++at) {
      auto done = aggregation_.process(as_bytes("key"), at, update);
      if (!done.ready() || !done.take().has_value()) return false;
    }
    return true;
  }

  testing::flat_segments segments_;
  segmented_window_store store_;
  windowed_aggregation aggregation_;
};

TEST_F(ReadyPath, RecordsOfOpenWindowsAllocateNothing) {
  ASSERT_TRUE(add_records(1000, 1100));
  const std::size_t before = allocations;
  ASSERT_TRUE(add_records(1100, 1240));
  EXPECT_EQ(allocations - before, 0U);
}

TEST_F(ReadyPath, PutAndFetchOfAStoredWindowAllocateNothing) {
  EXPECT_TRUE(store_.put(as_bytes("key"), 0, as_bytes("value")).take());
  const std::size_t before = allocations;
  for (int i = 0; i < 100; ++i) {
    maybe_ready<bool> put = store_.put(as_bytes("key"), 0, as_bytes("other"));
    ASSERT_TRUE(put.ready());
    maybe_ready<std::optional<value_view>> found = store_.fetch(as_bytes("key"), 0);
    ASSERT_TRUE(found.ready());
    ASSERT_EQ(as_text(*found.take()), "other");
  }
  EXPECT_EQ(allocations - before, 0U);
}

TEST_F(ReadyPath, TheCounterCounts) {
  const std::size_t before = allocations;
  // A plain call: of a new expression and its delete a compiler may leave out both.
  ::operator delete(::operator new(100));
  EXPECT_EQ(allocations - before, 1U);
}

}  // namespace
}  // namespace lentic::windows
