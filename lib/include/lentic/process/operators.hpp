// SPDX-License-Identifier: Apache-2.0
#pragma once

// Operators without state, one record in and at most one out, after Kafka's KStream:
//
//   filter(f)      keeps the records for which f is true      filter_not(f)  the others
//   map_values(f)  a new value                                map(f)         a new (key, value)
//   pair select_key(f)  a new key                                  peek(f)        looks on
//   to_stream()    from a table's changes to its new values; deletions are passed over
//
// f takes (key, value), (value) or (record): see call.hpp. Each operator takes an optional name.
// They are free function objects; piped onto a stream they cost no virtual call and no frame.
// Re-keying moves no record to another partition: a task sees one partition.
//
// Threads: one. Lifetime: functions are copied into the topology. Errors: what f throws poisons the
// task, unless it is record_rejected. What f answers may be a view into the record it is given.

#include <lentic/coro/borrowed.hpp>
#include <lentic/process/call.hpp>
#include <lentic/process/record.hpp>
#include <lentic/process/stream.hpp>
#include <lentic/task.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace lentic::process {

namespace detail {

// What every operator without state has: a function and a name.
template <class F>
struct functional_operator {
  using stateless = void;
  F f;
  std::string name;
};

template <class F, bool Keep>
struct filter_operator : functional_operator<F> {
  static constexpr std::string_view kind = "KSTREAM-FILTER-";
  template <class In>
  using output = In;

  template <class In, class Next>
  class stage {
   public:
    stage(filter_operator op, Next next) : f_(std::move(op.f)), next_(std::move(next)) {}
    maybe_ready<void> process(In& from) {
      if (static_cast<bool>(call(f_, from)) != Keep) return {};
      return next_.process(from);
    }

   private:
    F f_;
    Next next_;
  };
};

template <class F>
struct peek_operator : functional_operator<F> {
  static constexpr std::string_view kind = "KSTREAM-PEEK-";
  template <class In>
  using output = In;

  template <class In, class Next>
  class stage {
   public:
    stage(peek_operator op, Next next) : f_(std::move(op.f)), next_(std::move(next)) {}
    maybe_ready<void> process(In& from) {
      call(f_, from);
      return next_.process(from);
    }

   private:
    F f_;
    Next next_;
  };
};

// What goes on beside what f has made. When that may be a view into the record, the record keeps
// its parts, and copies go on: a string that moves takes short texts away from their views.
template <class Made, class T>
decltype(auto) passed_on(T& part) noexcept {
  if constexpr (coro::is_borrowed<Made>) {
    return std::as_const(part);
  } else {
    return std::move(part);
  }
}

// Where a stage keeps the record it makes: an answer that is not ready refers to it.
template <class Out>
class slot {
 public:
  template <class K, class V, class Context>
  Out& hold(K&& key, V&& value, Context&& context) {
    record_.context() = std::forward<Context>(context);
    record_.key = std::forward<K>(key);
    record_.value = std::forward<V>(value);
    return record_;
  }

 private:
  Out record_;
};

template <class F>
struct map_values_operator : functional_operator<F> {
  static constexpr std::string_view kind = "KSTREAM-MAPVALUES-";
  template <class In>
  using output = record<typename In::key_type, called_away_t<F, In>>;

  template <class In, class Next>
  class stage {
   public:
    stage(map_values_operator op, Next next) : f_(std::move(op.f)), next_(std::move(next)) {}
    maybe_ready<void> process(In& from) {
      if constexpr (std::is_same_v<In, output<In>>) {
        from.value = call_away(f_, from);
        return next_.process(from);
      } else {
        auto value = call_away(f_, from);
        return next_.process(slot_.hold(passed_on<decltype(value)>(from.key), std::move(value),
                                        passed_on<decltype(value)>(from.context())));
      }
    }

   private:
    F f_;
    [[no_unique_address]] slot<output<In>> slot_;
    Next next_;
  };
};

template <class F>
struct map_operator : functional_operator<F> {
  static constexpr std::string_view kind = "KSTREAM-MAP-";
  template <class In>
  using output =
      record<typename called_away_t<F, In>::first_type, typename called_away_t<F, In>::second_type>;

  template <class In, class Next>
  class stage {
   public:
    stage(map_operator op, Next next) : f_(std::move(op.f)), next_(std::move(next)) {}
    maybe_ready<void> process(In& from) {
      auto made = call_away(f_, from);
      return next_.process(slot_.hold(std::move(made.first), std::move(made.second),
                                      passed_on<decltype(made)>(from.context())));
    }

   private:
    F f_;
    slot<output<In>> slot_;
    Next next_;
  };
};

template <class F>
struct select_key_operator : functional_operator<F> {
  static constexpr std::string_view kind = "KSTREAM-KEY-SELECT-";
  template <class In>
  using output = record<called_t<F, In>, typename In::value_type>;

  template <class In, class Next>
  class stage {
   public:
    stage(select_key_operator op, Next next) : f_(std::move(op.f)), next_(std::move(next)) {}
    maybe_ready<void> process(In& from) {
      if constexpr (std::is_same_v<In, output<In>>) {
        from.key = call(f_, from);
        return next_.process(from);
      } else {
        auto key = call(f_, std::as_const(from));
        return next_.process(slot_.hold(std::move(key), passed_on<decltype(key)>(from.value),
                                        passed_on<decltype(key)>(from.context())));
      }
    }

   private:
    F f_;
    [[no_unique_address]] slot<output<In>> slot_;
    Next next_;
  };
};

struct to_stream_operator {
  using stateless = void;
  static constexpr std::string_view kind = "KTABLE-TOSTREAM-";
  template <class In>
  using output = record<typename In::key_type, typename In::value_type::value_type>;

  std::string name;

  template <class In, class Next>
  class stage {
   public:
    stage(to_stream_operator, Next next) : next_(std::move(next)) {}
    maybe_ready<void> process(In& from) {
      if (!from.value.new_value) return {};
      return next_.process(slot_.hold(std::move(from.key), std::move(*from.value.new_value),
                                      std::move(from.context())));
    }

   private:
    slot<output<In>> slot_;
    Next next_;
  };
};

template <template <class> class Operator>
struct make_operator {
  template <class F>
  auto operator()(F f, std::string name = {}) const {
    return Operator<F>{{std::move(f), std::move(name)}};
  }
};

template <class F>
using keeping_filter = filter_operator<F, true>;
template <class F>
using dropping_filter = filter_operator<F, false>;

}  // namespace detail

inline constexpr detail::make_operator<detail::keeping_filter> filter{};
inline constexpr detail::make_operator<detail::dropping_filter> filter_not{};
inline constexpr detail::make_operator<detail::peek_operator> peek{};
inline constexpr detail::make_operator<detail::map_values_operator> map_values{};
inline constexpr detail::make_operator<detail::map_operator> map{};
inline constexpr detail::make_operator<detail::select_key_operator> select_key{};

inline detail::to_stream_operator to_stream(std::string name = {}) {
  return detail::to_stream_operator{std::move(name)};
}

}  // namespace lentic::process
