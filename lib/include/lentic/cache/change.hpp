// SPDX-License-Identifier: Apache-2.0
#pragma once

// change: what a flush of a cache tells: the value of a key as it was last told, and as it is now.
// Changes of one key form a chain: the old value of each is the new value of the one before.
//
// Threads: the store's owner. Lifetime: the views of a change live until the awaitable that
// on_change() answered is done; owned_change outlives that.
// Errors: a listener that throws has not taken the change; the same change comes again with the
// next flush, before any other. Cancellation: none inside a change.
// Not promised: every value that was ever put; what is overwritten between two flushes is not told.

#include <lentic/bytes.hpp>
#include <lentic/cache/record_context.hpp>
#include <lentic/task.hpp>

#include <optional>

namespace lentic {

struct change {
  bytes_view key;
  std::optional<bytes_view> old_value;  // none: there was none, or old values are not sent
  std::optional<bytes_view> new_value;  // none: erased
  const record_context* context;        // of the newest put; never null

  change(bytes_view changed, std::optional<bytes_view> before, std::optional<bytes_view> after,
         const record_context& cause) noexcept
      : key(changed), old_value(before), new_value(after), context(&cause) {}
};

struct owned_change {
  bytes key;
  std::optional<bytes> old_value;
  std::optional<bytes> new_value;
  record_context context;

  owned_change() = default;
  explicit owned_change(const change& from) : key(to_bytes(from.key)), context(*from.context) {
    if (from.old_value) old_value = to_bytes(*from.old_value);
    if (from.new_value) new_value = to_bytes(*from.new_value);
  }
};

class change_listener {
 public:
  // Takes one change. It may put, also into the store that tells it, which tells that later. It
  // must not flush that store, nor clear it, nor wait for who does: they wait for the listener.
  virtual maybe_ready<void> on_change(const change& told) = 0;

 protected:
  ~change_listener() = default;
};

}  // namespace lentic
