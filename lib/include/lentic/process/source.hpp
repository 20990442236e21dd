// SPDX-License-Identifier: Apache-2.0
#pragma once

// source<K, V>: where records enter a topology. It keeps a bounded queue of records that wait for
// their turn, for a task that reads several inputs; a task with one input needs no queue.
//
// Threads: one, the task's. Lifetime: owned by the topology; its name is what origin.topic of its
// records views. Errors: those of the operators behind it.

#include <lentic/process/node.hpp>
#include <lentic/process/outlet.hpp>
#include <lentic/process/record.hpp>
#include <lentic/task.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace lentic::process {

class source_base : public part {
 public:
  explicit source_base(std::string name) : name_(std::move(name)) {}
  const std::string& name() const noexcept { return name_; }

  // Records that wait.
  virtual std::size_t waiting() const noexcept = 0;
  // Preconditions: waiting() != 0.
  virtual std::int64_t head_timestamp_ms() const noexcept = 0;
  // Takes the first record out of the queue; it stays valid until the next call.
  virtual record_context& take_head() = 0;
  // Sends the record that take_head() took.
  virtual maybe_ready<void> forward_head() = 0;

 private:
  std::string name_;
};

template <class K, class V>
class source final : public source_base {
 public:
  using source_base::source_base;

  outlet<K, V>& out() noexcept { return out_; }
  void push(record<K, V> next) { queue_.push_back(std::move(next)); }

  std::size_t waiting() const noexcept override { return queue_.size(); }
  std::int64_t head_timestamp_ms() const noexcept override { return queue_.front().timestamp_ms; }
  record_context& take_head() override {
    head_ = std::move(queue_.front());
    queue_.pop_front();
    return head_;
  }
  maybe_ready<void> forward_head() override { return out_.forward(head_); }

 private:
  outlet<K, V> out_;
  std::deque<record<K, V>> queue_;
  record<K, V> head_;
};

}  // namespace lentic::process
