// SPDX-License-Identifier: Apache-2.0
#include "surviving_rows.hpp"

#include "failure_text.hpp"

#include <lentic/store/damaged_block.hpp>

#include <system_error>

namespace lentic::tool {

task<std::span<const row>> surviving_rows::next() {
  if (ended_) co_return std::span<const row>();
  try {
    if (!rows_) rows_.emplace(store_->range(from(from_)));
    const std::span<const row> block = co_await rows_->next();
    ended_ = block.empty();
    co_return block;
  } catch (const damaged_block& found) {
    damage_ = without_code_words(found);
    rows_.reset();
    const bytes_view next = found.next_key().value_or(bytes_view());
    ended_ = compare(next, from_) <= 0;  // also where a crafted index leads backwards
    from_ = to_bytes(next);
  } catch (const std::system_error& failure) {
    if (failure.code().category() == std::system_category()) throw;
    damage_ = without_code_words(failure);
    ended_ = true;
  }
  co_return std::span<const row>();
}

}  // namespace lentic::tool
