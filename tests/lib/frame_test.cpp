// SPDX-License-Identifier: Apache-2.0
#include "frame.hpp"

#include "codec_support.hpp"
#include "crc32c.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace lentic::detail {
namespace {

using test::for_each_flip;
using test::for_each_truncation;
using test::hex;

std::string line(std::string_view name, const std::vector<std::uint64_t>& numbers,
                 const std::vector<bytes_view>& strings = {}) {
  std::ostringstream text;
  text << name;
  for (const std::uint64_t number : numbers) text << ' ' << number;
  for (const bytes_view raw : strings) text << " <" << to_hex(raw) << '>';
  return text.str();
}

// Writes down what it is told.
class recorder final : public payload_visitor {
 public:
  void store(std::uint64_t id, bytes_view name, young_layout layout) override {
    add("store", {id, static_cast<std::uint64_t>(layout)}, {name});
  }
  void put(std::uint64_t id, std::uint64_t segment, bytes_view key, bytes_view value) override {
    add("put", {id, segment}, {key, value});
  }
  void erase(std::uint64_t id, std::uint64_t segment, bytes_view key) override {
    add("erase", {id, segment}, {key});
  }
  void drop_below(std::uint64_t id, std::uint64_t segment) override { add("drop", {id, segment}); }
  void position(bytes_view name, bytes_view value) override { add("position", {}, {name, value}); }
  void outbox(std::uint64_t sequence, bytes_view output) override {
    add("outbox", {sequence}, {output});
  }
  void acknowledged(std::uint64_t sequence) override { add("acknowledged", {sequence}); }
  void clear(std::uint64_t id, std::uint64_t segment, std::uint64_t generation) override {
    add("clear", {id, segment, generation});
  }
  void sealed(std::uint64_t id, std::uint64_t segment, std::uint64_t generation) override {
    add("sealed", {id, segment, generation});
  }
  std::vector<std::string> lines;

 private:
  void add(std::string_view name, const std::vector<std::uint64_t>& numbers,
           const std::vector<bytes_view>& strings = {}) {
    lines.push_back(line(name, numbers, strings));
  }
};

// The worked example of docs/format.md.
constexpr std::string_view example_header =
    "4c 46 52 4d | 01 00 | 00 00 | 08 07 06 05 04 03 02 01 | 01 00 00 00 00 00 00 00 |"
    "00 00 00 00 00 00 00 00 | 01 00 00 00 00 00 00 00 | 14 00 00 00 00 00 00 00 |"
    "00 00 00 00 | 92 2e e6 25 | 00 00 00 00 | 96 da 03 a4";
constexpr std::string_view example_payload =
    "01 01 01 73 01 | 02 01 07 | 03 01 6b 01 76 | 06 02 69 6e 02 34 32";

payload_writer example_items() {
  payload_writer items;
  items.store(1, as_bytes("s"), young_layout::ordered);
  items.put(1, 7, as_bytes("k"), as_bytes("v"));
  items.position(as_bytes("in"), as_bytes("42"));
  return items;
}

bytes example_frame() {
  frame_header header;
  header.environment = 0x0102030405060708;
  header.file = 1;
  header.sequence = 1;
  const payload_writer items = example_items();
  bytes raw;
  encode_frame(header, items.payload(), raw);
  return raw;
}

// As recovery reads a frame: header, then payload. None when either is refused.
std::optional<bytes> read_frame(bytes_view raw) {
  if (raw.size() < frame_header_bytes) return std::nullopt;
  const auto header = decode_frame_header(raw.first(frame_header_bytes));
  if (!header || header->payload_bytes > raw.size() - frame_header_bytes) return std::nullopt;
  const bytes_view payload = raw.subspan(frame_header_bytes, header->payload_bytes);
  if (crc32c(payload) != header->payload_crc) return std::nullopt;
  return to_bytes(payload);
}

TEST(Frame, HasTheBytesOfTheWorkedExample) {
  const bytes raw = example_frame();
  ASSERT_EQ(raw.size(), frame_alignment);
  EXPECT_EQ(to_hex(bytes_view(raw).first(64)), to_hex(hex(example_header)));
  EXPECT_EQ(to_hex(bytes_view(raw).subspan(64, 20)), to_hex(hex(example_payload)));
  for (std::size_t i = 64 + 20; i < raw.size(); ++i) ASSERT_EQ(raw[i], std::byte{0});
}

// A frame whose write failed gets more items and is finished again.
TEST(Frame, IsFinishedInPlaceAsOftenAsItGrows) {
  coro::sim_random random(5);
  payload_writer items;
  payload_writer unfinished;  // gets the same
  for (std::uint64_t round = 0; round < 60; ++round) {
    frame_header header;
    header.sequence = round;
    header.previous_crc = static_cast<std::uint32_t>(random.next());
    frame_header same = header;
    const bytes whole = to_bytes(items.finish(header));
    bytes expected;
    encode_frame(same, unfinished.payload(), expected);
    ASSERT_EQ(to_hex(whole), to_hex(expected)) << "round " << round;
    EXPECT_EQ(header.header_crc, same.header_crc);
    EXPECT_EQ(items.empty(), round == 0);
    const bytes output = test::random_bytes(random, 1 + 3000 * (round % 3));
    items.outbox(round, output);
    unfinished.outbox(round, output);
  }
}

TEST(Frame, TakesWholeBlocks) {
  EXPECT_EQ(frame_bytes(0), 4096U);
  EXPECT_EQ(frame_bytes(4096 - 64), 4096U);
  EXPECT_EQ(frame_bytes(4096 - 64 + 1), 8192U);
  EXPECT_GT(frame_bytes(~std::uint64_t{0}), std::uint64_t{1} << 62);
}

TEST(Frame, HeaderComesBackAsItWas) {
  coro::sim_random random(3);
  for (int round = 0; round < 200; ++round) {
    frame_header header;
    header.format = static_cast<std::uint16_t>(random.next());
    header.environment = random.next();
    header.file = random.next();
    header.offset = random.next();
    header.sequence = random.next();
    header.previous_crc = static_cast<std::uint32_t>(random.next());
    const bytes payload = test::random_bytes(random, 5000);
    bytes raw;
    encode_frame(header, payload, raw);
    const auto found = decode_frame_header(bytes_view(raw).first(frame_header_bytes));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->format, header.format);
    EXPECT_EQ(found->environment, header.environment);
    EXPECT_EQ(found->file, header.file);
    EXPECT_EQ(found->offset, header.offset);
    EXPECT_EQ(found->sequence, header.sequence);
    EXPECT_EQ(found->previous_crc, header.previous_crc);
    EXPECT_EQ(found->header_crc, header.header_crc);
    EXPECT_EQ(read_frame(raw), payload);
  }
}

