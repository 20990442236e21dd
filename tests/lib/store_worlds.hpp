// SPDX-License-Identifier: Apache-2.0
#pragma once

// The worlds that the conformance suites of byte_store and segmented_store run in: one for each
// implementation, and for an environment one for each place where a row can be.
//
// settle() moves what was stored so far to that place: into the journal, into a run, through a
// reopen. So a test that settles between its steps meets old rows under a young delta. A reference
// to a store or segment does not outlive settle().
//
// Threads: the test's. Every world is made fresh for a test and closed by its destructor.

#include "store_shell.hpp"

#include <lentic/cache/caching_store.hpp>
#include <lentic/coro/sim_runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/store/memory_store.hpp>
#include <lentic/store/prefixed_segments.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace lentic::test {

class segments_world {
 public:
  virtual ~segments_world() = default;
  virtual coro::runtime& runtime() = 0;
  virtual segmented_store& segments() = 0;
  virtual void settle() {}
  virtual std::size_t key_limit() const { return key_bytes_max; }
};

class memory_segments_world : public segments_world {
 public:
  coro::runtime& runtime() override { return life_; }
  segmented_store& segments() override { return segments_; }

 private:
  coro::sim_disk disk_{1};
  coro::sim_runtime life_{disk_, 1};
  memory_segments segments_;
};

class prefixed_world : public segments_world {
 public:
  prefixed_world() { settle(); }
  coro::runtime& runtime() override { return life_; }
  segmented_store& segments() override { return *segments_; }
  // Finds its segments again. The floor is not stored.
  void settle() override;
  std::size_t key_limit() const override { return key_bytes_max - 8; }

 private:
  coro::sim_disk disk_{1};
  coro::sim_runtime life_{disk_, 1};
  memory_store rows_;
  std::unique_ptr<prefixed_segments> segments_;
};

enum class aging { in_memory, journal, run, reopened_journal, reopened_run };

class environment_world : public segments_world {
 public:
  explicit environment_world(aging how);
  ~environment_world() override;
  coro::runtime& runtime() override { return *life_; }
  segmented_store& segments() override { return env_->open_segmented_store("store"); }
  void settle() override;

  environment& env() noexcept { return *env_; }
  void commit();
  void close();
  void open();
  // Runs what is under way, seals for instance, to its end.
  void let_work();

 private:
  aging how_;
  std::uint64_t lives_ = 0;
  coro::sim_disk disk_{1};
  std::unique_ptr<coro::sim_runtime> life_;
  std::unique_ptr<environment> env_;
};

template <aging How>
class aged_world : public environment_world {
 public:
  aged_world() : environment_world(How) {}
};

// For the byte_store suite: one segment of such a world, between two neighbours that must not be
// seen.
template <class Segments>
class segment_world {
 public:
  segment_world() {
    for (const segment_id id : {segment_id{4}, segment_id{6}}) {
      store_shell neighbour(runtime(), segments_.segments().segment(id));
      for (const char* const key : {"", "\xff", "k"}) neighbour.put(key, "neighbour");
    }
  }
  coro::runtime& runtime() { return segments_.runtime(); }
  byte_store& store() { return segments_.segments().segment(5); }
  void settle() { segments_.settle(); }
  std::size_t key_limit() const { return segments_.key_limit(); }

 private:
  Segments segments_;
};

class memory_store_world {
 public:
  coro::runtime& runtime() { return life_; }
  byte_store& store() { return store_; }
  void settle() {}
  std::size_t key_limit() const { return key_bytes_max; }

 private:
  coro::sim_disk disk_{1};
  coro::sim_runtime life_{disk_, 1};
  memory_store store_;
};

// A caching_store over a memory_store; settling flushes. With a small budget rows move down at any
// put.
template <caching Mode, std::uint64_t Budget>
class caching_world {
 public:
  coro::runtime& runtime() { return life_; }
  byte_store& store() { return *store_; }
  void settle() { static_cast<void>(sync_wait(life_, store_->flush())); }
  std::size_t key_limit() const { return key_bytes_max; }

 private:
  class deaf final : public change_listener {
   public:
    maybe_ready<void> on_change(const change&) override { return {}; }
  };

  static caching_options told_to(deaf& listener) {
    caching_options options;
    options.listener = &listener;
    return options;
  }

  coro::sim_disk disk_{1};
  coro::sim_runtime life_{disk_, 1};
  memory_store rows_;
  thread_cache budget_{life_.queue(), Budget};
  deaf listener_;
  std::unique_ptr<caching_store> store_ =
      make_caching_store(Mode, rows_, budget_, "cache", told_to(listener_));
};

}  // namespace lentic::test
