// SPDX-License-Identifier: Apache-2.0
#pragma once

// How operators call the functions they are given: with what the function takes, in this order:
//
//   f(key, value)     f(value)     f(record)
//
// call() lends the record; call_away() may give its value to the function, for operators that
// replace the value; call_whole(), for sinks, asks for f(record) first. The order matters only to
// functions that would take anything. They may return what they like, by value or by reference.
//
// Pure templates; any thread.

#include <lentic/process/record.hpp>

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

namespace lentic::process::detail {

template <class F, class K, class V>
inline constexpr bool takes_parts = std::invocable<F&, const K&, const V&>;
template <class F, class V>
inline constexpr bool takes_value = std::invocable<F&, const V&>;

template <class F, class K, class V>
decltype(auto) call(F& f, const record<K, V>& from) {
  if constexpr (takes_parts<F, K, V>) {
    return std::invoke(f, from.key, from.value);
  } else if constexpr (takes_value<F, V>) {
    return std::invoke(f, from.value);
  } else {
    static_assert(std::invocable<F&, const record<K, V>&>,
                  "the function takes neither (key, value) nor (value) nor (record)");
    return std::invoke(f, from);
  }
}

template <class F, class K, class V>
decltype(auto) call_away(F& f, record<K, V>& from) {
  if constexpr (std::invocable<F&, const K&, V&&>) {
    return std::invoke(f, std::as_const(from.key), std::move(from.value));
  } else if constexpr (std::invocable<F&, V&&>) {
    return std::invoke(f, std::move(from.value));
  } else {
    return call(f, from);
  }
}

template <class F, class K, class V>
decltype(auto) call_whole(F& f, const record<K, V>& from) {
  if constexpr (std::invocable<F&, const record<K, V>&>)
    return std::invoke(f, from);
  else
    return call(f, from);
}

template <class F, class Record>
using called_t = std::remove_cvref_t<decltype(call(std::declval<F&>(), std::declval<Record&>()))>;
template <class F, class Record>
using called_away_t =
    std::remove_cvref_t<decltype(call_away(std::declval<F&>(), std::declval<Record&>()))>;

}  // namespace lentic::process::detail
