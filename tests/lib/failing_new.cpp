// SPDX-License-Identifier: Apache-2.0
#include "failing_new.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace lentic::test {

std::uint64_t allocations = 0;
std::uint64_t fail_at = 0;
int exempt = 0;

}  // namespace lentic::test

namespace {

void* allocate(std::size_t size, std::size_t alignment) {
  using namespace lentic::test;
  if (exempt == 0 && ++allocations == fail_at) throw std::bad_alloc();
  const std::size_t whole = (size + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, whole == 0 ? alignment : whole);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
// The standard library's calls the one above; a sanitizer's does not, and would not know delete.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return ::operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

// In every program that relies on it: with a counter that is dead no allocation would ever fail.
// Plain calls: of a new expression and its delete a compiler may leave out both.
TEST(FailingNew, CountsAndFailsWhereItIsAsked) {
  using namespace lentic::test;
  const std::uint64_t before = allocations;
  ::operator delete(::operator new(100));
  EXPECT_EQ(allocations - before, 1U);
  fail_at = allocations + 1;
  EXPECT_THROW(::operator delete(::operator new(100)), std::bad_alloc);
  fail_at = 0;
  const not_counted here;
  const std::uint64_t exempted = allocations;
  ::operator delete(::operator new(100));
  EXPECT_EQ(allocations, exempted);
}
