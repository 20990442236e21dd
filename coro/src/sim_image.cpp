// SPDX-License-Identifier: Apache-2.0
#include "sim_file.hpp"

#include <algorithm>
#include <cstring>

namespace lentic::coro::detail {

namespace {
constexpr std::uint64_t page_bytes = sim_disk::page_bytes;
}

sim_disk::page& sim_image::page_for_write(std::size_t index) {
  if (index >= pages_.size()) pages_.resize(index + 1);
  if (!pages_[index]) pages_[index] = std::make_unique<sim_disk::page>();
  return *pages_[index];
}

void sim_image::write(std::uint64_t offset, std::span<const std::byte> from) {
  while (!from.empty()) {
    const std::size_t within = offset % page_bytes;
    const std::size_t count = std::min<std::size_t>(from.size(), page_bytes - within);
    std::memcpy(page_for_write(offset / page_bytes).data() + within, from.data(), count);
    from = from.subspan(count);
    offset += count;
  }
}

void sim_image::read(std::uint64_t offset, std::span<std::byte> to) const noexcept {
  while (!to.empty()) {
    const std::size_t within = offset % page_bytes;
    const std::size_t count = std::min<std::size_t>(to.size(), page_bytes - within);
    const sim_disk::page* const source = page(offset / page_bytes);
    if (source != nullptr) {
      std::memcpy(to.data(), source->data() + within, count);
    } else {
      std::memset(to.data(), 0, count);
    }
    to = to.subspan(count);
    offset += count;
  }
}

void sim_image::cut(std::uint64_t offset) noexcept {
  const std::size_t within = offset % page_bytes;
  std::size_t first = offset / page_bytes;
  if (within != 0) {
    if (first < pages_.size() && pages_[first]) {
      std::memset(pages_[first]->data() + within, 0, page_bytes - within);
    }
    ++first;
  }
  if (first < pages_.size()) pages_.resize(first);
}

void sim_image::copy_page(const sim_image& from, std::size_t index) {
  const sim_disk::page* const source = from.page(index);
  if (source != nullptr) {
    page_for_write(index) = *source;
  } else if (index < pages_.size()) {
    pages_[index].reset();
  }
}

}  // namespace lentic::coro::detail
