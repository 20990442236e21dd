// SPDX-License-Identifier: Apache-2.0
// The engines of the real file system against the conformance suite.

#include "io_engine_suite.hpp"
#include "real_world.hpp"

namespace lentic::test {

INSTANTIATE_TYPED_TEST_SUITE_P(Uring, io_engine_suite, uring_world);
INSTANTIATE_TYPED_TEST_SUITE_P(Threads, io_engine_suite, thread_world);

}  // namespace lentic::test
