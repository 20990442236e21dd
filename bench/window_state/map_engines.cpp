// SPDX-License-Identifier: Apache-2.0
// A map in memory for each segment, hashed or ordered: not durable. What the work itself costs.
#include "drive.hpp"
#include "engines.hpp"

#include <cstring>
#include <map>

#ifdef LENTIC_BENCH_ABSL
#include <absl/container/flat_hash_map.h>
#else
#include <functional>
#include <string_view>
#include <unordered_map>
#endif

namespace lentic::bench {

namespace {

struct held_value {
  std::uint32_t bytes = 0;
  std::array<std::byte, 64> raw{};
};

#ifdef LENTIC_BENCH_ABSL
struct map_key {
  stored_key raw;
  bool operator==(const map_key&) const = default;
  template <class Hash>
  friend Hash AbslHashValue(Hash state, const map_key& key) {
    const auto* const start = reinterpret_cast<const unsigned char*>(key.raw.data());
    return Hash::combine_contiguous(std::move(state), start, key.raw.size());
  }
};
using hash_table = absl::flat_hash_map<map_key, held_value>;
#else
struct map_key {
  stored_key raw;
  bool operator==(const map_key&) const = default;
};
struct map_hash {
  std::size_t operator()(const map_key& key) const noexcept {
    return std::hash<std::string_view>()(as_text(key.raw));
  }
};
using hash_table = std::unordered_map<map_key, held_value, map_hash>;
#endif

struct key_order {
  bool operator()(const map_key& left, const map_key& right) const noexcept {
    return compare(left.raw, right.raw) < 0;
  }
};
using ordered_table = std::map<map_key, held_value, key_order>;

template <class Table>
class map_engine {
 public:
  void count(const workload& work, std::uint64_t event) {
    const std::uint32_t id = work.id(event);
    const std::int64_t window = work.window(event);
    held_value& held = segments_[window / windows_per_segment][{encode(work.key(id), window)}];
    const bytes_view after =
        value_.next(bytes_view(held.raw).first(held.bytes), work.value_bytes(id));
    held.bytes = static_cast<std::uint32_t>(after.size());
    std::memcpy(held.raw.data(), after.data(), after.size());
  }
  void commit() {}
  void drop_below(std::int64_t window) {
    while (!segments_.empty() && (segments_.begin()->first + 1) * windows_per_segment <= window)
      segments_.erase(segments_.begin());
  }
  std::uint64_t fetch(const key_bytes& key, std::int64_t from, std::int64_t to) {
    std::uint64_t count = 0;
    for (std::int64_t window = from; window <= to; ++window) {
      const auto segment = segments_.find(window / windows_per_segment);
      if (segment != segments_.end() && segment->second.contains({encode(key, window)})) ++count;
    }
    return count;
  }
  template <class Visit>
  void scan(Visit& visit) {
    for (const auto& [id, rows] : segments_) {
      for (const auto& [key, held] : rows) visit(key.raw, bytes_view(held.raw).first(held.bytes));
    }
  }

 private:
  std::map<std::int64_t, Table> segments_;
  counted_value value_;
};

}  // namespace

run_figures run_hash(const workload& work, const std::string&) {
  map_engine<hash_table> engine;
  return drive(engine, work, std::string());
}

run_figures run_ordered_map(const workload& work, const std::string&) {
  map_engine<ordered_table> engine;
  return drive(engine, work, std::string());
}

}  // namespace lentic::bench
