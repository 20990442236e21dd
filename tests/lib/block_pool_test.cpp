// SPDX-License-Identifier: Apache-2.0
#include "block_pool.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <memory_resource>
#include <new>
#include <vector>

namespace lentic::detail {
namespace {

// Fails its n-th allocation.
class failing_resource final : public std::pmr::memory_resource {
 public:
  explicit failing_resource(int nth) : left_(nth) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (--left_ == 0) throw std::bad_alloc();
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  int left_;
};

TEST(BlockPool, BlocksOfAnySizeDoNotOverlap) {
  block_pool pool;
  std::vector<std::byte*> blocks;
  for (std::size_t bytes = 0; bytes < 3000; ++bytes) {
    blocks.push_back(static_cast<std::byte*>(pool.allocate(bytes, 8)));
    std::memset(blocks.back(), static_cast<int>(bytes % 251), bytes);
  }
  for (std::size_t bytes = 0; bytes < blocks.size(); ++bytes) {
    for (std::size_t i = 0; i < bytes; ++i)
      ASSERT_EQ(blocks[bytes][i], static_cast<std::byte>(bytes % 251)) << bytes << " at " << i;
  }
}

TEST(BlockPool, ABlockThatWasGivenBackIsGivenOutForItsSize) {
  constexpr std::size_t sizes[] = {1, 8, 9, 256, 257, 320, 321, 512, 513, 100'000, 1 << 26};
  for (const std::size_t bytes : sizes) {
    block_pool pool;
    void* const first = pool.allocate(bytes, 8);
    void* const second = pool.allocate(bytes, 8);
    pool.deallocate(first, bytes, 8);
    EXPECT_EQ(pool.allocate(bytes, 8), first) << bytes;
    EXPECT_NE(pool.allocate(bytes, 8), second) << bytes;
  }
}

TEST(BlockPool, ServesOnAfterAnAllocationThatFailed) {
  for (int nth = 1; nth < 10; ++nth) {
    failing_resource memory(nth);
    std::pmr::memory_resource* const before = std::pmr::set_default_resource(&memory);
    int failures = 0;
    {
      block_pool pool;
      for (std::size_t i = 0; i < 2000; ++i) {
        try {
          std::memset(pool.allocate(40 + i % 5 * 100, 8), 1, 40);
        } catch (const std::bad_alloc&) {
          ++failures;
        }
      }
    }
    std::pmr::set_default_resource(before);
    EXPECT_EQ(failures, 1) << "allocation " << nth;
  }
}

}  // namespace
}  // namespace lentic::detail
