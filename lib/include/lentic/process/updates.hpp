// SPDX-License-Identifier: Apache-2.0
#pragma once

// count, reduce and aggregate as plain operators: what an aggregate becomes with one more record.
// They are piped onto a grouped stream, or onto a windowed one, where the nodes that run them live.
//
//   count("name")                       the number of records, an std::int64_t
//   reduce("name", f)                   the first value, then f(aggregate, value)
//   aggregate("name", initial, f)       f(key, value, aggregate) or f(value, aggregate), from
//                                       initial() on; the aggregate is given away to f
//
// The name is that of the store; empty: numbered. f may answer A or result<A>: an error rejects the
// record (record_rejected) before anything has changed.
//
// Threads: one. Lifetime: functions are copied into the topology. Aggregates are never deleted.

#include <lentic/process/record.hpp>
#include <lentic/process/serde.hpp>
#include <lentic/task.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace lentic::process {

namespace detail {

template <class T>
struct unwrapped {
  using type = T;
};
template <class T>
struct unwrapped<result<T>> {
  using type = T;
};
// T of result<T>, else T itself.
template <class T>
using unwrapped_t = typename unwrapped<T>::type;

// An update: `type` of the aggregate for a record type, and what it becomes.
struct count_update {
  static constexpr std::string_view kind = "KSTREAM-AGGREGATE-";
  template <class Record>
  using type = std::int64_t;

  template <class Record>
  result<std::int64_t> operator()(const Record&, std::optional<std::int64_t>&& old) {
    return old.value_or(0) + 1;
  }
};

template <class F>
struct reduce_update {
  static constexpr std::string_view kind = "KSTREAM-REDUCE-";
  static constexpr bool needs_value = true;
  template <class Record>
  using type = present_t<typename Record::value_type>;

  F f;

  template <class Record>
  result<type<Record>> operator()(const Record& next, std::optional<type<Record>>&& old) {
    if (!old) return held(next.value);
    return std::invoke(f, std::move(*old), held(next.value));
  }
};

template <class Initial, class F>
struct aggregate_update {
  static constexpr std::string_view kind = "KSTREAM-AGGREGATE-";
  template <class Record>
  using type = std::remove_cvref_t<std::invoke_result_t<Initial&>>;

  Initial initial;
  F f;

  template <class Record>
  result<type<Record>> operator()(const Record& next, std::optional<type<Record>>&& old) {
    using aggregate_type = type<Record>;
    aggregate_type before = old ? std::move(*old) : initial();
    if constexpr (std::invocable<F&, const typename Record::key_type&,
                                 const typename Record::value_type&, aggregate_type&&>) {
      return std::invoke(f, next.key, next.value, std::move(before));
    } else {
      return std::invoke(f, next.value, std::move(before));
    }
  }
};

}  // namespace detail

// What an aggregate counts beside its rows; offered under the name of its store.
struct aggregate_counters {
  std::uint64_t null_dropped = 0;  // records passed over: no key, or no value where one is needed
};

// An update and the name of its store.
template <class Update>
struct update_operator {
  using update = void;
  Update what;
  std::string store;
};

template <class Op>
concept updating_operator = requires { typename Op::update; };

inline update_operator<detail::count_update> count(std::string store = {}) {
  return {{}, std::move(store)};
}
template <class F>
update_operator<detail::reduce_update<F>> reduce(std::string store, F f) {
  return {{std::move(f)}, std::move(store)};
}
template <class Initial, class F>
update_operator<detail::aggregate_update<Initial, F>> aggregate(std::string store, Initial initial,
                                                                F f) {
  return {{std::move(initial), std::move(f)}, std::move(store)};
}

}  // namespace lentic::process
