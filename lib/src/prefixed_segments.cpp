// SPDX-License-Identifier: Apache-2.0
#include <lentic/endian.hpp>
#include <lentic/errc.hpp>
#include <lentic/store/damaged_block.hpp>
#include <lentic/store/prefixed_segments.hpp>

#include <limits>
#include <span>
#include <string>
#include <utility>

namespace lentic {

namespace {

constexpr std::size_t id_bytes = sizeof(segment_id);

bytes stored_key(segment_id id, bytes_view key = {}) {
  bytes stored;
  stored.reserve(id_bytes + key.size());
  append_be(stored, id);
  stored.insert(stored.end(), key.begin(), key.end());
  return stored;
}

// The pending twins keep the stored key for as long as the store below needs it. What was asked of
// that is awaited, never asked again: it may have had its effect.
template <class Answer>
task<Answer> awaited(bytes /*stored*/, maybe_ready<Answer> pending) {
  co_return co_await std::move(pending);
}

// Erases block by block: the rows of a block stay valid while they are erased.
task<void> erase_all(byte_store& rows, cursor doomed) {
  for (;;) {
    const std::span<const row> block = co_await doomed.next();
    if (block.empty()) break;
    for (const row& each : block) co_await rows.erase(each.key);
  }
}

// The damage as the segment has it: behind it no other segment's rows begin.
[[noreturn]] void rethrow_without_id(const damaged_block& damage, segment_id id) {
  std::optional<bytes> next_key;
  const bytes first = stored_key(id, {});
  const std::optional<bytes_view> stored = damage.next_key();
  if (stored && stored->size() >= id_bytes && equal(stored->first(id_bytes), first))
    next_key = to_bytes(stored->subspan(id_bytes));
  throw damaged_block(damage.place(), std::move(next_key));
}

// The rows of a cursor without the segment id.
class unprefixed final : public cursor_source {
 public:
  unprefixed(cursor rows, segment_id id) noexcept : rows_(std::move(rows)), id_(id) {}

  maybe_ready<std::span<const row>> next() override {
    try {
      maybe_ready<std::span<const row>> block = rows_.next();
      if (block.ready()) return strip(block.take());
      return strip_slowly(*this, std::move(block));
    } catch (const damaged_block& damage) {
      rethrow_without_id(damage, id_);
    }
  }

 private:
  static task<std::span<const row>> strip_slowly(unprefixed& self,
                                                 maybe_ready<std::span<const row>> pending) {
    try {
      const std::span<const row> block = co_await std::move(pending);
      co_return self.strip(block);
    } catch (const damaged_block& damage) {
      rethrow_without_id(damage, self.id_);
    }
  }

  std::span<const row> strip(std::span<const row> block) {
    stripped_.clear();
    for (const row& each : block) stripped_.push_back({each.key.subspan(id_bytes), each.value});
    return stripped_;
  }

  cursor rows_;
  segment_id id_;
  std::vector<row> stripped_;
};

}  // namespace

// One segment: a view of the rows whose stored key begins with its id.
class prefixed_segments::one final : public byte_store {
 public:
  one(byte_store& rows, segment_id id) noexcept : rows_(&rows), id_(id) {}

  maybe_ready<std::optional<value_view>> get(bytes_view key) override {
    bytes stored = stored_key(id_, key);
    maybe_ready<std::optional<value_view>> found = rows_->get(stored);
    if (found.ready()) return found;
    return awaited(std::move(stored), std::move(found));
  }

  void prefetch(std::span<const bytes_view> keys) override {
    for (const bytes_view key : keys) {
      const bytes stored = stored_key(id_, key);
      const bytes_view single[] = {stored};
      rows_->prefetch(single);
    }
  }

  maybe_ready<void> put(bytes_view key, bytes_view value) override {
    bytes stored = stored_key(id_, key);
    maybe_ready<void> done = rows_->put(stored, value);
    if (done.ready()) return done;
    return awaited(std::move(stored), std::move(done));
  }

