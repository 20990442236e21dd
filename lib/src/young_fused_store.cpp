// SPDX-License-Identifier: Apache-2.0
#include "young_fused_store.hpp"

#include "limits.hpp"

#include <lentic/errc.hpp>

#include <system_error>
#include <utility>

namespace lentic::detail {

young_fused_store::young_fused_store(byte_store& inner, touching_store& rows, thread_cache& cache,
                                     std::string_view name, const caching_options& options)
    : write_through_store(inner, cache, name, options, this, entry_memory::of_the_store),
      rows_(rows),
      log_(cache.memory()) {}

void young_fused_store::waiting_put::begin_read() noexcept {
  reads_ = true;
  store_->begin_put();
}

void young_fused_store::waiting_put::end_read() noexcept {
  if (std::exchange(reads_, false)) store_->end_put();
}

const touch_call& young_fused_store::waiting_put::call() noexcept {
  if (call_.context != nullptr) call_.context = &context_;
  return call_;
}

const touch_call& young_fused_store::waiting_put::read(
    std::optional<bytes_view> old_value) noexcept {
  call_.was_read = true;
  call_.old_value = old_value;
  return call();
}

const touch_call& young_fused_store::waiting_put::admitted() noexcept {
  call_.was_read = false;
  call_.old_value.reset();
  call_.has_room = true;
  return call();
}

std::uint64_t young_fused_store::give_up(std::uint64_t) noexcept {
  return log_.give_up_spares();
}

touch_call young_fused_store::call() noexcept {
  touch_call made;
  made.log = &log_;
  made.context = options_.current;
  return made;
}

// What the log counts is what the budget hears of.
void young_fused_store::settle_account() noexcept {
  const std::uint64_t bytes = log_.bytes();
  if (bytes > account_.bytes()) account_.charge(bytes - account_.bytes());
  if (bytes < account_.bytes()) account_.credit(account_.bytes() - bytes);
}

void young_fused_store::landed(const touch_answer& done) noexcept {
  ++(done.was_touched ? figures_.hits : figures_.misses);
  settle_account();
}

maybe_ready<void> young_fused_store::put(bytes_view key, bytes_view value) {
  check_limits(key, value);
  const touch_answer done = rows_.put_touching(key, value, call());
  if (done.unread) [[unlikely]]
    return put_unread(key, value);
  if (done.full) [[unlikely]]
    return put_full(waiting_put(*this), key, value);
  landed(done);
  return settle();
}

maybe_ready<void> young_fused_store::put_unread(bytes_view key, bytes_view value) {
  waiting_put mine(*this);
  mine.begin_read();
  maybe_ready<std::optional<value_view>> old_value = inner_.get(key);
  if (!old_value.ready()) return put_cold(std::move(mine), key, value, std::move(old_value));
  const touch_answer done = rows_.put_touching(key, value, mine.read(old_value.take()));
  mine.end_read();
  if (done.full) return put_full(std::move(mine), key, value);
  landed(done);
  return settle();
}

// Here and below: a parameter lives as long as the frame, and who awaits may keep that. A put that
// failed is no longer under way.
task<void> young_fused_store::put_cold(waiting_put given, bytes_view key, bytes_view value,
                                       maybe_ready<std::optional<value_view>> pending) {
  waiting_put mine(std::move(given));
  const std::optional<value_view> old_value = co_await std::move(pending);
  const touch_answer done = rows_.put_touching(key, value, mine.read(old_value));
  mine.end_read();
  if (done.full) {
    task<void> waiting = put_full(std::move(mine), key, value);
    co_return co_await std::move(waiting);
  }
  landed(done);
  co_await settle();
}

// By the time there is room, the row may have gone where it has to be read.
task<void> young_fused_store::put_full(waiting_put given, bytes_view key, bytes_view value) {
  waiting_put mine(std::move(given));
  co_await find_room(key, value.size());
  touch_answer done = rows_.put_touching(key, value, mine.admitted());
  if (done.unread) {
    mine.begin_read();
    const std::optional<value_view> old_value = co_await inner_.get(key);
    done = rows_.put_touching(key, value, mine.read(old_value));
    mine.end_read();
  }
  landed(done);
  co_await settle();
}

task<void> young_fused_store::find_room(bytes_view key, std::uint64_t value_bytes) {
  try {
    co_await rows_.make_room(key, value_bytes);
    co_return;
  } catch (const std::system_error& error) {
    if (error.code() != errc::over_budget || running() || log_.count() == 0) throw;
  }
  ++figures_.evictions;
  co_await run(coro::stop_token());
  co_await rows_.make_room(key, value_bytes);
}

maybe_ready<bool> young_fused_store::erase(bytes_view key) {
  const touch_answer done = rows_.erase_touching(key, call());
  if (done.unread) return erase_unread(key);
  if (done.full) return erase_full(waiting_put(*this), key);
  return erased(done);
}

maybe_ready<bool> young_fused_store::erase_unread(bytes_view key) {
  waiting_put mine(*this);
  mine.begin_read();
  maybe_ready<std::optional<value_view>> old_value = inner_.get(key);
  if (!old_value.ready()) return erase_cold(std::move(mine), key, std::move(old_value));
  const touch_answer done = rows_.erase_touching(key, mine.read(old_value.take()));
  mine.end_read();
  if (done.full) return erase_full(std::move(mine), key);
  return erased(done);
}

task<bool> young_fused_store::erase_cold(waiting_put given, bytes_view key,
                                         maybe_ready<std::optional<value_view>> pending) {
  waiting_put mine(std::move(given));
  const std::optional<value_view> old_value = co_await std::move(pending);
  const touch_answer done = rows_.erase_touching(key, mine.read(old_value));
  mine.end_read();
  if (done.full) {
    task<bool> waiting = erase_full(std::move(mine), key);
    co_return co_await std::move(waiting);
  }
  co_return co_await erased(done);
}

task<bool> young_fused_store::erase_full(waiting_put given, bytes_view key) {
  waiting_put mine(std::move(given));
  co_await find_room(key, 0);
  touch_answer done = rows_.erase_touching(key, mine.admitted());
  if (done.unread) {
    mine.begin_read();
    const std::optional<value_view> old_value = co_await inner_.get(key);
    done = rows_.erase_touching(key, mine.read(old_value));
    mine.end_read();
  }
  co_return co_await erased(done);
}

maybe_ready<bool> young_fused_store::erased(const touch_answer& done) {
  if (done.existed || done.was_touched) landed(done);
  return settled(done.existed);
}

void young_fused_store::begin_run() noexcept {
  ++figures_.flushes;
  flush_limit_ = log_.end();
  log_.rewind();
}

bool young_fused_store::pick() {
  picked_ = bound_ ? log_.first_below(*bound_) : log_.first(flush_limit_);
  if (picked_ == touch_log::nowhere) return false;
  flight_.key.clear();
  log_.append_key(picked_, flight_.key);
  return true;
}

maybe_ready<bool> young_fused_store::land() {
  if (puts_under_way()) return land_later();
  return finish_unit();
}

// Only a unit takes an entry away, and there is one at a time: it is there still.
task<bool> young_fused_store::land_later() {
  co_await wait_for_puts();
  co_return finish_unit();
}

bool young_fused_store::finish_unit() {
  flight_.new_value.set(log_.new_value(picked_));
  flight_.old_value.set(log_.old_value(picked_));
  record_context* const context = log_.context(picked_);
  if (context != nullptr) std::swap(flight_.context, *context);
  log_.remove(picked_);
  settle_account();
  return flight_.old_value.view() || flight_.new_value.view();
}

void young_fused_store::forget_entries() noexcept {
  log_.forget_all();
  settle_account();
}

}  // namespace lentic::detail
