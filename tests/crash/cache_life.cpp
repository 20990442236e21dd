// SPDX-License-Identifier: Apache-2.0
#include "cache_life.hpp"

#include <lentic/coro/sync_wait.hpp>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace lentic::crash {

namespace {

constexpr unsigned injected_permille = 30;

std::string text_of(std::optional<bytes_view> value) {
  return value ? std::string(as_text(*value)) : "-";
}

// What the first `count` records leave, expired windows too, and the oldest start that is visible.
std::pair<window_rows, std::int64_t> replay(std::uint64_t seed, std::uint64_t count) {
  const windows::window_store_options options = cache_life_windows();
  window_rows rows;
  std::int64_t observed = -1;
  for (std::uint64_t i = 0; i < count; ++i) {
    const window_record record = record_at(seed, i);
    observed = std::max(observed, record.start_ms);
    const std::int64_t floor_ms = std::max<std::int64_t>(0, observed - options.retention_ms);
    const std::int64_t interval = options.segment_interval_ms;
    if (record.start_ms / interval < floor_ms / interval) continue;
    if (record.value) {
      rows[{record.key, record.start_ms}] = *record.value;
    } else {
      rows.erase({record.key, record.start_ms});
    }
  }
  return {rows, std::max<std::int64_t>(0, observed - options.retention_ms + 1)};
}

}  // namespace

window_record record_at(std::uint64_t seed, std::uint64_t number) {
  coro::sim_random random(seed * 1'000'003 + number);
  window_record record;
  record.key = std::string(1 + random.below(2), static_cast<char>('a' + random.below(4)));
  const auto now = static_cast<std::int64_t>(2 * number);
  const auto late = static_cast<std::int64_t>(random.below(110));
  record.start_ms = std::max<std::int64_t>(0, now - late) / 10 * 10;
  if (!random.chance(150)) record.value = "v" + std::to_string(number);
  return record;
}

windows::window_store_options cache_life_windows() {
  windows::window_store_options options;
  options.window_size_ms = 10;
  options.retention_ms = 100;
  options.segment_interval_ms = 20;
  return options;
}

void failing_windows::strike() {
  if (random_.chance(injected_permille)) throw std::system_error(EIO, std::system_category());
}

maybe_ready<bool> failing_windows::put(bytes_view key, std::int64_t start_ms, bytes_view value) {
  strike();
  return inner_.put(key, start_ms, value);
}

maybe_ready<bool> failing_windows::erase(bytes_view key, std::int64_t start_ms) {
  strike();
  return inner_.erase(key, start_ms);
}

// Some changes stop the flush that tells them, some wait a while, some are refused at first.
maybe_ready<void> cache_life::on_change(const change& told) {
  if (stop_ != nullptr && random_.chance(200)) stop_->request_stop();
  if (random_.chance(injected_permille)) throw std::system_error(EIO, std::system_category());
  const windows::window_key window = windows::decode_window_key(told.key).value();
  std::string line(as_text(window.key));
  line += " " + std::to_string(window.start_ms) + " " + text_of(told.old_value);
  line += " " + text_of(told.new_value) + "\n";
  ++world_.changes;
  if (random_.chance(100)) return append_slowly(std::move(line));
  env_->append_output(as_bytes(line));
  return {};
}

task<void> cache_life::append_slowly(std::string line) {
  const std::int64_t until = runtime_.now_ms() + 1;
  co_await coro::sleep_until(runtime_, until);
  env_->append_output(as_bytes(line));
}

void cache_life::run(std::uint64_t steps) {
  try {
    sync_wait(runtime_, live(steps));
  } catch (const std::system_error& error) {
    if (!runtime_.engine().is_off()) world_.broken(std::string("without a crash: ") + error.what());
  } catch (const std::logic_error& error) {
    world_.broken(error.what());
  }
  sync_wait(runtime_, delivery_.join());
  if (env_) close();
}

void cache_life::close() {
  store_.reset();
  below_.reset();
  static_cast<void>(sync_wait(runtime_, as_result(env_->close())));
  world_.promised = std::max(world_.promised, env_->last_durable());
}

task<void> cache_life::open() {
  env_ = co_await environment::open(runtime_, world_.options);
  const commit_sequence sequence = env_->recovered().sequence;
  const auto cut = world_.cuts.find(sequence);
  if (sequence < world_.promised || cut == world_.cuts.end()) {
    world_.broken("recovered commit " + std::to_string(sequence) + ", promised "
                  + std::to_string(world_.promised));
    co_return;
  }
  position_ = cut->second;
  world_.cuts = {{sequence, position_}};
  const auto stored = env_->position("input");
  const std::string expected = position_ == 0 ? "" : std::to_string(position_);
  if ((stored ? as_text(*stored) : "") != expected) world_.broken("another position");
  segmented_store& segments = env_->open_segmented_store("windows");
  if (world_.rows == window_rows_in::failing_store) {
    below_ = std::make_unique<failing_windows>(segments, random_);
  } else {
    below_ = std::make_unique<windows::segmented_window_store>(segments, cache_life_windows());
  }
  caching_options options;
  options.listener = this;
  store_ = std::make_unique<windows::caching_window_store>(world_.mode, *below_, budget_, "windows",
                                                           options);
  byte_store& run = env_->open_byte_store("run");
  const std::optional<value_view> state = co_await run.get(as_bytes("state"));
  if (state) store_->restore(windows::window_store_state::decode(*state).value());
}

