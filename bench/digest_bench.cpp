// SPDX-License-Identifier: Apache-2.0
// What the digests of a segment cost a put, its share of the cut included: the same puts and cuts
// over a segment that keeps them and one that does not, in turns. Arguments: rounds; 15 by default.
// Times are of the processor, of one thread; ns/put are medians of the rounds, and the ratio is the
// median of those of the rounds, with the quarters below and above it.
//
//   new     each put makes a row
//   once    each row is put once between two cuts: its old hash leaves the sums, a new one enters
//   often   each row is put ten times between two cuts
#include "mmap_segment.hpp"
#include "young_rows.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace lentic {
namespace {

constexpr std::uint64_t row_count = 200'000;
constexpr std::uint64_t puts_per_cut = 10'000;

enum class sums { kept, left_out };

class host final : public detail::segment_host {
 public:
  explicit host(sums which) : segment_host(0), which_(which) {}
  task<void> make_room(std::uint64_t) override { co_return; }
  void check_writable() const override {}
  bool is_durable() const override { return true; }
  bool keeps_digests() const override { return which_ == sums::kept; }
  void retire_run(std::uint64_t, std::uint64_t, std::uint64_t) override {}

 private:
  sums which_;
};

// One segment, put into and cut.
class side {
 public:
  explicit side(sums which)
      : host_(which),
        segment_(std::make_shared<detail::mmap_segment>(host_, 1, 1, young_layout::hashed)) {}

  // Rows [from, from + count), `times` in a row, cut after each so many puts; ns a put.
  double put(std::uint64_t from, std::uint64_t count, std::uint64_t times,
             const std::string& value) {
    const double start = processor_ns();
    const std::uint64_t rows_per_cut = puts_per_cut / times;
    for (std::uint64_t first = from; first < from + count; first += rows_per_cut) {
      for (std::uint64_t time = 0; time < times; ++time)
        for (std::uint64_t n = first; n < first + rows_per_cut; ++n) put_one(n, value);
      cut();
    }
    return (processor_ns() - start) / static_cast<double>(count * times);
  }

 private:
  void put_one(std::uint64_t number, const std::string& value) {
    const key_type key = key_of(number);
    segment_->put(as_bytes({key.data(), key.size()}), as_bytes(value)).take();
  }
  void cut() {
    detail::payload_writer frame;
    ++sequence_;
    segment_->cut(frame, {sequence_, sequence_});
  }

  host host_;
  std::shared_ptr<detail::mmap_segment> segment_;
  std::uint64_t sequence_ = 0;
};

struct figures {
  std::vector<double> without;
  std::vector<double> with;
  std::vector<double> ratio;

  void add(double kept, double left_out) {
    with.push_back(kept);
    without.push_back(left_out);
    ratio.push_back(kept / left_out);
  }
};

double part_of(std::vector<double> all, double share) {
  std::sort(all.begin(), all.end());
  return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
}

void print(const char* name, std::size_t value_bytes, const figures& of) {
  const double without = part_of(of.without, 0.5);
  const double with = part_of(of.with, 0.5);
  std::printf("%-6s %6zu B  %8.1f %8.1f %+7.1f ns   %.3fx (%.3f to %.3f)\n", name, value_bytes,
              without, with, with - without, part_of(of.ratio, 0.5), part_of(of.ratio, 0.25),
              part_of(of.ratio, 0.75));
}

// Which side comes first changes with the round.
template <class Each>
void pair(std::size_t round, figures& into, side& kept, side& left_out, Each each) {
  const double before = round % 2 == 0 ? each(kept) : 0;
  const double other = each(left_out);
  into.add(round % 2 == 0 ? before : each(kept), other);
}

void measure(std::size_t value_bytes, std::size_t rounds) {
  figures fresh;
  figures once;
  figures often;
  const std::string first(value_bytes, 'v');
  const std::string second(value_bytes, 'w');
  for (std::size_t round = 0; round < rounds; ++round) {
    side kept(sums::kept);
    side left_out(sums::left_out);
    pair(round, fresh, kept, left_out,
         [&](side& each) { return each.put(0, row_count, 1, first); });
    pair(round, once, kept, left_out,
         [&](side& each) { return each.put(0, row_count, 1, second); });
    pair(round, often, kept, left_out,
         [&](side& each) { return each.put(0, row_count / 10, 10, first); });
  }
  print("new", value_bytes, fresh);
  print("once", value_bytes, once);
  print("often", value_bytes, often);
}

}  // namespace
}  // namespace lentic

int main(int count, char** values) {
  const std::size_t rounds = count > 1 ? std::strtoul(values[1], nullptr, 10) : 15;
  if (rounds == 0) return 2;
  std::printf("keys of 28 B, %llu rows, cuts of %llu puts, hashed, %zu rounds\n",
              static_cast<unsigned long long>(lentic::row_count),
              static_cast<unsigned long long>(lentic::puts_per_cut), rounds);
  std::printf("puts    value    without     with    more     with / without\n");
  for (const std::size_t bytes : {std::size_t{8}, std::size_t{36}, std::size_t{400}})
    lentic::measure(bytes, rounds);
}
