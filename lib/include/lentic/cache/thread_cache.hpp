// SPDX-License-Identifier: Apache-2.0
#pragma once

// thread_cache: one byte budget over the caches of one thread (Kafka's ThreadCache). It holds no
// entries: each cache has a cache_account here, which it charges for what it holds. A cache that a
// put takes over the budget evicts from itself, never from a neighbour.
//
// Threads: one owner. Lifetime: it outlives its accounts. Errors: errc::invalid_argument for a name
// that is taken.
// Not promised: that the sum stays within the budget: a cache that is empty stops evicting while
// its neighbours hold more, and the entries that a running flush still needs are kept.

#include <lentic/coro/run_queue.hpp>
#include <lentic/memory_account.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace lentic {

class cache_account;

class thread_cache final : private memory_donor {
 public:
  // `queue` is the thread's: who waits for a flush to end is woken there.
  thread_cache(coro::run_queue& queue, std::uint64_t bytes_max) noexcept
      : queue_(&queue), bytes_max_(bytes_max) {}
  thread_cache(const thread_cache&) = delete;
  thread_cache& operator=(const thread_cache&) = delete;
  ~thread_cache();

  // From now on the caches count in that account too, give up clean entries when it runs out, and
  // their flushes may draw on its reserve. Once, before the first entry; see environment::memory().
  // From then on a view of a clean entry also ends at environment::append_output(), which does not
  // wait for room.
  void bind(std::shared_ptr<memory_account> memory);
  // Null: none.
  memory_account* memory() const noexcept { return memory_.get(); }

  std::uint64_t bytes() const noexcept { return bytes_; }
  std::uint64_t bytes_max() const noexcept { return bytes_max_; }
  bool over_budget() const noexcept { return bytes_ > bytes_max_; }
  coro::run_queue& queue() const noexcept { return *queue_; }
  // What the cache of that name holds; 0 when there is none. O(log caches).
  std::uint64_t bytes_of(std::string_view name) const;

 private:
  friend class cache_account;

  std::uint64_t give_up(std::uint64_t wanted) noexcept override;

  std::shared_ptr<memory_account> memory_;
  coro::run_queue* queue_;
  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
  std::map<std::string, cache_account*, std::less<>> accounts_;
};

// Where the entries of a cache lie: in memory of its own, or as rows of a store, which counts them.
enum class entry_memory { own, of_the_store };

// The part of one cache in a thread_cache. Sum and part change together, so that neither drifts,
// whatever a listener does in between.
class cache_account {
 public:
  // `donor` gives up what it can do without; null: there is nothing.
  cache_account(thread_cache& owner, std::string_view name, memory_donor* donor = nullptr,
                entry_memory entries = entry_memory::own);
  cache_account(const cache_account&) = delete;
  cache_account& operator=(const cache_account&) = delete;
  ~cache_account();

  void charge(std::uint64_t bytes) noexcept {
    bytes_ += bytes;
    owner_->bytes_ += bytes;
    if (memory_ != nullptr) memory_->charge(memory_holder::caches, bytes);
  }
  void credit(std::uint64_t bytes) noexcept {
    bytes_ -= bytes;
    owner_->bytes_ -= bytes;
    if (memory_ != nullptr) memory_->credit(memory_holder::caches, bytes);
  }
  // Memory that an entry takes beside what it is charged for; only a bound account counts it.
  void add_entry() noexcept { overhead_.add(entry_bytes); }
  void remove_entries(std::uint64_t count) noexcept {
    overhead_.set(overhead_.bytes() - count * entry_bytes);
  }

  std::uint64_t bytes() const noexcept { return bytes_; }
  thread_cache& owner() const noexcept { return *owner_; }

 private:
  friend class thread_cache;

  // A node, a slot and links, less what Kafka's formula counts.
  static constexpr std::uint64_t entry_bytes = 170;

  thread_cache* owner_;
  memory_account* memory_;  // null: entries are not charged
  std::string name_;
  memory_donor* donor_;
  memory_share overhead_;
  std::uint64_t bytes_ = 0;
};

}  // namespace lentic
