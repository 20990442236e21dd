// SPDX-License-Identifier: Apache-2.0
#include "run_now.hpp"

#include <lentic/errc.hpp>
#include <lentic/windows/key_schema.hpp>

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace lentic::windows {
namespace {

using testing::from_hex;
using testing::hex;

constexpr std::int64_t start_ms = 1'700'000'000'000;
constexpr std::array window_layouts = {window_layout::store, window_layout::pipe,
                                       window_layout::time_first, window_layout::key_first};
constexpr std::array session_layouts = {session_layout::store, session_layout::time_first,
                                        session_layout::key_first};

window_key key_at(std::string_view key, std::int64_t start, std::int32_t seqnum = 0) {
  return {as_bytes(key), start, seqnum};
}

session_key session_of(std::string_view key, std::int64_t start, std::int64_t end) {
  return {as_bytes(key), end, start};
}

TEST(KeySchema, WindowKeysAreKafkasBytes) {
  const window_key key = key_at("k1", start_ms);
  EXPECT_EQ(hex(encode(key).value()), "6b310000018bcfe5680000000000");
  EXPECT_EQ(hex(encode(key_at("k1", start_ms, seqnum_max)).value()),
            "6b310000018bcfe568007fffffff");
  EXPECT_EQ(hex(encode(key, window_layout::pipe).value()), "6b310000018bcfe56800");
  EXPECT_EQ(hex(encode(key, window_layout::time_first).value()), "000000018bcfe568006b3100000000");
  EXPECT_EQ(hex(encode(key, window_layout::key_first).value()), "016b310000018bcfe5680000000000");
}

TEST(KeySchema, SessionKeysAreKafkasBytes) {
  const session_key key = session_of("k1", 10, 25);
  EXPECT_EQ(hex(encode(key).value()), "6b310000000000000019000000000000000a");
  EXPECT_EQ(hex(encode(key, session_layout::time_first).value()),
            "000000000000000019000000000000000a6b31");
  EXPECT_EQ(hex(encode(key, session_layout::key_first).value()),
            "016b310000000000000019000000000000000a");
}

TEST(KeySchema, CacheKeysAreKafkasBytes) {
  const bytes store_key = encode(key_at("k1", start_ms)).value();
  const cache_key key{segment_of(start_ms, 60'000), store_key};
  EXPECT_EQ(key.segment, 28'333'333U);
  EXPECT_EQ(hex(encode(key)), "0000000001b055156b310000018bcfe5680000000000");
}

TEST(KeySchema, SegmentsOfTimesBeforeZeroAreZero) {
  EXPECT_EQ(segment_of(-1, 10), 0U);
  EXPECT_EQ(segment_of(9, 10), 0U);
  EXPECT_EQ(segment_of(10, 10), 1U);
  EXPECT_EQ(segment_of(time_max, 1), static_cast<segment_id>(time_max));
}

TEST(KeySchema, NegativeTimesAreRefusedAndNothingIsAppended) {
  bytes buffer = to_bytes("x");
  for (const window_layout layout : window_layouts) {
    EXPECT_EQ(append(buffer, key_at("k", -1), layout).error(), errc::invalid_argument);
    EXPECT_EQ(append(buffer, key_at("k", 1, -1), layout).error(), errc::invalid_argument);
  }
  for (const session_layout layout : session_layouts) {
    EXPECT_EQ(append(buffer, session_of("k", -1, 1), layout).error(), errc::invalid_argument);
    EXPECT_EQ(append(buffer, session_of("k", 2, 1), layout).error(), errc::invalid_argument);
  }
  EXPECT_EQ(hex(buffer), "78");
}

TEST(KeySchema, AppendKeepsWhatTheBufferHolds) {
  bytes buffer = to_bytes("x");
  ASSERT_TRUE(append(buffer, key_at("k", 1, 2)));
  EXPECT_EQ(hex(buffer), "786b000000000000000100000002");
}

std::string random_key(std::mt19937_64& random) {
  std::string key(random() % 9, '\0');
  for (char& c : key) c = static_cast<char>(random() % 3 == 0 ? 0xff : random() % 256);
  return key;
}

std::int64_t random_time(std::mt19937_64& random) {
  const std::uint64_t bits = random() % 64;
  return static_cast<std::int64_t>(random() >> bits >> 1);
}

TEST(KeySchema, DecodingAnswersWhatWasEncoded) {
  std::mt19937_64 random(20010101);
  for (int i = 0; i < 2000; ++i) {
    const std::string key = random_key(random);
    const std::int64_t start = random_time(random);
    const window_key window = key_at(key, start, static_cast<std::int32_t>(random() >> 33));
    for (const window_layout layout : window_layouts) {
      const bytes raw = encode(window, layout).value();
      const result<window_key> back = decode_window_key(raw, layout);
      ASSERT_TRUE(back);
      EXPECT_EQ(as_text(back->key), key);
      EXPECT_EQ(back->start_ms, start);
      EXPECT_EQ(back->seqnum, layout == window_layout::pipe ? 0 : window.seqnum);
    }
    const session_key session = session_of(key, start / 2, start);
    for (const session_layout layout : session_layouts) {
      const bytes raw = encode(session, layout).value();
      const result<session_key> back = decode_session_key(raw, layout);
      ASSERT_TRUE(back);
      EXPECT_EQ(as_text(back->key), key);
      EXPECT_EQ(back->start_ms, session.start_ms);
      EXPECT_EQ(back->end_ms, session.end_ms);
    }
  }
}

TEST(KeySchema, EveryInputThatIsTooShortIsDamaged) {
  for (const window_layout layout : window_layouts) {
    const bytes raw = encode(key_at("", 1), layout).value();
    ASSERT_TRUE(decode_window_key(raw, layout));
    for (std::size_t length = 0; length < raw.size(); ++length)
      EXPECT_EQ(decode_window_key(bytes_view(raw).first(length), layout).error(), errc::damaged);
  }
  for (const session_layout layout : session_layouts) {
    const bytes raw = encode(session_of("", 1, 2), layout).value();
    ASSERT_TRUE(decode_session_key(raw, layout));
    for (std::size_t length = 0; length < raw.size(); ++length)
      EXPECT_EQ(decode_session_key(bytes_view(raw).first(length), layout).error(), errc::damaged);
  }
  const bytes raw = encode(cache_key{1, {}});
  ASSERT_TRUE(decode_cache_key(raw));
  for (std::size_t length = 0; length < raw.size(); ++length)
    EXPECT_EQ(decode_cache_key(bytes_view(raw).first(length)).error(), errc::damaged);
}

TEST(KeySchema, WrongPrefixesAndSignBitsAreDamaged) {
  EXPECT_EQ(decode_window_key(from_hex("010000018bcfe568006b3100000000"), window_layout::time_first)
                .error(),
            errc::damaged);
  EXPECT_EQ(decode_window_key(from_hex("006b310000018bcfe5680000000000"), window_layout::key_first)
                .error(),
            errc::damaged);
  EXPECT_EQ(decode_window_key(from_hex("6b31800000000000000000000000")).error(), errc::damaged);
  EXPECT_EQ(decode_window_key(from_hex("6b31000000000000000080000000")).error(), errc::damaged);
  // A session that ends at 10 and starts at 25.
  EXPECT_EQ(decode_session_key(from_hex("6b31000000000000000a0000000000000019")).error(),
            errc::damaged);
}

TEST(KeySchema, CacheKeysDecodeToSegmentAndStoreKey) {
  const bytes raw = from_hex("0000000001b055156b310000018bcfe5680000000000");
  const result<cache_key> key = decode_cache_key(raw);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->segment, 28'333'333U);
  EXPECT_EQ(hex(key->store_key), "6b310000018bcfe5680000000000");
}

TEST(KeySchema, StoreKeysOfOneLengthSortByKeyThenStart) {
  EXPECT_TRUE(compare(encode(key_at("a", 255)).value(), encode(key_at("a", 256)).value()) < 0);
  EXPECT_TRUE(compare(encode(key_at("a", time_max)).value(), encode(key_at("b", 0)).value()) < 0);
}

TEST(KeySchema, TimeFirstKeysSortByStartThenKey) {
  const auto encoded = [](std::string_view key, std::int64_t start) {
    return encode(key_at(key, start), window_layout::time_first).value();
  };
  EXPECT_TRUE(compare(encoded("zzz", 1), encoded("a", 2)) < 0);
  EXPECT_TRUE(compare(encoded("a", 2), encoded("b", 2)) < 0);
}

}  // namespace
}  // namespace lentic::windows
