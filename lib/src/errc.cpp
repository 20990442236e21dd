// SPDX-License-Identifier: Apache-2.0
#include <lentic/errc.hpp>
#include <lentic/store/damaged_block.hpp>

#include <utility>

namespace lentic {

namespace {

const char* text(errc code) noexcept {
  switch (code) {
    case errc::too_large:
      return "key or value larger than the limit";
    case errc::closed:
      return "store or environment is closed";
    case errc::poisoned:
      return "an earlier sync failed: reopen to learn what is durable";
    case errc::journal_damaged:
      return "journal damaged: acknowledged commits are missing";
    case errc::manifest_damaged:
      return "manifest damaged, or a file that it names is missing";
    case errc::damaged:
      return "stored bytes are damaged";
    case errc::in_use:
      return "state directory in use by another process";
    case errc::not_a_state_directory:
      return "not a lentic state directory";
    case errc::newer_format:
      return "written by a newer version of lentic";
    case errc::store_mismatch:
      return "store exists with other options";
    case errc::invalid_argument:
      return "invalid argument";
    case errc::read_only:
      return "environment was opened read-only";
    case errc::over_budget:
      return "memory budget is used up";
    case errc::snapshot_expired:
      return "snapshot has expired: open a new one";
  }
  return "unknown lentic error";
}

class lentic_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "lentic"; }
  std::string message(int value) const override { return text(static_cast<errc>(value)); }
};

}  // namespace

// One object for the whole program: categories compare by address.
const std::error_category& error_category() noexcept {
  static const lentic_category category;
  return category;
}

std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

void fail(errc code, const std::string& context) {
  throw std::system_error(make_error_code(code), context);
}

damaged_block::damaged_block(const std::string& place, std::optional<bytes> next_key)
    : std::system_error(make_error_code(errc::damaged), place),
      place_(std::make_shared<const std::string>(place)) {
  if (next_key) next_key_ = std::make_shared<const bytes>(std::move(*next_key));
}

}  // namespace lentic
