// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where streams end:
//
//   for_each(f)          calls f for every record: an effect inside the process, again after a
//                        crash for the records since the last commit
//   sink(name, format)   appends what format writes to the output of the next commit (the outbox
//                        of the environment), to be delivered once it is durable
//
// f takes (record), (key, value) or (value); it may answer a maybe_ready<void> or task<void>, which
// is awaited. format(record, out) appends to `out`, a bytes or a std::string; it may throw
// record_rejected. All sinks of a task write into one outbox, in the order of their records.
//
// Threads: one. Lifetime: functions are copied into the topology. Suspension: as f.

#include <lentic/environment.hpp>
#include <lentic/process/call.hpp>
#include <lentic/process/record.hpp>
#include <lentic/process/stream.hpp>
#include <lentic/process/task_context.hpp>
#include <lentic/task.hpp>

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace lentic::process {

namespace detail {

// Both kinds tell the task that something outside of its nodes is about to change.
class sink_node : public node {
 public:
  task<void> open(task_context& context) override;

 protected:
  task_context* context_ = nullptr;
};

template <class F>
class for_each_node final : public sink_node {
 public:
  explicit for_each_node(F f) : f_(std::move(f)) {}

  template <class Record>
  maybe_ready<void> process(Record& next) {
    context_->will_change();
    if constexpr (std::is_void_v<decltype(call_whole(f_, std::as_const(next)))>) {
      call_whole(f_, std::as_const(next));
      return {};
    } else {
      return call_whole(f_, std::as_const(next));
    }
  }

 private:
  F f_;
};

template <class Format, class Out>
class outbox_node final : public sink_node {
 public:
  explicit outbox_node(Format format) : format_(std::move(format)) {}

  template <class Record>
  maybe_ready<void> process(Record& next) {
    out_.clear();
    format_(std::as_const(next), out_);
    if (out_.empty()) return {};
    context_->will_change();
    context_->env().append_output(std::as_bytes(std::span(out_)));
    return {};
  }

 private:
  Format format_;
  Out out_;
};

template <class F>
struct for_each_operator {
  using ending = void;
  static constexpr std::string_view kind = "KSTREAM-FOREACH-";

  F f;
  std::string name;

  template <class K, class V, class Chain>
  void end(stream<K, V, Chain> from) && {
    graph& owner = from.owner();
    owner.describe(kind, name, {from.last_operator()}, at_end::allowed);
    auto& made = owner.add_node(std::make_unique<for_each_node<F>>(std::move(f)));
    std::move(from).end_with(into_node(made));
  }
};

template <class Format>
struct sink_operator {
  using ending = void;
  static constexpr std::string_view kind = "KSTREAM-SINK-";

  std::string name;
  Format format;

  template <class K, class V, class Chain>
  void end(stream<K, V, Chain> from) && {
    constexpr bool to_text = std::invocable<Format&, const record<K, V>&, std::string&>;
    using out_type = std::conditional_t<to_text, std::string, bytes>;
    graph& owner = from.owner();
    owner.describe(kind, name, {from.last_operator()}, at_end::allowed);
    auto& made = owner.add_node(std::make_unique<outbox_node<Format, out_type>>(std::move(format)));
    std::move(from).end_with(into_node(made));
  }
};

}  // namespace detail

template <class F>
auto for_each(F f, std::string name = {}) {
  return detail::for_each_operator<F>{std::move(f), std::move(name)};
}

template <class Format>
auto sink(std::string name, Format format) {
  return detail::sink_operator<Format>{std::move(name), std::move(format)};
}

}  // namespace lentic::process
