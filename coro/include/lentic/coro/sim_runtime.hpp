// SPDX-License-Identifier: Apache-2.0
#pragma once

// sim_runtime: one life of a simulated process: virtual clock, seeded randomness, and a sim_engine
// over a disk that outlives it. A story is
//
//   sim_disk disk(seed, sim_disk_options::drawn(seed));
//   for (life = 0; life < lives; ++life) {
//     sim_runtime runtime(disk, seed + life);
//     runtime.engine().cut_power_at(n);
//     try { sync_wait(runtime, job(runtime)); } catch (const std::system_error&) {}
//   }
//
// After a cut or a kill, every operation fails with EIO, while queue and timers go on, so that all
// frames unwind; the owner sees the error of its task, and engine().is_off(). Whatever the job had
// in scopes of its own must be joined by the job, as after any error.
//
// Time: stands still while coroutines run; an I/O operation takes up to 200 us; when only timers
// are left it jumps to the next. now_ms() begins at 1,000, so that no test takes 0 for granted.
// Threads: one. The same disk seed, seed and job give the same trace_hash().

#include <lentic/coro/runtime.hpp>
#include <lentic/coro/sim_disk.hpp>
#include <lentic/coro/sim_engine.hpp>
#include <lentic/coro/sim_random.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <thread>

namespace lentic::coro {

struct sim_runtime_options {
  sim_faults faults;
  sim_mutations mutations;
  std::int64_t wall_start_ms = 1'000'000'000'000;  // 2001-09-09T01:46:40Z
};

class sim_runtime final : public runtime {
 public:
  sim_runtime(sim_disk& disk, std::uint64_t seed, sim_runtime_options options = {});
  ~sim_runtime() override;

  sim_engine& engine() noexcept { return engine_; }
  io_engine& io() noexcept override { return engine_; }
  std::int64_t now_ms() noexcept override { return now_us_ / 1000; }
  std::int64_t wall_ms() noexcept override { return wall_start_ms_ + now_us_ / 1000; }
  std::uint64_t random() noexcept override { return random_.next(); }
  void start_timer(timer_request& request) override;
  void cancel_timer(timer_request& request) noexcept override;
  // From the one thread of the simulation.
  void post(std::function<void()> work) override;
  bool turn() override;

  // Lets time pass and pushes the timers that it reaches.
  void advance_ms(std::int64_t duration);
  // The wall clock jumps, as when somebody sets it; now_ms() does not.
  void shift_wall_ms(std::int64_t difference) noexcept { wall_start_ms_ += difference; }
  std::uint64_t trace_hash() const noexcept { return engine_.trace_hash(); }

 private:
  static constexpr std::size_t resumes_per_turn = 64;

  void fire_timers() noexcept;
  bool run_posted();

  sim_random random_;
  std::int64_t now_us_ = 1'000'000;
  std::int64_t wall_start_ms_;
  std::multimap<std::int64_t, timer_request*> timers_;  // equal deadlines: in order of start
  std::deque<std::function<void()>> posted_;
  std::thread::id owner_ = std::this_thread::get_id();
  sim_engine engine_;
};

}  // namespace lentic::coro
