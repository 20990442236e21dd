// SPDX-License-Identifier: Apache-2.0
// Header of a journal frame: as it is, it is refused unless its checksum holds; with the checksum
// repaired it comes back field by field.
#include "crc32c.hpp"
#include "frame.hpp"
#include "fuzz_target.hpp"

#include <lentic/endian.hpp>

#include <algorithm>

namespace lentic::fuzz {

std::vector<bytes> seeds() {
  detail::frame_header header;
  header.environment = 0x0102030405060708;
  header.file = 3;
  header.offset = 8192;
  header.sequence = 12;
  header.previous_crc = 99;
  bytes frame;
  detail::encode_frame(header, as_bytes("payload"), frame);
  frame.resize(detail::frame_header_bytes);
  return {frame};
}

}  // namespace lentic::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lentic;
  using detail::frame_header_bytes;
  bytes raw(frame_header_bytes);
  const bytes_view given = fuzz::input(data, std::min(size, frame_header_bytes));
  std::copy(given.begin(), given.end(), raw.begin());
  const std::uint32_t checksum = detail::crc32c(bytes_view(raw).first(frame_header_bytes - 4));
  const auto as_given = detail::decode_frame_header(raw);
  fuzz::check(!as_given || load_le<std::uint32_t>(raw.data() + frame_header_bytes - 4) == checksum);
  store_le(checksum, raw.data() + frame_header_bytes - 4);
  const auto repaired = detail::decode_frame_header(raw);
  fuzz::check(repaired.has_value() == (as_text(bytes_view(raw).first(4)) == "LFRM"));
  if (!repaired) return 0;
  fuzz::check(repaired->sequence == load_le<std::uint64_t>(raw.data() + 32));
  fuzz::check(repaired->payload_bytes == load_le<std::uint64_t>(raw.data() + 40));
  const std::uint64_t whole = detail::frame_bytes(repaired->payload_bytes);
  fuzz::check(whole >= frame_header_bytes && whole % detail::frame_alignment == 0);
  return 0;
}
