// SPDX-License-Identifier: Apache-2.0
#include <lentic/bytes.hpp>

namespace lentic {

bytes prefix_end(bytes_view prefix) {
  bytes end = to_bytes(prefix);
  while (!end.empty() && end.back() == std::byte{0xff}) end.pop_back();
  if (!end.empty()) end.back() = static_cast<std::byte>(std::to_integer<unsigned>(end.back()) + 1);
  return end;
}

std::string to_hex(bytes_view raw) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(raw.size() * 2);
  for (const std::byte b : raw) {
    text += digits[std::to_integer<unsigned>(b) >> 4];
    text += digits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

}  // namespace lentic
