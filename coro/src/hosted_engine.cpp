// SPDX-License-Identifier: Apache-2.0
#include "posix_operations.hpp"

#include <lentic/coro/hosted_engine.hpp>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

namespace lentic::coro {

hosted_engine::hosted_engine(run_queue& queue)
    : io_engine(queue), event_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (event_fd_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
}

hosted_engine::~hosted_engine() {
  ::close(event_fd_);
}

void hosted_engine::clear_event() noexcept {
  std::uint64_t signals = 0;
  // EAGAIN means that there was no signal: what is wanted.
  [[maybe_unused]] const auto got = ::read(event_fd_, &signals, sizeof signals);
}

result<std::span<const std::byte>> hosted_engine::map(int fd, std::size_t bytes) {
  return detail::posix_map(fd, bytes);
}

void hosted_engine::unmap(std::span<const std::byte> mapping) noexcept {
  detail::posix_unmap(mapping);
}

int hosted_engine::require_regular(int fd) noexcept {
  return detail::posix_require_regular(fd);
}

std::uint64_t hosted_engine::blocking_faults() const noexcept {
  return detail::posix_blocking_faults();
}

void hosted_engine::close_now(int fd) noexcept {
  ::close(fd);
}

}  // namespace lentic::coro
