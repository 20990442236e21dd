// SPDX-License-Identifier: Apache-2.0
#pragma once

// The worlds of the conformance suite of snapshots: a store that is written to, and snapshots of
// it, over each implementation and behind and before caches. A reference to the store lives as long
// as the world; settle() moves rows on below: flushes, commits, seals.
//
// Threads: the test's. Every world is made fresh for a test.

#include "store_worlds.hpp"

#include <lentic/store/snapshot_segments.hpp>
#include <lentic/store/snapshot_store.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace lentic::test {

// A snapshot, of a store or of one of several segments.
class shot {
 public:
  explicit shot(std::unique_ptr<live_snapshot> whole) noexcept : whole_(std::move(whole)) {}
  shot(std::unique_ptr<segments_snapshot> all, segment_id id) noexcept
      : all_(std::move(all)), id_(id) {}

  byte_store& rows() { return whole_ ? *whole_ : all_->segment(id_); }
  std::uint64_t bytes() const { return whole_ ? whole_->bytes() : all_->bytes(); }
  bool expired() const { return whole_ ? whole_->expired() : all_->expired(); }

 private:
  std::unique_ptr<live_snapshot> whole_;
  std::unique_ptr<segments_snapshot> all_;
  segment_id id_ = 0;
};

class snapshot_world {
 public:
  virtual ~snapshot_world() = default;
  virtual coro::sim_runtime& runtime() = 0;
  virtual byte_store& store() = 0;
  virtual shot open(const snapshot_limits& limits) = 0;
  virtual void settle() {}
};

class over_memory : public snapshot_world {
 public:
  explicit over_memory(young_layout layout = young_layout::ordered) : rows_(layout) {}
  coro::sim_runtime& runtime() override { return life_; }
  byte_store& store() override { return *store_; }
  shot open(const snapshot_limits& limits) override {
    return shot(sync_wait(life_, store_->open_snapshot(limits)));
  }

 private:
  coro::sim_disk disk_{1};
  coro::sim_runtime life_{disk_, 1};
  memory_store rows_;
  std::unique_ptr<snapshot_store> store_ = make_snapshot_store(rows_, life_);
};

class over_hashed_memory : public over_memory {
 public:
  over_hashed_memory() : over_memory(young_layout::hashed) {}
};

// A segment between two neighbours that change too.
class over_segments : public snapshot_world {
 public:
  byte_store& store() override {
    store_shell(runtime(), segments_->segment(4)).put("k", "a neighbour");
    store_shell(runtime(), segments_->segment(6)).put("", "another");
    return segments_->segment(5);
  }
  shot open(const snapshot_limits& limits) override {
    return shot(sync_wait(runtime(), segments_->open_snapshot(limits)), 5);
  }

 protected:
  void record(segmented_store& inner) { segments_ = make_snapshot_segments(inner, runtime()); }
  std::unique_ptr<snapshot_segments> segments_;
};

class over_memory_segments : public over_segments {
 public:
  over_memory_segments() { record(inner_); }
  ~over_memory_segments() override { segments_.reset(); }
  coro::sim_runtime& runtime() override { return life_; }

 private:
  coro::sim_disk disk_{1};
  coro::sim_runtime life_{disk_, 1};
  memory_segments inner_;
};

class over_prefixed_segments : public over_segments {
 public:
  over_prefixed_segments() {
    inner_ = sync_wait(life_, prefixed_segments::open(rows_));
    record(*inner_);
  }
  ~over_prefixed_segments() override { segments_.reset(); }
  coro::sim_runtime& runtime() override { return life_; }

 private:
  coro::sim_disk disk_{1};
  coro::sim_runtime life_{disk_, 1};
  memory_store rows_;
  std::unique_ptr<prefixed_segments> inner_;
};

// Segments of an environment; what is settled is not known to be in memory.
template <aging How>
class over_environment : public over_segments {
 public:
  over_environment() { record(below_.segments()); }
  ~over_environment() override { segments_.reset(); }
  coro::sim_runtime& runtime() override {
    return static_cast<coro::sim_runtime&>(below_.runtime());
  }
  void settle() override {
    below_.settle();
    below_.env().forget_residency();
  }

 private:
  environment_world below_{How};
};

class deaf final : public change_listener {
 public:
  maybe_ready<void> on_change(const change&) override { return {}; }
};

// What the worlds of caches share: a cache over a store of an environment whose rows go into runs.
class cached_world : public snapshot_world {
 public:
  coro::sim_runtime& runtime() override {
    return static_cast<coro::sim_runtime&>(below_.runtime());
  }
  void settle() override {
    static_cast<void>(sync_wait(runtime(), cache_->flush()));
    below_.segments().seal_hint(0);
    below_.commit();
    below_.let_work();
    below_.env().forget_residency();
  }

 protected:
  explicit cached_world(std::uint64_t budget) : budget_(runtime().queue(), budget) {}
  byte_store& backend() { return below_.segments().segment(0); }
  void make_cache(caching mode, byte_store& inner) {
    caching_options options;
    options.listener = &listener_;
    cache_ = make_caching_store(mode, inner, budget_, "cache", options);
  }

  environment_world below_{aging::run};
  thread_cache budget_;
  deaf listener_;
  std::unique_ptr<caching_store> cache_;
};

// The snapshots are taken in front of the cache.
template <caching Mode, std::uint64_t Budget>
class over_cache : public cached_world {
 public:
  over_cache() : cached_world(Budget) {
    make_cache(Mode, backend());
    store_ = make_snapshot_store(*cache_, runtime(), below_.env().memory());
  }
  byte_store& store() override { return *store_; }
  shot open(const snapshot_limits& limits) override {
    return shot(sync_wait(runtime(), store_->open_snapshot(limits)));
  }

 private:
  std::unique_ptr<snapshot_store> store_;
};

// A fused cache in front of the store that snapshots are taken of.
template <std::uint64_t Budget>
class under_cache : public cached_world {
 public:
  under_cache() : cached_world(Budget) {
    store_ = make_snapshot_store(backend(), runtime());
    make_cache(caching::fused, *store_);
  }
  ~under_cache() override { cache_.reset(); }
  byte_store& store() override { return *cache_; }
  shot open(const snapshot_limits& limits) override {
    return shot(sync_wait(runtime(), store_->open_snapshot(limits)));
  }

 private:
  std::unique_ptr<snapshot_store> store_;
};

}  // namespace lentic::test
