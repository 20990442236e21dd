// SPDX-License-Identifier: Apache-2.0
#pragma once

// Linked into an executable, failing_new.cpp replaces operator new by one that counts and that
// fails where a test asks for it. One thread.

#include <algorithm>
#include <cstdint>
#include <new>

namespace lentic::test {

extern std::uint64_t allocations;  // so far
extern std::uint64_t fail_at;      // the allocation that throws std::bad_alloc; 0: none
extern int exempt;                 // above 0: neither counted nor failed

class not_counted {
 public:
  not_counted() noexcept { ++exempt; }
  ~not_counted() { --exempt; }
  not_counted(const not_counted&) = delete;
  not_counted& operator=(const not_counted&) = delete;
};

// The nth allocation of all operations together fails.
class nth_allocation {
 public:
  explicit nth_allocation(std::uint64_t nth) noexcept : left_(nth) {}

  // Whether the operation ended well.
  template <class Operation>
  bool attempt(Operation operation) {
    const std::uint64_t before = allocations;
    fail_at = left_ == 0 ? 0 : before + left_;
    bool done = true;
    try {
      operation();
    } catch (const std::bad_alloc&) {
      done = false;
    }
    fail_at = 0;
    left_ -= std::min(left_, allocations - before);
    return done;
  }
  // There were fewer.
  bool was_not_reached() const noexcept { return left_ != 0; }

 private:
  std::uint64_t left_;
};

}  // namespace lentic::test
