// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where streams part and meet:
//
//   auto [large, small] = orders | branch(is_large, otherwise);
//   auto all = std::move(large) | merge(std::move(other));
//
// branch: a record goes to the stream of the first predicate that is true, and nowhere when none
// is. merge: the records of two streams of one type, each as it comes; no order between them.
//
// Threads: one. Lifetime: the topology's. Suspension and errors: as the operators behind them.

#include <lentic/process/call.hpp>
#include <lentic/process/record.hpp>
#include <lentic/process/stream.hpp>
#include <lentic/task.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace lentic::process {

// The predicate of a last branch that takes what no other took.
struct otherwise_fn {
  template <class K, class V>
  bool operator()(const K&, const V&) const noexcept {
    return true;
  }
};
inline constexpr otherwise_fn otherwise{};

namespace detail {

template <class K, class V, class... Predicates>
class branch_end {
 public:
  using outlets = std::array<outlet<K, V>*, sizeof...(Predicates)>;

  branch_end(std::tuple<Predicates...> tests, const outlets& to)
      : tests_(std::move(tests)), to_(to) {}
  maybe_ready<void> process(record<K, V>& next) { return choose<0>(next); }

 private:
  template <std::size_t Index>
  maybe_ready<void> choose(record<K, V>& next) {
    if constexpr (Index == sizeof...(Predicates)) {
      return {};
    } else {
      if (call(std::get<Index>(tests_), std::as_const(next))) return to_[Index]->forward(next);
      return choose<Index + 1>(next);
    }
  }

  std::tuple<Predicates...> tests_;
  outlets to_;
};

template <class... Predicates>
struct branch_operator {
  using ending = void;
  static constexpr std::string_view kind = "KSTREAM-BRANCH-";

  std::tuple<Predicates...> tests;

  template <class K, class V, class Chain>
  auto end(stream<K, V, Chain> from) && {
    graph& owner = from.owner();
    const std::size_t self = owner.describe(kind, {}, {from.last_operator()}, at_end::allowed);
    const std::string name = owner.description()[self].name;
    typename branch_end<K, V, Predicates...>::outlets to;
    std::array<std::size_t, sizeof...(Predicates)> index;
    for (std::size_t i = 0; i < to.size(); ++i) {
      index[i] = owner.describe(kind, name + "-" + std::to_string(i + 1), {self}, at_end::allowed);
      to[i] = &owner.keep(std::make_unique<kept_outlet<K, V>>());
    }
    std::move(from).end_with(branch_end<K, V, Predicates...>(std::move(tests), to));
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<stream<K, V>, sizeof...(Predicates)>{
          stream<K, V>(owner, index[I], *to[I])...};
    }(std::index_sequence_for<Predicates...>());
  }
};

template <class Other>
struct merge_operator {
  using ending = void;
  static constexpr std::string_view kind = "KSTREAM-MERGE-";

  Other other;
  std::string name;

  template <class K, class V, class Chain>
  stream<K, V> end(stream<K, V, Chain> from) && {
    static_assert(std::is_same_v<typename Other::record_type, record<K, V>>,
                  "both streams of a merge have one record type");
    graph& owner = from.owner();
    if (&owner != &other.owner())
      fail(errc::invalid_argument, "merge: the streams belong to different topologies");
    auto& made = owner.keep(std::make_unique<kept_outlet<K, V>>());
    const std::size_t self =
        owner.describe(kind, name, {from.last_operator(), other.last_operator()});
    std::move(from).end_with(into_outlet<K, V>(made));
    std::move(other).end_with(into_outlet<K, V>(made));
    return stream<K, V>(owner, self, made);
  }
};

}  // namespace detail

template <class... Predicates>
auto branch(Predicates... tests) {
  static_assert(sizeof...(Predicates) != 0);
  return detail::branch_operator<Predicates...>{{std::move(tests)...}};
}

template <class K, class V, class Chain>
auto merge(stream<K, V, Chain>&& other, std::string name = {}) {
  return detail::merge_operator<stream<K, V, Chain>>{std::move(other), std::move(name)};
}
template <class K, class V, class Chain>
auto merge(const stream<K, V, Chain>& other, std::string name = {}) {
  return detail::merge_operator<stream<K, V>>{other.fan_out(), std::move(name)};
}

}  // namespace lentic::process
