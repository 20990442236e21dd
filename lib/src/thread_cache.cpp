// SPDX-License-Identifier: Apache-2.0
#include <lentic/cache/thread_cache.hpp>
#include <lentic/errc.hpp>

#include <cassert>
#include <utility>

namespace lentic {

thread_cache::~thread_cache() {
  if (memory_) memory_->remove_donor(*this);
  assert(accounts_.empty() && "a cache outlives its thread_cache");
}

void thread_cache::bind(std::shared_ptr<memory_account> memory) {
  assert(!memory_ && accounts_.empty() && "a thread_cache is bound before its caches are made");
  memory->add_donor(*this);
  memory_ = std::move(memory);
}

std::uint64_t thread_cache::give_up(std::uint64_t wanted) noexcept {
  const std::uint64_t before = memory_->bytes();
  for (const auto& [name, each] : accounts_) {
    const std::uint64_t given = before - memory_->bytes();
    if (given >= wanted) break;
    if (each->donor_ != nullptr) each->donor_->give_up(wanted - given);
  }
  return before - memory_->bytes();
}

std::uint64_t thread_cache::bytes_of(std::string_view name) const {
  const auto found = accounts_.find(name);
  return found == accounts_.end() ? 0 : found->second->bytes();
}

cache_account::cache_account(thread_cache& owner, std::string_view name, memory_donor* donor,
                             entry_memory entries)
    : owner_(&owner),
      memory_(entries == entry_memory::own ? owner.memory() : nullptr),
      name_(name),
      donor_(donor),
      overhead_(owner.memory(), memory_holder::caches) {
  if (!owner.accounts_.emplace(name_, this).second)
    fail(errc::invalid_argument, "a cache named " + name_ + " exists");
}

cache_account::~cache_account() {
  credit(bytes_);
  owner_->accounts_.erase(name_);
}

}  // namespace lentic
