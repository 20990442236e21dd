// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a fuzz target is: the function that libFuzzer calls, and the seeds that its corpus begins
// with, made by code. Built with -Dfuzz=true (clang) the engine drives it; else replay_main.cpp
// does, as a test: seeds, their truncations and random changes of them, from a fixed seed.
//
// A target fails by ending the process: check() below, a sanitizer, an exception that it lets out.

#include <lentic/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace lentic::fuzz {

// Defined by each target.
std::vector<bytes> seeds();

inline bytes_view input(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

// In every build, unlike assert().
inline void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace lentic::fuzz
