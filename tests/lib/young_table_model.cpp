// SPDX-License-Identifier: Apache-2.0
#include "young_table_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace lentic::test {

namespace {

using model_row = std::pair<std::string, std::optional<std::string>>;

std::vector<model_row> rest_of(detail::layer_walk& walk) {
  std::vector<model_row> found;
  for (const detail::layer_row* at = walk.current(); at != nullptr; at = walk.current()) {
    std::optional<std::string> value;
    if (!at->tombstone) value = std::string(as_text(at->value));
    found.emplace_back(std::string(as_text(at->key)), value);
    walk.advance();
  }
  return found;
}

}  // namespace

std::string numbered_key(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return "key-" + std::string(10 - digits.size(), '0') + digits;
}

std::string odd_key(std::uint64_t number) {
  if (number == 0) return "";
  switch (number % 4) {
    case 0:
      return std::string(300, 'p') + std::to_string(number);
    case 1:
      return std::string(number, '\0');
    case 2:
      return std::to_string(number);
    default:
      return "b" + std::string(number * 7 % 1500, 'q') + std::to_string(number);
  }
}

std::string value_of(coro::sim_random& random) {
  const std::uint64_t most = random.below(10) == 0 ? 3000 : 40;
  return std::string(random.below(most), static_cast<char>('a' + random.below(26)));
}

void table_model::put(const std::string& key, const std::string& value) {
  const detail::young_record& record = table_.put(as_bytes(key), as_bytes(value));
  table_.settle(record);
  known_[key] = value;
  ASSERT_EQ(as_text(record.key()), key);
  ASSERT_EQ(as_text(record.value()), value);
}

void table_model::entomb(const std::string& key) {
  ASSERT_TRUE(table_.entomb(as_bytes(key)).is_tombstone());
  known_[key] = std::nullopt;
}

void table_model::remove(const std::string& key) {
  detail::young_record* const found = table_.find(as_bytes(key));
  ASSERT_EQ(found != nullptr, known_.erase(key) == 1);
  if (found != nullptr) table_.remove(*found);
}

void table_model::remove_nth(std::uint64_t number) {
  if (known_.empty()) return;
  const auto which = static_cast<std::ptrdiff_t>(number % known_.size());
  remove(std::string(std::next(known_.begin(), which)->first));
}

void table_model::find(const std::string& key) {
  const detail::young_record* const found = table_.find(as_bytes(key));
  const auto known = known_.find(key);
  ASSERT_EQ(found != nullptr, known != known_.end());
  if (found == nullptr) return;
  ASSERT_EQ(found->is_tombstone(), !known->second.has_value());
  if (known->second) {
    ASSERT_EQ(as_text(found->value()), *known->second);
  }
}

void table_model::walk(coro::sim_random& random, const std::string& key) {
  detail::walk_start start;
  if (random.below(5) != 0) start.key = as_bytes(key);
  start.exclusive = random.below(2) == 0;
  start.order = random.below(2) == 0 ? direction::forward : direction::backward;
  compare_walk(start);
}

void table_model::compare_walk(const detail::walk_start& start) {
  const bool forward = start.order == direction::forward;
  std::vector<model_row> expected;
  for (const auto& [key, value] : known_) {
    const auto order = start.key ? compare(as_bytes(key), *start.key) : std::strong_ordering::equal;
    const bool in =
        !start.key || (forward ? order > 0 || (order == 0 && !start.exclusive) : order < 0);
    if (in) expected.emplace_back(key, value);
  }
  if (!forward) std::reverse(expected.begin(), expected.end());
  const std::unique_ptr<detail::layer_walk> found = table_.walk(start);
  ASSERT_EQ(rest_of(*found), expected);
}

void table_model::compare_all() {
  compare_walk({});
  detail::walk_start back;
  back.order = direction::backward;
  compare_walk(back);
  std::uint64_t live = 0;
  std::uint64_t live_bytes = 0;
  segment_digest sums;
  sums.segment = segment;
  for (const auto& [key, value] : known_) {
    find(key);
    if (!value) continue;
    ++live;
    live_bytes += key.size() + value->size();
    sums.add(as_bytes(key), as_bytes(*value));
  }
  ASSERT_EQ(table_.digests() == nullptr ? segment_digest().parts : table_.digests()->parts,
            sums.parts);
  ASSERT_EQ(table_.count(), known_.size());
  ASSERT_EQ(table_.live_count(), live);
  ASSERT_EQ(table_.live_bytes(), live_bytes);
}

}  // namespace lentic::test
