// SPDX-License-Identifier: Apache-2.0
#include "drive.hpp"
#include "engines.hpp"

#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <unordered_map>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

namespace lentic::bench {

namespace {

void need(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error("rocksdb: " + status.ToString());
}

rocksdb::Slice slice(bytes_view raw) {
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

bytes_view view(const rocksdb::Slice& raw) {
  return as_bytes(std::string_view(raw.data(), raw.size()));
}

// Kafka Streams' settings (RocksDBStore: write buffers, block cache and size, universal compaction,
// no compression), and a Bloom filter of 10 bits.
rocksdb::Options kafka_options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.IncreaseParallelism(2);
  options.write_buffer_size = 16U << 20;
  options.max_write_buffer_number = 3;
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.compression = rocksdb::kNoCompression;
  options.manual_wal_flush = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(50U << 20);
  table.block_size = 4096;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

class segments {
 public:
  segments(std::string directory, bool logged)
      : directory_(std::move(directory)), options_(kafka_options()) {
    writing_.disableWAL = !logged;
  }

  const rocksdb::WriteOptions& writing() const noexcept { return writing_; }

  rocksdb::DB& at(std::int64_t window) {
    const std::int64_t id = window / windows_per_segment;
    if (last_ != nullptr && id == last_id_) return *last_;
    std::unique_ptr<rocksdb::DB>& database = open_[id];
    if (!database) {
      rocksdb::DB* opened = nullptr;
      need(rocksdb::DB::Open(options_, path(id), &opened));
      database.reset(opened);
    }
    last_ = database.get();
    last_id_ = id;
    return *last_;
  }

  void sync() {
    for (auto& [id, database] : open_)
      need(writing_.disableWAL ? database->Flush({}) : database->FlushWAL(true));
  }

  void drop_below(std::int64_t window) {
    while (!open_.empty() && (open_.begin()->first + 1) * windows_per_segment <= window) {
      const std::int64_t id = open_.begin()->first;
      open_.erase(open_.begin());
      need(rocksdb::DestroyDB(path(id), options_));
      last_ = nullptr;
    }
  }

  // One bounded iteration for each segment, as Kafka Streams fetches.
  std::uint64_t fetch(const key_bytes& key, std::int64_t from, std::int64_t to) {
    std::uint64_t count = 0;
    const stored_key upper = encode(key, to + 1);
    for (auto& [id, database] : open_) {
      if ((id + 1) * windows_per_segment <= from || id * windows_per_segment > to) continue;
      const rocksdb::Slice bound = slice(upper);
      rocksdb::ReadOptions bounded;
      bounded.iterate_upper_bound = &bound;
      const std::unique_ptr<rocksdb::Iterator> rows(database->NewIterator(bounded));
      for (rows->Seek(slice(encode(key, from))); rows->Valid(); rows->Next()) ++count;
      need(rows->status());
    }
    return count;
  }

  template <class Visit>
  void scan(Visit& visit) {
    for (auto& [id, database] : open_) {
      const std::unique_ptr<rocksdb::Iterator> rows(database->NewIterator({}));
      for (rows->SeekToFirst(); rows->Valid(); rows->Next())
        visit(view(rows->key()), view(rows->value()));
      need(rows->status());
    }
  }

 private:
  std::string path(std::int64_t id) const { return directory_ + "/" + std::to_string(id); }

  std::string directory_;
  rocksdb::Options options_;
  rocksdb::WriteOptions writing_;
  std::map<std::int64_t, std::unique_ptr<rocksdb::DB>> open_;
  rocksdb::DB* last_ = nullptr;
  std::int64_t last_id_ = 0;
};

class direct {
 public:
  explicit direct(segments& below) : below_(below) {}

  void count(const workload& work, std::uint64_t event) {
    const std::int64_t window = work.window(event);
    const stored_key key = encode(work.key(work.id(event)), window);
    rocksdb::DB& database = below_.at(window);
    const rocksdb::Status found =
        database.Get({}, database.DefaultColumnFamily(), slice(key), &old_);
    bytes_view old;
    if (!found.IsNotFound()) {
      need(found);
      old = view(old_);
    }
    const bytes_view value = value_.next(old, work.value_bytes(work.id(event)));
    need(database.Put(below_.writing(), slice(key), slice(value)));
    old_.Reset();
  }
  void write() {}

 private:
  segments& below_;
  rocksdb::PinnableSlice old_;
  counted_value value_;
};

class cached {
 public:
  explicit cached(segments& below) : below_(below) {}

  void count(const workload& work, std::uint64_t event) {
    const std::int64_t window = work.window(event);
    const stored_key key = encode(work.key(work.id(event)), window);
    entry& held = entries_[std::string(slice(key).ToStringView())];
    if (held.value.empty()) {
      rocksdb::DB& database = below_.at(window);
      const rocksdb::Status found = database.Get({}, slice(key), &held.value);
      if (!found.IsNotFound()) need(found);
      held.window = window;
    }
    const bytes_view value =
        value_.next(as_bytes(std::string_view(held.value)), work.value_bytes(work.id(event)));
    held.value.assign(as_text(value));
  }
  void write() {
    std::map<std::int64_t, rocksdb::WriteBatch> batches;
    for (const auto& [key, held] : entries_)
      batches[held.window / windows_per_segment].Put(key, held.value);
    for (auto& [id, batch] : batches)
      need(below_.at(id * windows_per_segment).Write(below_.writing(), &batch));
    entries_.clear();
  }

 private:
  struct entry {
    std::int64_t window = 0;
    std::string value;
  };

  segments& below_;
  std::unordered_map<std::string, entry> entries_;
  counted_value value_;
};

template <class Front>
class engine {
 public:
  engine(const std::string& directory, bool logged) : below_(directory, logged) {}

  void count(const workload& work, std::uint64_t event) { front_.count(work, event); }
  void commit() {
    front_.write();
    below_.sync();
  }
  void drop_below(std::int64_t window) { below_.drop_below(window); }
  std::uint64_t fetch(const key_bytes& key, std::int64_t from, std::int64_t to) {
    return below_.fetch(key, from, to);
  }
  template <class Visit>
  void scan(Visit& visit) {
    below_.scan(visit);
  }

 private:
  segments below_;
  Front front_{below_};
};

template <class Front>
run_figures run(const workload& work, const std::string& directory, bool logged) {
  engine<Front> opened(directory, logged);
  return drive(opened, work, directory);
}

}  // namespace

run_figures run_rocksdb(const workload& work, const std::string& directory) {
  return run<direct>(work, directory, true);
}

run_figures run_rocksdb_cached(const workload& work, const std::string& directory) {
  return run<cached>(work, directory, true);
}

run_figures run_rocksdb_flushed(const workload& work, const std::string& directory) {
  return run<direct>(work, directory, false);
}

}  // namespace lentic::bench
