// SPDX-License-Identifier: Apache-2.0
#include "run_file.hpp"

#include <utility>

namespace lentic::detail {

namespace {

// Walks one run; holds copies of the rows of one block at a time, in the order of the walk.
class run_walk final : public layer_walk {
 public:
  run_walk(run_reader& run, const walk_start& start)
      : run_(&run), forward_(start.order == direction::forward) {
    if (run.block_count() == 0) return;
    block_ = forward_ ? 0 : run.block_count() - 1;
    if (start.key) block_ = run.block_of(*start.key);
    load();
    if (start.key) skip(start);
    settle();
  }

  const layer_row* current() const override { return ended_ ? nullptr : &row_; }

  void advance() override {
    ++at_;
    settle();
  }

  // From the first call on, the rows of block_ are not in rows_ yet.
  bool take(block_rows& to) override {
    if (is_taken_) {
      at_ = 0;
      ended_ = !next_block();
    }
    to.clear();
    if (ended_) return true;
    std::swap(rows_, to);
    to.drop_first(at_);
    is_taken_ = true;
    return true;
  }

 private:
  void load() {
    at_ = 0;
    run_->read_block(block_, rows_);
    if (!forward_) rows_.reverse();
  }

  // Over the rows before the start.
  void skip(const walk_start& start) {
    const run_block::place found = run_->find_in(block_, *start.key);
    if (!forward_) {
      at_ = rows_.size() - found.row;  // rows below the key come last
    } else {
      at_ = found.row + (found.is_equal && start.exclusive ? 1 : 0);
    }
  }

  // Steps into the next block when this one is behind us.
  void settle() {
    ended_ = at_ == rows_.size() && !next_block();
    if (ended_) return;
    row_.key = rows_[at_].key;
    row_.value = rows_[at_].value;
  }

  bool next_block() {
    const bool is_last = forward_ ? block_ + 1 == run_->block_count() : block_ == 0;
    if (is_last) return false;
    block_ = forward_ ? block_ + 1 : block_ - 1;
    load();
    return true;
  }

  run_reader* run_;
  bool forward_;
  bool ended_ = true;
  bool is_taken_ = false;
  std::size_t block_ = 0;
  std::size_t at_ = 0;
  block_rows rows_;
  layer_row row_;
};

}  // namespace

std::unique_ptr<layer_walk> run_reader::walk(const walk_start& start) {
  return std::make_unique<run_walk>(*this, start);
}

}  // namespace lentic::detail
