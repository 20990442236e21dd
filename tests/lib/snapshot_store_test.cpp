// SPDX-License-Identifier: Apache-2.0
#include "snapshot_suite.hpp"

namespace lentic::test {
namespace {

// The store with snapshots is a byte_store like any other, with one open and without.
template <class World>
class recording_world {
 public:
  coro::runtime& runtime() { return world_.runtime(); }
  byte_store& store() {
    if (!opened_) opened_.emplace(world_.open({}));
    return world_.store();
  }
  void settle() { world_.settle(); }
  std::size_t key_limit() const { return key_bytes_max; }

 private:
  World world_;
  std::optional<shot> opened_;
};

constexpr std::uint64_t large = std::uint64_t{64} << 20;
using sealed_segment = over_environment<aging::run>;
using young_segment = over_environment<aging::journal>;
using segment_in_memory = over_environment<aging::in_memory>;
using kafka_cache = over_cache<caching::kafka, large>;
using small_kafka_cache = over_cache<caching::kafka, 500>;
using fused_cache = over_cache<caching::fused, large>;
using small_fused_cache = over_cache<caching::fused, 500>;
using below_fused_cache = under_cache<large>;
using below_small_fused_cache = under_cache<500>;

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, snapshot_suite, over_memory);
INSTANTIATE_TYPED_TEST_SUITE_P(HashedMemory, snapshot_suite, over_hashed_memory);
INSTANTIATE_TYPED_TEST_SUITE_P(MemorySegments, snapshot_suite, over_memory_segments);
INSTANTIATE_TYPED_TEST_SUITE_P(PrefixedSegments, snapshot_suite, over_prefixed_segments);
INSTANTIATE_TYPED_TEST_SUITE_P(InMemory, snapshot_suite, segment_in_memory);
INSTANTIATE_TYPED_TEST_SUITE_P(YoungRows, snapshot_suite, young_segment);
INSTANTIATE_TYPED_TEST_SUITE_P(SealedRows, snapshot_suite, sealed_segment);
INSTANTIATE_TYPED_TEST_SUITE_P(KafkaCache, snapshot_suite, kafka_cache);
INSTANTIATE_TYPED_TEST_SUITE_P(SmallKafkaCache, snapshot_suite, small_kafka_cache);
INSTANTIATE_TYPED_TEST_SUITE_P(FusedCache, snapshot_suite, fused_cache);
INSTANTIATE_TYPED_TEST_SUITE_P(SmallFusedCache, snapshot_suite, small_fused_cache);
INSTANTIATE_TYPED_TEST_SUITE_P(BelowFusedCache, snapshot_suite, below_fused_cache);
INSTANTIATE_TYPED_TEST_SUITE_P(BelowSmallFusedCache, snapshot_suite, below_small_fused_cache);

using recorded_memory = recording_world<over_memory>;
using recorded_run = recording_world<sealed_segment>;
using recorded_cache = recording_world<small_kafka_cache>;
using recorded_below_cache = recording_world<below_small_fused_cache>;
INSTANTIATE_TYPED_TEST_SUITE_P(RecordedMemory, byte_store_suite, recorded_memory);
INSTANTIATE_TYPED_TEST_SUITE_P(RecordedRun, byte_store_suite, recorded_run);
INSTANTIATE_TYPED_TEST_SUITE_P(RecordedCache, byte_store_suite, recorded_cache);
INSTANTIATE_TYPED_TEST_SUITE_P(RecordedBelowCache, byte_store_suite, recorded_below_cache);

}  // namespace
}  // namespace lentic::test
