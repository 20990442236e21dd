// SPDX-License-Identifier: Apache-2.0
#include "position_proof.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace lentic::tool {
namespace {

std::string hex(const sha256_digest& digest) {
  std::string text;
  for (const std::byte byte : digest) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) / 16];
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) % 16];
  }
  return text;
}

std::string random_text(std::mt19937& random, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += static_cast<char>('a' + random() % 26);
  return text;
}

position_proof proof_of(std::string_view input, std::size_t position) {
  const std::size_t tail = std::min(position, proof_tail_bytes_max);
  return {sha256(input.substr(0, std::min(position, proof_head_bytes_max))),
          sha256(input.substr(position - tail, tail))};
}

input_position sample_position() {
  input_position position;
  position.bytes = 258;
  position.rows = 2;
  position.line = 4;
  position.header_bytes = 3;
  position.proof = proof_of("abc", 3);
  return position;
}

// FIPS 180-4 examples.
TEST(Sha256, AgreesWithThePublishedExamples) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(PositionRecord, BytesAreAsDrawn) {
  const std::string record = encode_position(sample_position());
  ASSERT_EQ(record.size(), position_record_bytes);
  const std::string front("\1\0\0\0\0\0\0\1\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\3\1",
                          34);
  EXPECT_EQ(record.substr(0, 34), front);
  EXPECT_EQ(static_cast<unsigned char>(record[34]), 0xBAU);
  EXPECT_EQ(static_cast<unsigned char>(record[97]), 0xADU);
}

TEST(PositionRecord, RoundTripsRandomValues) {
  for (unsigned seed = 1; seed <= 500; ++seed) {
    std::mt19937_64 random(seed);
    input_position position;
    position.bytes = 1 + (random() >> (random() % 63));
    position.rows = random() % position.bytes;
    position.line = 1 + random() % position.bytes;
    position.header_bytes = random() % position.bytes;
    position.terminated = random() % 2 == 0;
    for (std::byte& byte : position.proof.head) byte = static_cast<std::byte>(random());
    for (std::byte& byte : position.proof.tail) byte = static_cast<std::byte>(random());
    EXPECT_EQ(decode_position(encode_position(position)).value(), position) << "seed " << seed;
  }
}

TEST(PositionRecord, EveryOtherLengthIsRefused) {
  const std::string record = encode_position(sample_position());
  for (std::size_t length = 0; length < record.size(); ++length) {
    EXPECT_EQ(decode_position(record.substr(0, length)).error(), errc::bad_record);
  }
  EXPECT_EQ(decode_position(record + '\0').error(), errc::bad_record);
}

TEST(PositionRecord, OnlyWhatEncodeWritesIsAccepted) {
  const std::string record = encode_position(sample_position());
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string other = record;
    other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << (bit % 8)));
    const result<input_position> decoded = decode_position(other);
    const bool version_or_flag = bit / 8 == 0 || (bit / 8 == 33 && bit % 8 != 0);
    EXPECT_FALSE(decoded && version_or_flag) << "bit " << bit;
    EXPECT_TRUE(!decoded || encode_position(*decoded) == other) << "bit " << bit;
  }
}

TEST(PositionRecord, CountsThatNoInputCanHaveAreRefused) {
  input_position position = sample_position();
  position.rows = 259;
  EXPECT_EQ(decode_position(encode_position(position)).error(), errc::bad_record);
  position = sample_position();
  position.line = 0;
  EXPECT_EQ(decode_position(encode_position(position)).error(), errc::bad_record);
  position = sample_position();
  position.header_bytes = 259;
  EXPECT_EQ(decode_position(encode_position(position)).error(), errc::bad_record);
}

// Feeds `input` in random chunks, each in memory that is overwritten before the next; rows end at
// random places. Every proof asked for on the way must be that of the plain bytes.
void feed_and_prove(unsigned seed, std::size_t bytes, std::size_t chunk_max, std::size_t start) {
  std::mt19937 random(seed);
  const std::string input = random_text(random, bytes);
  const std::string_view before = std::string_view(input).substr(0, start);
  proof_tracker tracker;
  if (start != 0) {
    tracker = proof_tracker(start, before.substr(0, proof_head_bytes_max),
                            before.substr(start - std::min(start, proof_tail_bytes_max)));
  }
  std::size_t row_end = start;
  std::size_t fed = start;
  std::string chunk;
  while (fed < input.size()) {
    chunk.assign(chunk.size(), '#');
    chunk = input.substr(fed, 1 + random() % chunk_max);
    tracker.feed(chunk);
    fed += chunk.size();
    for (std::size_t rows = random() % 4; rows > 0; --rows) {
      const std::size_t least = std::max(row_end, fed - chunk.size());  // a row ends in its chunk
      if (least < fed) row_end = least + 1 + random() % (fed - least);
      if (random() % 2 == 0) continue;
      ASSERT_EQ(tracker.prove(row_end), proof_of(input, row_end)) << seed << " at " << row_end;
    }
    tracker.release(row_end);
    ASSERT_EQ(tracker.prove(row_end), proof_of(input, row_end)) << seed << " at " << row_end;
  }
}

TEST(ProofTracker, ProvesEveryRowEndHoweverTheInputIsCut) {
  for (unsigned seed = 1; seed <= 60; ++seed) feed_and_prove(seed, 12'000, 3000, 0);
  for (unsigned seed = 1; seed <= 10; ++seed) feed_and_prove(seed, 100'000, 20'000, 0);
}

TEST(ProofTracker, GoesOnFromAnyPosition) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    feed_and_prove(seed, 90'000, 9000, seed * 4000);
    feed_and_prove(seed, 9000, 1000, seed * 300);
  }
}

// A last row without a line end is complete only when the input has ended.
TEST(ProofTracker, ProvesTheEndOfAllThatWasReleased) {
  std::mt19937 random(7);
  for (const std::size_t bytes : {10U, 5000U, 70000U}) {
    const std::string input = random_text(random, bytes);
    proof_tracker tracker;
    tracker.feed(input);
    tracker.release(3);
    EXPECT_EQ(tracker.prove(bytes), proof_of(input, bytes)) << bytes;
    tracker.release(bytes);
    EXPECT_EQ(tracker.prove(bytes), proof_of(input, bytes)) << bytes;
  }
}

TEST(ProofTracker, ProvesTheStartOfAnInput) {
  proof_tracker tracker;
  EXPECT_EQ(tracker.prove(0), proof_of("", 0));
}

}  // namespace
}  // namespace lentic::tool
