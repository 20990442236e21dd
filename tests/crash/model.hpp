// SPDX-License-Identifier: Apache-2.0
#pragma once

// model: what an environment must hold after each of its commits, kept outside of it. A value is a
// number and a length, from which its text follows; so a copy of the whole state for each commit
// stays small. Threads: plain values. Not modelled: damage, and commits that failed.

#include <lentic/environment.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lentic::crash {

inline constexpr std::array<const char*, 3> store_names{"totals", "windows", "sessions"};
inline constexpr std::array<const char*, 2> source_names{"orders", "clicks"};

struct value_id {
  std::uint32_t serial = 0;
  std::uint32_t bytes = 0;
};

// "17." repeated up to the length; the number itself is whole in any case.
inline std::string text_of(value_id value) {
  const std::string word = std::to_string(value.serial) + ".";
  std::string text = word;
  while (text.size() < value.bytes) text += word;
  text.resize(std::max<std::size_t>(word.size(), value.bytes));
  return text;
}

// Byte order is the order of the numbers, which are less than 100.
inline std::string key_of(unsigned key) {
  return (key < 10 ? "key-0" : "key-") + std::to_string(key);
}

using segment_rows = std::map<unsigned, value_id>;

struct store_model {
  segment_id floor = 0;
  std::map<segment_id, segment_rows> segments;
};

struct model_state {
  std::array<store_model, store_names.size()> stores;
  std::array<std::uint32_t, source_names.size()> positions{};  // 0: none
  std::map<commit_sequence, std::vector<value_id>> outbox;     // not acknowledged
};

class model {
 public:
  model() { cuts_[0] = now; }

  value_id next_value(std::uint32_t bytes) { return {++serial_, bytes}; }
  void append_output(value_id line) { output_.push_back(line); }
  void acknowledge(commit_sequence sequence) {
    now.outbox.erase(now.outbox.begin(), now.outbox.upper_bound(sequence));
  }

  // The environment answered `sequence` to a cut. Cuts that share a frame share the number.
  void cut(commit_sequence sequence) {
    if (!output_.empty()) {
      std::vector<value_id>& batch = now.outbox[sequence];
      batch.insert(batch.end(), output_.begin(), output_.end());
      output_.clear();
    }
    cuts_[sequence] = now;
  }
  // From now on it makes commits of its own, with nothing new in them.
  void others_commit() { others_commit_ = true; }
  // The environment promised that this commit survives.
  void promise(commit_sequence sequence) {
    promised_ = std::max(promised_, sequence);
    auto keep = cuts_.lower_bound(promised_);
    if (others_commit_) keep = std::prev(cuts_.upper_bound(promised_));
    cuts_.erase(cuts_.begin(), keep);
  }
  // The same, unless the power is cut before the next recovery.
  void promise_written(commit_sequence sequence) { written_ = std::max(written_, sequence); }
  void cut_power() { written_ = 0; }
  // The environment was opened at `sequence`; answers what is wrong with that. From now on it is
  // where the model is, and a promise.
  std::optional<std::string> recovered(commit_sequence sequence) {
    const std::string at = "recovered commit " + std::to_string(sequence);
    const commit_sequence least = std::max(promised_, written_);
    if (sequence < least) return at + ", but " + std::to_string(least) + " was promised";
    const auto found =
        others_commit_ ? std::prev(cuts_.upper_bound(sequence)) : cuts_.find(sequence);
    if (found == cuts_.end())
      return at + ", but the last cut was " + std::to_string(cuts_.rbegin()->first);
    now = found->second;
    output_.clear();
    others_commit_ = false;
    promised_ = sequence;
    written_ = 0;
    cuts_.clear();
    cuts_[sequence] = now;
    return std::nullopt;
  }

  model_state now;

 private:
  std::uint32_t serial_ = 0;
  commit_sequence promised_ = 0;
  bool others_commit_ = false;
  commit_sequence written_ = 0;                  // promised by a process that ended
  std::vector<value_id> output_;                 // since the last cut
  std::map<commit_sequence, model_state> cuts_;  // from the last promise on
};

}  // namespace lentic::crash
