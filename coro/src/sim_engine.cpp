// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/sim_engine.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>
#include <utility>

namespace lentic::coro {

namespace {

bool moves_bytes(const io_request& request) noexcept {
  return request.kind == io_kind::read || request.kind == io_kind::write;
}

bool succeeded_in_full(const io_request& request, std::int64_t outcome) noexcept {
  if (outcome < 0) return false;
  return !moves_bytes(request) || static_cast<std::size_t>(outcome) == request.bytes;
}

// At once. Room for them is there from the start: a test that fails allocations means those of the
// code under test, and an operation cannot fail for want of memory before it began.
constexpr std::size_t usual_operations = 1024;

}  // namespace

sim_engine::sim_engine(run_queue& queue, sim_disk& disk, std::uint64_t seed, sim_faults faults,
                       sim_mutations mutations)
    : io_engine(queue),
      disk_(&disk),
      random_(seed),
      faults_(faults),
      mutations_(mutations),
      process_(disk.begin_process()) {
  pending_.reserve(usual_operations);
}

sim_engine::~sim_engine() {
  assert(in_flight_ == 0 && "an engine was destroyed under an operation in flight");
  disk_->end_process(process_);
}

void sim_engine::submit(std::span<io_request* const> chain) {
  in_flight_ += chain.size();
  if (off_) {
    for (io_request* const request : chain) finish(*request, -EIO);
    return;
  }
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const bool linked = i + 1 < chain.size() && !mutations_.ignore_links;
    chain[i]->engine_next = linked ? chain[i + 1] : nullptr;
    if (i == 0 || mutations_.ignore_links) pending_.push_back({chain[i], std::nullopt});
  }
}

void sim_engine::cancel(io_request& request) {
  if (request.state != io_state::started) return;
  if (waits(request) || random_.chance(500)) request.cancel_asked = true;
}

void sim_engine::finish(io_request& request, std::int64_t outcome) {
  for (const std::uint64_t word : {request.engine_number, static_cast<std::uint64_t>(request.kind),
                                   static_cast<std::uint64_t>(outcome)}) {
    trace_ = (trace_ ^ word) * 0x100000001b3U;
    trace_ ^= trace_ >> 32U;
  }
  --in_flight_;
  request.engine_next = nullptr;
  complete(request, outcome);
}

void sim_engine::finish_chain(io_request* head, std::int64_t outcome) {
  while (head != nullptr) finish(*std::exchange(head, head->engine_next), outcome);
}

// The entry that goes on; pending_.size() when all wait for somebody outside.
std::size_t sim_engine::choose() {
  const std::size_t count = pending_.size();
  const std::size_t start = random_.below(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t index = (start + i) % count;
    if (!waits(*pending_[index].head)) return index;
  }
  return count;
}

bool sim_engine::step() {
  if (pending_.empty()) return false;
  const std::size_t index = choose();
  if (index == pending_.size()) return false;
  entry& chosen = pending_[index];
  const std::uint64_t number = chosen.head->engine_number;
  if (number >= cut_at_) {
    cut_power();
    return true;
  }
  if (number >= kill_at_) {
    kill();
    return true;
  }
  if (chosen.head->kind == io_kind::data_sync && !chosen.begun && random_.chance(500)) {
    chosen.begun = disk_->changes();
    return true;
  }
  advance(index);
  return true;
}

// Executes the head of an entry and completes it, and the rest of the chain when it breaks here.
void sim_engine::advance(std::size_t index) {
  const entry chosen = pending_[index];
  io_request& head = *chosen.head;
  io_request* const rest = head.engine_next;
  const std::int64_t outcome = execute(head, chosen.begun.value_or(disk_->changes()));
  const bool goes_on = rest != nullptr && succeeded_in_full(head, outcome);
  if (goes_on) {
    pending_[index] = {rest, std::nullopt};
  } else {
    pending_[index] = pending_.back();
    pending_.pop_back();
  }
  finish(head, outcome);
  if (!goes_on) finish_chain(rest, -ECANCELED);
}

// --- power ---

// What was in flight has happened, or not, or a chain in part.
void sim_engine::halt() {
  const std::vector<entry> pending = std::exchange(pending_, {});
  std::vector<entry> order = pending;
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_.below(i)]);
  for (const entry& one : order) {
    io_request* request = one.head;
    while (request != nullptr && !waits(*request) && random_.chance(500)) {
      const bool begun = request == one.head && one.begun.has_value();
      const std::int64_t outcome = execute(*request, begun ? *one.begun : disk_->changes());
      if (!succeeded_in_full(*request, outcome)) break;
      request = request->engine_next;
    }
  }
  off_ = true;
  for (const entry& one : pending) finish_chain(one.head, -EIO);
}

void sim_engine::cut_power() {
  if (off_) return;
  halt();
  disk_->power_cut();
}

void sim_engine::kill() {
  if (off_) return;
  halt();
  disk_->end_process(process_);
}

// --- maps ---

result<std::span<const std::byte>> sim_engine::map(int fd, std::size_t bytes) {
  assert(bytes > 0);
  if (off_) return std::error_code(EIO, std::system_category());
  const std::int64_t size = disk_->size(fd);
  if (size < 0) return std::error_code(static_cast<int>(-size), std::system_category());
  const std::size_t pages = (bytes + sim_disk::page_bytes - 1) / sim_disk::page_bytes;
  const std::size_t there =
      (static_cast<std::size_t>(size) + sim_disk::page_bytes - 1) / sim_disk::page_bytes;
  if (pages > there) return std::error_code(EINVAL, std::system_category());
  std::vector<mapped_page> copy(pages);
  std::uint64_t offset = 0;
  for (mapped_page& page : copy) {
    const std::int64_t got = disk_->read(fd, page.bytes, offset);
    if (got < 0) return std::error_code(static_cast<int>(-got), std::system_category());
    offset += sim_disk::page_bytes;
  }
  const std::byte* const first = copy.front().bytes.data();
  maps_.emplace(first, std::move(copy));
  return std::span<const std::byte>(first, bytes);
}

void sim_engine::unmap(std::span<const std::byte> mapping) noexcept {
  const auto found = maps_.find(mapping.data());
  assert(found != maps_.end() && "unmap of something that map() did not give");
  maps_.erase(found);
}

int sim_engine::require_regular(int fd) noexcept {
  return off_ ? -EIO : disk_->require_regular(fd);
}

void sim_engine::close_now(int fd) noexcept {
  if (!off_) disk_->close(fd);  // a dead process has nothing open
}

}  // namespace lentic::coro
