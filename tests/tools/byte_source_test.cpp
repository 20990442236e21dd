// SPDX-License-Identifier: Apache-2.0
#include "byte_source.hpp"

#include "errors.hpp"
#include "scripted_input.hpp"

#include <lentic/coro/as_result.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/sync_wait.hpp>

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <string>

#include <zlib.h>

namespace lentic::tool {
namespace {

std::string gzipped(const std::string& text) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  std::string in = text;
  stream.next_in = static_cast<Bytef*>(static_cast<void*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = static_cast<Bytef*>(static_cast<void*>(out.data()));
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string sample(std::size_t bytes) {
  std::mt19937 random(3);
  std::string text;
  while (text.size() < bytes) text += std::to_string(random()) + (random() % 5 == 0 ? "\n" : ",");
  return text;
}

struct input {
  explicit input(std::string content, input_kind kind = input_kind::regular_file) {
    runtime.io().content = std::move(content);
    options.kind = kind;
  }
  std::unique_ptr<byte_source> open() {
    return coro::sync_wait(runtime, open_source(runtime.io(), options));
  }
  std::string_view next(byte_source& source, std::size_t limit = block_bytes_max) {
    return as_text(coro::sync_wait(runtime, source.next(limit)));
  }
  // Everything up to the end; or up to an error, whose text is appended in angle brackets.
  std::string rest(byte_source& source) {
    std::string text;
    try {
      for (std::string_view more = next(source); !more.empty(); more = next(source)) text += more;
    } catch (const std::system_error& error) {
      text += std::string("<") + error.what() + ">";
    }
    return text;
  }
  std::uint64_t skip(byte_source& source, std::uint64_t position) {
    return coro::sync_wait(runtime, source.skip_to(position));
  }

  scripted_runtime runtime;
  source_options options;
};

constexpr input_kind kinds[] = {input_kind::regular_file, input_kind::stream};

TEST(ByteSource, DeliversAPlainInputWhole) {
  const std::string text = sample(700'000);
  for (const input_kind kind : kinds) {
    input in(text, kind);
    const auto source = in.open();
    EXPECT_EQ(in.rest(*source), text);
    EXPECT_EQ(source->position(), text.size());
    EXPECT_EQ(source->raw_position(), text.size());
    EXPECT_FALSE(source->compressed());
  }
}

TEST(ByteSource, KnowsGzipByItsFirstBytes) {
  const std::string text = sample(700'000);
  for (const input_kind kind : kinds) {
    input in(gzipped(text), kind);
    const auto source = in.open();
    EXPECT_TRUE(source->compressed());
    EXPECT_EQ(in.rest(*source), text);
    EXPECT_EQ(source->position(), text.size());
    EXPECT_EQ(source->raw_position(), in.runtime.io().content.size());
  }
}

TEST(ByteSource, ShortAndInterruptedReadsChangeNothing) {
  const std::string text = sample(50'000);
  for (unsigned seed = 1; seed <= 20; ++seed) {
    for (const bool zip : {false, true}) {
      input in(zip ? gzipped(text) : text, kinds[seed % 2]);
      in.runtime.io().short_reads = true;
      in.runtime.io().read_bytes_max = 1 + seed * seed * seed;
      in.runtime.io().random.seed(seed);
      const auto source = in.open();
      ASSERT_EQ(source->compressed(), zip);
      ASSERT_EQ(in.rest(*source), text) << "seed " << seed;
    }
  }
}

TEST(ByteSource, EmptyAndTinyInputsAreNotGzip) {
  for (const char* text : {"", "\x1F", "x"}) {
    input in(text);
    const auto source = in.open();
    EXPECT_FALSE(source->compressed());
    EXPECT_EQ(in.rest(*source), text);
    EXPECT_EQ(in.next(*source), "");
  }
}

TEST(ByteSource, MembersOfAGzipStreamFollowEachOther) {
  input in(gzipped("one,") + gzipped("") + gzipped("two"));
  const auto source = in.open();
  EXPECT_EQ(in.rest(*source), "one,two");
}

TEST(ByteSource, LimitIsKept) {
  for (const bool zip : {false, true}) {
    input in(zip ? gzipped("abcdef") : "abcdef");
    const auto source = in.open();
    EXPECT_EQ(in.next(*source, 1), "a");
    EXPECT_EQ(in.next(*source, 3), "bcd");
    EXPECT_EQ(source->position(), 4U);
    EXPECT_EQ(in.next(*source), "ef");
  }
}

TEST(ByteSource, SkipsInARegularFileWithoutReading) {
  const std::string text = sample(5'000'000);
  input in(text);
  const auto source = in.open();
  EXPECT_EQ(in.skip(*source, 4'900'000), 4'900'000U);
  EXPECT_EQ(in.rest(*source), text.substr(4'900'000));
  EXPECT_LE(in.runtime.io().bytes_read, block_bytes_max + text.size() - 4'900'000);
}

TEST(ByteSource, SkipsInsideWhatItHasRead) {
  for (const input_kind kind : kinds) {
    input in("abcdef", kind);
    const auto source = in.open();
    EXPECT_EQ(in.skip(*source, 2), 2U);
    EXPECT_EQ(in.rest(*source), "cdef");
  }
}

TEST(ByteSource, SkipsInStreamsByReading) {
  const std::string text = sample(700'000);
  for (const bool zip : {false, true}) {
    input in(zip ? gzipped(text) : text, input_kind::stream);
    const auto source = in.open();
    EXPECT_EQ(in.skip(*source, 600'001), 600'001U);
    EXPECT_EQ(in.rest(*source), text.substr(600'001));
  }
}

TEST(ByteSource, SkipPastTheEndOfAStreamSaysWhereItEnds) {
  for (const bool zip : {false, true}) {
    input in(zip ? gzipped("abc") : "abc", input_kind::stream);
    const auto source = in.open();
    EXPECT_EQ(in.skip(*source, 10), 3U);
  }
}

TEST(ByteSource, EveryTruncationOfAGzipStreamIsNamedAndLosesNothingBefore) {
  const std::string text = sample(300);
  const std::string whole = gzipped(text);
  for (std::size_t length = 2; length < whole.size(); ++length) {
    input in(whole.substr(0, length));
    const auto source = in.open();
    const std::string got = in.rest(*source);
    const std::size_t mark = got.find('<');
    ASSERT_NE(mark, got.npos) << length;
    EXPECT_TRUE(text.starts_with(got.substr(0, mark)));
    EXPECT_EQ(got.substr(mark),
              "<compressed byte " + std::to_string(length) + ": the gzip stream ends too early>");
  }
}

TEST(ByteSource, FlippedBitsInAGzipStreamAreNeverAnotherText) {
  const std::string text = sample(300);
  const std::string whole = gzipped(text);
  for (std::size_t bit = 24; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    input in(damaged);
    const auto source = in.open();
    const std::string got = in.rest(*source);
    const bool refused = got.find("<compressed byte ") != got.npos;
    EXPECT_TRUE(refused || got == text) << "bit " << bit;
  }
}

TEST(ByteSource, TextAfterTheLastMemberIsDamage) {
  input in(gzipped("abc") + "tail");
  const auto source = in.open();
  EXPECT_TRUE(in.rest(*source).starts_with("abc<compressed byte "));
}

TEST(ByteSource, ReadErrorsPassThrough) {
  input in("");
  in.runtime.io().fails_with = -EIO;
  const auto opened =
      coro::sync_wait(in.runtime, coro::as_result(open_source(in.runtime.io(), in.options)));
  EXPECT_EQ(opened.error(), std::error_code(EIO, std::system_category()));
}

coro::task<void> read_once(byte_source& source, std::error_code& code) {
  try {
    co_await source.next(block_bytes_max);
  } catch (const std::system_error& error) {
    code = error.code();
  }
}

TEST(ByteSource, StopEndsAReadThatWaitsForEver) {
  coro::stop_source stop;
  input in("abc", input_kind::stream);
  in.runtime.io().waits_at_end = true;
  in.options.stop = coro::stop_token(stop);
  const auto source = in.open();
  EXPECT_EQ(in.next(*source), "abc");
  std::error_code code;
  coro::scope readers(in.runtime.queue());
  readers.spawn(read_once(*source, code));
  EXPECT_EQ(code, std::error_code());
  stop.request_stop();
  coro::sync_wait(in.runtime, readers.join());
  EXPECT_EQ(code, std::errc::operation_canceled);
}

}  // namespace
}  // namespace lentic::tool
