// SPDX-License-Identifier: Apache-2.0
#include "journal_salvage.hpp"

#include "crc32c.hpp"
#include "journal.hpp"
#include "limits.hpp"
#include "numbered_name.hpp"
#include "state_directory.hpp"

#include <algorithm>
#include <optional>
#include <system_error>

#include <fcntl.h>

namespace lentic::detail {

namespace {

class payload_check final : public payload_visitor {
 public:
  explicit payload_check(std::set<std::uint64_t> stores) : stores_(std::move(stores)) {}

  bool sound() const noexcept { return sound_; }
  std::set<std::uint64_t>& stores() noexcept { return stores_; }

  void store(std::uint64_t store, bytes_view name, young_layout) override {
    sound_ = sound_ && is_store_name(as_text(name));
    stores_.insert(store);
  }
  void put(std::uint64_t store, std::uint64_t, bytes_view key, bytes_view value) override {
    sound_ = sound_ && key.size() <= key_bytes_max && value.size() <= value_bytes_max;
    known(store);
  }
  void erase(std::uint64_t store, std::uint64_t, bytes_view key) override {
    sound_ = sound_ && key.size() <= key_bytes_max;
    known(store);
  }
  void drop_below(std::uint64_t store, std::uint64_t) override { known(store); }
  void position(bytes_view, bytes_view) override {}
  void outbox(std::uint64_t, bytes_view) override {}
  void acknowledged(std::uint64_t) override {}
  void clear(std::uint64_t store, std::uint64_t, std::uint64_t) override { known(store); }
  void sealed(std::uint64_t store, std::uint64_t, std::uint64_t) override { known(store); }

 private:
  void known(std::uint64_t store) { sound_ = sound_ && stores_.contains(store); }

  std::set<std::uint64_t> stores_;
  bool sound_ = true;
};

// What frames would have changed, by store and segment.
class change_summary final : public payload_visitor {
 public:
  explicit change_summary(std::map<std::uint64_t, std::string>& names) noexcept : names_(&names) {}

  std::vector<lost_changes> take() {
    std::vector<lost_changes> all;
    for (auto& [place, changes] : found_) {
      const auto name = names_->find(place.first);
      changes.store = name == names_->end() ? "store " + std::to_string(place.first) : name->second;
      changes.segment = place.second;
      all.push_back(std::move(changes));
    }
    found_.clear();
    return all;
  }

  void store(std::uint64_t store, bytes_view name, young_layout) override {
    if (is_store_name(as_text(name))) names_->try_emplace(store, as_text(name));
  }
  void put(std::uint64_t store, std::uint64_t segment, bytes_view key, bytes_view) override {
    add(store, segment, key);
  }
  void erase(std::uint64_t store, std::uint64_t segment, bytes_view key) override {
    add(store, segment, key);
  }
  void drop_below(std::uint64_t store, std::uint64_t segment) override {
    if (segment != 0) found_[{store, segment - 1}];
  }
  void position(bytes_view, bytes_view) override {}
  void outbox(std::uint64_t, bytes_view) override {}
  void acknowledged(std::uint64_t) override {}
  void clear(std::uint64_t store, std::uint64_t segment, std::uint64_t) override {
    found_[{store, segment}];
  }
  void sealed(std::uint64_t store, std::uint64_t segment, std::uint64_t) override {
    found_[{store, segment}];
  }

 private:
  void add(std::uint64_t store, std::uint64_t segment, bytes_view key) {
    lost_changes& changes = found_[{store, segment}];
    const auto less = [](bytes_view one, bytes_view other) {
      return std::lexicographical_compare(one.begin(), one.end(), other.begin(), other.end());
    };
    if (changes.rows == 0 || less(key, changes.first_key)) changes.first_key = to_bytes(key);
    if (changes.rows == 0 || less(changes.last_key, key)) changes.last_key = to_bytes(key);
    ++changes.rows;
  }

  std::map<std::uint64_t, std::string>* names_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, lost_changes> found_;
};

bool is_zero(bytes_view block) {
  return std::all_of(block.begin(), block.end(),
                     [](std::byte each) { return each == std::byte{}; });
}

// Goes through the files block by block. Whole frames that follow each other are one entry, and so
// is what lies between two of them.
class damage_scan {
 public:
  explicit damage_scan(salvage_start start)
      : start_(std::move(start)), next_(start_.last_applied + 1), summary_(start_.names) {}

  void file(std::uint64_t number, bytes_view image) {
    number_ = number;
    std::uint64_t at = number == start_.file ? start_.offset : 0;
    const std::uint64_t live_end = end_of_frames(image, at);
    if (live_end == at && at == 0 && is_of_earlier_life(image)) return;
    while (at < image.size()) {
      if (const auto header = frame_at(image, at)) {
        frame(*header, at, image);
        at += frame_bytes(header->payload_bytes);
        continue;
      }
      const bytes_view block = image.subspan(at, std::min(frame_alignment, image.size() - at));
      if (at >= live_end && is_end(block, at)) break;  // what follows is of an earlier life
      if (!is_zero(block)) unreadable(at, at + block.size());
      at += frame_alignment;
    }
    end_frames();
  }

  std::vector<journal_damage> finish() {
    if (next_ <= start_.last_durable) missing(start_.last_durable);
    return std::move(found_);
  }

