// SPDX-License-Identifier: Apache-2.0
#pragma once

// One run of the workload over one engine, in an empty directory of its own. Commits are durable,
// unless the engine says otherwise: each ends with an fdatasync of what the engine writes.

#include "figures.hpp"

#include <string>

namespace lentic::bench {

enum class lentic_cache { none, kafka, fused };
// Whether the caller waits for each commit, or for the one before it.
enum class lentic_commit { waited, overlapped };

run_figures run_lentic(const workload& work, const std::string& directory, lentic_cache cache,
                       lentic_commit commit);

// In memory, not durable: a hash map for each segment, and an ordered one.
run_figures run_hash(const workload& work, const std::string& directory);
run_figures run_ordered_map(const workload& work, const std::string& directory);

// A database for each segment, as Kafka Streams keeps them, with its options; but with a log, which
// is synced at each commit, so that the durability is the same.
run_figures run_rocksdb(const workload& work, const std::string& directory);
// The same behind a write-back cache: a hash map of what changed since the last commit, written as
// one batch.
run_figures run_rocksdb_cached(const workload& work, const std::string& directory);
// Without a log, as Kafka Streams runs it: a commit flushes the write buffers.
run_figures run_rocksdb_flushed(const workload& work, const std::string& directory);

run_figures run_leveldb(const workload& work, const std::string& directory);

// One environment, a named database for each segment, one write transaction a commit.
run_figures run_lmdb(const workload& work, const std::string& directory);
// The same with MDB_WRITEMAP.
run_figures run_lmdb_writemap(const workload& work, const std::string& directory);

}  // namespace lentic::bench
