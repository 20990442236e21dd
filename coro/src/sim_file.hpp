// SPDX-License-Identifier: Apache-2.0
#pragma once

// sim_file: the bytes of one simulated file: cache image, media image, unsynced changes, and what
// a power cut makes of them. The rules are those of sim_disk.hpp. Threads: one.
// Invariant: both images read as zeros past their size.

#include <lentic/coro/sim_disk.hpp>
#include <lentic/coro/sim_random.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace lentic::coro::detail {

// Sparse bytes in 4 KiB pages; a page that is not there reads as zeros.
class sim_image {
 public:
  void write(std::uint64_t offset, std::span<const std::byte> from);
  void read(std::uint64_t offset, std::span<std::byte> to) const noexcept;
  // Zeros from `offset` to the end. O(pages past offset).
  void cut(std::uint64_t offset) noexcept;
  void copy_page(const sim_image& from, std::size_t index);
  std::size_t page_count() const noexcept { return pages_.size(); }
  const sim_disk::page* page(std::size_t index) const noexcept {
    return index < pages_.size() ? pages_[index].get() : nullptr;
  }

 private:
  sim_disk::page& page_for_write(std::size_t index);

  std::vector<std::unique_ptr<sim_disk::page>> pages_;
};

class sim_file {
 public:
  std::uint64_t size() const noexcept { return size_; }
  const sim_image& cache() const noexcept { return cache_; }
  const sim_image& media() const noexcept { return media_; }

  void write(std::uint64_t sequence, std::uint64_t offset, std::span<const std::byte> from,
             sim_disk::fate outcome);
  void resize(std::uint64_t sequence, std::uint64_t bytes);
  // Makes the changes up to `upto` durable. O(their bytes).
  void sync(std::uint64_t upto);
  // Forgets that there is anything to write.
  void fail_sync();
  // `freed`: pages of deleted files, which turn up as garbage.
  void power_cut(sim_random& random, sim_sizes sizes, std::span<const sim_disk::page> freed);
  void flip_bit(std::uint64_t bit);

 private:
  enum class change_kind : std::uint8_t { write, grow, shrink };
  struct change {
    std::uint64_t sequence = 0;
    change_kind kind = change_kind::write;
    std::uint64_t offset = 0;  // of a write; else the new size
    std::vector<std::byte> data;
  };
  // A sector with unsynced writes: those up to `upto` reached the media; `lost` when none did.
  struct sector_fate {
    std::uint64_t sector = 0;
    std::size_t upto = 0;
    std::size_t newest = 0;  // the last write to it
  };
  static constexpr std::size_t lost = ~std::size_t{0};
  struct page_range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };
  struct growth {
    std::uint64_t base = 0;    // durable in any case
    std::uint64_t target = 0;  // wanted by the unsynced changes
    std::size_t since = 0;     // first change after the last truncation that survived
  };

  static page_range pages_of(const change& one, std::uint64_t size_before) noexcept;
  void apply(const change& one);
  std::vector<sector_fate> decide_sectors(sim_random& random) const;
  growth replay(const std::vector<sector_fate>& fates, std::uint64_t shrinks_kept);
  void write_sectors(std::size_t index, const std::vector<sector_fate>& fates);
  static bool leaves_gap(const sector_fate& fate, const growth& grown) noexcept;
  static std::uint64_t ordered_size(const growth& grown, std::uint64_t wanted,
                                    const std::vector<sector_fate>& fates) noexcept;
  void spread_garbage(sim_random& random, const growth& grown,
                      const std::vector<sector_fate>& fates, std::span<const sim_disk::page> freed);

  sim_image cache_;
  sim_image media_;
  std::uint64_t size_ = 0;
  std::uint64_t media_size_ = 0;
  std::vector<change> changes_;
  // Where cache and media differ: by unsynced changes, or for good after a failed sync.
  std::vector<page_range> differing_;
  bool lossy_ = false;  // a failed sync or a lost write: differing_ survives syncs
};

}  // namespace lentic::coro::detail
