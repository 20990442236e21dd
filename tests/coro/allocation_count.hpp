// SPDX-License-Identifier: Apache-2.0
#pragma once

// How often this test program has called operator new or aligned_alloc so far, on this thread.

#include <cstdint>

namespace lentic::test {

std::uint64_t allocation_count() noexcept;

// Has the n-th operator new from now on fail, once; on this thread. 0 for none.
void fail_allocation(std::uint64_t n) noexcept;

}  // namespace lentic::test
