// SPDX-License-Identifier: Apache-2.0
#pragma once

// damaged_block: what a read of a store throws when it meets a damaged block of a run. A forward
// cursor has then handed out all rows before it, and those of its range that are in the journal;
// the rows behind it can be had:
//
//   catch (const damaged_block& damage) {
//     if (damage.next_key()) rows = store.range(from(*damage.next_key()));
//   }
//
// Where a write-back cache of kafka mode stands in between, what only the cache has in that range
// is not handed out. Code: errc::damaged. Copies share their texts. Any thread.

#include <lentic/bytes.hpp>

#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace lentic {

class damaged_block : public std::system_error {
 public:
  // `place` says file and block.
  damaged_block(const std::string& place, std::optional<bytes> next_key);

  // Above all keys of the block, as keys of the store that threw; none when the block is the last
  // of its run.
  std::optional<bytes_view> next_key() const noexcept {
    return next_key_ ? std::optional<bytes_view>(*next_key_) : std::nullopt;
  }
  const std::string& place() const noexcept { return *place_; }

 private:
  std::shared_ptr<const std::string> place_;
  std::shared_ptr<const bytes> next_key_;
};

}  // namespace lentic
