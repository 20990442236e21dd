// SPDX-License-Identifier: Apache-2.0
#include "young_order.hpp"

#include <lentic/endian.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace lentic::detail {

namespace {

// About 0.3 ms of sorting.
constexpr std::size_t step_records = 2048;
constexpr std::size_t noted_min = 64;
constexpr std::size_t noted_share = 8;

std::size_t common_bytes(bytes_view left, bytes_view right, std::size_t at_most) {
  const std::size_t most = std::min({left.size(), right.size(), at_most});
  return static_cast<std::size_t>(
      std::mismatch(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(most), right.begin())
          .first
      - left.begin());
}

template <class Element>
void free_memory(std::vector<Element>& from) noexcept {
  std::vector<Element>().swap(from);
}

}  // namespace

auto young_order::by_key() const noexcept {
  return [this](record_number left, record_number right) {
    return compare(key(left), key(right)) < 0;
  };
}

void young_order::add(record_number record) noexcept {
  if (phase_ == phase::none) return;
  if (phase_ == phase::kept && fresh_.size() < fresh_.capacity()) return fresh_.push_back(record);
  give_up();
}

void young_order::remove(record_number record) noexcept {
  if (phase_ == phase::kept && removed_.size() < removed_.capacity()) {
    at(record).set(young_record::gone_flag, true);
    return removed_.push_back(record);
  }
  if (phase_ != phase::none) give_up();
  release(record);
}

void young_order::release(record_number record) noexcept {
  records_->release(record, at(record).whole_bytes());
}

void young_order::give_up() noexcept {
  for (const record_number each : removed_) release(each);
  free_memory(removed_);
  free_memory(fresh_);
  free_memory(sorted_);
  free_memory(items_);
  free_memory(runs_);
  phase_ = phase::none;
}

bool young_order::step(const young_index& index) {
  switch (phase_) {
    case phase::none:
      next_hash_ = 0;
      sorted_.reserve(index.size());
      phase_ = phase::collecting;
      break;
    case phase::collecting:
      collect_some(index);
      break;
    case phase::sorting:
      sort_some();
      break;
    case phase::merging:
      merge_some();
      break;
    case phase::kept:
      if (!fresh_.empty() || !removed_.empty()) sort_in();
      return true;
  }
  return phase_ == phase::kept;
}

void young_order::collect_some(const young_index& index) {
  const std::size_t before = sorted_.size();
  const std::optional<std::uint32_t> last = index.page_of(next_hash_, sorted_);
  for (std::size_t i = before; i < sorted_.size(); ++i) {
    const bytes_view first = key(sorted_.front());
    common_ = common_bytes(first, key(sorted_[i]), i == 0 ? first.size() : common_);
  }
  if (last) {
    next_hash_ = *last + 1;
    return;
  }
  phase_ = phase::sorting;
}

void young_order::sort_some() {
  items_.reserve(sorted_.size());
  runs_.reserve(sorted_.size() / step_records + 1);
  const std::size_t first = items_.size();
  const std::size_t end = std::min(sorted_.size(), first + step_records);
  for (std::size_t i = first; i < end; ++i) items_.push_back(item_of(sorted_[i]));
  std::sort(items_.begin() + static_cast<std::ptrdiff_t>(first), items_.end(),
            [this](const item& left, const item& right) { return less(left, right); });
  if (first != end) runs_.push_back({first, end});
  if (end != sorted_.size()) return;
  std::make_heap(runs_.begin(), runs_.end(),
                 [this](const sorted_run& left, const sorted_run& right) {
                   return less(items_[right.next], items_[left.next]);
                 });
  merged_ = 0;
  phase_ = phase::merging;
}

void young_order::merge_some() {
  const auto later = [this](const sorted_run& left, const sorted_run& right) {
    return less(items_[right.next], items_[left.next]);
  };
  const std::size_t noted_max = noted_min + sorted_.size() / noted_share;
  fresh_.reserve(noted_max);
  removed_.reserve(noted_max);
  for (std::size_t n = 0; n < step_records && !runs_.empty(); ++n) {
    std::pop_heap(runs_.begin(), runs_.end(), later);
    sorted_run& smallest = runs_.back();
    sorted_[merged_++] = items_[smallest.next++].record;
    if (smallest.next == smallest.end) {
      runs_.pop_back();
    } else {
      std::push_heap(runs_.begin(), runs_.end(), later);
    }
  }
  if (!runs_.empty()) return;
  free_memory(items_);
  free_memory(runs_);
  phase_ = phase::kept;
}

young_order::item young_order::item_of(record_number record) const noexcept {
  const bytes_view rest = key(record).subspan(common_);
  std::array<std::byte, sizeof(std::uint64_t)> begin{};
  std::copy_n(rest.begin(), std::min(rest.size(), begin.size()), begin.begin());
  return {load_be<std::uint64_t>(begin.data()), record};
}

bool young_order::less(const item& left, const item& right) const noexcept {
  if (left.prefix != right.prefix) return left.prefix < right.prefix;
  return compare(key(left.record), key(right.record)) < 0;
}

// Everything that can fail comes first.
void young_order::sort_in() {
  std::vector<std::size_t> places;
  places.reserve(removed_.size());
  sorted_.reserve(sorted_.size() + fresh_.size() <= sorted_.capacity()
                      ? 0
                      : sorted_.size() + fresh_.size() + sorted_.size() / noted_share);
  std::erase_if(fresh_,
                [this](record_number each) { return at(each).has(young_record::gone_flag); });
  std::sort(fresh_.begin(), fresh_.end(), by_key());
  for (const record_number each : removed_) {
    const auto found = std::lower_bound(sorted_.begin(), sorted_.end(), each, by_key());
    if (found != sorted_.end() && *found == each)
      places.push_back(static_cast<std::size_t>(found - sorted_.begin()));
  }
  forget_removed(places);
  merge_fresh();
}

void young_order::forget_removed(const std::vector<std::size_t>& places) noexcept {
  for (const std::size_t place : places) sorted_[place] = no_record;
  if (!places.empty()) std::erase(sorted_, no_record);
  for (const record_number each : removed_) release(each);
  removed_.clear();
}

// From the back, so that nothing moves twice.
void young_order::merge_fresh() noexcept {
  auto old_end = static_cast<std::ptrdiff_t>(sorted_.size());
  sorted_.resize(sorted_.size() + fresh_.size());
  auto end = sorted_.end();
  for (auto each = fresh_.rbegin(); each != fresh_.rend(); ++each) {
    const auto behind = sorted_.begin() + old_end;
    const auto place = std::upper_bound(sorted_.begin(), behind, *each, by_key());
    end = std::move_backward(place, behind, end);
    *--end = *each;
    old_end = place - sorted_.begin();
  }
  fresh_.clear();
}

std::size_t young_order::held_bytes() const noexcept {
  return (sorted_.capacity() + fresh_.capacity() + removed_.capacity()) * sizeof(record_number)
       + items_.capacity() * sizeof(item) + runs_.capacity() * sizeof(sorted_run);
}

}  // namespace lentic::detail
