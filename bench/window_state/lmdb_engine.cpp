// SPDX-License-Identifier: Apache-2.0
#include "drive.hpp"
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
  database(const std::string& directory, unsigned flags) {
    need(mdb_env_create(&env_));
    need(mdb_env_set_mapsize(env_, std::size_t{16} << 30));
    need(mdb_env_set_maxdbs(env_, 64));
    need(mdb_env_open(env_, directory.c_str(), flags, 0644));
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

  std::uint64_t fetch(const key_bytes& key, std::int64_t from, std::int64_t to) {
    std::uint64_t count = 0;
    const stored_key lower = encode(key, from);
    const stored_key upper = encode(key, to + 1);
    for (const auto& [id, table] : tables_) {
      if ((id + 1) * windows_per_segment <= from || id * windows_per_segment > to) continue;
      MDB_val first = value_of(lower);
      visit_from(table, first, MDB_SET_RANGE, [&](bytes_view found, bytes_view) {
        if (compare(found, upper) >= 0) return false;
        ++count;
        return true;
      });
    }
    return count;
  }

  template <class Visit>
  void scan(Visit& visit) {
    for (const auto& [id, table] : tables_) {
      MDB_val first{};
      visit_from(table, first, MDB_FIRST, [&visit](bytes_view key, bytes_view value) {
        visit(key, value);
        return true;
      });
    }
  }

 private:
  // Visits rows in order until `visit` answers false.
  template <class Visit>
  void visit_from(MDB_dbi table, MDB_val key, MDB_cursor_op first, Visit visit) {
    MDB_cursor* rows = nullptr;
    need(mdb_cursor_open(writing_, table, &rows));
    MDB_val value;
    int status = mdb_cursor_get(rows, &key, &value, first);
    while (status == MDB_SUCCESS && visit(view(key), view(value)))
      status = mdb_cursor_get(rows, &key, &value, MDB_NEXT);
    mdb_cursor_close(rows);
    if (status != MDB_NOTFOUND) need(status);
  }

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
  database state(directory, 0);
  return drive(state, work, directory);
}

run_figures run_lmdb_writemap(const workload& work, const std::string& directory) {
  database state(directory, MDB_WRITEMAP);
  return drive(state, work, directory);
}

}  // namespace lentic::bench
