// SPDX-License-Identifier: Apache-2.0
#pragma once

// flat_map(f) and flat_map_values(f): none, one or many records out of one. f answers a range:
//
//   flat_map_values(f)   of values; key, timestamp and headers are those of the record
//   flat_map(f)          of (key, value) pairs
//
// The range is read while its records go downstream, one after the other; a range that owns its
// elements gives them away. When a record is not answered at once, a task goes on from there.
//
// Threads: one. Lifetime: a range may be a view of the record's key and value. Suspension: as the
// operators behind it. Errors: what f or the range throws.

#include <lentic/process/call.hpp>
#include <lentic/process/operators.hpp>
#include <lentic/process/record.hpp>
#include <lentic/task.hpp>

#include <ranges>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace lentic::process {

namespace detail {

template <class In, class Element>
struct with_new_value {
  using output = record<typename In::key_type, std::remove_cvref_t<Element>>;
  template <class E>
  static void assign(output& to, const In& from, E&& element) {
    to.key = from.key;
    to.value = std::forward<E>(element);
  }
};

template <class In, class Element>
struct with_new_pair {
  using pair_type = std::remove_cvref_t<Element>;
  using output = record<typename pair_type::first_type, typename pair_type::second_type>;
  template <class E>
  static void assign(output& to, const In&, E&& element) {
    to.key = std::forward<E>(element).first;
    to.value = std::forward<E>(element).second;
  }
};

template <class F, template <class, class> class Assign>
struct flat_operator : functional_operator<F> {
  template <class In>
  using range_type = called_t<F, const In>;
  template <class In>
  using assign_type = Assign<In, std::ranges::range_value_t<range_type<In>>>;
  template <class In>
  using output = typename assign_type<In>::output;

  template <class In, class Next>
  class stage {
   public:
    stage(flat_operator op, Next next) : f_(std::move(op.f)), next_(std::move(next)) {}

    maybe_ready<void> process(In& from) {
      range_.emplace(call(f_, std::as_const(from)));
      at_.emplace(std::ranges::begin(*range_));
      while (*at_ != std::ranges::end(*range_)) {
        maybe_ready<void> done = send(from);
        if (!done.ready()) return process_cold(from, std::move(done));
        ++*at_;
      }
      range_.reset();
      return {};
    }

   private:
    using range = range_type<In>;
    using assign = assign_type<In>;
    static constexpr bool owns_elements =
        !std::ranges::view<range>
        && !std::is_reference_v<decltype(call(std::declval<F&>(), std::declval<const In&>()))>;

    maybe_ready<void> send(In& from) {
      out_.context() = from.context();
      if constexpr (owns_elements)
        assign::assign(out_, from, std::ranges::iter_move(*at_));
      else
        assign::assign(out_, from, **at_);
      return next_.process(out_);
    }

    task<void> process_cold(In& from, maybe_ready<void> pending) {
      for (;;) {
        co_await std::move(pending);
        if (++*at_ == std::ranges::end(*range_)) break;
        pending = send(from);
      }
      range_.reset();
    }

    F f_;
    std::optional<range> range_;
    std::optional<std::ranges::iterator_t<range>> at_;
    output<In> out_;
    Next next_;
  };
};

template <class F>
struct flat_map_values_operator : flat_operator<F, with_new_value> {
  static constexpr std::string_view kind = "KSTREAM-FLATMAPVALUES-";
};
template <class F>
struct flat_map_operator : flat_operator<F, with_new_pair> {
  static constexpr std::string_view kind = "KSTREAM-FLATMAP-";
};

template <template <class> class Operator>
struct make_flat_operator {
  template <class F>
  auto operator()(F f, std::string name = {}) const {
    return Operator<F>{{{std::move(f), std::move(name)}}};
  }
};

}  // namespace detail

inline constexpr detail::make_flat_operator<detail::flat_map_operator> flat_map{};
inline constexpr detail::make_flat_operator<detail::flat_map_values_operator> flat_map_values{};

}  // namespace lentic::process
