// SPDX-License-Identifier: Apache-2.0
#include "crc32c.hpp"

#include "codec_support.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace lentic::detail {
namespace {

// RFC 3720, section B.4.
TEST(Crc32c, AgreesWithThePublishedValues) {
  bytes ascending(32);
  for (std::size_t i = 0; i < ascending.size(); ++i) ascending[i] = static_cast<std::byte>(i);
  const bytes descending(ascending.rbegin(), ascending.rend());
  for (auto* const checksum : {&crc32c, &crc32c_by_table}) {
    EXPECT_EQ(checksum(as_bytes("123456789"), 0), 0xe3069283U);
    EXPECT_EQ(checksum({}, 0), 0U);
    EXPECT_EQ(checksum(bytes(32, std::byte{0}), 0), 0x8a9136aaU);
    EXPECT_EQ(checksum(bytes(32, std::byte{0xff}), 0), 0x62a8ab43U);
    EXPECT_EQ(checksum(ascending, 0), 0x46dd794eU);
    EXPECT_EQ(checksum(descending, 0), 0x113fdb5cU);
  }
}

TEST(Crc32c, BothPathsAgreeAtEveryLengthAndAlignment) {
  coro::sim_random random(1);
  bytes data(100);
  for (std::byte& b : data) b = static_cast<std::byte>(random.below(256));
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t size = 0; size + from <= data.size(); ++size) {
      const bytes_view part = bytes_view(data).subspan(from, size);
      ASSERT_EQ(crc32c(part, 7), crc32c_by_table(part, 7)) << from << " " << size;
    }
  }
}

// Around the sizes at which three streams are joined: 768 and 3,072 bytes, and several of each.
TEST(Crc32c, BothPathsAgreeOverJoinedStreams) {
  coro::sim_random random(2);
  bytes data(10000);
  for (std::byte& b : data) b = static_cast<std::byte>(random.below(256));
  for (std::size_t size = 700; size <= data.size(); size += size < 4200 ? 1 : 61) {
    const bytes_view part = bytes_view(data).last(size);
    ASSERT_EQ(crc32c(part, 7), crc32c_by_table(part, 7)) << size;
  }
}

TEST(Crc32c, ContinuesFromTheChecksumOfWhatCameBefore) {
  const bytes_view whole = as_bytes("the quick brown fox jumps over the lazy dog");
  for (std::size_t cut = 0; cut <= whole.size(); ++cut)
    EXPECT_EQ(crc32c(whole.subspan(cut), crc32c(whole.first(cut))), crc32c(whole));
}

}  // namespace
}  // namespace lentic::detail
