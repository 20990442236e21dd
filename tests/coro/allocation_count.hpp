// SPDX-License-Identifier: Apache-2.0
#pragma once

// How often this test program has called operator new or aligned_alloc so far, on this thread.

#include <cstdint>

namespace lentic::test {

std::uint64_t allocation_count() noexcept;

}  // namespace lentic::test
