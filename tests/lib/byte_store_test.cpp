// SPDX-License-Identifier: Apache-2.0
#include "byte_store_suite.hpp"
#include "store_worlds.hpp"

namespace lentic::test {
namespace {

using memory_segment = segment_world<memory_segments_world>;
using prefixed_segment = segment_world<prefixed_world>;
using environment_in_memory = segment_world<aged_world<aging::in_memory>>;
using young_rows = segment_world<aged_world<aging::journal>>;
using sealed_rows = segment_world<aged_world<aging::run>>;
using replayed_rows = segment_world<aged_world<aging::reopened_journal>>;
using reopened_run = segment_world<aged_world<aging::reopened_run>>;

INSTANTIATE_TYPED_TEST_SUITE_P(MemoryStore, byte_store_suite, memory_store_world);
INSTANTIATE_TYPED_TEST_SUITE_P(MemorySegment, byte_store_suite, memory_segment);
INSTANTIATE_TYPED_TEST_SUITE_P(PrefixedSegment, byte_store_suite, prefixed_segment);
INSTANTIATE_TYPED_TEST_SUITE_P(EnvironmentInMemory, byte_store_suite, environment_in_memory);
INSTANTIATE_TYPED_TEST_SUITE_P(YoungRows, byte_store_suite, young_rows);
INSTANTIATE_TYPED_TEST_SUITE_P(SealedRows, byte_store_suite, sealed_rows);
INSTANTIATE_TYPED_TEST_SUITE_P(ReplayedRows, byte_store_suite, replayed_rows);
INSTANTIATE_TYPED_TEST_SUITE_P(ReopenedRun, byte_store_suite, reopened_run);

}  // namespace
}  // namespace lentic::test
