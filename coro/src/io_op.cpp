// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/io_op.hpp>

#include <cassert>
#include <cerrno>

namespace lentic::coro {

io_op::~io_op() {
  assert(request_.state != io_state::started
         && "a frame was destroyed under an operation in flight");
}

bool io_op::await_ready() noexcept {
  if (!stop_.stop_requested()) return false;
  request_.result = -ECANCELED;
  return true;
}

void io_op::await_suspend(std::coroutine_handle<> handle) {
  request_.waiter = handle;
  engine_->start(request_);
  if (!stop_.stop_possible()) return;
  const auto ask = [](void* self) noexcept {
    io_op& op = *static_cast<io_op*>(self);
    if (op.request_.state == io_state::started) op.engine_->cancel(op.request_);
  };
  callback_.emplace(stop_, ask, this);
}

linked_io_op::~linked_io_op() {
  assert(requests_[0].state != io_state::started && requests_[1].state != io_state::started
         && "a frame was destroyed under an operation in flight");
}

void linked_io_op::await_suspend(std::coroutine_handle<> handle) {
  wake_.waiter = handle;
  group_ = {2, &wake_};
  requests_[0].joined = &group_;
  requests_[1].joined = &group_;
  const std::array<io_request*, 2> chain{&requests_[0], &requests_[1]};
  engine_->start_linked(chain);
}

}  // namespace lentic::coro
