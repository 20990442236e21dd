// SPDX-License-Identifier: Apache-2.0
#pragma once

// use_task: the completion token for Asio operations inside a lentic task.
//
//   const std::size_t got = co_await socket.async_read_some(buffer, use_task);
//   const result<std::size_t> got = co_await socket.async_read_some(buffer, use_result);
//   const std::tuple<std::error_code, std::size_t> got =
//       co_await asio::async_read(socket, buffer, use_tuple);
//   co_await timer.async_wait(use_task(stop));      // a stop_token cancels the operation
//
// Result: nothing, the value, or a std::tuple of the values. Errors: an error_code is thrown as
// std::system_error; use_result answers it. An exception_ptr is rethrown; use_result answers it
// when it is a std::system_error. Both lose the values beside an error, such as the bytes that came
// before the end of a file: use_tuple keeps the error, in front, and the values, or default ones.
// A handler that its context destroys uncalled is operation_aborted too, also where the operation
// has no error of its own: end then, for the context is going away.
// Cost: no frame, no allocation of ours; initiation and arguments wait in the awaiting frame.
// Threads: the coroutine resumes where Asio calls the handler, from the loop of the I/O object's
// executor, on nobody's stack. That must be the owner's io_context; for an object elsewhere write
// asio::bind_executor(runtime.get_executor(), use_task). Builds with assertions check the thread.
// An operation that completes inside its own initiation does not suspend.
// Cancellation: the token's stop_token, or a slot bound by asio::bind_cancellation_slot (then the
// slot counts). A stop that was asked for before is operation_aborted, and nothing is initiated.
// Lifetime: destroying a task that is suspended here is a broken precondition. Buffers may go once
// the operation has returned.

#include <lentic/coro/asio_error.hpp>
#include <lentic/coro/result.hpp>
#include <lentic/coro/stop_token.hpp>

#include <asio/async_result.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/error.hpp>

#include <cassert>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

namespace lentic::coro {

enum class failure_form : std::uint8_t { thrown, answered, beside };

template <failure_form Form>
class basic_use_task {
 public:
  constexpr basic_use_task() noexcept = default;
  // The same token with a stop_token, whose source outlives the operation.
  basic_use_task operator()(stop_token stop) const noexcept {
    basic_use_task stoppable;
    stoppable.stop_ = stop;
    return stoppable;
  }
  stop_token stop() const noexcept { return stop_; }

 private:
  stop_token stop_;
};

using use_task_t = basic_use_task<failure_form::thrown>;
using use_result_t = basic_use_task<failure_form::answered>;
using use_tuple_t = basic_use_task<failure_form::beside>;
inline constexpr use_task_t use_task{};
inline constexpr use_result_t use_result{};
inline constexpr use_tuple_t use_tuple{};

namespace detail {

// The arguments of a completion: an error of one of two kinds, or none, and the values.
template <class... Values>
class completed_values {
 public:
  using value_type = std::conditional_t<
      sizeof...(Values) == 0, void,
      std::tuple_element_t<0, std::conditional_t<sizeof...(Values) == 1, std::tuple<Values..., int>,
                                                 std::tuple<std::tuple<Values...>>>>>;

  // What came, or default values when the operation ended without any.
  std::tuple<Values...> take_all() {
    return values_ ? std::move(*values_) : std::tuple<Values...>();
  }
  template <class... Args>
  void store(Args&&... values) {
    values_.emplace(std::forward<Args>(values)...);
  }
  value_type take() {
    if constexpr (sizeof...(Values) == 1) {
      return std::get<0>(std::move(*values_));
    } else if constexpr (sizeof...(Values) > 1) {
      return std::move(*values_);
    }
  }

 private:
  std::optional<std::tuple<Values...>> values_;
};

// Its operation has no error of its own; but it can be stopped before its start, and its context
// can destroy the handler.
template <class... Args>
class completed : public completed_values<Args...> {
 public:
  using beside_type = std::tuple<std::error_code, Args...>;
  void abort() noexcept { aborted_ = true; }
  std::error_code code() const noexcept {
    return aborted_ ? std::error_code(asio::error::operation_aborted) : std::error_code();
  }
  void check() const {
    if (aborted_) throw std::system_error(code());
  }
  beside_type take_beside() { return std::tuple_cat(std::tuple(code()), this->take_all()); }

 private:
  bool aborted_ = false;
};

template <class... Values>
class completed<std::error_code, Values...> : public completed_values<Values...> {
 public:
  using beside_type = std::tuple<std::error_code, Values...>;
  template <class... Args>
  void store(const std::error_code& code, Args&&... values) {
    code_ = code;
    completed_values<Values...>::store(std::forward<Args>(values)...);
  }
  void abort() noexcept { code_ = asio::error::operation_aborted; }
  std::error_code code() const noexcept { return code_; }
  void check() const {
    if (code_) throw std::system_error(code_);
  }
  beside_type take_beside() { return std::tuple_cat(std::tuple(code_), this->take_all()); }

 private:
  std::error_code code_;
};

template <class... Values>
class completed<std::exception_ptr, Values...> : public completed_values<Values...> {
 public:
  using beside_type = std::tuple<std::exception_ptr, Values...>;
  template <class... Args>
  void store(std::exception_ptr error, Args&&... values) {
    error_ = std::move(error);
    completed_values<Values...>::store(std::forward<Args>(values)...);
  }
  void abort() {
    const std::error_code aborted = asio::error::operation_aborted;
    error_ = std::make_exception_ptr(std::system_error(aborted));
  }
  // Throws what is not a std::system_error.
  std::error_code code() const {
    try {
      check();
    } catch (const std::system_error& failure) {
      return failure.code();
    }
    return {};
  }
  void check() const {
    if (error_) std::rethrow_exception(error_);
  }
  beside_type take_beside() { return std::tuple_cat(std::tuple(error_), this->take_all()); }

