// SPDX-License-Identifier: Apache-2.0
#include "run_file.hpp"

#include <algorithm>
#include <utility>

namespace lentic::detail {

namespace {

// Blocks that a walk reads ahead: few at first, because most walks are short.
constexpr std::size_t ahead_first = 2;
constexpr std::size_t ahead_max = 64;

// Walks one run; holds copies of the rows of one block at a time, in the order of the walk. Waits
// where the block that comes next is not known to be in memory.
class run_walk final : public layer_walk {
 public:
  run_walk(run_reader& run, const walk_start& start)
      : run_(&run), order_(start.order), exclusive_(start.exclusive) {
    if (run.block_count() == 0) return;
    block_ = is_forward() ? 0 : run.block_count() - 1;
    if (start.key) block_ = run.block_of(*start.key);
    is_waiting_ = !run.is_resident(block_);
    if (is_waiting_ && start.key) start_.emplace(start.key->begin(), start.key->end());
    if (!is_waiting_) begin(start.key);
  }

  task<void> load() override {
    ahead_ = std::min(2 * ahead_, ahead_max);
    return run_reader::load(run_->shared_from_this(), run_->ahead(block_, order_, ahead_));
  }

  // Also where the block was forgotten meanwhile: then this touch may block.
  void go_on() override {
    is_waiting_ = false;
    if (!is_begun_) return begin(start_ ? std::optional<bytes_view>(*start_) : std::nullopt);
    read_block();
    ended_ = false;
    if (!is_taken_) settle();
  }

  const layer_row* current() const override { return ended_ ? nullptr : &row_; }

  void advance() override {
    ++at_;
    settle();
  }

  // From the first call on, the rows of block_ are not in rows_ yet, unless go_on() has read them.
  bool take(block_rows& to) override {
    if (is_taken_ && !is_read_) ended_ = !next_block();
    to.clear();
    if (ended_) return true;
    std::swap(rows_, to);
    to.drop_first(at_);
    is_taken_ = true;
    is_read_ = false;
    return true;
  }

 private:
  bool is_forward() const noexcept { return order_ == direction::forward; }

  void begin(const std::optional<bytes_view>& key) {
    read_block();
    if (key) skip(*key);
    is_begun_ = true;
    settle();
  }

  void read_block() {
    at_ = 0;
    run_->read_block(block_, rows_);
    if (!is_forward()) rows_.reverse();
    is_read_ = true;
  }

  // Over the rows before the start.
  void skip(bytes_view key) {
    const run_block::place found = run_->find_in(block_, key);
    if (!is_forward()) {
      at_ = rows_.size() - found.row;  // rows below the key come last
    } else {
      at_ = found.row + (found.is_equal && exclusive_ ? 1 : 0);
    }
  }

  // Steps into the next block when this one is behind us.
  void settle() {
    ended_ = at_ == rows_.size() && !next_block();
    if (ended_) return;
    row_.key = rows_[at_].key;
    row_.value = rows_[at_].value;
  }

  // False at the end, and where it has to wait.
  bool next_block() {
    const bool is_last = is_forward() ? block_ + 1 == run_->block_count() : block_ == 0;
    if (is_last) return false;
    block_ = is_forward() ? block_ + 1 : block_ - 1;
    is_waiting_ = !run_->is_resident(block_);
    if (is_waiting_) return false;
    read_block();
    return true;
  }

  run_reader* run_;
  direction order_;
  bool exclusive_;
  bool ended_ = true;
  bool is_begun_ = false;  // past the start
  bool is_taken_ = false;
  bool is_read_ = false;  // rows_ are those of block_
  std::size_t block_ = 0;
  std::size_t at_ = 0;
  std::size_t ahead_ = ahead_first;
  std::optional<bytes> start_;  // of a walk that waits for its first block
  block_rows rows_;
  layer_row row_;
};

}  // namespace

std::unique_ptr<layer_walk> run_reader::walk(const walk_start& start) {
  return std::make_unique<run_walk>(*this, start);
}

}  // namespace lentic::detail
