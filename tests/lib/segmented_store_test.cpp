// SPDX-License-Identifier: Apache-2.0
#include "segmented_store_suite.hpp"
#include "store_worlds.hpp"

namespace lentic::test {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, segmented_store_suite, memory_segments_world);
INSTANTIATE_TYPED_TEST_SUITE_P(Prefixed, segmented_store_suite, prefixed_world);
INSTANTIATE_TYPED_TEST_SUITE_P(EnvironmentInMemory, segmented_store_suite,
                               aged_world<aging::in_memory>);
INSTANTIATE_TYPED_TEST_SUITE_P(YoungRows, segmented_store_suite, aged_world<aging::journal>);
INSTANTIATE_TYPED_TEST_SUITE_P(SealedRows, segmented_store_suite, aged_world<aging::run>);
INSTANTIATE_TYPED_TEST_SUITE_P(ReplayedRows, segmented_store_suite,
                               aged_world<aging::reopened_journal>);
INSTANTIATE_TYPED_TEST_SUITE_P(ReopenedRun, segmented_store_suite, aged_world<aging::reopened_run>);

}  // namespace
}  // namespace lentic::test
