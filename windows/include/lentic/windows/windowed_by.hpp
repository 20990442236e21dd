// SPDX-License-Identifier: Apache-2.0
#pragma once

// The windowed operators of the pipe:
//
//   words | windowed_by(tumbling(1min).grace(10s)) | count("words-per-minute")
//   words | windowed_by(hopping(1h, 10min)) | emit_on_close() | reduce("longest", longer)
//
// What comes out is a table of windowed keys: record<windowed<K>, change_of<A>>, whose timestamp is
// the greatest of the window's records. By default each change is sent on (emit_strategy); with
// emit_on_close() each window once, when stream time - grace has passed its end, in (start, key)
// order, without an old value.
//
// aggregate_bytes(name, f) works on stored bytes, for aggregates that are not known at compile
// time:
//   result<void> f(std::optional<bytes_view> old, const record<K, V>& next, bytes& out)
// An error rejects the record before anything has changed.
//
// Threads: one. Lifetime: the topology's. Errors: errc::invalid_argument when the definition cannot
// be; else see windowed_aggregate.hpp, where the node is.

#include <lentic/process/group.hpp>
#include <lentic/process/stream.hpp>
#include <lentic/process/updates.hpp>
#include <lentic/windows/windowed.hpp>
#include <lentic/windows/windowed_aggregate.hpp>
#include <lentic/windows/windowed_aggregation.hpp>

#include <memory>
#include <string>
#include <utility>

namespace lentic::windows {

using process::aggregate;
using process::count;
using process::reduce;

template <class K, class V, class Chain>
struct windowed_stream {
  process::stream<K, V, Chain> records;
  window_definition windows;
  emit_strategy emit;
};

namespace detail {

struct windowed_by_operator {
  using grouped = void;
  window_definition windows;

  template <class K, class V, class Chain>
  windowed_stream<K, V, Chain> end_grouped(process::stream<K, V, Chain> from) && {
    return {std::move(from), windows, emit_strategy::on_update};
  }
};

struct emit_on_close_operator {};

template <class F>
struct bytes_operator {
  F f;
  std::string store;
};

// Builds the node behind `from`; Accumulate as in windowed_aggregate.hpp.
template <class Accumulate, class K, class V, class Chain>
auto aggregate_windows(windowed_stream<K, V, Chain> from, std::string_view kind,
                       const std::string& given, Accumulate accumulate) {
  using node_type = windowed_aggregate_node<K, V, Accumulate>;
  process::graph& owner = from.records.owner();
  std::string store = owner.store_name(kind, given);
  const std::size_t self =
      owner.describe(kind, {}, {from.records.last_operator()}, process::at_end::allowed);
  auto& made = owner.add_store_node(
      std::make_unique<node_type>(std::move(store), from.windows, from.emit, std::move(accumulate)),
      self);
  std::move(from.records).end_with(process::detail::into_node(made));
  return process::table<typename node_type::output_key, typename node_type::output_value>(
      owner, self, made.out());
}

}  // namespace detail

inline detail::windowed_by_operator windowed_by(window_definition windows) {
  windows.check();
  return {windows};
}
inline detail::emit_on_close_operator emit_on_close() noexcept {
  return {};
}
template <class F>
detail::bytes_operator<F> aggregate_bytes(std::string store, F f) {
  return {std::move(f), std::move(store)};
}

template <class K, class V, class Chain>
windowed_stream<K, V, Chain> operator|(windowed_stream<K, V, Chain>&& from,
                                       detail::emit_on_close_operator) {
  return {std::move(from.records), from.windows, emit_strategy::on_close};
}
template <class K, class V, class Chain>
auto operator|(const windowed_stream<K, V, Chain>& from, detail::emit_on_close_operator) {
  return windowed_stream<K, V, process::chain<process::record<K, V>>>{
      from.records.fan_out(), from.windows, emit_strategy::on_close};
}

template <class K, class V, class Chain, class Update>
auto operator|(windowed_stream<K, V, Chain>&& from, process::update_operator<Update> op) {
  using accumulate = detail::typed_accumulate<process::record<K, V>, Update>;
  return detail::aggregate_windows(std::move(from), Update::kind, op.store,
                                   accumulate(std::move(op.what)));
}
template <class K, class V, class Chain, class F>
auto operator|(windowed_stream<K, V, Chain>&& from, detail::bytes_operator<F> op) {
  using accumulate = detail::bytes_accumulate<process::record<K, V>, F>;
  return detail::aggregate_windows(std::move(from), "KSTREAM-AGGREGATE-", op.store,
                                   accumulate(std::move(op.f)));
}
template <class K, class V, class Chain, class Op>
  requires requires { &Op::store; }
auto operator|(const windowed_stream<K, V, Chain>& from, Op op) {
  return windowed_stream<K, V, process::chain<process::record<K, V>>>{from.records.fan_out(),
                                                                      from.windows, from.emit}
       | std::move(op);
}

}  // namespace lentic::windows