task<void> cache_life::live(std::uint64_t steps) {
  co_await open();
  if (alive()) co_await check();
  for (std::uint64_t i = 0; i < steps && alive(); ++i) {
    const std::uint64_t dice = random_.below(100);
    if (dice < 80) {
      co_await take_record();
    } else if (dice < 90) {
      co_await commit();
    } else if (dice < 96) {
      if (delivery_.live() == 0) delivery_.spawn(deliver());
    } else {
      const std::int64_t until = runtime_.now_ms() + 2;
      co_await coro::sleep_until(runtime_, until);
    }
    world_.promised = std::max(world_.promised, env_->last_durable());
  }
}

// Refused writes are made again, as a caller would that goes on: puts are the same either way.
task<void> cache_life::take_record() {
  const window_record record = record_at(world_.seed, position_);
  for (;;) {
    std::optional<std::error_code> refused;
    try {
      if (record.value) {
        co_await store_->put(as_bytes(record.key), record.start_ms, as_bytes(*record.value));
      } else {
        co_await store_->erase(as_bytes(record.key), record.start_ms);
      }
      co_await store_->expire();
    } catch (const std::system_error& error) {  // one of those injected, or the end
      refused = error.code();
    }
    if (!refused) break;
    if (runtime_.engine().is_off()) co_return;
  }
  ++position_;
}

// Stopped, failed or not: until nothing is dirty, as the contract asks before a commit.
task<void> cache_life::flush_all() {
  while (alive() && store_->dirty_count() != 0) {
    coro::stop_source stop;
    stop_ = &stop;
    const coro::stop_token token(stop);
    try {
      co_await store_->flush(token);
    } catch (const std::system_error&) {  // one of those injected: once more
    }
    stop_ = nullptr;
  }
}

// Segments are sealed while late records still change them.
task<void> cache_life::commit() {
  if (random_.chance(500)) store_->closed_below(store_->observed_stream_time_ms() - 30);
  co_await flush_all();
  if (!alive()) co_return;
  bytes state;
  store_->state().append_to(state);
  byte_store& run = env_->open_byte_store("run");
  co_await run.put(as_bytes("state"), state);
  if (position_ != 0) env_->set_position("input", as_bytes(std::to_string(position_)));
  const commit_sequence sequence = env_->cut();
  world_.cuts[sequence] = position_;
  const bool waits = random_.chance(500);
  if (waits) co_await env_->wait_durable(sequence);
}

// Writing takes a while, and the process may die in it; what was begun may be there or not.
task<void> cache_life::deliver() {
  const auto batch = env_->next_output(0);
  if (!batch) co_return;
  const commit_sequence sequence = batch->sequence;
  const std::string text(as_text(batch->output));
  const std::int64_t until = runtime_.now_ms() + static_cast<std::int64_t>(random_.below(12));
  co_await coro::sleep_until(runtime_, until);
  if (!alive()) co_return;
  const auto written = world_.sink.emplace(sequence, text).first;
  if (written->second != text)
    world_.broken("batch " + std::to_string(sequence) + " came again with other lines");
  env_->acknowledge(sequence);
}

task<void> cache_life::check() {
  window_rows stored;
  windows::window_cursor rows = store_->fetch_all(windows::time_range());
  for (;;) {
    const std::span<const windows::window_row> block = co_await rows.next();
    if (block.empty()) break;
    for (const windows::window_row& each : block)
      stored[{std::string(as_text(each.key)), each.start_ms}] = as_text(each.value);
  }
  const auto [expected, oldest] = replay(world_.seed, position_);
  check_chain(expected);
  const std::int64_t oldest_ms = oldest;
  window_rows visible = expected;
  std::erase_if(visible, [&](const auto& row) { return row.first.second < oldest_ms; });
  if (stored != visible) world_.broken("windows are not those of the records before the position");
}

void cache_life::check_chain(const window_rows& expected) {
  std::map<commit_sequence, std::string> told = world_.sink;
  for (auto batch = env_->next_output(0); batch; batch = env_->next_output(batch->sequence))
    told.emplace(batch->sequence, as_text(batch->output));
  window_rows last;
  for (const auto& [sequence, text] : told) {
    std::istringstream lines(text);
    std::string key;
    std::int64_t start = 0;
    std::string before;
    std::string after;
    while (lines >> key >> start >> before >> after) {
      std::string& known = last.try_emplace({key, start}, "-").first->second;
      if (known != before)
        world_.broken("the chain of " + key + "@" + std::to_string(start) + " has " + before
                      + " after " + known);
      known = after;
    }
  }
  std::erase_if(last, [](const auto& row) { return row.second == "-"; });
  if (last != expected) world_.broken("the changes told do not end in what the records leave");
}

}  // namespace lentic::crash
