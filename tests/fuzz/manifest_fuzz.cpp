// SPDX-License-Identifier: Apache-2.0
// MANIFEST-n: as it is, and as a body behind a header that holds. What decodes, decodes again to
// the same after it was encoded.
#include "crc32c.hpp"
#include "fuzz_target.hpp"
#include "manifest.hpp"

#include <lentic/endian.hpp>

namespace lentic::fuzz {
namespace {

void decode(bytes_view raw) {
  const result<detail::manifest> found = detail::decode_manifest(raw);
  if (!found) return;
  const bytes again = detail::encode_manifest(*found);
  const result<detail::manifest> second = detail::decode_manifest(again);
  check(second.has_value() && detail::encode_manifest(*second) == again);
}

bytes with_header(bytes_view body) {
  bytes raw = to_bytes("LMAN");
  append_le(raw, detail::manifest_format);
  append_le(raw, std::uint16_t{0});
  append_le(raw, static_cast<std::uint32_t>(body.size()));
  append_le(raw, detail::crc32c(body, detail::crc32c(raw)));
  raw.insert(raw.end(), body.begin(), body.end());
  return raw;
}

}  // namespace

std::vector<bytes> seeds() {
  detail::manifest content;
  content.environment = 0x0102030405060708;
  content.last_durable = 300;
  for (std::uint64_t id = 1; id < 4; ++id) {
    detail::manifest_store& store = content.stores.emplace_back();
    store.id = id;
    store.name = "store";
    store.layout = id % 2 == 0 ? young_layout::hashed : young_layout::ordered;
    store.drop_floor = id * 1000;
    for (std::uint64_t n = 0; n < id; ++n) store.runs[store.drop_floor + n] = n + 1;
  }
  const bytes raw = detail::encode_manifest(content);
  return {raw, to_bytes(bytes_view(raw).subspan(16))};
}

}  // namespace lentic::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lentic;
  const bytes_view raw = fuzz::input(data, size);
  fuzz::decode(raw);
  fuzz::decode(fuzz::with_header(raw));
  return 0;
}
