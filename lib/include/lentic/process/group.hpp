// SPDX-License-Identifier: Apache-2.0
#pragma once

// group_by_key() and group_by(f): a stream whose records are to be aggregated by key. What follows
// is count, reduce or aggregate (aggregate.hpp), or a window (lentic/windows/windowed_by.hpp).
//
// A grouped handle that is piped by name may be piped again, as a stream. Grouping moves no record
// to another partition: it is the caller's part that equal keys come to one task.
//
// Threads: one. Lifetime: the topology's.

#include <lentic/process/operators.hpp>
#include <lentic/process/stream.hpp>

#include <string>
#include <utility>

namespace lentic::process {

template <class K, class V, class Chain = chain<record<K, V>>>
struct grouped_stream {
  using key_type = K;
  using value_type = V;

  stream<K, V, Chain> records;
};

// What may be piped onto a grouped stream: Op::end_grouped(stream).
template <class Op>
concept grouped_operator = requires { typename Op::grouped; };

template <class K, class V, class Chain, grouped_operator Op>
auto operator|(grouped_stream<K, V, Chain>&& from, Op op) {
  return std::move(op).end_grouped(std::move(from.records));
}
template <class K, class V, class Chain, grouped_operator Op>
auto operator|(const grouped_stream<K, V, Chain>& from, Op op) {
  return std::move(op).end_grouped(from.records.fan_out());
}

namespace detail {

struct group_by_key_operator {
  using ending = void;

  template <class K, class V, class Chain>
  grouped_stream<K, V, Chain> end(stream<K, V, Chain> from) && {
    return {std::move(from)};
  }
};

template <class F>
struct group_by_operator {
  using ending = void;

  F f;
  std::string name;

  template <class K, class V, class Chain>
  auto end(stream<K, V, Chain> from) && {
    return std::move(from) | select_key(std::move(f), std::move(name)) | group_by_key_operator();
  }
};

}  // namespace detail

inline detail::group_by_key_operator group_by_key() noexcept {
  return {};
}

template <class F>
auto group_by(F f, std::string name = {}) {
  return detail::group_by_operator<F>{std::move(f), std::move(name)};
}

}  // namespace lentic::process
