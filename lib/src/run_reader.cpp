// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"
#include "crc32c.hpp"
#include "run_file.hpp"

#include <lentic/errc.hpp>

#include <algorithm>

namespace lentic::detail {

namespace {

struct footer {
  run_identity identity;
  std::uint64_t rows = 0;
  std::uint64_t row_bytes = 0;
  std::uint64_t index_offset = 0;
  std::uint64_t index_bytes = 0;
  std::uint32_t index_crc = 0;
};

result<footer> decode_footer(bytes_view raw) {
  byte_reader reader(raw);
  if (as_text(reader.take(4)) != "LRUN") return make_error_code(errc::damaged);
  const auto format = reader.fixed_le<std::uint16_t>();
  reader.fixed_le<std::uint16_t>();
  footer found;
  found.identity.environment = reader.fixed_le<std::uint64_t>();
  found.identity.store = reader.fixed_le<std::uint64_t>();
  found.identity.segment = reader.fixed_le<std::uint64_t>();
  found.identity.generation = reader.fixed_le<std::uint64_t>();
  found.rows = reader.fixed_le<std::uint64_t>();
  found.row_bytes = reader.fixed_le<std::uint64_t>();
  found.index_offset = reader.fixed_le<std::uint64_t>();
  found.index_bytes = reader.fixed_le<std::uint64_t>();
  found.index_crc = reader.fixed_le<std::uint32_t>();
  const auto crc = reader.fixed_le<std::uint32_t>();
  if (reader.failed() || crc != crc32c(raw.first(run_footer_bytes - 4)))
    return make_error_code(errc::damaged);
  if (format > run_format) return make_error_code(errc::newer_format);
  return found;
}

// Walks one run; keeps the rows of one block at a time.
class run_walk final : public layer_walk {
 public:
  run_walk(run_reader& run, const walk_start& start)
      : run_(&run), forward_(start.order == direction::forward) {
    if (run.block_count() == 0) return;
    block_ = forward_ ? 0 : run.block_count() - 1;
    if (start.key) block_ = run.block_of(*start.key);
    run_->read_block(block_, rows_);
    if (forward_) {
      seek_forward(start);
    } else {
      seek_backward(start);
    }
  }

  const layer_row* current() const override { return at_ < rows_.size() ? &rows_[at_] : nullptr; }

  void advance() override {
    if (forward_) {
      ++at_;
      if (at_ == rows_.size()) next_block();
    } else {
      if (at_ == 0) {
        previous_block();
      } else {
        --at_;
      }
    }
  }

 private:
  void seek_forward(const walk_start& start) {
    if (!start.key) return;
    const auto before = [&start](const layer_row& each) {
      const auto order = compare(each.key, *start.key);
      return order < 0 || (order == 0 && start.exclusive);
    };
    const auto found = std::partition_point(rows_.begin(), rows_.end(), before);
    at_ = static_cast<std::size_t>(found - rows_.begin());
    if (at_ == rows_.size()) next_block();
  }

  // To the last row below the key.
  void seek_backward(const walk_start& start) {
    at_ = rows_.size();
    if (start.key) {
      const auto below = [&start](const layer_row& each) {
        return compare(each.key, *start.key) < 0;
      };
      const auto found = std::partition_point(rows_.begin(), rows_.end(), below);
      at_ = static_cast<std::size_t>(found - rows_.begin());
    }
    if (at_ == 0) {
      previous_block();
    } else {
      --at_;
    }
  }

  void next_block() {
    at_ = 0;
    rows_.clear();
    if (++block_ < run_->block_count()) run_->read_block(block_, rows_);
  }
  void previous_block() {
    rows_.clear();
    at_ = 0;
    if (block_ == 0) return;
    run_->read_block(--block_, rows_);
    at_ = rows_.size() - 1;
  }

  run_reader* run_;
  bool forward_;
  std::size_t block_ = 0;
  std::size_t at_ = 0;
  std::vector<layer_row> rows_;
};

}  // namespace

result<std::unique_ptr<run_reader>> run_reader::open(bytes_view file, const run_identity& expected,
                                                     std::string name) {
  if (file.size() < run_footer_bytes) return make_error_code(errc::damaged);
  const std::uint64_t body = file.size() - run_footer_bytes;
  const result<footer> found = decode_footer(file.subspan(body));
  if (!found) return found.error();
  if (found->identity != expected || found->index_offset > body
      || found->index_bytes != body - found->index_offset)
    return make_error_code(errc::damaged);
  const bytes_view index = file.subspan(found->index_offset, found->index_bytes);
  if (crc32c(index) != found->index_crc) return make_error_code(errc::damaged);
  std::unique_ptr<run_reader> reader(new run_reader(file, std::move(name)));
  if (!reader->read_index(index, found->index_offset)) return make_error_code(errc::damaged);
  reader->rows_ = found->rows;
  reader->row_bytes_ = found->row_bytes;
  return reader;
}

bool run_reader::read_index(bytes_view index, std::uint64_t blocks_end) {
  byte_reader reader(index);
  std::uint64_t end = 0;
  while (!reader.at_end()) {
    fence next{};
    next.offset = reader.varint();
    next.bytes = reader.varint();
    next.crc = reader.fixed_le<std::uint32_t>();
    next.first_key = reader.string();
    if (reader.failed() || next.offset != end || next.bytes == 0 || next.bytes > blocks_end - end)
      return false;
    end += next.bytes;
    fences_.push_back(next);
  }
  return end == blocks_end;
}

std::size_t run_reader::block_of(bytes_view key) const {
  const auto starts_at_or_before = [key](const fence& each) {
    return compare(each.first_key, key) <= 0;
  };
  const auto after = std::partition_point(fences_.begin(), fences_.end(), starts_at_or_before);
  return after == fences_.begin() ? 0 : static_cast<std::size_t>(after - fences_.begin()) - 1;
}

bytes_view run_reader::verified_block(std::size_t block) {
  fence& target = fences_[block];
  const bytes_view raw = file_.subspan(target.offset, target.bytes);
  if (!target.verified) {
    if (crc32c(raw) != target.crc)
      fail(errc::damaged,
           name_ + " block " + std::to_string(block) + " at " + std::to_string(target.offset));
    target.verified = true;
  }
  return raw;
}

void run_reader::read_block(std::size_t block, std::vector<layer_row>& rows) {
  rows.clear();
  byte_reader reader(verified_block(block));
  while (!reader.at_end()) {
    const std::uint64_t key_bytes = reader.varint();
    const std::uint64_t value_bytes = reader.varint();
    layer_row next;
    next.key = reader.take(key_bytes);
    next.value = reader.take(value_bytes);
    if (reader.failed()) fail(errc::damaged, name_ + " block " + std::to_string(block));
    rows.push_back(next);
  }
}

std::optional<bytes_view> run_reader::find(bytes_view key) {
  if (fences_.empty()) return std::nullopt;
  byte_reader reader(verified_block(block_of(key)));
  while (!reader.at_end()) {
    const std::uint64_t key_bytes = reader.varint();
    const std::uint64_t value_bytes = reader.varint();
    const bytes_view found = reader.take(key_bytes);
    const bytes_view value = reader.take(value_bytes);
    if (reader.failed()) fail(errc::damaged, name_);
    if (equal(found, key)) return value;
  }
  return std::nullopt;
}

std::unique_ptr<layer_walk> run_reader::walk(const walk_start& start) {
  return std::make_unique<run_walk>(*this, start);
}

}  // namespace lentic::detail
