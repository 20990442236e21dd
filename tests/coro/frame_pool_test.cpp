// SPDX-License-Identifier: Apache-2.0
#include "allocation_count.hpp"

#include <lentic/coro/frame_pool.hpp>

#include <gtest/gtest.h>

#include <cstring>

namespace lentic::test {
namespace {

TEST(FramePool, FreedFrameServesTheNextOfItsClass) {
  void* const first = coro::frame_pool::allocate(100);
  coro::frame_pool::deallocate(first, 100);
  void* const second = coro::frame_pool::allocate(120);  // the same class: 65 to 128 bytes
  EXPECT_EQ(second, first);
  coro::frame_pool::deallocate(second, 120);
}

TEST(FramePool, ClassesDoNotShareFrames) {
  void* const small = coro::frame_pool::allocate(64);
  coro::frame_pool::deallocate(small, 64);
  void* const large = coro::frame_pool::allocate(65);
  EXPECT_NE(large, small);
  coro::frame_pool::deallocate(large, 65);
}

TEST(FramePool, EveryByteOfAFrameBelongsToItsOwner) {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{64}, std::size_t{2048}}) {
    void* const first = coro::frame_pool::allocate(bytes);
    void* const second = coro::frame_pool::allocate(bytes);
    std::memset(first, 1, bytes);
    std::memset(second, 2, bytes);
    EXPECT_EQ(static_cast<unsigned char*>(first)[bytes - 1], 1);
    coro::frame_pool::deallocate(first, bytes);
    coro::frame_pool::deallocate(second, bytes);
  }
}

TEST(FramePool, LargeFramesGoToTheHeapAndBack) {
  const std::uint64_t before = allocation_count();
  for (int i = 0; i < 2; ++i) {
    coro::frame_pool::deallocate(coro::frame_pool::allocate(4096), 4096);
  }
  EXPECT_EQ(allocation_count(), before + 2);
}

TEST(FramePool, DrainReturnsIdleFramesToTheHeap) {
  coro::frame_pool::deallocate(coro::frame_pool::allocate(200), 200);
  coro::frame_pool::drain();
  const std::uint64_t before = coro::frame_pool::heap_allocations();
  void* const fresh = coro::frame_pool::allocate(200);
  EXPECT_EQ(coro::frame_pool::heap_allocations(), before + 1);
  coro::frame_pool::deallocate(fresh, 200);
}

}  // namespace
}  // namespace lentic::test
