// SPDX-License-Identifier: Apache-2.0
#pragma once

// close_index: which (window start, key) pairs are open, so that the windows that close are found
// in (start, key) order without a scan of all keys. Keys live in one arena a start, unsorted, and
// are sorted once, when the start closes or is listed.
//
// In memory only: an owner rebuilds it after a restart by one scan of the windows that can be open.
// Threads: one owner. Lifetime: keys that are handed out live as long as their window_keys.
// Memory: the bytes of all open keys, plus 16 to 24 bytes a key.
// Not promised: a bound on that; it grows with the open windows, as the store below it does.

#include <lentic/bytes.hpp>
#include <lentic/windows/time_windows.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace lentic::windows {

// The set of keys of one window start.
class window_keys {
 public:
  // False when `key` is already there. O(1) on average.
  bool add(bytes_view key);
  // Orders the keys; they stay ordered until the next add.
  void sort();
  // Keeps the memory, unless it is much.
  void clear() noexcept;

  std::size_t size() const noexcept { return keys_.size(); }
  // The keys as added, or in order after sort(). Precondition: index < size().
  bytes_view operator[](std::size_t index) const noexcept { return view(keys_[index]); }

 private:
  struct key_place {
    std::uint64_t offset;
    std::uint32_t size;
    std::uint32_t hash;
  };

  bytes_view view(const key_place& place) const noexcept {
    return bytes_view(arena_).subspan(place.offset, place.size);
  }
  std::size_t slot_of(std::uint32_t hash, bytes_view key) const noexcept;
  void rebuild_slots(std::size_t slot_count);

  bytes arena_;
  std::vector<key_place> keys_;
  std::vector<std::uint32_t> slots_;  // index into keys_ + 1; 0 is free; the size is a power of two
  bool sorted_ = true;
};

class close_index {
 public:
  // Window starts that have closed, in order; their keys are sorted.
  class closed_starts {
   public:
    std::size_t size() const noexcept { return nodes_.size(); }
    bool empty() const noexcept { return nodes_.empty(); }
    // Precondition: index < size().
    std::int64_t start_ms(std::size_t index) const noexcept { return nodes_[index].key(); }
    const window_keys& keys(std::size_t index) const noexcept { return nodes_[index].mapped(); }

   private:
    friend class close_index;
    std::vector<std::map<std::int64_t, window_keys>::node_type> nodes_;
  };

  explicit close_index(const time_windows& windows) noexcept : windows_(windows) {}

  // Marks the window as open; nothing changes when it is. O(log open starts).
  void add(bytes_view key, std::int64_t start_ms);

  // Moves every start with end <= close_ms to the end of `closed`; answers the number of windows.
  // O(closed keys x log); O(1) when nothing closes, however far the time has moved.
  std::size_t take_closed(std::int64_t close_ms, closed_starts& closed);
  // Empties `closed` and keeps a little of its memory for later starts.
  void recycle(closed_starts& closed);

  // The open starts, ascending, and the keys of one of them, sorted at the first call after an add.
  std::vector<std::int64_t> open_starts() const;
  // Precondition: the start is open. Valid until the next non-const call.
  const window_keys& open_keys(std::int64_t start_ms);
  // Calls visit(start_ms, key) in (start, key) order; `visit` does not change the index.
  template <class Visit>
  void for_each_open(Visit&& visit) {
    for (auto& [start_ms, keys] : open_) {
      keys.sort();
      for (std::size_t i = 0; i < keys.size(); ++i) visit(start_ms, keys[i]);
    }
  }

  // Open windows: pairs, not starts.
  std::size_t size() const noexcept { return count_; }
  void clear() noexcept;

 private:
  using start_map = std::map<std::int64_t, window_keys>;

  window_keys& keys_of(std::int64_t start_ms);

  time_windows windows_;
  start_map open_;
  std::vector<start_map::node_type> spare_;
  window_keys* last_ = nullptr;  // of the last add: most records hit the same start
  std::int64_t last_start_ms_ = 0;
  std::size_t count_ = 0;
};

}  // namespace lentic::windows
