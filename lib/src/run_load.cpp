// SPDX-License-Identifier: Apache-2.0
#include "run_file.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace lentic::detail {

// Blocks that are being read, from the start of the read to its end.
class run_reader::flight {
 public:
  flight(run_reader& run, const block_span& blocks)
      : run_(&run), blocks_(blocks), over_(run.reads_->queue()) {
    run_->flights_.push_back(this);
  }
  flight(const flight&) = delete;
  flight& operator=(const flight&) = delete;
  ~flight() {
    std::erase(run_->flights_, this);
    over_.wake_all();
  }

  bool covers(std::size_t block) const noexcept {
    return block >= blocks_.first && block - blocks_.first < blocks_.count;
  }
  coro::event& over() noexcept { return over_; }

 private:
  run_reader* run_;
  block_span blocks_;
  coro::event over_;
};

run_reader::~run_reader() {
  if (reads_) reads_->engine().unmap(file_);
}

void run_reader::serve(coro::file file, std::shared_ptr<block_reads> reads, run_origin origin) {
  source_ = std::move(file);
  reads_ = std::move(reads);
  resident_ = residency(index_.count());
  if (origin == run_origin::written) resident_.set_all(reads_->epoch());
}

run_reader::flight* run_reader::flight_over(std::size_t block) const noexcept {
  for (flight* const each : flights_) {
    if (each->covers(block)) return each;
  }
  return nullptr;
}

run_reader::block_span run_reader::ahead(std::size_t block, direction order,
                                         std::size_t count) const noexcept {
  const bool forward = order == direction::forward;
  const std::size_t room = forward ? block_count() - block : block + 1;
  block_span found = only(block);
  for (std::size_t i = 1; i < std::min(count, room); ++i) {
    const std::size_t next = forward ? block + i : block - i;
    const std::uint64_t bytes =
        forward ? index_.end(next) - index_.begin(block) : index_.end(block) - index_.begin(next);
    if (bytes > read_bytes_max || is_resident(next)) break;
    if (!forward) found.first = next;
    ++found.count;
  }
  return found;
}

// Who waits for the read of another looks again when that is over: it may have failed.
task<void> run_reader::load(std::shared_ptr<run_reader> run, block_span wanted) {
  if (run->is_resident(wanted.needed)) co_return;
  const block_reads::visit here(*run->reads_);  // also while it waits for another
  while (!run->is_resident(wanted.needed)) {
    flight* const other = run->flight_over(wanted.needed);
    if (other == nullptr) co_return co_await run->read_blocks(wanted);
    co_await other->over().wait();
  }
}

// Where not all can be read, the needed one alone: it is the one whose failure is told.
task<void> run_reader::read_blocks(block_span wanted) {
  const flight here(*this, wanted);
  if (wanted.count > 1) {
    const std::uint64_t end = index_.end(wanted.first + wanted.count - 1);
    const result<void> all =
        co_await as_result(reads_->read(source_, index_.begin(wanted.first), end));
    if (!all) wanted = only(wanted.needed);
    if (all) {
      for (std::size_t i = 0; i < wanted.count; ++i)
        resident_.set(wanted.first + i, reads_->epoch());
      co_return;
    }
  }
  co_await reads_->read(source_, index_.begin(wanted.needed), index_.end(wanted.needed));
  resident_.set(wanted.needed, reads_->epoch());
}

void run_reader::load_soon(block_span wanted) {
  if (is_resident(wanted.needed) || flight_over(wanted.needed) != nullptr) return;
  try {
    reads_->start(load(shared_from_this(), wanted));
  } catch (const std::bad_alloc&) {  // a hint: whoever needs the block hears of it
  }
}

}  // namespace lentic::detail
