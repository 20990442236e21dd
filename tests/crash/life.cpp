// SPDX-License-Identifier: Apache-2.0
#include "life.hpp"

#include <lentic/coro/sync_wait.hpp>

#include <limits>
#include <stdexcept>
#include <system_error>

namespace lentic::crash {

void life::broken(const std::string& what) {
  if (failure_.empty()) failure_ = what;
}

segmented_store& life::store_at(std::size_t store) {
  return env_->open_segmented_store(store_names.at(store));
}

void life::run(const std::vector<step>& steps, ending how) {
  try {
    sync_wait(*runtime_, live(steps));
  } catch (const std::system_error& error) {
    if (!runtime_->engine().is_off()) broken(std::string("without a crash: ") + error.what());
  } catch (const std::logic_error& error) {
    broken(error.what());
  }
  if (failure_.empty() && how == ending::power_cut) runtime_->engine().cut_power();
  if (failure_.empty() && how == ending::kill) runtime_->engine().kill();
  if (env_) end(how);
  if (how != ending::kill && runtime_->engine().is_off()) model_->cut_power();
}

// Everything unwinds, crash or not; what was promised until then counts.
void life::end(ending how) {
  try {
    const result<void> closed = sync_wait(*runtime_, as_result(env_->close()));
    if (!closed && !runtime_->engine().is_off() && how == ending::close)
      broken("close: " + closed.error().message());
  } catch (const std::logic_error& error) {
    broken(std::string("close: ") + error.what());
    static_cast<void>(env_.release());  // somebody in it still waits
    return;
  }
  promise();
  // A process that ends leaves what it had written, until the power is cut.
  model_->promise_written(env_->last_logged());
}

void life::promise() {
  if (env_->last_logged() < env_->last_durable()) broken("durable, and not written");
  model_->promise(env_->last_durable());
}

task<void> life::open() {
  env_ = co_await environment::open(*runtime_, options_);
  const recovery_report& report = env_->recovered();
  for (const std::string& each : report.quarantined) broken("quarantined " + each);
  if (const auto wrong = model_->recovered(report.sequence)) broken(*wrong);
  if (failure_.empty()) co_await compare();
}

task<void> life::live(const std::vector<step>& steps) {
  co_await open();
  for (const step& next : steps) {
    // A dead process cuts no more; this one learns of its death only at its next operation.
    if (!failure_.empty() || runtime_->engine().is_off()) co_return;
    co_await take(next);
    promise();
  }
  if (failure_.empty() && !runtime_->engine().is_off()) co_await compare();
}

task<void> life::take(step next) {
  switch (next.what) {
    case act::position: {
      const value_id made = model_->next_value(0);
      const std::size_t source = next.key % source_names.size();
      env_->set_position(source_names.at(source), as_bytes(text_of(made)));
      model_->now.positions.at(source) = made.serial;
      co_return;
    }
    case act::output: {
      const value_id made = model_->next_value(next.bytes);
      env_->append_output(as_bytes(text_of(made)));
      model_->append_output(made);
      co_return;
    }
    case act::acknowledge: {
      const auto batch = env_->next_output(0);
      if (!batch) co_return;
      const commit_sequence sequence = batch->sequence;
      env_->acknowledge(sequence);
      model_->acknowledge(sequence);
      co_return;
    }
    case act::cut:
    case act::commit: {
      const commit_sequence sequence = env_->cut(next.level);
      model_->cut(sequence);
      if (next.what == act::commit) co_await wait_for(sequence, next.level);
      co_return;
    }
    case act::rest: {
      const std::int64_t until = runtime_->now_ms() + 1 + next.key % 4;
      co_await coro::sleep_until(*runtime_, until);
      co_return;
    }
    case act::compact: {
      model_->cut(env_->cut());
      model_->others_commit();
      co_await env_->compact();
      co_return;
    }
    case act::read:
      co_return co_await read_one(next);
    default:
      co_await change(next);
  }
}

task<void> life::wait_for(commit_sequence sequence, durability level) {
  co_await env_->wait_durable(sequence, level);
  const commit_sequence reached =
      level == durability::synced ? env_->last_durable() : env_->last_logged();
  if (level != durability::cached && reached < sequence) broken("waited for in vain");
}

task<void> life::change(step next) {
  segmented_store& store = store_at(next.store);
  store_model& known = model_at(next.store);
  const segment_id id = known.floor + next.segment;
  if (next.what == act::drop) {
    co_await store.drop_below(id);
    known.floor = id;
    known.segments.erase(known.segments.begin(), known.segments.lower_bound(id));
    co_return;
  }
  byte_store& segment = store.segment(id);
  const std::string key = key_of(next.key);
  if (next.what == act::put) {
    const value_id made = model_->next_value(next.bytes);
    const std::string text = text_of(made);
    co_await segment.put(as_bytes(key), as_bytes(text));
    known.segments[id][next.key] = made;
  } else if (next.what == act::erase) {
    const bool existed = co_await segment.erase(as_bytes(key));
    if (existed != (known.segments[id].erase(next.key) != 0)) broken("erase of " + key);
  } else if (next.what == act::clear) {
    co_await segment.clear();
    known.segments.erase(id);
  } else {
    store.seal_hint(id);
  }
}

task<void> life::read_one(step next) {
  const segment_id id = model_at(next.store).floor + next.segment;
  byte_store& segment = store_at(next.store).segment(id);
  const segment_rows& known = model_at(next.store).segments[id];
  const std::string key = key_of(next.key);
  const std::optional<value_view> found = co_await segment.get(as_bytes(key));
  const auto expected = known.find(next.key);
  const bool same = found.has_value() == (expected != known.end())
                 && (!found || as_text(*found) == text_of(expected->second));
  if (!same) broken(std::string("value of ") + store_names.at(next.store) + " " + key);
}

task<void> life::compare() {
  constexpr segment_id last = std::numeric_limits<segment_id>::max();
  for (std::size_t i = 0; i < store_names.size(); ++i) {
    segmented_store& store = store_at(i);
    store_model& known = model_at(i);
    if (store.drop_floor() != known.floor)
      broken(std::string("drop floor of ") + store_names.at(i) + " is "
             + std::to_string(store.drop_floor()));
    for (const segment_id id : store.segments(0, last)) known.segments[id];
    for (const auto& [id, rows] : known.segments) co_await compare_segment(i, id, rows);
  }
  compare_positions();
  compare_outbox();
}

task<void> life::compare_segment(std::size_t store, segment_id id, const segment_rows& expected) {
  if (id < store_at(store).drop_floor()) co_return;
  const std::string where = std::string(store_names.at(store)) + "/" + std::to_string(id);
  cursor rows = store_at(store).segment(id).scan();
  auto at = expected.begin();
  for (;;) {
    const std::span<const row> block = co_await rows.next();
    if (block.empty()) break;
    for (const row& each : block) {
      if (at == expected.end() || as_text(each.key) != key_of(at->first)
          || as_text(each.value) != text_of(at->second)) {
        broken(where + " has a wrong row " + std::string(as_text(each.key)));
        co_return;
      }
      ++at;
    }
  }
  if (at != expected.end()) broken(where + " lacks " + key_of(at->first));
  co_await compare_digest(store, id, expected);
}

// The one that is kept, not that of a scan.
task<void> life::compare_digest(std::size_t store, segment_id id, const segment_rows& expected) {
  segment_digest sums;
  sums.segment = id;
  for (const auto& [key, value] : expected)
    sums.add(as_bytes(key_of(key)), as_bytes(text_of(value)));
  const std::string name = store_names.at(store);
  const store_digest found = co_await env_->digest(name, id, id + 1);
  const bool same = found.segments.empty() ? sums.rows == 0 : found.segments.front() == sums;
  if (!same) broken("the digest of " + name + "/" + std::to_string(id));
}

void life::compare_positions() {
  for (std::size_t i = 0; i < source_names.size(); ++i) {
    const std::optional<bytes> found = env_->position(source_names.at(i));
    const std::uint32_t expected = model_->now.positions.at(i);
    const bool same = expected == 0 ? !found : found && as_text(*found) == text_of({expected, 0});
    if (!same) broken(std::string("position of ") + source_names.at(i));
  }
}

void life::compare_outbox() {
  commit_sequence after = 0;
  for (const auto& [sequence, lines] : model_->now.outbox) {
    const bool all = options_.commit_level == durability::synced;
    if (sequence > (all ? env_->last_durable() : env_->last_logged())) break;
    std::string expected;
    for (const value_id line : lines) expected += text_of(line);
    const auto batch = env_->next_output(after);
    if (!batch || batch->sequence != sequence || as_text(batch->output) != expected) {
      broken("outbox " + std::to_string(sequence));
      return;
    }
    after = sequence;
  }
  if (env_->next_output(after)) broken("an outbox too many");
}

}  // namespace lentic::crash
