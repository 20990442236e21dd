// SPDX-License-Identifier: Apache-2.0
#pragma once

// record<K, V>: what flows through a topology: a key and a value with the context they came in:
// timestamp, origin (topic, partition, offset) and headers. change_of<V>: what flows behind a
// table: the value before and the value now.
//
// A record that may have no key has the key type std::optional<K>; the same holds for values.
// Operators that need a key pass over the records without one and count them.
//
// Plain values; any thread. Lifetime: origin.topic is a view of a name that its source keeps.

#include <lentic/cache/record_context.hpp>

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace lentic::process {

template <class K, class V>
struct record : record_context {
  using key_type = K;
  using value_type = V;

  K key{};
  V value{};

  record() = default;
  record(K k, V v, std::int64_t at_ms) : key(std::move(k)), value(std::move(v)) {
    timestamp_ms = at_ms;
  }
  record(K k, V v, record_context context)
      : record_context(std::move(context)), key(std::move(k)), value(std::move(v)) {}

  record_context& context() noexcept { return *this; }
  const record_context& context() const noexcept { return *this; }
};

// A row of a table has changed. No old value: it is new. No new value: it was deleted.
template <class V>
struct change_of {
  using value_type = V;

  std::optional<V> old_value;
  std::optional<V> new_value;

  change_of() = default;
  change_of(std::optional<V> before, std::optional<V> now)
      : old_value(std::move(before)), new_value(std::move(now)) {}
  bool operator==(const change_of&) const = default;
};

namespace detail {

template <class T>
struct present {
  using type = T;
  static constexpr bool optional = false;
};
template <class T>
struct present<std::optional<T>> {
  using type = T;
  static constexpr bool optional = true;
};

// T of std::optional<T>, else T itself.
template <class T>
using present_t = typename present<T>::type;
template <class T>
inline constexpr bool is_optional = present<T>::optional;

template <class T>
bool is_null([[maybe_unused]] const T& value) noexcept {
  if constexpr (is_optional<T>) return !value.has_value();
  return false;
}

template <class T>
const present_t<T>& held(const T& value) noexcept {
  if constexpr (is_optional<T>)
    return *value;
  else
    return value;
}

}  // namespace detail

}  // namespace lentic::process
