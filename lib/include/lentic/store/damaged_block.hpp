// SPDX-License-Identifier: Apache-2.0
#pragma once

// damaged_block: what a read of a store throws when it meets a damaged block of a run. All rows
// before it have been handed out then, and those behind it can be had:
//
//   catch (const damaged_block& damage) {
//     if (damage.next_key()) rows = store.range(from(*damage.next_key()));
//   }
//
// Skipped with the block are rows of its range that are younger and were put beside it.
// Code: errc::damaged. Copies share their key. Any thread.

#include <lentic/bytes.hpp>

#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace lentic {

class damaged_block : public std::system_error {
 public:
  damaged_block(const std::string& context, std::optional<bytes> next_key);

  // No key of the block reaches this one; none when the block is the last of its run.
  std::optional<bytes_view> next_key() const noexcept {
    return next_key_ ? std::optional<bytes_view>(*next_key_) : std::nullopt;
  }

 private:
  std::shared_ptr<const bytes> next_key_;
};

}  // namespace lentic
