// SPDX-License-Identifier: Apache-2.0
#pragma once

// A young table and a map that is told the same. Each operation compares what it can see.
// Threads: one.

#include "young_table.hpp"

#include <lentic/coro/sim_random.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace lentic::test {

std::string numbered_key(std::uint64_t number);
// Empty, short, long and alike in their first 300 bytes; a proper prefix of another; with zeros.
std::string odd_key(std::uint64_t number);
// Often short, sometimes above what a record holds itself.
std::string value_of(coro::sim_random& random);

class table_model {
 public:
  explicit table_model(young_layout layout) : table_(layout, nullptr, segment) {}

  detail::young_table& table() noexcept { return table_; }

  // Settles the row.
  void put(const std::string& key, const std::string& value);
  void entomb(const std::string& key);
  // Nothing when it is not there.
  void remove(const std::string& key);
  // Of the known ones.
  void remove_nth(std::uint64_t number);
  void find(const std::string& key);
  // One walk from `key` or without one, in a direction, with all that it answers.
  void walk(coro::sim_random& random, const std::string& key);
  // Walks in both directions, counts, bytes and digests.
  void compare_all();

 private:
  static constexpr std::uint64_t segment = 5;
  using rows = std::map<std::string, std::optional<std::string>, std::less<>>;

  void compare_walk(const detail::walk_start& start);

  detail::young_table table_;
  rows known_;  // none: a tombstone
};

}  // namespace lentic::test
