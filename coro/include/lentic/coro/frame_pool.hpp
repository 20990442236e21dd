// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where coroutine frames live: thread-local free lists in 64-byte classes up to 2 KiB; larger
// frames go to operator new. A recycled frame costs half of a heap frame (bench/coro_cost).
//
// Threads: each thread has its own lists and needs no lock. A frame freed on another thread joins
// that thread's list: correct, merely unbalanced.
//
// Not promised: memory goes back to the heap only in drain().

#include <cstddef>
#include <cstdint>
#include <new>

namespace lentic::coro {

class frame_pool {
 public:
  static constexpr std::size_t class_bytes = 64;
  static constexpr std::size_t class_count =
      33;  // class i holds frames of i * 64 bytes; 0 is unused

  // Storage for `bytes`. Throws std::bad_alloc. O(1).
  static void* allocate(std::size_t bytes) {
    const std::size_t cls = (bytes + class_bytes - 1) / class_bytes;
    if (cls >= class_count) return ::operator new(bytes);
    node*& head = lists_[cls];
    if (head == nullptr) return refill(cls);
    node* const taken = head;
    head = taken->next;
    return taken;
  }

  // Gives back storage of allocate(bytes), with the same `bytes`.
  static void deallocate(void* storage, std::size_t bytes) noexcept {
    const std::size_t cls = (bytes + class_bytes - 1) / class_bytes;
    if (cls >= class_count) return ::operator delete(storage);
    lists_[cls] = ::new (storage) node{lists_[cls]};
  }

  // Returns this thread's idle frames to the heap. O(idle frames).
  static void drain() noexcept;

  // Frames this thread has taken from the heap so far: a warm path leaves it unchanged.
  static std::uint64_t heap_allocations() noexcept { return heap_allocations_; }

 private:
  struct node {
    node* next;
  };

  static void* refill(std::size_t cls);

  // Trivially destructible, so access needs no guard on the hot path.
  static constinit thread_local node* lists_[class_count];
  static constinit thread_local std::uint64_t heap_allocations_;
};

// Base of a promise whose frame lives in the pool.
struct pooled_frame {
  static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept {
    frame_pool::deallocate(frame, bytes);
  }
};

}  // namespace lentic::coro
