// SPDX-License-Identifier: Apache-2.0
#include "mmap_segment.hpp"

#include <lentic/coro/when_all.hpp>

#include <algorithm>
#include <array>
#include <utility>

// What mmap_segment answers of rows: from memory at once, else once their blocks were read.

namespace lentic::detail {

namespace {

// Keys that are looked up together.
constexpr std::size_t look_group = 32;

}  // namespace

maybe_ready<std::optional<value_view>> mmap_segment::get(bytes_view key) {
  const run_answer found = look(key);
  if (found.cold_block) return get_slowly(shared_from_this(), to_bytes(key));
  return views_.hand_out(found.value);
}

task<std::optional<value_view>> mmap_segment::get_slowly(std::shared_ptr<mmap_segment> self,
                                                         bytes key) {
  const run_answer found = co_await self->look_slowly(key);
  co_return self->views_.hand_out(found.value);
}

// Rows in memory first, all of them; then what is left, below.
void mmap_segment::look_many(std::span<const bytes_view> keys, std::span<run_answer> found) {
  std::array<young_record*, look_group> young;
  for (std::size_t from = 0; from < keys.size(); from += look_group) {
    const auto group = keys.subspan(from, std::min(look_group, keys.size() - from));
    young_->find_many(group, std::span(young).first(group.size()));
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (young[i] == nullptr) {
        found[from + i] = look_below(group[i]);
      } else if (!young[i]->is_tombstone()) {
        found[from + i].value = young[i]->value();
      }
    }
  }
}

// All reads side by side; throws the first error, once all have ended.
task<void> mmap_segment::load_for(std::span<const bytes_view> keys,
                                  std::span<const run_answer> found) {
  std::vector<task<void>> loads;
  std::vector<std::size_t> blocks;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (found[i].cold_block) blocks.push_back(*found[i].cold_block);
  }
  std::sort(blocks.begin(), blocks.end());
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  loads.reserve(blocks.size());
  for (const std::size_t block : blocks)
    loads.push_back(run_reader::load(run_, run_reader::only(block)));
  co_await coro::when_all(std::move(loads));
}

task<std::vector<std::optional<bytes>>> mmap_segment::multi_get(std::span<const bytes_view> keys) {
  return get_many(shared_from_this(), keys);
}

// What is still not in memory after the reads, because the run is another one now or memory is very
// short, is read one by one.
task<std::vector<std::optional<bytes>>> mmap_segment::get_many(std::shared_ptr<mmap_segment> self,
                                                               std::span<const bytes_view> keys) {
  std::vector<std::optional<bytes>> values(keys.size());
  std::vector<run_answer> found(keys.size());
  self->look_many(keys, found);
  const auto is_cold = [](const run_answer& each) { return each.cold_block.has_value(); };
  const bool has_cold = std::any_of(found.begin(), found.end(), is_cold);
  if (has_cold) {
    co_await self->load_for(keys, found);
    std::fill(found.begin(), found.end(), run_answer());
    self->look_many(keys, found);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (found[i].value) values[i] = to_bytes(*found[i].value);
  }
  for (std::size_t i = 0; has_cold && i < keys.size(); ++i) {
    if (!found[i].cold_block) continue;
    const run_answer late = co_await self->look_slowly(keys[i]);
    if (late.value) values[i] = to_bytes(*late.value);
  }
  co_return values;
}

void mmap_segment::prefetch(std::span<const bytes_view> keys) {
  const expiring_views ends(views_);
  if (!run_) return;
  for (const bytes_view key : keys) {
    if (young_->find(key) != nullptr || (frozen_ && frozen_->find(key) != nullptr)) continue;
    if (!run_->may_hold(key)) continue;
    run_->load_soon(run_reader::only(run_->block_of(key)));
  }
}

maybe_ready<std::optional<pinned_value>> mmap_segment::pin(bytes_view key) {
  const expiring_views ends(views_);
  const run_answer found = look(key);
  if (found.cold_block) return pin_slowly(shared_from_this(), to_bytes(key));
  return pinned(found);
}

task<std::optional<pinned_value>> mmap_segment::pin_slowly(std::shared_ptr<mmap_segment> self,
                                                           bytes key) {
  const run_answer found = co_await self->look_slowly(key);
  co_return self->pinned(found);
}

std::optional<pinned_value> mmap_segment::pinned(const run_answer& found) const {
  if (!found.value) return std::nullopt;
  if (!found.is_of_run) return std::optional<pinned_value>(std::in_place, *found.value);
  return std::optional<pinned_value>(std::in_place, *found.value, run_);
}

run_answer mmap_segment::look(bytes_view key) {
  const young_record* const found = young_->find(key);
  if (found == nullptr) return look_below(key);
  if (found->is_tombstone()) return {};
  return {found->value(), std::nullopt, false};
}

run_answer mmap_segment::look_below(bytes_view key) {
  const young_record* const found = frozen_ ? frozen_->find(key) : nullptr;
  if (found != nullptr && found->is_tombstone()) return {};
  if (found != nullptr) return {found->value(), std::nullopt, false};
  if (!quarantined_.empty()) check_readable();
  if (!run_) return {};
  return run_->look(key);
}

// look() once the block is in memory. A block that was forgotten between its read and its reader's
// turn is touched all the same; otherwise this goes on only where another run has come.
task<run_answer> mmap_segment::look_slowly(bytes_view key) {
  run_answer found = look(key);  // again: it may be long since who asked has looked
  while (found.cold_block) {
    const std::size_t block = *found.cold_block;
    const std::shared_ptr<run_reader> run = run_;
    co_await run_reader::load(run, run_reader::only(block));
    found = look(key);
    if (found.cold_block && run_ == run && *found.cold_block == block)
      co_return run_answer(run->find(key), std::nullopt, true);
  }
  co_return found;
}

}  // namespace lentic::detail
