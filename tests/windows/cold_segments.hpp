// SPDX-License-Identifier: Apache-2.0
#pragma once

// memory_segments whose every answer suspends once, as a read from a file would, and that records
// the seal hints. For the paths that are not ready. One thread.

#include "run_now.hpp"

#include <lentic/store/memory_store.hpp>
#include <lentic/store/segmented_store.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace lentic::windows::testing {

class cold_cursor final : public cursor_source {
 public:
  explicit cold_cursor(cursor inner) : inner_(std::move(inner)) {}
  maybe_ready<std::span<const row>> next() override { return read(); }

 private:
  task<std::span<const row>> read() {
    co_await turn();
    co_return co_await inner_.next();
  }

  cursor inner_;
};

class cold_store final : public byte_store {
 public:
  explicit cold_store(byte_store& inner) : inner_(inner) {}

  maybe_ready<std::optional<value_view>> get(bytes_view key) override { return cold_get(key); }
  maybe_ready<void> put(bytes_view key, bytes_view value) override { return cold_put(key, value); }
  maybe_ready<bool> erase(bytes_view key) override { return cold_erase(key); }
  cursor range(const key_range& range, direction order) override {
    return cursor(std::make_unique<cold_cursor>(inner_.range(range, order)));
  }
  maybe_ready<void> clear() override { return inner_.clear(); }
  std::uint64_t approximate_count() const override { return inner_.approximate_count(); }
  std::uint64_t size_bytes() const override { return inner_.size_bytes(); }

 private:
  task<std::optional<value_view>> cold_get(bytes_view key) {
    co_await turn();
    co_return co_await inner_.get(key);
  }
  task<void> cold_put(bytes_view key, bytes_view value) {
    co_await turn();
    co_await inner_.put(key, value);
  }
  task<bool> cold_erase(bytes_view key) {
    co_await turn();
    co_return co_await inner_.erase(key);
  }

  byte_store& inner_;
};

class cold_segments final : public segmented_store {
 public:
  byte_store& segment(segment_id id) override {
    byte_store& inner = inner_.segment(id);
    return cold_.try_emplace(id, inner).first->second;
  }
  byte_store* find_segment(segment_id id) override {
    const auto found = cold_.find(id);
    return found == cold_.end() ? nullptr : &found->second;
  }
  std::vector<segment_id> segments(segment_id lo, segment_id hi) const override {
    return inner_.segments(lo, hi);
  }
  void seal_hint(segment_id id) override {
    if (refuses_hints) throw std::bad_alloc();
    hints.push_back(id);
  }
  maybe_ready<void> drop_below(segment_id id) override {
    cold_.erase(cold_.begin(), cold_.lower_bound(id));
    return inner_.drop_below(id);
  }
  segment_id drop_floor() const override { return inner_.drop_floor(); }

  std::vector<segment_id> hints;
  bool refuses_hints = false;

 private:
  memory_segments inner_;
  std::map<segment_id, cold_store> cold_;
};

}  // namespace lentic::windows::testing
