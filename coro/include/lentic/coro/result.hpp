// SPDX-License-Identifier: Apache-2.0
#pragma once

// result<T>: a T or a std::error_code. The return type of pure functions over foreign bytes
// (decode, parse) and of as_result(). Not for coroutines that do I/O: those throw.
// Threads: a plain value.

#include <cassert>
#include <system_error>
#include <utility>
#include <variant>

namespace lentic::coro {

template <class T>
class [[nodiscard]] result {
 public:
  using value_type = T;

  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(std::error_code error) : state_(std::in_place_index<1>, error) { assert(error); }

  explicit operator bool() const noexcept { return state_.index() == 0; }
  bool has_value() const noexcept { return state_.index() == 0; }

  // Precondition: has_value().
  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  const T* operator->() const noexcept { return std::get_if<0>(&state_); }

  // The error; a zero code when there is a value.
  std::error_code error() const noexcept {
    const std::error_code* code = std::get_if<1>(&state_);
    return code != nullptr ? *code : std::error_code();
  }
  // The value, or throws std::system_error with the code.
  T value() && {
    if (!has_value()) throw std::system_error(error());
    return std::move(**this);
  }

 private:
  std::variant<T, std::error_code> state_;
};

template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;

  result() noexcept = default;
  result(std::error_code error) noexcept : error_(error) {}

  explicit operator bool() const noexcept { return !error_; }
  bool has_value() const noexcept { return !error_; }
  std::error_code error() const noexcept { return error_; }
  void value() const {
    if (error_) throw std::system_error(error_);
  }

 private:
  std::error_code error_;
};

}  // namespace lentic::coro
