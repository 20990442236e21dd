// SPDX-License-Identifier: Apache-2.0
#pragma once

// change_rows: writes one row for each change that the cache of a windowed aggregation tells, with
// a sequence number. What a change is: <lentic/cache/change.hpp>.
// Threads: the store's owner. Lifetime: aggregator, writer and output outlive it. Errors:
// bad_record and lentic's damaged, for stored bytes that do not decode.

#include "aggregates.hpp"
#include "row_writer.hpp"

#include <lentic/cache/change.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lentic::tool {

class change_rows final : public change_listener {
 public:
  change_rows(const aggregator& values, const row_writer& writer, std::int64_t window_size_ms,
              std::string& output) noexcept
      : values_(values), writer_(writer), window_size_ms_(window_size_ms), output_(output) {}

  maybe_ready<void> on_change(const change& told) override;

  // How many changes were written, in all attempts: the last one's seq.
  std::uint64_t seq() const noexcept { return seq_; }
  // Of them, those that were the first of their window.
  std::uint64_t windows() const noexcept { return windows_; }
  // Goes on behind an earlier attempt.
  void restore(std::uint64_t seq, std::uint64_t windows) noexcept {
    seq_ = seq;
    windows_ = windows;
  }

 private:
  void render(const std::optional<bytes_view>& stored);

  const aggregator& values_;
  const row_writer& writer_;
  std::int64_t window_size_ms_;
  std::string& output_;
  std::uint64_t seq_ = 0;
  std::uint64_t windows_ = 0;
  std::vector<std::string> texts_;  // of one side
  std::vector<std::string> old_texts_;
  std::vector<std::string> cells_;  // old and new of each aggregate in turn
};

}  // namespace lentic::tool
