// SPDX-License-Identifier: Apache-2.0
#pragma once

// handed_views: what a store does with the views that its get() answers: nothing, or, in builds
// that look for views that are used for too long, it hands out copies and spoils each where it
// expires: with the next call of the store that is not const. A put that is given such a view may
// use it to its end, where it does not suspend.
//
//   built with                      a view that is used after that
//   nothing of this                 reads what is there by then; costs nothing
//   AddressSanitizer                is reported, with the place where it expired
//   -Dpoison_views=true (Meson)     reads bytes of 0xDB, until four more have expired
//
// The caller's suspension, which ends a view as well, is not seen. Copies come from malloc: tests
// that count operator new, or fail it, meet the same numbers.
// Threads: one owner. Errors: none; without memory for a copy the bytes themselves are handed out.

#include <lentic/store/byte_store.hpp>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define LENTIC_HAS_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LENTIC_HAS_ADDRESS_SANITIZER 1
#endif
#endif

namespace lentic::detail {

#if defined(LENTIC_HAS_ADDRESS_SANITIZER)
inline constexpr bool stale_views_are_reported = true;
#else
inline constexpr bool stale_views_are_reported = false;
#endif
#if defined(LENTIC_POISON_VIEWS)
inline constexpr bool views_are_spoilt = true;
#else
inline constexpr bool views_are_spoilt = stale_views_are_reported;
#endif

class spoilt_views {
 public:
  static constexpr std::byte poison{0xdb};

  // Ends the view before it.
  value_view hand_out(bytes_view raw) noexcept {
    const std::size_t room = raw.empty() ? 1 : raw.size();
    block copy(static_cast<std::byte*>(std::malloc(room)));
    if (copy == nullptr) return value_view(raw);
    if (!raw.empty()) std::memcpy(copy.get(), raw.data(), raw.size());
    expire();
    newest_ = std::move(copy);
    newest_bytes_ = raw.size();
    return value_view({newest_.get(), raw.size()});
  }
  std::optional<value_view> hand_out(const std::optional<bytes_view>& raw) noexcept {
    if (raw) return hand_out(*raw);
    expire();
    return std::nullopt;
  }

  void expire() noexcept {
    if (newest_ == nullptr) return;
    std::memset(newest_.get(), std::to_integer<int>(poison), newest_bytes_);
    block& kept = stale_[expired_++ % stale_.size()];
    kept = std::move(newest_);
    if (stale_views_are_reported) kept.reset();
  }

 private:
  struct give_back {
    void operator()(std::byte* at) const noexcept { std::free(at); }
  };
  using block = std::unique_ptr<std::byte, give_back>;

  block newest_;
  std::size_t newest_bytes_ = 0;
  std::array<block, 4> stale_;  // a put may read first, and so end two views
  std::size_t expired_ = 0;
};

class plain_views {
 public:
  static value_view hand_out(bytes_view raw) noexcept { return value_view(raw); }
  static std::optional<value_view> hand_out(const std::optional<bytes_view>& raw) noexcept {
    if (!raw) return std::nullopt;
    return value_view(*raw);
  }
  void expire() noexcept {}
};

using handed_views = std::conditional_t<views_are_spoilt, spoilt_views, plain_views>;

// Views expire at the end of the call that this is a local of.
class [[nodiscard]] expiring_views {
 public:
  explicit expiring_views(handed_views& views) noexcept : views_(views) {}
  expiring_views(const expiring_views&) = delete;
  expiring_views& operator=(const expiring_views&) = delete;
  ~expiring_views() { views_.expire(); }

 private:
  handed_views& views_;
};

}  // namespace lentic::detail
