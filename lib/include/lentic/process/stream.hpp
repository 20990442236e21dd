// SPDX-License-Identifier: Apache-2.0
#pragma once

// stream<K, V>: a handle on records that flow, to pipe operators onto.
//
//   auto words = topology.source<std::string, std::string>("lines") | flat_map_values(split);
//   words | filter(is_long) | for_each(print);         // words is used twice: a fan-out
//   words | group_by(itself) | count("counts");
//
// Operators without state are collected in the handle's type and compiled, together with the
// stateful operator or sink that ends the chain, into one object: there is no virtual call and no
// coroutine frame between them. Piping onto a named handle first ends its chain with a fan-out, so
// that what comes before runs once a record however often the handle is used.
//
// Threads: one. Lifetime: the topology outlives its handles. Errors of building: see graph; also
// errc::invalid_argument for moving from a handle that was piped by name. Nothing runs before a
// stream_task opens the topology.

#include <lentic/errc.hpp>
#include <lentic/process/graph.hpp>
#include <lentic/process/outlet.hpp>
#include <lentic/process/record.hpp>
#include <lentic/task.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace lentic::process {

// Operators between an outlet of record type `In` and the next consumer.
template <class In, class... Ops>
struct chain {
  using input = In;
  std::tuple<Ops...> ops;
};

template <class Op>
concept stateless_operator = requires { typename Op::stateless; };
template <class Op>
concept ending_operator = requires { typename Op::ending; };

namespace detail {

template <class In, class Ops, std::size_t First = 0>
struct chain_output {
  using type = typename chain_output<typename std::tuple_element_t<First, Ops>::template output<In>,
                                     Ops, First + 1>::type;
};
template <class In, class Ops, std::size_t First>
  requires(First == std::tuple_size_v<Ops>)
struct chain_output<In, Ops, First> {
  using type = In;
};

// The operators from `First` on, with `end` behind them, as one object with process(In&).
template <class In, std::size_t First, class Ops, class End>
auto fuse(Ops& ops, End&& end) {
  if constexpr (First == std::tuple_size_v<Ops>) {
    return std::forward<End>(end);
  } else {
    using op_type = std::tuple_element_t<First, Ops>;
    using out_type = typename op_type::template output<In>;
    auto next = fuse<out_type, First + 1>(ops, std::forward<End>(end));
    return typename op_type::template stage<In, decltype(next)>(std::move(std::get<First>(ops)),
                                                                std::move(next));
  }
}

template <class In, class Stage>
class fused;
template <class K, class V, class Stage>
class fused<record<K, V>, Stage> final : public part, public consumer<K, V> {
 public:
  explicit fused(Stage stage) : stage_(std::move(stage)) {}
  maybe_ready<void> process(record<K, V>& next) override { return stage_.process(next); }

 private:
  Stage stage_;
};

// Ends of chains.
template <class K, class V>
class into_outlet {
 public:
  explicit into_outlet(outlet<K, V>& to) noexcept : to_(&to) {}
  maybe_ready<void> process(record<K, V>& next) { return to_->forward(next); }

 private:
  outlet<K, V>* to_;
};

template <class Node>
class into_node {
 public:
  explicit into_node(Node& to) noexcept : to_(&to) {}
  template <class Record>
  maybe_ready<void> process(Record& next) {
    return to_->process(next);
  }

 private:
  Node* to_;
};

template <class K, class V>
class kept_outlet final : public part, public outlet<K, V> {};

template <class In>
struct record_parts;
template <class K, class V>
struct record_parts<record<K, V>> {
  using outlet_type = outlet<K, V>;
};

}  // namespace detail

template <class K, class V, class Chain = chain<record<K, V>>>
class stream;

template <class K, class V, class In, class... Ops>
class stream<K, V, chain<In, Ops...>> {
 public:
  using key_type = K;
  using value_type = V;
  using record_type = record<K, V>;
  using input_outlet = typename detail::record_parts<In>::outlet_type;
  static_assert(
      std::is_same_v<record_type, typename detail::chain_output<In, std::tuple<Ops...>>::type>);

  stream(graph& owner, std::size_t last, input_outlet& from, std::tuple<Ops...> ops = {})
      : graph_(&owner), last_(last), from_(&from), ops_(std::move(ops)) {}
  stream(stream&&) noexcept(std::is_nothrow_move_constructible_v<std::tuple<Ops...>>) = default;
  stream& operator=(stream&&) noexcept(std::is_nothrow_move_assignable_v<std::tuple<Ops...>>) =
      default;

  graph& owner() const noexcept { return *graph_; }
  // The operator that the records come from, as an index into graph::description().
  std::size_t last_operator() const noexcept { return last_; }

  // The same records from an outlet, which the first call makes.
  stream<K, V> fan_out() const {
    if constexpr (sizeof...(Ops) == 0) {
      return stream<K, V>(*graph_, last_, *from_);
    } else {
      if (fan_out_ == nullptr) {
        auto& made = graph_->keep(std::make_unique<detail::kept_outlet<K, V>>());
        attach(detail::into_outlet<K, V>(made));
        fan_out_ = &made;
      }
      return stream<K, V>(*graph_, last_, *fan_out_);
    }
  }

  // One more operator. The handle is used up.
  template <class Op>
  auto then(Op op) && {
    using out = typename Op::template output<record_type>;
    using next = stream<typename out::key_type, typename out::value_type, chain<In, Ops..., Op>>;
    check_unused();
    const std::size_t made = graph_->describe(Op::kind, op.name, {last_});
    return next(*graph_, made, *from_,
                std::tuple_cat(std::move(ops_), std::tuple<Op>(std::move(op))));
  }

  // The end of the chain: what it compiles to becomes a consumer of where the chain began.
  template <class End>
  void end_with(End end) && {
    check_unused();
    attach(std::move(end));
  }

 private:
  void check_unused() const {
    if (fan_out_ != nullptr)
      fail(errc::invalid_argument, graph_->description()[last_].name
                                       + ": a stream that was piped by name is not moved from");
  }
  template <class End>
  void attach(End end) const {
    auto stage = detail::fuse<In, 0>(ops_, std::move(end));
    using fused_type = detail::fused<In, decltype(stage)>;
    from_->add(graph_->keep(std::make_unique<fused_type>(std::move(stage))));
  }

  graph* graph_;
  std::size_t last_;
  input_outlet* from_;
  mutable std::tuple<Ops...> ops_;  // moved into the part that the chain becomes
  mutable outlet<K, V>* fan_out_ = nullptr;
};

// A table is the stream of its changes.
template <class K, class V>
using table = stream<K, change_of<V>>;

template <class K, class V, class Chain, stateless_operator Op>
auto operator|(stream<K, V, Chain>&& from, Op op) {
  return std::move(from).then(std::move(op));
}
template <class K, class V, class Chain, stateless_operator Op>
auto operator|(const stream<K, V, Chain>& from, Op op) {
  return from.fan_out().then(std::move(op));
}
template <class K, class V, class Chain, ending_operator Op>
auto operator|(stream<K, V, Chain>&& from, Op op) {
  return std::move(op).end(std::move(from));
}
template <class K, class V, class Chain, ending_operator Op>
auto operator|(const stream<K, V, Chain>& from, Op op) {
  return std::move(op).end(from.fan_out());
}

}  // namespace lentic::process
