// SPDX-License-Identifier: Apache-2.0
#pragma once

// The run of an engine that does not suspend. What it must have:
//
//   void count(const workload&, std::uint64_t event)     get, count + 1, put
//   void commit()                                        durable on return
//   void drop_below(std::int64_t window)                 segments that lie below it whole
//   std::uint64_t fetch(const key_bytes&, from, to)      rows of one key in windows [from, to]
//   void scan(Visit visit)                               visit(key, value) for every row

#include "figures.hpp"

namespace lentic::bench {

// Reads a byte of each row, as the least that a reader of rows does.
class row_touch {
 public:
  void operator()(bytes_view key, bytes_view value) noexcept {
    ++rows_;
    sum_ +=
        std::to_integer<std::uint64_t>(key.front()) + std::to_integer<std::uint64_t>(value.back());
  }
  std::uint64_t rows() const noexcept { return rows_; }
  // So that the reading is not optimised away.
  std::uint64_t sum() const noexcept { return sum_; }

 private:
  std::uint64_t rows_ = 0;
  std::uint64_t sum_ = 0;
};

template <class Engine>
void count_events(Engine& engine, const workload& work, run_meter& meter) {
  for (std::uint64_t event = 0; event < work.events(); ++event) {
    const bool sampled = run_meter::samples(event);
    const stopwatch counting(sampled);
    engine.count(work, event);
    if (sampled) meter.event_took(counting.seconds());
    if (!work.commits_after(event)) continue;
    const stopwatch committing;
    engine.commit();
    meter.commit_took(committing.seconds());
    const stopwatch dropping;
    engine.drop_below(work.open_window(event) - windows_retained);
    meter.expiry_took(dropping.seconds());
  }
  meter.end_of_events(work);
}

template <class Engine>
run_figures drive(Engine& engine, const workload& work, std::string directory) {
  run_meter meter(std::move(directory));
  count_events(engine, work, meter);
  const std::int64_t last = work.last_window();
  const std::int64_t first = std::max<std::int64_t>(0, last - windows_retained + 1);
  for (std::uint64_t i = 0; i < work.options().fetches; ++i) {
    const stopwatch fetching;
    const std::uint64_t rows = engine.fetch(work.key(work.fetched_id(i)), first, last);
    meter.fetch_took(fetching.seconds(), rows);
  }
  row_touch touch;
  const stopwatch scanning;
  engine.scan(touch);
  meter.scan_took(scanning.seconds(), touch.rows());
  row_digest digest;
  const auto add = [&digest](bytes_view key, bytes_view value) { digest.add(key, value); };
  engine.scan(add);
  meter.end_of_run(digest);
  return meter.figures();
}

}  // namespace lentic::bench
