// SPDX-License-Identifier: Apache-2.0
#pragma once

// The worlds that the suite of window_store runs in: a store over segments, and both modes of a
// cache in front of one. settle() brings what was put down to the segments. One thread.

#include "run_now.hpp"

#include <lentic/windows/caching_window_store.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lentic::windows::testing {

template <class Segments>
class segmented_world {
 public:
  window_store& make(const window_store_options& options) {
    stores_.push_back(std::make_unique<segmented_window_store>(segments, options));
    return *stores_.back();
  }
  void settle() {}

  Segments segments;

 private:
  std::vector<std::unique_ptr<segmented_window_store>> stores_;
};

class deaf_listener final : public change_listener {
 public:
  maybe_ready<void> on_change(const change&) override { return {}; }
};

template <class Segments, caching Mode, std::uint64_t Budget>
class caching_window_world {
 public:
  window_store& make(const window_store_options& options) {
    caching_options told;
    told.listener = &deaf_;
    inner_.push_back(std::make_unique<segmented_window_store>(segments, options));
    stores_.push_back(std::make_unique<caching_window_store>(
        Mode, *inner_.back(), budget_, "cache " + std::to_string(stores_.size()), told));
    return *stores_.back();
  }
  void settle() {
    for (const auto& each : stores_) run_now(each->flush());
  }

  Segments segments;

 private:
  deaf_listener deaf_;
  thread_cache budget_{test_queue(), Budget};
  std::vector<std::unique_ptr<segmented_window_store>> inner_;
  std::vector<std::unique_ptr<caching_window_store>> stores_;
};

}  // namespace lentic::windows::testing
