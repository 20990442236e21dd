// SPDX-License-Identifier: Apache-2.0
#pragma once

// Linked into an executable, failing_new.cpp replaces operator new by one that counts and that
// fails where a test asks for it. One thread.

#include <cstdint>

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

}  // namespace lentic::test
