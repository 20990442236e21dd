// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/frame_pool.hpp>

#include <new>

namespace lentic::coro {

constinit thread_local frame_pool::node* frame_pool::lists_[class_count] = {};
constinit thread_local std::uint64_t frame_pool::heap_allocations_ = 0;

void* frame_pool::refill(std::size_t cls) {
  ++heap_allocations_;
  return ::operator new(cls* class_bytes);
}

void frame_pool::drain() noexcept {
  for (node*& head : lists_) {
    while (head != nullptr) {
      node* const next = head->next;
      ::operator delete(static_cast<void*>(head));
      head = next;
    }
  }
}

}  // namespace lentic::coro
