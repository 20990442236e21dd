// SPDX-License-Identifier: Apache-2.0
#pragma once

// The rig of the tests of digests: those that an environment keeps beside those of a scan; runs as
// earlier versions wrote them. Threads: the test's.

#include "crc32c.hpp"
#include "environment_life.hpp"
#include "run_file.hpp"

#include <lentic/coro/scope.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/digest.hpp>
#include <lentic/endian.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <system_error>
#include <vector>

namespace lentic::test {

inline store_digest kept(environment_life& life, const std::string& store) {
  return sync_wait(life.runtime(), life.env().digest(store));
}

inline store_digest scanned(environment_life& life, const std::string& store) {
  store_digest all;
  segmented_store& segments = life.env().open_segmented_store(store);
  for (const segment_id id : segments.segments(0, std::numeric_limits<segment_id>::max())) {
    const segment_digest each =
        sync_wait(life.runtime(), digest_of(*segments.find_segment(id), id));
    if (each.rows != 0) all.segments.push_back(each);
  }
  return all;
}

inline void expect_kept_is_scanned(environment_life& life) {
  for (const std::string& name : life.env().store_names())
    ASSERT_EQ(kept(life, name), scanned(life, name)) << name;
}

inline task<void> note_digest(environment& env, store_digest& into) {
  into = co_await env.digest("s");
}

// The one run of a state.
inline std::string& run_in(file_map& files) {
  for (auto& [path, content] : files) {
    if (path.ends_with(".run")) return content;
  }
  throw std::logic_error("no run");
}

// A run of format 1 with the same rows.
inline std::string without_sums(const std::string& run) {
  bytes footer = to_bytes(run.substr(run.size() - detail::run_footer_bytes));
  const auto field = [&footer](std::size_t at) {
    return load_le<std::uint64_t>(footer.data() + at);
  };
  const std::uint64_t end = field(64) + field(72) + field(80);
  store_le(std::uint16_t{1}, footer.data() + 4);
  store_le(std::uint16_t{0}, footer.data() + 6);
  const std::size_t crc_at = detail::run_footer_bytes - 4;
  store_le(detail::crc32c(bytes_view(footer).first(crc_at)), footer.data() + crc_at);
  return run.substr(0, end) + std::string(as_text(footer));
}

}  // namespace lentic::test
