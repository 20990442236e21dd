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
using kafka_cache = caching_world<caching::kafka, std::uint64_t{64} << 20>;
using small_kafka_cache = caching_world<caching::kafka, 500>;
using fused_cache = caching_world<caching::fused, std::uint64_t{64} << 20>;
using small_fused_cache = caching_world<caching::fused, 500>;

INSTANTIATE_TYPED_TEST_SUITE_P(MemoryStore, byte_store_suite, memory_store_world);
INSTANTIATE_TYPED_TEST_SUITE_P(MemorySegment, byte_store_suite, memory_segment);
INSTANTIATE_TYPED_TEST_SUITE_P(PrefixedSegment, byte_store_suite, prefixed_segment);
INSTANTIATE_TYPED_TEST_SUITE_P(EnvironmentInMemory, byte_store_suite, environment_in_memory);
INSTANTIATE_TYPED_TEST_SUITE_P(YoungRows, byte_store_suite, young_rows);
INSTANTIATE_TYPED_TEST_SUITE_P(SealedRows, byte_store_suite, sealed_rows);
INSTANTIATE_TYPED_TEST_SUITE_P(ReplayedRows, byte_store_suite, replayed_rows);
INSTANTIATE_TYPED_TEST_SUITE_P(ReopenedRun, byte_store_suite, reopened_run);
INSTANTIATE_TYPED_TEST_SUITE_P(KafkaCache, byte_store_suite, kafka_cache);
INSTANTIATE_TYPED_TEST_SUITE_P(SmallKafkaCache, byte_store_suite, small_kafka_cache);
INSTANTIATE_TYPED_TEST_SUITE_P(FusedCache, byte_store_suite, fused_cache);
INSTANTIATE_TYPED_TEST_SUITE_P(SmallFusedCache, byte_store_suite, small_fused_cache);

}  // namespace
}  // namespace lentic::test
