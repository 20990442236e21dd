// SPDX-License-Identifier: Apache-2.0
#include "run_state.hpp"

#include <lentic/endian.hpp>

namespace lentic::tool {

namespace {

constexpr std::string_view topology_key = "topology";
constexpr std::string_view types_key = "types";
constexpr std::string_view totals_key = "totals";
constexpr std::byte totals_version{1};

// Writes only what changed, so that an unchanged value is not logged again.
task<void> put_if_changed(byte_store& store, std::string_view key, bytes_view value) {
  const std::optional<value_view> old = co_await store.get(as_bytes(key));
  if (old && equal(*old, value)) co_return;
  co_await store.put(as_bytes(key), value);
}

}  // namespace

// Version 1 B, rows_in 8 BE, rows_bad 8 BE, rows_printed 8 BE, windows_printed 8 BE, complete 1 B.
bytes run_totals::encode() const {
  bytes raw{totals_version};
  append_be(raw, rows_in);
  append_be(raw, rows_bad);
  append_be(raw, rows_printed);
  append_be(raw, windows_printed);
  raw.push_back(complete ? std::byte{1} : std::byte{0});
  return raw;
}

result<run_totals> run_totals::decode(bytes_view raw) noexcept {
  if (raw.size() != encoded_bytes || raw[0] != totals_version || raw[33] > std::byte{1})
    return make_error_code(errc::bad_record);
  run_totals totals;
  totals.rows_in = load_be<std::uint64_t>(raw.data() + 1);
  totals.rows_bad = load_be<std::uint64_t>(raw.data() + 9);
  totals.rows_printed = load_be<std::uint64_t>(raw.data() + 17);
  totals.windows_printed = load_be<std::uint64_t>(raw.data() + 25);
  totals.complete = raw[33] == std::byte{1};
  return totals;
}

task<std::optional<stored_run>> load_run(byte_store& store) {
  const std::optional<bytes> topology = co_await store.get_copy(as_bytes(topology_key));
  if (!topology) co_return std::nullopt;
  const std::optional<bytes> types = co_await store.get_copy(as_bytes(types_key));
  const std::optional<bytes> totals = co_await store.get_copy(as_bytes(totals_key));
  if (!types || !totals)
    throw std::system_error(make_error_code(errc::bad_record), "state of the run");
  stored_run run;
  run.topology = as_text(*topology);
  run.types = as_text(*types);
  run.totals = run_totals::decode(*totals).value();
  co_return run;
}

task<void> save_run(byte_store& store, const stored_run& run) {
  const bytes totals = run.totals.encode();
  co_await put_if_changed(store, topology_key, as_bytes(run.topology));
  co_await put_if_changed(store, types_key, as_bytes(run.types));
  co_await put_if_changed(store, totals_key, totals);
}

}  // namespace lentic::tool
