// SPDX-License-Identifier: Apache-2.0
#include "posix_operations.hpp"
#include "uring_buffers.hpp"

#include <lentic/coro/uring_engine.hpp>

#include <liburing.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <utility>

#include <poll.h>

namespace lentic::coro {

// io_uring itself; liburing is seen by this file and its buffers only.
struct uring_engine::ring {
  explicit ring(uring_mode wanted) noexcept : mode(wanted) {}
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring() {
    if (open) io_uring_queue_exit(&io);
  }

  io_uring io{};
  detail::uring_buffers buffers;
  uring_mode mode;
  bool open = false;
};

namespace {

unsigned setup_flags(uring_mode mode) noexcept {
  // TASKRUN_FLAG tells us in shared memory whether an enter would bring completions.
  constexpr unsigned sized = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  constexpr unsigned lazy = sized | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG;
  switch (mode) {
    case uring_mode::deferred:
      return lazy | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    case uring_mode::cooperative:
      return lazy | IORING_SETUP_COOP_TASKRUN;
    case uring_mode::plain:
      break;
  }
  return sized;
}

std::error_code system_error_of(int negative) {
  return std::error_code(-negative, std::system_category());
}

// 0, or -errno: opens the ring with the best mode that the kernel takes.
int open_ring(io_uring& io, uring_mode& mode, const uring_options& options, unsigned& features) {
  for (;;) {
    io_uring_params params{};
    params.flags = setup_flags(mode);
    params.cq_entries = options.completions;
    const int outcome = io_uring_queue_init_params(options.entries, &io, &params);
    features = params.features;
    if (outcome != -EINVAL || mode == uring_mode::plain) return outcome;
    mode = mode == uring_mode::deferred ? uring_mode::cooperative : uring_mode::plain;
  }
}

bool has_operations(io_uring& io) {
  constexpr std::array needed{IORING_OP_READ,      IORING_OP_WRITE,        IORING_OP_FSYNC,
                              IORING_OP_FALLOCATE, IORING_OP_OPENAT,       IORING_OP_CLOSE,
                              IORING_OP_UNLINKAT,  IORING_OP_RENAMEAT,     IORING_OP_MKDIRAT,
                              IORING_OP_POLL_ADD,  IORING_OP_ASYNC_CANCEL, IORING_OP_NOP};
  io_uring_probe* const probe = io_uring_get_probe_ring(&io);
  if (probe == nullptr) return false;
  const bool complete = std::all_of(needed.begin(), needed.end(), [probe](auto operation) {
    return io_uring_opcode_supported(probe, operation) != 0;
  });
  io_uring_free_probe(probe);
  return complete;
}

bool is_ring_kind(io_kind kind) noexcept {
  switch (kind) {
    case io_kind::truncate:
    case io_kind::list_directory:
    case io_kind::size:
    case io_kind::lock:
    case io_kind::link:  // the ring has it from Linux 5.15 on; it is rare and does not wait for
                         // data
      return false;
    default:
      return true;
  }
}

bool is_transfer(io_kind kind) noexcept {
  return kind == io_kind::read || kind == io_kind::write;
}

void prepare_transfer(io_uring_sqe& entry, const io_request& request,
                      const detail::uring_buffers& buffers) noexcept {
  const auto bytes = static_cast<unsigned>(std::min(request.bytes, detail::transfer_bytes_max));
  // no_offset is -1, which the ring takes as "the current position, if there is one".
  if (request.kind == io_kind::read && buffers.holds(request.data, bytes)) {
    io_uring_prep_read_fixed(&entry, request.fd, request.data, bytes, request.offset, 0);
  } else if (request.kind == io_kind::read) {
    io_uring_prep_read(&entry, request.fd, request.data, bytes, request.offset);
  } else {
    io_uring_prep_write(&entry, request.fd, request.data, bytes, request.offset);
  }
}

void prepare(io_uring_sqe& entry, const io_request& request,
             const detail::uring_buffers& buffers) noexcept {
  const int fd = request.fd;
  switch (request.kind) {
    case io_kind::read:
    case io_kind::write:
      prepare_transfer(entry, request, buffers);
      break;
    case io_kind::data_sync:
      io_uring_prep_fsync(&entry, fd, IORING_FSYNC_DATASYNC);
      break;
    case io_kind::sync_directory:
      io_uring_prep_fsync(&entry, fd, 0);
      break;
    case io_kind::allocate:
      io_uring_prep_fallocate(&entry, fd, 0, static_cast<off_t>(request.offset),
                              static_cast<off_t>(request.bytes));
      break;
    case io_kind::open:
      io_uring_prep_openat(&entry, fd, request.path, detail::open_flags(request), request.mode);
      break;
    case io_kind::close:
      io_uring_prep_close(&entry, fd);
      break;
    case io_kind::rename:
      io_uring_prep_renameat(&entry, fd, request.path, fd, request.path2, 0);
      break;
    case io_kind::unlink:
      io_uring_prep_unlinkat(&entry, fd, request.path, 0);
      break;
    case io_kind::make_directory:
      io_uring_prep_mkdirat(&entry, fd, request.path, request.mode);
      break;
    default:
      io_uring_prep_nop(&entry);
      break;
  }
}

// Waits for readiness in place of a stream operation that answered "try again".
void prepare_poll(io_uring_sqe& entry, const io_request& request) noexcept {
  const unsigned wanted = request.kind == io_kind::read ? POLLIN : POLLOUT;
  io_uring_prep_poll_add(&entry, request.fd, wanted);
}

}  // namespace

result<std::unique_ptr<uring_engine>> uring_engine::create(run_queue& queue,
                                                           const uring_options& options) {
  auto opened = std::make_unique<ring>(options.mode);
  unsigned features = 0;
  const int outcome = open_ring(opened->io, opened->mode, options, features);
  if (outcome < 0) return system_error_of(outcome);
  opened->open = true;
  constexpr unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE;
  if ((features & needed) != needed || !has_operations(opened->io)) {
    return system_error_of(-EOPNOTSUPP);
  }
  // The ring's memory must not be shared with a forked child.
  if (const int refused = io_uring_ring_dontfork(&opened->io); refused < 0) {
    return system_error_of(refused);
  }
  std::unique_ptr<uring_engine> engine(new uring_engine(queue, std::move(opened)));
  const int registered = io_uring_register_eventfd(&engine->ring_->io, engine->event_fd());
  if (registered < 0) return system_error_of(registered);
  return engine;
}

uring_engine::uring_engine(run_queue& queue, std::unique_ptr<ring> opened)
    : hosted_engine(queue), ring_(std::move(opened)) {}

uring_engine::~uring_engine() {
  assert(idle() && "an engine was destroyed under operations in flight");
  // Without asserts: the kernel must be done with every buffer before their owners go.
  while (!idle()) {
    io_uring_sync_cancel_reg all{};
    all.fd = -1;
    all.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
    all.timeout = {-1, -1};
    io_uring_register_sync_cancel(&ring_->io, &all);
    fill();
    io_uring_submit_and_wait(&ring_->io, in_flight_ == 0 ? 0U : 1U);
    reap();
  }
}

void uring_engine::submit(std::span<io_request* const> chain) {
  assert(owner_ == std::this_thread::get_id());
  assert(!chain.empty() && chain.size() <= ring_->io.sq.ring_entries);
  if (chain.size() == 1 && !is_ring_kind(chain.front()->kind)) {
    complete(*chain.front(), detail::posix_execute(*chain.front()));
    return;
  }
  const bool was_empty = first_ == nullptr;
  for (io_request* const request : chain) {
    assert(is_ring_kind(request->kind) && "this kind cannot be linked");
    assert(chain.size() == 1 || request->bytes <= detail::transfer_bytes_max);
    request->engine_linked = request != chain.back();
    append(*request);
  }
  if (was_empty) tell_pending();
}

void uring_engine::append(io_request& request) noexcept {
  request.engine_next = nullptr;
  if (first_ == nullptr) {
    first_ = &request;
  } else {
    last_->engine_next = &request;
  }
  last_ = &request;
}

void uring_engine::cancel(io_request& request) {
  assert(request.state == io_state::started);
  if (std::exchange(request.cancel_asked, true) || cut_backlog(request)) return;
  request.engine_next = cancels_;
  cancels_ = &request;
  tell_pending();
}

// Ends a request of the backlog and what is linked behind it. False when it is not there.
bool uring_engine::cut_backlog(io_request& request) noexcept {
  io_request* before = nullptr;
  io_request* found = first_;
  while (found != nullptr && found != &request) {
    before = found;
    found = found->engine_next;
  }
  if (found == nullptr) return false;
  io_request* rest = found;
  for (bool linked = true; linked;) {
    io_request& ended = *rest;
    linked = ended.engine_linked;
    rest = ended.engine_next;
    complete(ended, -ECANCELED);
  }
  if (before != nullptr) {
    before->engine_linked = false;  // either it already was, or its successors have just ended
    before->engine_next = rest;
  } else {
    first_ = rest;
  }
  if (rest == nullptr) last_ = before;
  return true;
}

// Whether the first chain of the backlog fits, in both queues.
bool uring_engine::has_room() const noexcept {
  std::size_t length = 1;
  for (const io_request* at = first_; at->engine_linked; at = at->engine_next) ++length;
  return length <= io_uring_sq_space_left(&ring_->io)
      && in_flight_ + length <= ring_->io.cq.ring_entries;
}

bool uring_engine::pending() const noexcept {
  return cancels_ != nullptr || io_uring_sq_ready(&ring_->io) != 0
      || (first_ != nullptr && has_room());
}

// Backlog -> submission queue, as far as both queues have room. Whole chains only.
void uring_engine::fill() {
  while (cancels_ != nullptr) {
    io_uring_sqe* const entry = io_uring_get_sqe(&ring_->io);
    if (entry == nullptr) return;
    io_uring_prep_cancel(entry, cancels_, 0);
    io_uring_sqe_set_data(entry, nullptr);  // its own completion means nothing to us
    cancels_ = std::exchange(cancels_->engine_next, nullptr);
  }
  while (first_ != nullptr && has_room()) {
    for (bool linked = true; linked;) {
      io_request& request = *first_;
      linked = request.engine_linked;
      first_ = std::exchange(request.engine_next, nullptr);
      io_uring_sqe& entry = *io_uring_get_sqe(&ring_->io);
      if (request.engine_polling) {
        prepare_poll(entry, request);
      } else {
        prepare(entry, request, ring_->buffers);
      }
      if (linked) entry.flags |= IOSQE_IO_LINK;
      io_uring_sqe_set_data(&entry, &request);
      ++in_flight_;
    }
  }
  if (first_ == nullptr) last_ = nullptr;
}

// Submission queue -> kernel. EAGAIN and EBUSY leave the entries where they are, for the next
// flush.
void uring_engine::hand_on() {
  int outcome = 0;
  do {
    outcome = io_uring_submit_and_get_events(&ring_->io);
  } while (outcome == -EINTR);
  if (outcome == -EAGAIN || outcome == -EBUSY) return;
  if (outcome < 0) throw std::system_error(system_error_of(outcome), "io_uring_enter");
  if (outcome > 0 && io_uring_sq_ready(&ring_->io) != 0) drop_torn_chain();
}

// The kernel stopped inside the submission queue, which it does when it is out of memory (no test
// reaches that). If it was inside a chain, it has closed the chain there, and the rest would run on
// its own: a sync that does not wait for its write.
void uring_engine::drop_torn_chain() noexcept {
  io_uring_sq& queue = ring_->io.sq;
  const unsigned end = queue.sqe_tail;
  unsigned at = end - io_uring_sq_ready(&ring_->io);
  bool linked = (queue.sqes[(at - 1) & queue.ring_mask].flags & IOSQE_IO_LINK) != 0;
  for (; linked && at != end; ++at) {
    io_uring_sqe& entry = queue.sqes[at & queue.ring_mask];
    linked = (entry.flags & IOSQE_IO_LINK) != 0;
    const std::uint64_t data = entry.user_data;
    io_uring_prep_nop(&entry);
    io_uring_sqe_set_data(&entry, nullptr);
    --in_flight_;
    io_uring_cqe answer{};
    answer.user_data = data;
    io_request& dropped = *static_cast<io_request*>(io_uring_cqe_get_data(&answer));
    forget_cancel(dropped);
    complete(dropped, -ECANCELED);
  }
}

void uring_engine::flush() {
  assert(owner_ == std::this_thread::get_id());
  constexpr int rounds_max = 16;
  for (int round = 0; round < rounds_max; ++round) {
    fill();
    const bool sends = io_uring_sq_ready(&ring_->io) != 0;
    if (sends) hand_on();
    if (reap() == 0 && !(sends && pending() && first_ != nullptr)) return;
  }
}

// Completion queue -> waiters, until it is dry; how many there were. Entries are copied out first:
// nothing of ours runs while the kernel's slots are held.
std::size_t uring_engine::reap() noexcept {
  struct finished {
    void* request;
    int outcome;
  };
  constexpr unsigned batch = 64;
  std::array<io_uring_cqe*, batch> entries;
  std::array<finished, batch> copies;
  std::size_t total = 0;
  for (;;) {
    const unsigned count = io_uring_peek_batch_cqe(&ring_->io, entries.data(), batch);
    if (count == 0) return total;
    for (unsigned i = 0; i < count; ++i) {
      copies[i] = {io_uring_cqe_get_data(entries[i]), entries[i]->res};
    }
    io_uring_cq_advance(&ring_->io, count);
    for (unsigned i = 0; i < count; ++i) {
      if (copies[i].request == nullptr) continue;
      settle(*static_cast<io_request*>(copies[i].request), copies[i].outcome);
    }
    total += count;
  }
}

void uring_engine::settle(io_request& request, std::int64_t outcome) noexcept {
  --in_flight_;
  if (request.cancel_asked) forget_cancel(request);
  const bool stream = is_transfer(request.kind) && request.offset == no_offset;
  if (std::exchange(request.engine_polling, false)) {
    if (outcome >= 0 && !request.cancel_asked) return append(request);
    if (outcome >= 0) outcome = -ECANCELED;
  } else if (outcome == -EAGAIN && stream && !request.cancel_asked && !request.engine_linked) {
    // O_NONBLOCK, perhaps set by whoever shares our terminal: the caller asked to wait. Newer
    // kernels (6.18 does) wait by themselves.
    request.engine_polling = true;
    return append(request);
  } else if (outcome == -EINTR && request.cancel_asked) {
    outcome = -ECANCELED;  // how older kernels leave a blocked terminal read
  } else if (outcome == -EOPNOTSUPP && request.kind == io_kind::allocate
             && !request.engine_linked) {
    outcome = detail::posix_execute(request);
  }
  complete(request, outcome);
}

void uring_engine::forget_cancel(const io_request& request) noexcept {
  io_request** link = &cancels_;
  while (*link != nullptr && *link != &request) link = &(*link)->engine_next;
  if (*link != nullptr) *link = std::exchange((*link)->engine_next, nullptr);
}

std::byte* uring_engine::lend(std::size_t bytes) noexcept {
  assert(owner_ == std::this_thread::get_id());
  return ring_->buffers.lend(ring_->io, bytes);
}

void uring_engine::take_back(std::byte* lent) noexcept {
  assert(owner_ == std::this_thread::get_id());
  ring_->buffers.take_back(lent);
}

void uring_engine::mute() noexcept {
  // In the other modes the kernel posts and then looks at the flag without a barrier between: a
  // signal could be lost. Deferred work is queued with a full barrier.
  if (ring_->mode != uring_mode::deferred) return;
  io_uring_cq_eventfd_toggle(&ring_->io, false);
}

void uring_engine::unmute() noexcept {
  if (ring_->mode != uring_mode::deferred) return;
  io_uring_cq_eventfd_toggle(&ring_->io, true);
  // Partner: the kernel's full barrier between queueing deferred work and reading the flag. Either
  // it sees the flag and signals, or the flush after this call sees the work.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace lentic::coro
