// SPDX-License-Identifier: Apache-2.0
// A LevelDB for each segment. Its log is synced by a write of the commit's own, as LevelDB has no
// call that does nothing else; the row is taken out of what is fetched, scanned and counted.
#include "drive.hpp"
#include "engines.hpp"

#include <map>
#include <memory>
#include <stdexcept>
#include <string_view>

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/options.h>

namespace lentic::bench {

namespace {

void need(const leveldb::Status& status) {
  if (!status.ok()) throw std::runtime_error("leveldb: " + status.ToString());
}

leveldb::Slice slice(bytes_view raw) {
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

bytes_view view(const leveldb::Slice& raw) {
  return as_bytes(std::string_view(raw.data(), raw.size()));
}

class database {
 public:
  explicit database(std::string directory)
      : directory_(std::move(directory)),
        cache_(leveldb::NewLRUCache(50U << 20)),
        filter_(leveldb::NewBloomFilterPolicy(10)) {
    options_.create_if_missing = true;
    options_.write_buffer_size = 16U << 20;
    options_.block_cache = cache_.get();
    options_.filter_policy = filter_.get();
    options_.compression = leveldb::kNoCompression;
  }

  void count(const workload& work, std::uint64_t event) {
    const std::int64_t window = work.window(event);
    const stored_key key = encode(work.key(work.id(event)), window);
    segment& of = at(window);
    const leveldb::Status found = of.rows->Get({}, slice(key), &old_);
    if (found.IsNotFound()) {
      old_.clear();
    } else {
      need(found);
    }
    const bytes_view before = as_bytes(std::string_view(old_));
    need(
        of.rows->Put({}, slice(key), slice(value_.next(before, work.value_bytes(work.id(event))))));
    of.changed = true;
  }

  void commit() {
    leveldb::WriteOptions synced;
    synced.sync = true;
    for (auto& [id, of] : open_) {
      if (of.changed) need(of.rows->Put(synced, leveldb::Slice(), leveldb::Slice()));
      of.changed = false;
    }
  }

  void drop_below(std::int64_t window) {
    while (!open_.empty() && (open_.begin()->first + 1) * windows_per_segment <= window) {
      const std::int64_t id = open_.begin()->first;
      open_.erase(open_.begin());
      need(leveldb::DestroyDB(path(id), options_));
    }
  }

  std::uint64_t fetch(const key_bytes& key, std::int64_t from, std::int64_t to) {
    std::uint64_t count = 0;
    const stored_key lower = encode(key, from);
    const stored_key upper = encode(key, to + 1);
    for (auto& [id, of] : open_) {
      if ((id + 1) * windows_per_segment <= from || id * windows_per_segment > to) continue;
      const std::unique_ptr<leveldb::Iterator> rows(of.rows->NewIterator({}));
      rows->Seek(slice(lower));
      for (; rows->Valid() && compare(view(rows->key()), upper) < 0; rows->Next()) ++count;
      need(rows->status());
    }
    return count;
  }

  template <class Visit>
  void scan(Visit& visit) {
    for (auto& [id, of] : open_) {
      const std::unique_ptr<leveldb::Iterator> rows(of.rows->NewIterator({}));
      for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
        if (!rows->key().empty()) visit(view(rows->key()), view(rows->value()));
      }
      need(rows->status());
    }
  }

 private:
  struct segment {
    std::unique_ptr<leveldb::DB> rows;
    bool changed = false;
  };

  segment& at(std::int64_t window) {
    const std::int64_t id = window / windows_per_segment;
    segment& of = open_[id];
    if (!of.rows) {
      leveldb::DB* opened = nullptr;
      need(leveldb::DB::Open(options_, path(id), &opened));
      of.rows.reset(opened);
    }
    return of;
  }
  std::string path(std::int64_t id) const { return directory_ + "/" + std::to_string(id); }

  std::string directory_;
  std::unique_ptr<leveldb::Cache> cache_;
  std::unique_ptr<const leveldb::FilterPolicy> filter_;
  leveldb::Options options_;
  std::map<std::int64_t, segment> open_;
  std::string old_;
  counted_value value_;
};

}  // namespace

run_figures run_leveldb(const workload& work, const std::string& directory) {
  database state(directory);
  return drive(state, work, directory);
}

}  // namespace lentic::bench
