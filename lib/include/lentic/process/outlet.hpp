// SPDX-License-Identifier: Apache-2.0
#pragma once

// outlet<K, V>: where records leave a source, a fan-out or a stateful node, for the consumers
// behind it. These are the only virtual calls on the way of a record.
//
// process(record) may take the record apart: whoever calls it gives it away, and keeps it alive
// until the answer is ready. So an outlet gives copies to all consumers but the last.
//
// Order: consumers run in the order they were added, one after the other, each to its end.
// Threads: one, the task's. Lifetime: consumers outlive the outlet's last forward(). Suspension:
// when no consumer suspends, the answer is ready: no frame; no allocation with one consumer.
// Errors: what a consumer throws; the consumers behind it then have not seen the record.

#include <lentic/process/record.hpp>
#include <lentic/task.hpp>

#include <cassert>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace lentic::process {

template <class K, class V>
class consumer {
 public:
  consumer() = default;
  consumer(const consumer&) = delete;
  consumer& operator=(const consumer&) = delete;
  virtual ~consumer() = default;

  virtual maybe_ready<void> process(record<K, V>& next) = 0;
};

template <class K, class V>
class outlet {
 public:
  outlet() = default;
  outlet(const outlet&) = delete;
  outlet& operator=(const outlet&) = delete;

  void add(consumer<K, V>& next) { consumers_.push_back(&next); }
  bool empty() const noexcept { return consumers_.empty(); }

  maybe_ready<void> forward(record<K, V>& next) {
    if (consumers_.size() == 1) [[likely]]
      return consumers_.front()->process(next);
    for (std::size_t i = 0; i < consumers_.size(); ++i) {
      maybe_ready<void> done = give(i, next);
      if (!done.ready()) return forward_cold(i, next, std::move(done));
    }
    return {};
  }

 private:
  maybe_ready<void> give(std::size_t index, record<K, V>& next) {
    if (index + 1 == consumers_.size()) return consumers_[index]->process(next);
    copy_ = next;
    return consumers_[index]->process(copy_);
  }

  task<void> forward_cold(std::size_t index, record<K, V>& next, maybe_ready<void> pending) {
    for (;;) {
      co_await std::move(pending);
      if (++index == consumers_.size()) break;
      pending = give(index, next);
    }
  }

  std::vector<consumer<K, V>*> consumers_;
  record<K, V> copy_;  // for all but the last; its buffers are used again
};

}  // namespace lentic::process
