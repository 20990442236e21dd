// SPDX-License-Identifier: Apache-2.0
#include "position_check.hpp"

#include "scripted_input.hpp"

#include <lentic/coro/sync_wait.hpp>

#include <gtest/gtest.h>

#include <string>

namespace lentic::tool {
namespace {

std::string rows_text(std::size_t bytes) {
  std::string text = "header,two\n";
  for (int row = 0; text.size() < bytes; ++row) text += std::to_string(row) + ",x\n";
  return text;
}

position_proof proof_of(std::string_view input, std::size_t position) {
  const std::size_t tail = std::min(position, proof_tail_bytes_max);
  return {sha256(input.substr(0, std::min(position, proof_head_bytes_max))),
          sha256(input.substr(position - tail, tail))};
}

// The position of a run that stopped after `bytes` of `input`.
input_position stopped_at(std::string_view input, std::size_t bytes) {
  input_position position;
  position.bytes = bytes;
  position.rows = bytes / 10;
  position.line = 1 + bytes / 10;
  position.header_bytes = std::min<std::size_t>(11, bytes);
  position.terminated = bytes == 0 || input[bytes - 1] == '\n';
  position.proof = proof_of(input, bytes);
  return position;
}

struct check {
  explicit check(std::string content, input_kind kind = input_kind::regular_file) {
    runtime.io().content = std::move(content);
    source_options options;
    options.kind = kind;
    source = coro::sync_wait(runtime, open_source(runtime.io(), options));
  }
  resume_point run(const input_position& stored) {
    return coro::sync_wait(runtime, check_position(*source, stored));
  }
  std::string_view next() { return as_text(coro::sync_wait(runtime, source->next())); }

  scripted_runtime runtime;
  std::unique_ptr<byte_source> source;
};

TEST(PositionCheck, SameInputGoesOnAtTheStoredPosition) {
  const std::string text = rows_text(150'000);
  for (const input_kind kind : {input_kind::regular_file, input_kind::stream}) {
    for (std::size_t bytes : {0U, 11U, 4095U, 4096U, 4097U, 65'535U, 65'536U, 69'000U, 150'000U}) {
      bytes = bytes == 0 ? 0 : text.rfind('\n', bytes - 1) + 1;
      check in(text, kind);
      resume_point point = in.run(stopped_at(text, bytes));
      ASSERT_EQ(point.refusal, std::error_code()) << bytes;
      ASSERT_EQ(in.source->position(), bytes);
      ASSERT_EQ(point.position, stopped_at(text, bytes));
      ASSERT_TRUE(std::string_view(text).starts_with(point.head));
      ASSERT_EQ(point.proof.prove(bytes), proof_of(text, bytes));
      const std::string_view more = in.next();
      ASSERT_TRUE(std::string_view(text).substr(bytes).starts_with(more));
      point.proof.feed(more);
      const std::size_t end = bytes + more.size();
      ASSERT_EQ(point.proof.prove(end), proof_of(text, end)) << bytes;
    }
  }
}

TEST(PositionCheck, HeadCoversAHeaderLongerThanTheProof) {
  const std::string text = std::string(70'000, 'h') + "\nrow\n";
  input_position stored = stopped_at(text, text.size());
  stored.header_bytes = 70'001;
  check in(text);
  const resume_point point = in.run(stored);
  EXPECT_EQ(point.refusal, std::error_code());
  EXPECT_EQ(point.head, text.substr(0, 70'001));
}

TEST(PositionCheck, RegularFileIsNotReadBetweenTheProvenParts) {
  const std::string text = rows_text(5'000'000);
  check in(text);
  EXPECT_EQ(in.run(stopped_at(text, text.size())).refusal, std::error_code());
  EXPECT_LE(in.runtime.io().bytes_read, 2 * block_bytes_max);
}

TEST(PositionCheck, OtherBytesInTheHeadOrTheTailAreRefused) {
  const std::string text = rows_text(150'000);
  for (const std::size_t at : {0U, 65'535U, 145'950U, 149'990U}) {
    std::string other = text;
    other[at] = '!';
    const std::size_t bytes = text.rfind('\n', 149'999) + 1;
    check in(other);
    EXPECT_EQ(in.run(stopped_at(text, bytes)).refusal, errc::input_changed) << at;
  }
}

TEST(PositionCheck, ShorterInputIsRefusedWhereverItEnds) {
  const std::string text = rows_text(100'000);
  for (const input_kind kind : {input_kind::regular_file, input_kind::stream}) {
    for (const std::size_t length : {0U, 5U, 60'000U, 66'000U, 97'000U, 99'999U}) {
      check in(text.substr(0, length), kind);
      EXPECT_EQ(in.run(stopped_at(text, 100'000)).refusal, errc::input_shorter) << length;
    }
  }
}

TEST(PositionCheck, UnterminatedLastLineThatHasGrownIsRefused) {
  const std::string text = "header,two\n1,2";
  for (const char* more : {"5\n", "\r5\n", "x", "\r"}) {
    check in(text + more);
    EXPECT_EQ(in.run(stopped_at(text, text.size())).refusal, errc::last_line_grown) << more;
  }
}

TEST(PositionCheck, UnterminatedLastLineThatIsStillTheLastGoesOn) {
  const std::string text = "header,two\n1,2";
  check in(text);
  const resume_point point = in.run(stopped_at(text, text.size()));
  EXPECT_EQ(point.refusal, std::error_code());
  EXPECT_FALSE(point.position.terminated);
}

TEST(PositionCheck, LineEndAloneIsNoGrowth) {
  const std::string text = "header,two\n1,2";
  for (const std::string line_end : {"\n", "\r\n"}) {
    const std::string longer = text + line_end + "3,4\n";
    check in(longer);
    resume_point point = in.run(stopped_at(text, text.size()));
    ASSERT_EQ(point.refusal, std::error_code());
    const std::size_t bytes = text.size() + line_end.size();
    EXPECT_EQ(point.position.bytes, bytes);
    EXPECT_EQ(point.position.line, 1 + text.size() / 10 + 1);
    EXPECT_TRUE(point.position.terminated);
    EXPECT_EQ(point.position.proof, proof_of(longer, bytes));
    EXPECT_EQ(in.next(), "3,4\n");
  }
}

}  // namespace
}  // namespace lentic::tool
