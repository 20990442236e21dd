// SPDX-License-Identifier: Apache-2.0
#include "hash64.hpp"

#include <gtest/gtest.h>

namespace lentic::detail {
namespace {

// XXH3 of nothing, as xxHash's documentation of the algorithm gives it: another hash would make
// every filter on disk answer "not there".
TEST(Hash64, IsXxh3) {
  EXPECT_EQ(hash64({}), 0x2d06800538d394c2U);
  EXPECT_EQ(hash64(as_bytes("a")), 0xe6c632b61e964e1fU);
}

TEST(Hash64, EveryByteAndTheLengthCount) {
  const std::uint64_t whole = hash64(as_bytes("0123456789abcdef0123456789ab"));
  EXPECT_NE(whole, hash64(as_bytes("0123456789abcdef0123456789ac")));
  EXPECT_NE(whole, hash64(as_bytes("1123456789abcdef0123456789ab")));
  EXPECT_NE(whole, hash64(as_bytes("0123456789abcdef0123456789a")));
}

}  // namespace
}  // namespace lentic::detail
