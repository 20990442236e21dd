// SPDX-License-Identifier: Apache-2.0
// Random words against a map of windows: the pipe's word count, killed and opened again now and
// then over a simulated disk, equals a model that was never interrupted.
#include "process/task_rig.hpp"

#include <lentic/process/pipe.hpp>
#include <lentic/windows/windowed_by.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace lentic::windows {
namespace {

using process::record;
using process::topology;
using std::chrono::milliseconds;
using test::keeps;
using test::task_rig;
using text = std::string;
using strings = std::vector<text>;

struct shape {
  std::int64_t size_ms = 0;
  std::int64_t advance_ms = 0;
  std::int64_t grace_ms = 0;
  emit_strategy emit = emit_strategy::on_update;
};

struct line {
  text words;
  std::int64_t timestamp_ms;
};

text row_of(const text& word, std::int64_t start_ms, std::int64_t count, std::int64_t at_ms) {
  return word + " " + std::to_string(start_ms) + " " + std::to_string(count) + " @"
       + std::to_string(at_ms) + "\n";
}

std::vector<text> split(const text& words) {
  std::vector<text> parts;
  for (const char letter : words) parts.emplace_back(1, letter);
  return parts;
}

// The rule of one window at a time, over maps.
class model {
 public:
  explicit model(const shape& chosen) : shape_(chosen) {}

  void add(const line& next) {
    for (const text& word : split(next.words)) add(word, next.timestamp_ms);
  }
  const text& output() const noexcept { return output_; }
  std::uint64_t late() const noexcept { return late_; }

 private:
  struct window {
    std::int64_t count = 0;
    std::int64_t timestamp_ms = 0;
  };

  void add(const text& word, std::int64_t at_ms) {
    stream_time_ = std::max(stream_time_, at_ms);
    const std::int64_t close = stream_time_ - shape_.grace_ms;
    for (std::int64_t start = 0; start <= at_ms; start += shape_.advance_ms) {
      if (start + shape_.size_ms <= at_ms) continue;
      if (start + shape_.size_ms <= close) {
        ++late_;
        continue;
      }
      window& slot = windows_[{start, word}];
      ++slot.count;
      slot.timestamp_ms = std::max(slot.timestamp_ms, at_ms);
      if (shape_.emit == emit_strategy::on_update)
        output_ += row_of(word, start, slot.count, slot.timestamp_ms);
    }
    while (!windows_.empty() && windows_.begin()->first.first + shape_.size_ms <= close) {
      const auto& [at, slot] = *windows_.begin();
      if (shape_.emit == emit_strategy::on_close)
        output_ += row_of(at.second, at.first, slot.count, slot.timestamp_ms);
      windows_.erase(windows_.begin());
    }
  }

  shape shape_;
  std::int64_t stream_time_ = -1;
  std::map<std::pair<std::int64_t, text>, window> windows_;
  text output_;
  std::uint64_t late_ = 0;
};

topology word_count(const shape& chosen) {
  const auto write = [](const record<windowed<text>, std::int64_t>& next, text& out) {
    out += row_of(next.key.key, next.key.start_ms, next.value, next.timestamp_ms);
  };
  const window_definition windows =
      hopping(milliseconds(chosen.size_ms), milliseconds(chosen.advance_ms))
          .grace(milliseconds(chosen.grace_ms));
  topology work;
  auto words = work.source<text, text>("lines") | process::flat_map_values(split)
             | process::group_by([](const text& word) { return word; });
  if (chosen.emit == emit_strategy::on_close)
    words | windowed_by(windows) | emit_on_close() | count("words") | process::to_stream()
        | process::sink("out", write);
  else
    words | windowed_by(windows) | count("words") | process::to_stream()
        | process::sink("out", write);
  return work;
}

shape random_shape(std::mt19937_64& random, emit_strategy emit) {
  shape chosen;
  chosen.size_ms = 1 + static_cast<std::int64_t>(random() % 50);
  chosen.advance_ms = random() % 2 == 0
                        ? chosen.size_ms
                        : 1 + static_cast<std::int64_t>(random() % 50) % chosen.size_ms;
  chosen.grace_ms = random() % 3 == 0 ? 0 : static_cast<std::int64_t>(random() % 60);
  chosen.emit = emit;
  return chosen;
}

std::vector<line> random_lines(std::mt19937_64& random) {
  std::vector<line> lines;
  std::int64_t now = 0;
  for (int i = 0; i < 120; ++i) {
    now += static_cast<std::int64_t>(random() % 5);
    if (random() % 60 == 0) now += static_cast<std::int64_t>(random() % 500);
    text words;
    for (std::uint64_t count = random() % 4; count != 0; --count)
      words += static_cast<char>('a' + random() % 5);
    lines.push_back(
        {words, std::max<std::int64_t>(0, now - static_cast<std::int64_t>(random() % 60))});
  }
  return lines;
}

// Lines since the last commit come again after a kill, as from a source that stands at its
// committed position.
void run(task_rig& rig, const std::vector<line>& lines, std::mt19937_64& random) {
  std::size_t committed = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    rig.feed("lines", text(), lines[i].words, lines[i].timestamp_ms);
    if (random() % 8 == 0) {
      rig.commit();
      committed = i + 1;
    }
    if (random() % 20 != 0) continue;
    rig.restart();
    i = committed - 1;
  }
  rig.commit();
}

void compare(emit_strategy emit) {
  std::uint64_t late = 0;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const shape chosen = random_shape(random, emit);
    const std::vector<line> lines = random_lines(random);
    model expected(chosen);
    for (const line& each : lines) expected.add(each);
    task_rig rig([&chosen] { return word_count(chosen); }, keeps::disk);
    run(rig, lines, random);
    ASSERT_EQ(rig.output(), expected.output());
    ASSERT_EQ(rig.job().store<windowed_aggregation>("words").late_dropped(), expected.late());
    late += expected.late();
  }
  EXPECT_GT(late, 100U);
}

TEST(PipeModel, AnInterruptedWordCountEqualsTheModelOnUpdate) {
  compare(emit_strategy::on_update);
}

TEST(PipeModel, AnInterruptedWordCountEqualsTheModelOnClose) {
  compare(emit_strategy::on_close);
}

}  // namespace
}  // namespace lentic::windows
