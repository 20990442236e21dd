// SPDX-License-Identifier: Apache-2.0
#include "allocation_count.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {
thread_local std::uint64_t count = 0;
thread_local std::uint64_t until_failure = 0;
}  // namespace

namespace lentic::test {
std::uint64_t allocation_count() noexcept {
  return count;
}
void fail_allocation(std::uint64_t n) noexcept {
  until_failure = n;
}
}  // namespace lentic::test

// Replaced for the whole program: the only way to see allocations of code under test.
void* operator new(std::size_t bytes) {
  ++count;
  if (until_failure != 0 && --until_failure == 0) throw std::bad_alloc();
  if (void* const storage = std::malloc(bytes)) return storage;
  throw std::bad_alloc();
}
// Asio takes its memory here.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++count;
  void* storage = nullptr;
  return ::posix_memalign(&storage, alignment, bytes) == 0 ? storage : nullptr;
}
void operator delete(void* storage) noexcept {
  std::free(storage);
}
void operator delete(void* storage, std::size_t) noexcept {
  std::free(storage);
}