TEST(Frame, EveryTruncationOfHeaderOrPayloadIsRefused) {
  const bytes raw = example_frame();
  for_each_truncation(bytes_view(raw).first(64 + 20),
                      [](const bytes& part) { EXPECT_FALSE(read_frame(part)) << part.size(); });
}

TEST(Frame, EveryFlippedBitIsRefusedOrInThePadding) {
  const bytes raw = example_frame();
  for_each_flip(raw, [](const bytes& flipped, std::size_t bit) {
    if (bit < (64 + 20) * 8) {
      ASSERT_FALSE(read_frame(flipped)) << "bit " << bit;
    } else {
      ASSERT_EQ(read_frame(flipped), hex(example_payload)) << "bit " << bit;
    }
  });
}

TEST(Payload, AStoreOfAnUnknownLayoutDoesNotParse) {
  for (const unsigned layout : {0U, 1U, 2U, 127U}) {
    bytes raw = hex("01 01 01 73");
    raw.push_back(static_cast<std::byte>(layout));
    recorder told;
    EXPECT_EQ(decode_payload(raw, told), layout < 2) << layout;
    EXPECT_EQ(told.lines.size(), layout < 2 ? 1U : 0U) << layout;
  }
}

TEST(Payload, RandomItemsComeBackInOrder) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    coro::sim_random random(seed);
    payload_writer items;
    recorder expected;
    for (int n = 0; n < 100; ++n) {
      const std::uint64_t id = random.next() >> random.below(64);
      const std::uint64_t other = random.below(3);
      const bytes first = test::random_bytes(random, 40);
      const bytes second = test::random_bytes(random, 300);
      switch (random.below(9)) {
        case 0:
          items.store(id, first, young_layout{static_cast<std::uint8_t>(other % 2)});
          expected.store(id, first, young_layout{static_cast<std::uint8_t>(other % 2)});
          break;
        case 1:
          items.put(1, other, first, second), expected.put(1, other, first, second);
          break;
        case 2:
          items.erase(id, other, first), expected.erase(id, other, first);
          break;
        case 3:
          items.drop_below(id, other), expected.drop_below(id, other);
          break;
        case 4:
          items.position(first, second), expected.position(first, second);
          break;
        case 5:
          items.outbox(id, second), expected.outbox(id, second);
          break;
        case 6:
          items.acknowledged(id), expected.acknowledged(id);
          break;
        case 7:
          items.clear(id, other, id), expected.clear(id, other, id);
          break;
        default:
          items.sealed(other, id, id), expected.sealed(other, id, id);
          break;
      }
    }
    recorder found;
    ASSERT_TRUE(decode_payload(items.payload(), found)) << "seed " << seed;
    EXPECT_EQ(found.lines, expected.lines) << "seed " << seed;
  }
}

// A payload is read only behind its checksum; still, what is cut off must not be invented.
TEST(Payload, ATruncatedOneIsRefusedOrTellsOnlyWhatIsThere) {
  const payload_writer items = example_items();
  recorder whole;
  ASSERT_TRUE(decode_payload(items.payload(), whole));
  for_each_truncation(items.payload(), [&whole](const bytes& part) {
    recorder found;
    decode_payload(part, found);
    ASSERT_LT(found.lines.size(), whole.lines.size());
    for (std::size_t i = 0; i < found.lines.size(); ++i) EXPECT_EQ(found.lines[i], whole.lines[i]);
  });
}

TEST(Payload, ItemsOutOfPlaceAreRefused) {
  recorder ignored;
  EXPECT_FALSE(decode_payload(hex("03 01 6b 01 76"), ignored)) << "a put before any segment";
  EXPECT_FALSE(decode_payload(hex("04 01 6b"), ignored)) << "an erase before any segment";
  EXPECT_FALSE(decode_payload(hex("00"), ignored));
  EXPECT_FALSE(decode_payload(hex("0b 01"), ignored)) << "an unknown tag";
  EXPECT_TRUE(ignored.lines.empty());
}

}  // namespace
}  // namespace lentic::detail
