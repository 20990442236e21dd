// SPDX-License-Identifier: Apache-2.0
#include <lentic/cache/thread_cache.hpp>
#include <lentic/errc.hpp>

#include <cassert>

namespace lentic {

thread_cache::~thread_cache() {
  assert(accounts_.empty() && "a cache outlives its thread_cache");
}

std::uint64_t thread_cache::bytes_of(std::string_view name) const {
  const auto found = accounts_.find(name);
  return found == accounts_.end() ? 0 : found->second->bytes();
}

cache_account::cache_account(thread_cache& owner, std::string_view name)
    : owner_(&owner), name_(name) {
  if (!owner.accounts_.emplace(name_, this).second)
    fail(errc::invalid_argument, "a cache named " + name_ + " exists");
}

cache_account::~cache_account() {
  credit(bytes_);
  owner_->accounts_.erase(name_);
}

}  // namespace lentic
