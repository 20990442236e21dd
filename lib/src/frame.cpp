// SPDX-License-Identifier: Apache-2.0
#include "frame.hpp"

#include "codec.hpp"
#include "crc32c.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

namespace lentic::detail {

namespace {

constexpr std::uint32_t magic = 0x4d52464c;      // "LFRM"
constexpr std::uint32_t end_magic = 0x444e454c;  // "LEND"

// The 64 bytes of a frame and of the block behind the last one: they differ in the first four.
void encode_64(std::uint32_t kind, frame_header& header, std::byte* to) noexcept {
  store_le(kind, to);
  store_le(header.format, to + 4);
  store_le(std::uint16_t{0}, to + 6);
  store_le(header.environment, to + 8);
  store_le(header.file, to + 16);
  store_le(header.offset, to + 24);
  store_le(header.sequence, to + 32);
  store_le(header.payload_bytes, to + 40);
  store_le(header.previous_crc, to + 48);
  store_le(header.payload_crc, to + 52);
  store_le(header.unsynced_before, to + 56);
  header.header_crc = crc32c({to, frame_header_bytes - 4});
  store_le(header.header_crc, to + 60);
}

std::optional<frame_header> decode_64(std::uint32_t kind, bytes_view raw) noexcept {
  byte_reader reader(raw.first(frame_header_bytes));
  frame_header header;
  const auto found_magic = reader.fixed_le<std::uint32_t>();
  header.format = reader.fixed_le<std::uint16_t>();
  reader.fixed_le<std::uint16_t>();
  header.environment = reader.fixed_le<std::uint64_t>();
  header.file = reader.fixed_le<std::uint64_t>();
  header.offset = reader.fixed_le<std::uint64_t>();
  header.sequence = reader.fixed_le<std::uint64_t>();
  header.payload_bytes = reader.fixed_le<std::uint64_t>();
  header.previous_crc = reader.fixed_le<std::uint32_t>();
  header.payload_crc = reader.fixed_le<std::uint32_t>();
  header.unsynced_before = reader.fixed_le<std::uint32_t>();
  header.header_crc = reader.fixed_le<std::uint32_t>();
  if (found_magic != kind || header.header_crc != crc32c(raw.first(frame_header_bytes - 4)))
    return std::nullopt;
  return header;
}

}  // namespace

std::uint64_t frame_bytes(std::uint64_t payload_bytes) noexcept {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max() / 2;
  const std::uint64_t whole = frame_header_bytes + std::min(payload_bytes, most);
  return (whole + frame_alignment - 1) / frame_alignment * frame_alignment;
}

void encode_frame_header(frame_header& header, bytes_view payload, std::byte* to) noexcept {
  header.payload_bytes = payload.size();
  header.payload_crc = crc32c(payload);
  encode_64(magic, header, to);
}

void encode_end_block(const frame_header& last, std::byte* to) noexcept {
  frame_header end;
  end.environment = last.environment;
  end.file = last.file;
  end.offset = last.offset + frame_bytes(last.payload_bytes);
  end.sequence = last.sequence;
  end.previous_crc = last.header_crc;
  encode_64(end_magic, end, to);
}

bool is_end_block(bytes_view block, const frame_header& last) noexcept {
  std::array<std::byte, frame_alignment> expected{};
  encode_end_block(last, expected.data());
  return std::equal(block.begin(), block.end(), expected.begin(), expected.end());
}

void encode_frame(frame_header& header, bytes_view payload, bytes& to) {
  to.clear();
  to.reserve(frame_bytes(payload.size()));
  to.resize(frame_header_bytes);
  encode_frame_header(header, payload, to.data());
  append_raw(to, payload);
  to.resize(frame_bytes(payload.size()));
}

std::optional<frame_header> decode_frame_header(bytes_view raw) noexcept {
  return decode_64(magic, raw);
}

std::optional<frame_header> decode_end_block(bytes_view raw) noexcept {
  return decode_64(end_magic, raw);
}

// Room for an item whose strings have so many bytes: what is written is written whole. Three tags,
// and five varints, are at most what is beside them. The padding of a whole frame fits as well,
// and the end block.
void payload_writer::make_room(std::size_t string_bytes) {
  const std::size_t used = std::max(raw_.size() - padding_, frame_header_bytes);
  const std::size_t whole = used + string_bytes + item_bytes_max + 2 * frame_alignment;
  if (whole > raw_.capacity()) raw_.reserve(std::max(whole, 2 * raw_.capacity()));
  raw_.resize(used);
  padding_ = 0;
}

void payload_writer::expect(std::uint64_t bytes) {
  const std::size_t used = std::max(raw_.size() - padding_, frame_header_bytes);
  if (bytes != 0) raw_.reserve(used + bytes + item_bytes_max + 2 * frame_alignment);
}

bytes_view payload_writer::finish(frame_header& header) {
  make_room(0);
  encode_frame_header(header, payload(), raw_.data());
  padding_ = frame_bytes(payload().size()) - raw_.size();
  raw_.resize(raw_.size() + padding_);
  return raw_;
}

bytes_view payload_writer::finish_with_end(frame_header& header) {
  finish(header);
  raw_.resize(raw_.size() + frame_alignment);
  padding_ += frame_alignment;
  encode_end_block(header, raw_.data() + raw_.size() - frame_alignment);
  return raw_;
}

void payload_writer::tag(item_tag which) {
  raw_.push_back(static_cast<std::byte>(which));
}

void payload_writer::select(std::uint64_t store, std::uint64_t segment) {
  ++entries_;
  if (selected_ && store_ == store && segment_ == segment) return;
  selected_ = true;
  store_ = store;
  segment_ = segment;
  tag(item_tag::segment);
  append_varint(raw_, store);
  append_varint(raw_, segment);
}

void payload_writer::store(std::uint64_t store, bytes_view name, young_layout layout) {
  make_room(name.size());
  tag(item_tag::store);
  append_varint(raw_, store);
  append_string(raw_, name);
  append_varint(raw_, static_cast<std::uint64_t>(layout));
}

void payload_writer::put(std::uint64_t store, std::uint64_t segment, bytes_view key,
                         bytes_view value) {
  make_room(key.size() + value.size());
  select(store, segment);
  tag(item_tag::put);
  append_string(raw_, key);
  append_string(raw_, value);
}

void payload_writer::erase(std::uint64_t store, std::uint64_t segment, bytes_view key) {
  make_room(key.size());
  select(store, segment);
  tag(item_tag::erase);
  append_string(raw_, key);
}

void payload_writer::drop_below(std::uint64_t store, std::uint64_t segment) {
  make_room(0);
  tag(item_tag::drop_below);
  append_varint(raw_, store);
  append_varint(raw_, segment);
}

void payload_writer::position(bytes_view name, bytes_view value) {
  make_room(name.size() + value.size());
  tag(item_tag::position);
  append_string(raw_, name);
  append_string(raw_, value);
}

void payload_writer::outbox(std::uint64_t sequence, bytes_view output) {
  make_room(output.size());
  tag(item_tag::outbox);
  append_varint(raw_, sequence);
  append_string(raw_, output);
}

void payload_writer::acknowledged(std::uint64_t sequence) {
  make_room(0);
  tag(item_tag::acknowledged);
  append_varint(raw_, sequence);
}

void payload_writer::clear(std::uint64_t store, std::uint64_t segment, std::uint64_t generation) {
  three(item_tag::clear, store, segment, generation);
}

void payload_writer::sealed(std::uint64_t store, std::uint64_t segment, std::uint64_t generation) {
  three(item_tag::sealed, store, segment, generation);
}

void payload_writer::three(item_tag which, std::uint64_t first, std::uint64_t second,
                           std::uint64_t third) {
  make_room(0);
  tag(which);
  append_varint(raw_, first);
  append_varint(raw_, second);
  append_varint(raw_, third);
}

namespace {

class item_decoder {
 public:
  item_decoder(bytes_view payload, payload_visitor& visitor)
      : reader_(payload), visitor_(&visitor) {}

