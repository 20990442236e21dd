// SPDX-License-Identifier: Apache-2.0
// Payload of a journal frame: whatever the bytes are, decoding ends, stays inside them, and what it
// tells is told again when it is encoded anew.
#include "frame.hpp"
#include "fuzz_target.hpp"

namespace lentic::fuzz {
namespace {

// Encodes again what it is told.
class echo final : public detail::payload_visitor {
 public:
  void store(std::uint64_t id, bytes_view name, young_layout layout) override {
    items.store(id, name, layout);
  }
  void put(std::uint64_t id, std::uint64_t segment, bytes_view key, bytes_view value) override {
    items.put(id, segment, key, value);
  }
  void erase(std::uint64_t id, std::uint64_t segment, bytes_view key) override {
    items.erase(id, segment, key);
  }
  void drop_below(std::uint64_t id, std::uint64_t segment) override {
    items.drop_below(id, segment);
  }
  void position(bytes_view name, bytes_view value) override { items.position(name, value); }
  void outbox(std::uint64_t sequence, bytes_view output) override {
    items.outbox(sequence, output);
  }
  void acknowledged(std::uint64_t sequence) override { items.acknowledged(sequence); }
  void clear(std::uint64_t id, std::uint64_t segment, std::uint64_t generation) override {
    items.clear(id, segment, generation);
  }
  void sealed(std::uint64_t id, std::uint64_t segment, std::uint64_t generation) override {
    items.sealed(id, segment, generation);
  }
  detail::payload_writer items;
};

}  // namespace

std::vector<bytes> seeds() {
  detail::payload_writer all;
  all.store(1, as_bytes("store"), young_layout::hashed);
  all.store(2, as_bytes("other"), young_layout::ordered);
  all.put(1, 7, as_bytes("key"), as_bytes("value"));
  all.erase(1, 300, as_bytes("key"));
  all.drop_below(1, 5);
  all.position(as_bytes("input"), as_bytes("row 1"));
  all.outbox(3, as_bytes("line\n"));
  all.acknowledged(2);
  all.clear(1, 7, 4);
  all.sealed(1, 7, ~std::uint64_t{0});
  detail::payload_writer rows;
  for (std::uint64_t n = 0; n < 20; ++n) rows.put(n % 2, n % 3, as_bytes("k"), bytes(n * 10));
  return {to_bytes(all.payload()), to_bytes(rows.payload())};
}

}  // namespace lentic::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lentic;
  fuzz::echo first;
  detail::decode_payload(fuzz::input(data, size), first);
  fuzz::echo second;
  fuzz::check(detail::decode_payload(first.items.payload(), second));
  fuzz::check(equal(first.items.payload(), second.items.payload()));
  return 0;
}
