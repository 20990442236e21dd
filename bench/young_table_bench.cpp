// SPDX-License-Identifier: Apache-2.0
// Puts and lookups of the young table in both layouts, beside std::unordered_map, in one run: keys
// of 28 bytes, values of 36, in random order. Arguments: numbers of keys; 10,000 and 1,000,000 by
// default. Times are wall clock of one thread; the percentiles are over single puts, with what the
// clock takes; x is the mean over that of std::unordered_map with the same number of keys.
#include "young_rows.hpp"
#include "young_table.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace lentic {
namespace {

using clock_type = std::chrono::steady_clock;

double ns_since(clock_type::time_point start) {
  return std::chrono::duration<double, std::nano>(clock_type::now() - start).count();
}

std::string_view text(const key_type& key) {
  return {key.data(), key.size()};
}

class table_peer {
 public:
  explicit table_peer(young_layout layout) : table_(layout) {}
  void put(const key_type& key, std::string_view value) {
    table_.put(as_bytes(text(key)), as_bytes(value));
  }
  std::size_t find(const key_type& key) const {
    const detail::young_record* const found = table_.find(as_bytes(text(key)));
    return found == nullptr ? 0 : static_cast<std::size_t>(found->value()[0]);
  }
  detail::young_table& table() { return table_; }

 private:
  detail::young_table table_;
};

struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
};

class map_peer {
 public:
  void put(const key_type& key, std::string_view value) {
    rows_.try_emplace(std::string(text(key))).first->second = value;
  }
  std::size_t find(const key_type& key) const {
    const auto found = rows_.find(text(key));
    return found == rows_.end() ? 0 : static_cast<std::size_t>(found->second[0]);
  }

 private:
  std::unordered_map<std::string, std::string, text_hash, std::equal_to<>> rows_;
};

struct figures {
  double put = 0;
  double put_p50 = 0;
  double put_p999 = 0;
  double put_max = 0;
  double again = 0;
  double hit = 0;
  double miss = 0;
};

template <class Each>
double mean_ns(std::uint64_t count, Each each) {
  const double start = processor_ns();
  for (std::uint64_t n = 0; n < count; ++n) each(n);
  return (processor_ns() - start) / static_cast<double>(count);
}

template <class Peer>
figures measure(Peer& peer, std::uint64_t keys) {
  const std::string value(36, 'v');
  figures found;
  std::vector<float> puts(keys);
  found.put = mean_ns(keys, [&](std::uint64_t n) {
    const key_type key = key_of(n);
    const auto start = clock_type::now();
    peer.put(key, value);
    puts[n] = static_cast<float>(ns_since(start));
  });
  const auto percentile = [&](double share) {
    const auto at =
        puts.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(keys - 1));
    std::nth_element(puts.begin(), at, puts.end());
    return static_cast<double>(*at);
  };
  found.put_p50 = percentile(0.5);
  found.put_p999 = percentile(0.999);
  found.put_max = percentile(1);
  const std::uint64_t lookups = std::max<std::uint64_t>(keys, 1'000'000);
  std::size_t sum = 0;
  const auto random_key = [keys](std::uint64_t n) { return n * 0xd1342543de82ef95U % keys; };
  found.again = mean_ns(lookups, [&](std::uint64_t n) { peer.put(key_of(random_key(n)), value); });
  found.hit = mean_ns(lookups, [&](std::uint64_t n) { sum += peer.find(key_of(random_key(n))); });
  found.miss = mean_ns(lookups, [&](std::uint64_t n) { sum += peer.find(key_of(keys + n)); });
  if (sum != lookups * static_cast<std::size_t>('v')) std::abort();
  return found;
}

void print(const char* name, std::uint64_t keys, const figures& of, const figures& base) {
  std::printf(
      "%9llu  %-14s %6.0f %5.2fx  %6.0f %7.0f %9.0f  %6.0f %5.2fx  %6.0f %5.2fx  %6.0f %5.2fx\n",
      static_cast<unsigned long long>(keys), name, of.put, of.put / base.put, of.put_p50,
      of.put_p999, of.put_max, of.again, of.again / base.again, of.hit, of.hit / base.hit, of.miss,
      of.miss / base.miss);
}

// What a seal and walks pay.
void print_order(detail::young_table& table, std::uint64_t keys) {
  double longest = 0;
  const double begin = processor_ns();
  for (bool is_whole = false; !is_whole;) {
    const double start = processor_ns();
    is_whole = table.prepare_walk();
    longest = std::max(longest, processor_ns() - start);
  }
  const double whole = processor_ns() - begin;
  std::printf("           order of %llu: %.0f ns a row in all, longest step %.0f us",
              static_cast<unsigned long long>(keys), whole / static_cast<double>(keys),
              longest / 1000);
  for (const std::uint64_t fresh : {std::uint64_t{1}, std::uint64_t{100}}) {
    for (std::uint64_t n = 0; n < fresh; ++n)
      table.put(as_bytes(text(key_of(2 * keys + fresh * 1000 + n))), as_bytes("v"));
    const double start = processor_ns();
    const std::unique_ptr<detail::layer_walk> walk = table.walk({});
    std::printf("; walk after %llu fresh keys %.0f us", static_cast<unsigned long long>(fresh),
                (processor_ns() - start) / 1000);
  }
  std::printf("; %.1f bytes a row beyond the row\n",
              static_cast<double>(table.held_bytes()) / static_cast<double>(keys) - 64);
}

void run(std::uint64_t keys) {
  figures base;
  {
    map_peer map;
    base = measure(map, keys);
  }
  print("unordered_map", keys, base, base);
  table_peer hashed(young_layout::hashed);
  print("young hashed", keys, measure(hashed, keys), base);
  print_order(hashed.table(), keys);
  if (keys > 2'000'000) return;  // the ordered one takes minutes
  table_peer ordered(young_layout::ordered);
  print("young ordered", keys, measure(ordered, keys), base);
}

}  // namespace
}  // namespace lentic

int main(int count, char** words) {
  std::printf("%9s  %-14s %6s %6s  %6s %7s %9s  %6s %6s  %6s %6s  %6s %6s\n", "keys", "ns", "put",
              "x", "p50", "p99.9", "max", "again", "x", "hit", "x", "miss", "x");
  std::vector<std::uint64_t> sizes = {10'000, 1'000'000};
  if (count > 1) sizes.clear();
  for (int i = 1; i < count; ++i) sizes.push_back(std::strtoull(words[i], nullptr, 10));
  for (const std::uint64_t keys : sizes) {
    if (keys != 0) lentic::run(keys);
  }
  return 0;
}
