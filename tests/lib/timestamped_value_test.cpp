// SPDX-License-Identifier: Apache-2.0
#include <lentic/timestamped_value.hpp>

#include <gtest/gtest.h>

#include <random>

namespace lentic {
namespace {

TEST(TimestampedValue, IsKafkasBytes) {
  bytes accumulator;
  append_be(accumulator, std::int64_t{42});
  EXPECT_EQ(to_hex(encode(timestamped_value{5, accumulator})), "0000000000000005000000000000002a");
}

TEST(TimestampedValue, AppendKeepsWhatTheBufferHolds) {
  bytes buffer = to_bytes("x");
  append(buffer, timestamped_value{1, as_bytes("v")});
  EXPECT_EQ(to_hex(buffer), "78000000000000000176");
}

TEST(TimestampedValue, DecodingAnswersWhatWasEncoded) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 1000; ++i) {
    const auto timestamp = static_cast<std::int64_t>(random());
    const std::string value(random() % 20, static_cast<char>(random() % 256));
    const bytes raw = encode(timestamped_value{timestamp, as_bytes(value)});
    const result<timestamped_value> back = decode_timestamped_value(raw);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->timestamp_ms, timestamp);
    EXPECT_EQ(as_text(back->value), value);
  }
}

TEST(TimestampedValue, EveryTruncatedTimestampIsDamaged) {
  const bytes raw = encode(timestamped_value{5, {}});
  ASSERT_TRUE(decode_timestamped_value(raw));
  for (std::size_t length = 0; length < raw.size(); ++length)
    EXPECT_EQ(decode_timestamped_value(bytes_view(raw).first(length)).error(), errc::damaged);
}

}  // namespace
}  // namespace lentic
