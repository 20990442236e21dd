// SPDX-License-Identifier: Apache-2.0
#pragma once

// is_borrowed<T>: whether a T refers to memory or to a thread that it does not own, as far as a
// type can tell: references, pointers, spans, string views, and containers of such, const or not.
// What crosses an executor must not be borrowed: others run between the end of the work and its
// handler. Floors above specialise is_borrowed for views of their own. Pure; any thread.
//
// Not promised: a struct with a view inside is found out only when it is specialised.

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <type_traits>

namespace lentic::coro {

template <class T>
inline constexpr bool is_borrowed = std::is_reference_v<T> || std::is_pointer_v<T>;

template <class T>
inline constexpr bool is_borrowed<const T> = is_borrowed<T>;

template <class T, std::size_t Extent>
inline constexpr bool is_borrowed<std::span<T, Extent>> = true;
template <class Char, class Traits>
inline constexpr bool is_borrowed<std::basic_string_view<Char, Traits>> = true;
template <class T>
inline constexpr bool is_borrowed<std::reference_wrapper<T>> = true;
template <class T, std::size_t Size>
inline constexpr bool is_borrowed<std::array<T, Size>> = is_borrowed<T>;
// std::optional<std::span<...>>, std::vector<std::string_view>, pairs, tuples, variants.
template <template <class...> class Container, class... Args>
inline constexpr bool is_borrowed<Container<Args...>> = (is_borrowed<Args> || ...);

}  // namespace lentic::coro
