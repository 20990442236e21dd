// SPDX-License-Identifier: Apache-2.0
#include "workload.hpp"

#include <lentic/endian.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace lentic::bench {

namespace {

double unit(std::uint64_t random) noexcept {
  return static_cast<double>(random >> 11) * 0x1.0p-53;
}

// Ranks with P(rank) ~ 1 / rank^0.99, after Gray et al., "Quickly generating billion-record
// synthetic databases", SIGMOD 1994, section 3.2.
class zipf {
 public:
  explicit zipf(std::uint32_t count) : count_(count) {
    for (std::uint32_t i = 1; i <= count; ++i) zeta_ += std::pow(1.0 / i, theta);
    const double zeta2 = 1 + std::pow(0.5, theta);
    eta_ = (1 - std::pow(2.0 / count, 1 - theta)) / (1 - zeta2 / zeta_);
  }
  std::uint32_t rank(std::uint64_t random) const noexcept {
    const double u = unit(random);
    const double uz = u * zeta_;
    if (uz < 1) return 0;
    if (uz < 1 + std::pow(0.5, theta)) return 1;
    const double at = count_ * std::pow(eta_ * u - eta_ + 1, 1 / (1 - theta));
    return std::min(static_cast<std::uint32_t>(at), count_ - 1);
  }

 private:
  static constexpr double theta = 0.99;
  std::uint32_t count_;
  double zeta_ = 0;
  double eta_ = 0;
};

}  // namespace

std::uint64_t mixed(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

workload::workload(const workload_options& options)
    : options_(options),
      events_per_window_(std::max<std::uint64_t>(options.events / options.windows, 1)) {
  ids_.reserve(options.events);
  const zipf skew(options.skewed ? options.keys : 1);
  for (std::uint64_t i = 0; i < options.events; ++i) {
    const std::uint64_t random = mixed(i + 1);
    // Hot ranks lie far apart: a rank is scattered over the ids.
    const std::uint64_t rank = options.skewed ? mixed(skew.rank(random)) : random;
    ids_.push_back(static_cast<std::uint32_t>(rank % options.keys));
  }
  keys_.resize(options.keys);
  value_bytes_.resize(options.keys);
  for (std::uint32_t id = 0; id < options.keys; ++id) {
    const std::array<std::uint64_t, 2> words{mixed(id), mixed(id ^ 0x5bd1e995U)};
    std::memcpy(keys_[id].data(), words.data(), sizeof words);
    value_bytes_[id] = static_cast<std::uint8_t>(8 + mixed(id ^ 77U) % 57);
  }
  for (const std::uint32_t id : ids_) put_bytes_ += sizeof(stored_key) + value_bytes_[id];
}

std::int64_t workload::window(std::uint64_t event) const noexcept {
  const std::int64_t open = open_window(event);
  if (options_.late_percent == 0) return open;
  const std::uint64_t random = mixed(event ^ 0x6c617465U);
  if (random % 100 >= options_.late_percent) return open;
  return std::max<std::int64_t>(0, open - 1 - static_cast<std::int64_t>(random / 100 % 3));
}

std::uint32_t workload::fetched_id(std::uint64_t fetch) const noexcept {
  return static_cast<std::uint32_t>(mixed(fetch ^ 0x6665746368U) % options_.keys);
}

stored_key encode(const key_bytes& key, std::int64_t window) noexcept {
  stored_key raw{};
  std::memcpy(raw.data(), key.data(), key.size());
  store_be(window * window_ms, raw.data() + 16);
  return raw;
}

bytes_view counted_value::next(bytes_view old, std::size_t value_bytes) noexcept {
  const std::uint64_t count = old.empty() ? 0 : load_be<std::uint64_t>(old.data());
  store_be(count + 1, raw_.data());
  return bytes_view(raw_).first(value_bytes);
}

}  // namespace lentic::bench
