// SPDX-License-Identifier: Apache-2.0
#pragma once

// logged_rows: how many rows of one segment were last logged in which epoch of the journal.
//
// An epoch is a range of commits that begins where the environment says, about once for each
// journal file, and is named by its first commit. Journal files go from the oldest on, so a file
// may go once no row is counted in an epoch that began before the file after it did. A dirty row is
// not counted: the next cut logs it, and the file waits for that cut.
//
// O(epochs that still count something) per call, which is about the number of journal files.
// Threads: one owner. Errors: std::bad_alloc from make_room and add, and nothing has changed then.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lentic::detail {

// Where a row is logged: the commit, and the epoch that it belongs to.
struct log_point {
  std::uint64_t sequence = 0;
  std::uint64_t epoch = 0;  // its first commit
};

class logged_rows {
 public:
  // What add() needs for an epoch that was not counted yet.
  void make_room() { epochs_.reserve(epochs_.size() + 1); }
  void add(std::uint64_t start, std::uint64_t rows = 1);
  // A row that was last logged in that commit is not what counts any more; 0: it never was.
  void remove(std::uint64_t sequence) noexcept;
  void clear() noexcept { epochs_.clear(); }

  // The epoch of a row that is counted and was last logged in that commit.
  std::uint64_t epoch_of(std::uint64_t sequence) const noexcept;
  // Rows in epochs that began before that commit.
  std::uint64_t before(std::uint64_t sequence) const noexcept;
  // Of the newest epoch with a row; 0: none has one.
  std::uint64_t newest() const noexcept;

 private:
  struct epoch {
    std::uint64_t start = 0;
    std::uint64_t rows = 0;
  };

  std::size_t index_of(std::uint64_t sequence) const noexcept;

  std::vector<epoch> epochs_;  // by start; those without rows go when one is added
};

}  // namespace lentic::detail
