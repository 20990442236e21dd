// SPDX-License-Identifier: Apache-2.0
#pragma once

// store_shell: a byte_store driven from a test with text instead of bytes, one operation at a time
// to its end. Threads: the test's. Lifetime: runtime and store outlive it. Errors: it throws what
// the store throws.

#include <lentic/coro/runtime.hpp>
#include <lentic/store/byte_store.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lentic::test {

using text_row = std::pair<std::string, std::string>;
using text_rows = std::vector<text_row>;

// Text with zero bytes in it: bytes_of("a\0b").
template <std::size_t Size>
std::string bytes_of(const char (&literal)[Size]) {
  return std::string(literal, Size - 1);
}

// "key7". Written out because g++ 12 warns about the operator for no reason (GCC PR 105651).
template <std::integral Number>
std::string numbered_text(std::string_view prefix, Number number) {
  std::string text(prefix);
  text += std::to_string(number);
  return text;
}

class store_shell {
 public:
  store_shell(coro::runtime& runtime, byte_store& store) noexcept
      : runtime_(&runtime), store_(&store) {}

  std::optional<std::string> get(std::string_view key);
  void put(std::string_view key, std::string_view value);
  bool put_if_absent(std::string_view key, std::string_view value);
  bool erase(std::string_view key);
  bool contains(std::string_view key);
  void clear();
  std::vector<std::optional<std::string>> multi_get(const std::vector<std::string>& keys);
  void write(const write_batch& batch);
  store_snapshot snapshot();
  void restore(const store_snapshot& image);

  text_rows scan(direction order = direction::forward);
  text_rows range(std::string_view lo, std::string_view hi, direction order = direction::forward);
  text_rows prefix(std::string_view prefix, direction order = direction::forward);
  // The next block of a cursor; empty at its end.
  text_rows next(cursor& rows);
  // All that is left of a cursor.
  text_rows rest(cursor rows);

 private:
  coro::runtime* runtime_;
  byte_store* store_;
};

}  // namespace lentic::test
