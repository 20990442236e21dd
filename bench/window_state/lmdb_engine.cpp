// SPDX-License-Identifier: Apache-2.0
#include "engines.hpp"

#include <map>
#include <stdexcept>
#include <string_view>

#include <lmdb.h>

namespace lentic::bench {

namespace {

void need(int status) {
  if (status != MDB_SUCCESS) throw std::runtime_error(std::string("lmdb: ") + mdb_strerror(status));
}

MDB_val value_of(bytes_view raw) {
  MDB_val value;
  value.mv_size = raw.size();
  value.mv_data = const_cast<std::byte*>(raw.data());  // LMDB does not write to it
  return value;
}

bytes_view view(const MDB_val& raw) {
  return as_bytes(std::string_view(static_cast<const char*>(raw.mv_data), raw.mv_size));
}

class database {
 public:
  explicit database(const std::string& directory) {
    need(mdb_env_create(&env_));
    need(mdb_env_set_mapsize(env_, std::size_t{16} << 30));
    need(mdb_env_set_maxdbs(env_, 64));
    need(mdb_env_open(env_, directory.c_str(), 0, 0644));
    begin();
  }
  database(const database&) = delete;
  database& operator=(const database&) = delete;
  ~database() {
    mdb_txn_abort(writing_);
    mdb_env_close(env_);
  }

  void count(const workload& work, std::uint64_t event) {
    const std::int64_t window = work.window(event);
    const stored_key raw = encode(work.key(work.id(event)), window);
    const MDB_dbi table = segment(window);
    MDB_val key = value_of(raw);
    MDB_val old;
    bytes_view before;
    const int found = mdb_get(writing_, table, &key, &old);
    if (found != MDB_NOTFOUND) {
      need(found);
      before = view(old);
    }
    MDB_val after = value_of(value_.next(before, work.value_bytes(work.id(event))));
    need(mdb_put(writing_, table, &key, &after, 0));
  }

  void commit() {
    MDB_txn* const done = writing_;
    writing_ = nullptr;
    need(mdb_txn_commit(done));
    begin();
  }

  void drop_below(std::int64_t window) {
    while (!tables_.empty() && (tables_.begin()->first + 1) * windows_per_segment <= window) {
      need(mdb_drop(writing_, tables_.begin()->second, 1));
      tables_.erase(tables_.begin());
    }
  }

  void add_to(row_digest& digest) {
    for (const auto& [id, table] : tables_) {
      MDB_cursor* rows = nullptr;
      need(mdb_cursor_open(writing_, table, &rows));
      MDB_val key;
      MDB_val value;
      int status = mdb_cursor_get(rows, &key, &value, MDB_FIRST);
      for (; status == MDB_SUCCESS; status = mdb_cursor_get(rows, &key, &value, MDB_NEXT))
        digest.add(view(key), view(value));
      mdb_cursor_close(rows);
      if (status != MDB_NOTFOUND) need(status);
    }
  }

 private:
  void begin() { need(mdb_txn_begin(env_, nullptr, 0, &writing_)); }

  MDB_dbi segment(std::int64_t window) {
    const std::int64_t id = window / windows_per_segment;
    const auto found = tables_.find(id);
    if (found != tables_.end()) return found->second;
    MDB_dbi table = 0;
    need(mdb_dbi_open(writing_, std::to_string(id).c_str(), MDB_CREATE, &table));
    tables_.emplace(id, table);
    return table;
  }

  MDB_env* env_ = nullptr;
  MDB_txn* writing_ = nullptr;
  std::map<std::int64_t, MDB_dbi> tables_;
  counted_value value_;
};

}  // namespace

run_figures run_lmdb(const workload& work, const std::string& directory) {
  run_figures figures;
  commit_times commits;
  database state(directory);
  const double start = now_seconds();
  for (std::uint64_t event = 0; event < work.events(); ++event) {
    state.count(work, event);
    if (work.commits_after(event)) {
      state.drop_below(work.window(event) - windows_retained);
      const double begin = now_seconds();
      state.commit();
      commits.add(now_seconds() - begin);
    }
  }
  figures.seconds = now_seconds() - start;
  commits.store(figures);
  row_digest digest;
  state.add_to(digest);
  digest.store(figures);
  return figures;
}

}  // namespace lentic::bench