 private:
  std::exception_ptr error_;
};

// What the handler needs of the awaiter, whatever the operation.
template <class... Args>
class asio_wait {
 public:
  using outcome_type = completed<std::decay_t<Args>...>;

  explicit asio_wait(stop_token stop) noexcept : stop_(stop) {}
  asio_wait(const asio_wait&) = delete;
  asio_wait& operator=(const asio_wait&) = delete;

  outcome_type& outcome() noexcept { return outcome_; }
  // Empty without a stop_token: then Asio keeps no cancellation handler.
  asio::cancellation_slot slot() noexcept {
    return stop_.stop_possible() ? signal_.slot() : asio::cancellation_slot();
  }

  void finish() {
    assert(owner_ == std::this_thread::get_id() && "bind_executor(the owner's executor, use_task)");
    finished_ = true;
    if (suspended_) waiter_.resume();
  }

 protected:
  ~asio_wait() { assert((!initiated_ || finished_) && "destroyed under an Asio operation"); }

  // True when it can complete without being initiated.
  bool stopped_before() {
    if (!stop_.stop_requested()) return false;
    outcome_.abort();
    return true;
  }
  void prepare(std::coroutine_handle<> handle) noexcept {
    waiter_ = handle;
    initiated_ = true;
  }
  // True when the operation goes on; from then on finish() resumes.
  bool suspend() {
    if (finished_) return false;
    callback_.emplace(stop_, &asio_wait::ask, this);  // may ask at once, and that may finish
    if (finished_) return false;
    suspended_ = true;
    return true;
  }
  void forget_stop() noexcept { callback_.reset(); }

 private:
  static void ask(void* self) noexcept {
    using asio::cancellation_type;
    static_cast<asio_wait*>(self)->signal_.emit(
        cancellation_type::terminal | cancellation_type::partial | cancellation_type::total);
  }

  outcome_type outcome_;
  std::coroutine_handle<> waiter_;
  stop_token stop_;
  asio::cancellation_signal signal_;
  std::optional<stop_callback> callback_;
  std::thread::id owner_ = std::this_thread::get_id();
  bool initiated_ = false;
  bool suspended_ = false;
  bool finished_ = false;
};

template <class... Args>
class asio_wait_handler {
 public:
  using cancellation_slot_type = asio::cancellation_slot;

  explicit asio_wait_handler(asio_wait<Args...>& wait) noexcept : wait_(&wait) {}
  asio_wait_handler(asio_wait_handler&& other) noexcept
      : wait_(std::exchange(other.wait_, nullptr)) {}
  asio_wait_handler& operator=(asio_wait_handler&&) = delete;
  ~asio_wait_handler() {
    if (wait_ == nullptr) return;
    wait_->outcome().abort();
    std::exchange(wait_, nullptr)->finish();
  }

  cancellation_slot_type get_cancellation_slot() const noexcept {
    return wait_ != nullptr ? wait_->slot() : asio::cancellation_slot();
  }

  template <class... Actual>
  void operator()(Actual&&... values) {
    asio_wait<Args...>* const wait = std::exchange(wait_, nullptr);
    wait->outcome().store(std::forward<Actual>(values)...);
    wait->finish();
  }

 private:
  asio_wait<Args...>* wait_;
};

template <failure_form Form, class Initiation, class Inputs, class... Args>
class asio_awaiter : private asio_wait<Args...> {
 public:
  using value_type = typename asio_wait<Args...>::outcome_type::value_type;
  using answer_type = std::conditional_t<
      Form == failure_form::beside, typename asio_wait<Args...>::outcome_type::beside_type,
      std::conditional_t<Form == failure_form::answered, result<value_type>, value_type>>;

  template <class... Actual>
  asio_awaiter(stop_token stop, Initiation initiation, Actual&&... inputs)
      : asio_wait<Args...>(stop),
        initiation_(std::move(initiation)),
        inputs_(std::forward<Actual>(inputs)...) {}

  bool await_ready() { return this->stopped_before(); }
  bool await_suspend(std::coroutine_handle<> handle) {
    this->prepare(handle);
    const auto initiate = [this](auto&... each) {
      std::move(initiation_)(asio_wait_handler<Args...>(*this), std::move(each)...);
    };
    std::apply(initiate, inputs_);
    return this->suspend();
  }
  answer_type await_resume() {
    this->forget_stop();
    auto& outcome = this->outcome();
    if constexpr (Form == failure_form::beside) {
      return outcome.take_beside();
    } else {
      if constexpr (Form == failure_form::answered) {
        if (const std::error_code code = outcome.code()) return code;
      } else {
        outcome.check();
      }
      if constexpr (!std::is_void_v<value_type>) {
        return outcome.take();
      } else {
        return answer_type();
      }
    }
  }

 private:
  Initiation initiation_;
  Inputs inputs_;
};

}  // namespace detail

}  // namespace lentic::coro

namespace asio {

template <lentic::coro::failure_form Form, class R, class... Args>
class async_result<lentic::coro::basic_use_task<Form>, R(Args...)> {
 public:
  using return_type = void;  // the binders of Asio 1.22 name it; what is returned is the awaiter

  template <class Initiation, class... Inputs>
  static auto initiate(Initiation&& initiation, lentic::coro::basic_use_task<Form> token,
                       Inputs&&... inputs) {
    using stored = std::tuple<std::decay_t<Inputs>...>;
    return lentic::coro::detail::asio_awaiter<Form, std::decay_t<Initiation>, stored, Args...>(
        token.stop(), std::forward<Initiation>(initiation), std::forward<Inputs>(inputs)...);
  }
};

}  // namespace asio
