// SPDX-License-Identifier: Apache-2.0
#include "byte_size_text.hpp"

#include <array>
#include <charconv>
#include <system_error>

namespace lentic::tool {

namespace {

struct unit {
  std::string_view name;
  std::uint64_t size_bytes;
};

constexpr std::uint64_t size_max = std::uint64_t{1} << 62;
constexpr std::array<unit, 7> units{{{"GiB", 1U << 30},
                                     {"MiB", 1U << 20},
                                     {"KiB", 1U << 10},
                                     {"GB", 1'000'000'000},
                                     {"MB", 1'000'000},
                                     {"kB", 1000},
                                     {"", 1}}};

}  // namespace

result<std::uint64_t> parse_byte_size(std::string_view text) noexcept {
  std::uint64_t count = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (failure != std::errc()) return make_error_code(errc::not_a_byte_size);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  for (const unit& each : units)
    if (text == each.name && count <= size_max / each.size_bytes) return count * each.size_bytes;
  return make_error_code(errc::not_a_byte_size);
}

std::string byte_size_text(std::uint64_t size_bytes) {
  const unit* best = &units.back();
  for (const unit& each : units)
    if (size_bytes % each.size_bytes == 0 && each.size_bytes > best->size_bytes) best = &each;
  if (size_bytes == 0) return "0";
  return std::to_string(size_bytes / best->size_bytes).append(best->name);
}

}  // namespace lentic::tool