  maybe_ready<bool> erase(bytes_view key) override {
    bytes stored = stored_key(id_, key);
    maybe_ready<bool> existed = rows_->erase(stored);
    if (existed.ready()) return existed;
    return awaited(std::move(stored), std::move(existed));
  }

  cursor range(const key_range& range, direction order) override {
    return cursor(std::make_unique<unprefixed>(stored_range(range, order), id_));
  }

  // O(rows of the segment).
  maybe_ready<void> clear() override {
    return erase_all(*rows_, stored_range(everything(), direction::forward));
  }

  // Both count: O(rows of the segment), up to the first row that is not in memory.
  std::uint64_t approximate_count() const override { return count().rows; }
  std::uint64_t size_bytes() const override { return count().bytes; }

 private:
  struct totals {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
  };

  cursor stored_range(const key_range& range, direction order) const {
    const bytes lo = stored_key(id_, range.lo.value_or(bytes_view()));
    const bytes hi = range.hi ? stored_key(id_, *range.hi) : prefix_end(stored_key(id_));
    key_range stored = lentic::from(lo);
    if (!hi.empty()) stored.hi = hi;
    return rows_->range(stored, order);
  }

  totals count() const {
    totals sum;
    cursor rows = stored_range(everything(), direction::forward);
    for (;;) {
      maybe_ready<std::span<const row>> pending = rows.next();
      if (!pending.ready()) break;
      const std::span<const row> block = pending.take();
      if (block.empty()) break;
      sum.rows += block.size();
      for (const row& each : block) sum.bytes += each.key.size() - id_bytes + each.value.size();
    }
    return sum;
  }

  byte_store* rows_;
  segment_id id_;
};

prefixed_segments::prefixed_segments(byte_store& rows) : rows_(&rows) {}
prefixed_segments::~prefixed_segments() = default;

task<std::unique_ptr<prefixed_segments>> prefixed_segments::open(byte_store& rows) {
  std::unique_ptr<prefixed_segments> opened(new prefixed_segments(rows));
  co_await find_all(*opened);
  co_return opened;
}

// The first key at or after an id names the next segment; then on behind that one.
task<void> prefixed_segments::find_all(prefixed_segments& target) {
  segment_id next = 0;
  for (;;) {
    const bytes lo = stored_key(next);
    cursor rows = target.rows_->range(lentic::from(lo));
    const std::span<const row> block = co_await rows.next();
    if (block.empty()) break;
    const bytes_view key = block.front().key;
    if (key.size() < id_bytes)
      fail(errc::store_mismatch, "a key without a segment: " + to_hex(key));
    const auto id = load_be<segment_id>(key.data());
    target.make(id);
    if (id == std::numeric_limits<segment_id>::max()) break;
    next = id + 1;
  }
}

prefixed_segments::one& prefixed_segments::make(segment_id id) {
  std::unique_ptr<one>& found = segments_[id];
  if (!found) found = std::make_unique<one>(*rows_, id);
  return *found;
}

byte_store& prefixed_segments::segment(segment_id id) {
  if (id < floor_) fail(errc::invalid_argument, "segment " + std::to_string(id) + " was dropped");
  return make(id);
}

byte_store* prefixed_segments::find_segment(segment_id id) {
  const auto found = segments_.find(id);
  return found == segments_.end() ? nullptr : found->second.get();
}

std::vector<segment_id> prefixed_segments::segments(segment_id lo, segment_id hi) const {
  std::vector<segment_id> ids;
  for (auto at = segments_.lower_bound(lo); at != segments_.end() && at->first < hi; ++at)
    ids.push_back(at->first);
  return ids;
}

void prefixed_segments::seal_hint(segment_id) {}  // the store below decides alone

maybe_ready<void> prefixed_segments::drop_below(segment_id id) {
  if (id <= floor_) return {};
  floor_ = id;
  segments_.erase(segments_.begin(), segments_.lower_bound(id));
  const bytes hi = stored_key(id);
  key_range doomed;
  doomed.hi = hi;
  return erase_all(*rows_, rows_->range(doomed));
}

}  // namespace lentic
