// SPDX-License-Identifier: Apache-2.0
#include "manifest.hpp"

#include "codec.hpp"
#include "crc32c.hpp"
#include "state_directory.hpp"

#include <lentic/errc.hpp>

#include <set>
#include <string_view>

namespace lentic::detail {

namespace {

constexpr std::size_t header_bytes = 16;
// Far from what a record can tell (young_record.hpp).
constexpr std::uint64_t sequence_max = std::uint64_t{1} << 47;

bool decode_store(byte_reader& reader, manifest_store& store) {
  store.id = reader.varint();
  store.name = std::string(as_text(reader.string()));
  const std::optional<young_layout> layout = read_layout(reader);
  if (!layout) return false;
  store.layout = *layout;
  store.drop_floor = reader.varint();
  const std::uint64_t runs = reader.varint();
  for (std::uint64_t i = 0; i < runs && !reader.failed(); ++i) {
    const std::uint64_t segment = reader.varint();
    store.runs[segment] = reader.varint();
  }
  return !reader.failed();
}

// What no environment has written, and what a replay would stumble over.
bool makes_sense(const manifest& content) {
  std::set<std::uint64_t> ids;
  std::set<std::string_view> names;
  for (const manifest_store& each : content.stores) {
    if (!is_store_name(each.name) || !ids.insert(each.id).second || !names.insert(each.name).second)
      return false;
  }
  return content.first_journal_sequence != 0 && content.first_journal_sequence < sequence_max
      && content.last_durable < sequence_max;
}

}  // namespace

bytes encode_manifest(const manifest& content) {
  bytes body;
  append_le(body, content.environment);
  append_varint(body, content.number);
  append_varint(body, content.last_durable);
  append_varint(body, content.first_journal_file);
  append_varint(body, content.first_journal_sequence);
  append_varint(body, content.acknowledged);
  append_varint(body, content.stores.size());
  for (const manifest_store& store : content.stores) {
    append_varint(body, store.id);
    append_string(body, as_bytes(store.name));
    append_varint(body, static_cast<std::uint64_t>(store.layout));
    append_varint(body, store.drop_floor);
    append_varint(body, store.runs.size());
    for (const auto& [segment, generation] : store.runs) {
      append_varint(body, segment);
      append_varint(body, generation);
    }
  }
  bytes raw = to_bytes("LMAN");
  append_le(raw, manifest_format);
  append_le(raw, std::uint16_t{0});
  append_le(raw, static_cast<std::uint32_t>(body.size()));
  append_le(raw, crc32c(body, crc32c(raw)));  // the header up to here is covered too
  append_raw(raw, body);
  return raw;
}

result<manifest> decode_manifest(bytes_view raw) {
  const std::error_code damaged = make_error_code(errc::manifest_damaged);
  if (raw.size() < header_bytes || as_text(raw.first(4)) != "LMAN") return damaged;
  const auto format = load_le<std::uint16_t>(raw.data() + 4);
  const auto body_bytes = load_le<std::uint32_t>(raw.data() + 8);
  const auto crc = load_le<std::uint32_t>(raw.data() + 12);
  if (raw.size() - header_bytes != body_bytes) return damaged;
  const bytes_view body = raw.subspan(header_bytes);
  if (crc32c(body, crc32c(raw.first(12))) != crc) return damaged;
  if (format > manifest_format) return make_error_code(errc::newer_format);
  byte_reader reader(body);
  manifest content;
  content.environment = reader.fixed_le<std::uint64_t>();
  content.number = reader.varint();
  content.last_durable = reader.varint();
  content.first_journal_file = reader.varint();
  content.first_journal_sequence = reader.varint();
  content.acknowledged = reader.varint();
  const std::uint64_t stores = reader.varint();
  for (std::uint64_t i = 0; i < stores && !reader.failed(); ++i) {
    if (!decode_store(reader, content.stores.emplace_back())) return damaged;
  }
  if (reader.failed() || !reader.at_end() || !makes_sense(content)) return damaged;
  return content;
}

}  // namespace lentic::detail