 private:
  // Behind the last frame of the file at or after `from`; `from` when there is none.
  std::uint64_t end_of_frames(bytes_view image, std::uint64_t from) const {
    std::uint64_t end = from;
    for (std::uint64_t at = from; at < image.size(); at += frame_alignment) {
      if (const auto header = frame_at(image, at)) end = at + frame_bytes(header->payload_bytes);
    }
    return end;
  }

  bool is_end(bytes_view block, std::uint64_t at) const {
    if (block.size() < frame_header_bytes) return false;
    const auto end = decode_end_block(block.first(frame_header_bytes));
    return end && end->environment == start_.environment && end->file == number_
        && end->offset == at;
  }

  // It was to be written over, and nothing was written.
  bool is_of_earlier_life(bytes_view image) const {
    if (image.size() < frame_header_bytes) return false;
    const auto first = decode_frame_header(image.first(frame_header_bytes));
    return first && first->environment == start_.environment && first->file < number_;
  }

  std::optional<frame_header> frame_at(bytes_view image, std::uint64_t at) const {
    if (image.size() - at < frame_header_bytes) return std::nullopt;
    const auto header = decode_frame_header(image.subspan(at, frame_header_bytes));
    if (!header || header->environment != start_.environment || header->file != number_
        || header->offset != at || header->sequence < next_
        || header->payload_bytes > image.size() - at - frame_header_bytes)
      return std::nullopt;
    const bytes_view payload = image.subspan(at + frame_header_bytes, header->payload_bytes);
    return crc32c(payload) == header->payload_crc ? header : std::nullopt;
  }

  void frame(const frame_header& header, std::uint64_t at, bytes_view image) {
    if (header.sequence > next_) missing(header.sequence - 1);
    gap_.reset();
    if (!frames_ || found_[*frames_].end != at) {
      end_frames();
      frames_ = begin(journal::file_name(number_), at, true);
    }
    journal_damage& entry = found_[*frames_];
    if (entry.last == 0) entry.first = header.sequence;
    entry.last = header.sequence;
    entry.end = at + frame_bytes(header.payload_bytes);
    next_ = header.sequence + 1;
    // What does not decode is told as far as it does.
    [[maybe_unused]] const bool whole =
        decode_payload(image.subspan(at + frame_header_bytes, header.payload_bytes), summary_);
  }

  void unreadable(std::uint64_t from, std::uint64_t to) {
    end_frames();
    if (!stretch_ || found_[*stretch_].file != journal::file_name(number_)) {
      stretch_ = begin(journal::file_name(number_), from, false);
      if (!gap_) gap_ = stretch_;
    }
    found_[*stretch_].end = to;
  }

  // The commits up to `last` are nowhere: they are told with the first bytes that may have been
  // theirs, or, where nothing is left of them, with the place where they should follow.
  void missing(commit_sequence last) {
    end_frames();
    if (!gap_ && found_.empty())
      gap_ = begin(journal::file_name(start_.file), start_.offset, false);
    if (!gap_) gap_ = begin(found_.back().file, found_.back().end, false);
    found_[*gap_].first = next_;
    found_[*gap_].last = last;
    next_ = last + 1;
    stretch_.reset();
  }

  std::size_t begin(std::string file, std::uint64_t at, bool readable) {
    journal_damage& made = found_.emplace_back();
    made.file = std::move(file);
    made.begin = made.end = at;
    made.readable = readable;
    return found_.size() - 1;
  }

  void end_frames() {
    if (frames_) found_[*frames_].changes = summary_.take();
    if (frames_) stretch_.reset();
    frames_.reset();
  }

  salvage_start start_;
  commit_sequence next_;
  change_summary summary_;
  std::uint64_t number_ = 0;
  std::optional<std::size_t> frames_;   // the entry of the frames that go on
  std::optional<std::size_t> stretch_;  // the entry of the unreadable bytes that go on
  std::optional<std::size_t> gap_;      // the first of those since the last frame
  std::vector<journal_damage> found_;
};

// Empty where there is no regular file of that name.
task<bytes> read_file(coro::directory& home, std::uint64_t number) {
  const std::string name = journal::file_name(number);
  result<coro::file> opened = co_await as_result(home.open_file(name, O_RDONLY));
  if (!opened && is_no_regular_file(opened.error())) co_return bytes();
  if (!opened) throw std::system_error(opened.error(), "open " + home.name() + "/" + name);
  coro::file source = std::move(*opened);
  const std::uint64_t size = co_await source.size();
  bytes image(std::min<std::uint64_t>(size, 2 * frame_payload_bytes_max));
  const std::size_t got = co_await source.read(image, 0);
  image.resize(got);
  co_await source.close();
  co_return image;
}

}  // namespace

bool may_be_applied(bytes_view payload, std::set<std::uint64_t>& stores) {
  payload_check check(stores);
  const bool decodes = decode_payload(payload, check);
  if (!decodes || !check.sound()) return false;
  stores = std::move(check.stores());
  return true;
}

task<std::vector<journal_damage>> find_damage(coro::directory& home, salvage_start start) {
  std::vector<std::uint64_t> numbers;
  const std::vector<std::string> names = co_await home.list();
  for (const std::string& name : names) {
    const auto number = numbered(name, "journal-", ".log");
    if (number && *number >= start.file) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  damage_scan scan(std::move(start));
  for (const std::uint64_t number : numbers) {
    const bytes image = co_await read_file(home, number);
    scan.file(number, image);
  }
  co_return scan.finish();
}

}  // namespace lentic::detail