  bool all() {
    while (!reader_.at_end()) {
      if (!one(static_cast<item_tag>(reader_.byte()))) return false;
    }
    return true;
  }

 private:
  // Reads the fields of an item, and tells the visitor only if all of them fitted.
  bool one(item_tag which) {
    switch (which) {
      case item_tag::segment:
        store_ = reader_.varint();
        segment_ = reader_.varint();
        selected_ = true;
        return !reader_.failed();
      case item_tag::put:
        return selected_ && two_strings([this](bytes_view key, bytes_view value) {
                 visitor_->put(store_, segment_, key, value);
               });
      case item_tag::erase:
        return selected_ && erase();
      case item_tag::position:
        return two_strings(
            [this](bytes_view name, bytes_view value) { visitor_->position(name, value); });
      case item_tag::store:
        return store();
      case item_tag::outbox:
        return number_and_string(
            [this](std::uint64_t sequence, bytes_view raw) { visitor_->outbox(sequence, raw); });
      case item_tag::drop_below:
        return drop_below();
      case item_tag::acknowledged:
        return acknowledged();
      case item_tag::clear:
        return three_numbers([this](std::uint64_t store, std::uint64_t id, std::uint64_t run) {
          visitor_->clear(store, id, run);
        });
      case item_tag::sealed:
        return three_numbers([this](std::uint64_t store, std::uint64_t id, std::uint64_t run) {
          visitor_->sealed(store, id, run);
        });
    }
    return false;
  }

  template <class Tell>
  bool two_strings(Tell tell) {
    const bytes_view first = reader_.string();
    const bytes_view second = reader_.string();
    if (reader_.failed()) return false;
    tell(first, second);
    return true;
  }
  template <class Tell>
  bool number_and_string(Tell tell) {
    const std::uint64_t number = reader_.varint();
    const bytes_view text = reader_.string();
    if (reader_.failed()) return false;
    tell(number, text);
    return true;
  }
  template <class Tell>
  bool three_numbers(Tell tell) {
    const std::uint64_t first = reader_.varint();
    const std::uint64_t second = reader_.varint();
    const std::uint64_t third = reader_.varint();
    if (reader_.failed()) return false;
    tell(first, second, third);
    return true;
  }
  bool store() {
    const std::uint64_t store = reader_.varint();
    const bytes_view name = reader_.string();
    const std::optional<young_layout> layout = read_layout(reader_);
    if (reader_.failed() || !layout) return false;
    visitor_->store(store, name, *layout);
    return true;
  }
  bool drop_below() {
    const std::uint64_t store = reader_.varint();
    const std::uint64_t segment = reader_.varint();
    if (reader_.failed()) return false;
    visitor_->drop_below(store, segment);
    return true;
  }
  bool erase() {
    const bytes_view key = reader_.string();
    if (reader_.failed()) return false;
    visitor_->erase(store_, segment_, key);
    return true;
  }
  bool acknowledged() {
    const std::uint64_t sequence = reader_.varint();
    if (reader_.failed()) return false;
    visitor_->acknowledged(sequence);
    return true;
  }
  byte_reader reader_;
  payload_visitor* visitor_;
  bool selected_ = false;
  std::uint64_t store_ = 0;
  std::uint64_t segment_ = 0;
};

}  // namespace

bool decode_payload(bytes_view payload, payload_visitor& visitor) {
  return item_decoder(payload, visitor).all();
}

}  // namespace lentic::detail
