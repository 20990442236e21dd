// SPDX-License-Identifier: Apache-2.0
#pragma once

// flushing_store: what both modes of caching_store share: the run of a flush. A run takes one entry
// after the other through pick() -> land() -> tell(), in the calling function as long as all are
// ready, in a coroutine from the first that is not.
//
// The entry under way is in flight_, as copies: a put may change the entry meanwhile. A change that
// landed and was not taken by its listener stays there and is told first by the next run.
// Threads: one owner.

#include <lentic/cache/caching_store.hpp>
#include <lentic/coro/event.hpp>

#include <optional>
#include <span>
#include <utility>

namespace lentic::detail {

// An optional byte string that keeps its room.
class kept_value {
 public:
  void set(std::optional<bytes_view> value) {
    if (value) raw_.assign(value->begin(), value->end());
    present_ = value.has_value();
  }
  std::optional<bytes_view> view() const noexcept {
    return present_ ? std::optional<bytes_view>(raw_) : std::nullopt;
  }

 private:
  bytes raw_;
  bool present_ = false;
};

class flushing_store : public caching_store {
 public:
  maybe_ready<std::uint64_t> flush(coro::stop_token stop) override;
  task<std::vector<owned_change>> flush_with_old(coro::stop_token stop) override;
  maybe_ready<std::uint64_t> retire_below(bytes_view end) override;
  std::uint64_t dirty_count() const noexcept override;
  // Also of keys that are in the cache: what is above is not looked at.
  void prefetch(std::span<const bytes_view> keys) override { inner_.prefetch(keys); }

 protected:
  struct flight {
    bytes key;
    kept_value old_value;
    kept_value new_value;
    record_context context;
  };

  flushing_store(byte_store& inner, thread_cache& cache, const caching_options& options)
      : inner_(inner), options_(options), memory_(cache.memory()), idle_(cache.queue()) {}
  ~flushing_store() override;

  // The entry that a run takes next goes into flight_.key and is under way; false at the end. With
  // bound_ only keys below it. Throws with nothing changed.
  virtual bool pick() = 0;
  // Brings the value of the entry under way below and fills flight_; the entry is clean then. False
  // when there is no change to tell. Throws with the entry dirty, once unpick() was called.
  virtual maybe_ready<bool> land() = 0;
  virtual void unpick() noexcept = 0;
  virtual void begin_run() noexcept = 0;
  virtual void end_run() noexcept = 0;
  virtual std::uint64_t unlanded_count() const noexcept = 0;
  // Forgets all entries below `end`, which are clean, except those put during the run.
  virtual void forget_below(bytes_view end) = 0;

  maybe_ready<std::uint64_t> run(coro::stop_token stop);
  bool running() const noexcept { return running_; }
  // Nothing is dirty, or left to be told.
  bool is_settled() const noexcept { return unlanded_count() == 0 && state_ == flight_state::none; }
  coro::event& idle() noexcept { return idle_; }
  // The change that its listener did not take is not told again. Precondition: no run.
  void forget_untaken() noexcept { state_ = flight_state::none; }
  const record_context& current() const noexcept {
    static const record_context none;
    return options_.current != nullptr ? *options_.current : none;
  }

  byte_store& inner_;
  const caching_options options_;
  flight flight_;
  std::optional<bytes_view> bound_;

 private:
  memory_account* memory_;  // null: none
  std::optional<memory_account::flush_guard> reserve_;

  enum class flight_state { none, started, landed };
  enum class outcome { end, skipped, told };

  // Ends the run where it is destroyed, by return, by a throw, or with a frame that never ran.
  class run_guard {
   public:
    explicit run_guard(flushing_store& store) noexcept : store_(&store) { store.begin(); }
    run_guard(run_guard&& other) noexcept : store_(std::exchange(other.store_, nullptr)) {}
    run_guard& operator=(run_guard&&) = delete;
    ~run_guard() {
      if (store_ != nullptr) store_->end();
    }

   private:
    flushing_store* store_;
  };

  void begin() noexcept;
  void end() noexcept;
  maybe_ready<outcome> unit(const coro::stop_token& stop);
  task<outcome> unit_cold(maybe_ready<bool> landing);
  maybe_ready<void> tell();
  task<outcome> told_cold(maybe_ready<void> telling);
  task<std::uint64_t> run_cold(run_guard guard, coro::stop_token stop, std::uint64_t count,
                               maybe_ready<outcome> pending);
  task<std::uint64_t> flush_later(coro::stop_token stop);
  maybe_ready<std::uint64_t> retire(bytes_view end);
  task<std::uint64_t> retire_cold(bytes_view end, maybe_ready<std::uint64_t> pending);
  task<std::uint64_t> retire_later(bytes_view end);

  coro::event idle_;
  flight_state state_ = flight_state::none;
  std::optional<change> told_;
  std::vector<owned_change> drained_;
  bool running_ = false;
  bool pulling_ = false;
};

}  // namespace lentic::detail
