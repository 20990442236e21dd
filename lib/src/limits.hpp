// SPDX-License-Identifier: Apache-2.0
#pragma once

// The limits of a row, checked at one place. Throws errc::too_large. Any thread.

#include <lentic/errc.hpp>
#include <lentic/store/byte_store.hpp>

#include <string>

namespace lentic::detail {

inline void check_limits(bytes_view key, bytes_view value) {
  if (key.size() > key_bytes_max) [[unlikely]]
    fail(errc::too_large, "key of " + std::to_string(key.size()) + " bytes");
  if (value.size() > value_bytes_max) [[unlikely]]
    fail(errc::too_large, "value of " + std::to_string(value.size()) + " bytes");
}

}  // namespace lentic::detail
