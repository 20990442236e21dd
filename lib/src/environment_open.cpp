// SPDX-License-Identifier: Apache-2.0
#include "environment_state.hpp"
#include "journal_salvage.hpp"
#include "limits.hpp"
#include "numbered_name.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include <fcntl.h>

namespace lentic {

namespace {

// So that microseconds of it, and multiples, are numbers.
constexpr std::uint64_t recovery_budget_ms_max = std::uint64_t{24} * 60 * 60 * 1000;
constexpr std::uint64_t memory_budget_min = std::uint64_t{64} << 10;
// Of the budget; for copies of what is written.
constexpr std::uint64_t staging_part = 64;

}  // namespace

// Applies the items of replayed frames. A store that was never declared is damage.
class environment::state::replayer final : public detail::payload_visitor {
 public:
  explicit replayer(state& target) noexcept : target_(&target) {}

  bool apply(commit_sequence sequence, bytes_view payload) {
    target_->begin_epoch(sequence, target_->journal->replaying_file());
    point_ = {sequence, target_->epochs_.back().start};
    rows_ = 0;
    const bool parsed = detail::decode_payload(payload, *this);
    apply_gathered();
    target_->journal->count_rows(rows_);
    target_->report.rows_replayed += rows_;
    return parsed && sound_;
  }

  void store(std::uint64_t id, bytes_view name, young_layout layout) override {
    const std::string text(as_text(name));
    sound_ = sound_ && detail::is_store_name(text);
    if (!sound_ || target_->stores_by_id.contains(id)) return;
    sound_ = !target_->stores.contains(text);  // of another number
    if (!sound_) return;
    target_->declare(id, text, layout);
    target_->stores_by_id[id]->set_declared();
    target_->entry_of(id);
  }
  void put(std::uint64_t id, std::uint64_t segment, bytes_view key, bytes_view value) override {
    sound_ = sound_ && value.size() <= value_bytes_max;
    gather(id, segment, {key, value});
  }
  void erase(std::uint64_t id, std::uint64_t segment, bytes_view key) override {
    gather(id, segment, {key, std::nullopt});
  }
  void drop_below(std::uint64_t id, std::uint64_t segment) override {
    apply_gathered();
    detail::mmap_store* const found = find_store(id);
    if (found == nullptr) return;
    found->replay_drop_below(segment);
    detail::manifest_store& entry = target_->entry_of(id);
    entry.drop_floor = found->drop_floor();
    entry.runs.erase(entry.runs.begin(), entry.runs.lower_bound(entry.drop_floor));
  }
  void position(bytes_view name, bytes_view value) override {
    target_->positions.insert_or_assign(std::string(as_text(name)), to_bytes(value));
  }
  void outbox(commit_sequence sequence, bytes_view batch) override {
    if (sequence > target_->acknowledged) target_->outbox[sequence] = to_bytes(batch);
  }
  void acknowledged(commit_sequence sequence) override {
    target_->acknowledged = std::max(target_->acknowledged, sequence);
    target_->outbox.erase(target_->outbox.begin(),
                          target_->outbox.upper_bound(target_->acknowledged));
  }
  // A run newer than the clear holds what came after it.
  void clear(std::uint64_t id, std::uint64_t segment, std::uint64_t generation) override {
    apply_gathered();
    detail::mmap_segment* const found = find(id, segment);
    if (found == nullptr) return;
    found->replay_forget();
    found->replay_generation(generation);
    auto& runs = target_->entry_of(id).runs;
    const auto run = runs.find(segment);
    if (run != runs.end() && run->second <= generation) runs.erase(run);
  }
  void sealed(std::uint64_t id, std::uint64_t segment, std::uint64_t generation) override {
    apply_gathered();
    detail::mmap_segment* const found = find(id, segment);
    if (found == nullptr) return;
    found->replay_generation(generation);
    const auto& runs = target_->entry_of(id).runs;
    const auto run = runs.find(segment);
    if (run != runs.end() && run->second >= generation) found->replay_forget();
  }

 private:
  // Rows of one segment that follow each other are applied together, which waits for memory once.
  void gather(std::uint64_t id, std::uint64_t segment, const detail::logged_row& row) {
    ++rows_;
    sound_ = sound_ && row.key.size() <= key_bytes_max;
    if (!sound_) return;
    if (gathered_ == gathered_rows_.size() || id != store_ || segment != segment_) {
      apply_gathered();
      store_ = id;
      segment_ = segment;
    }
    gathered_rows_[gathered_++] = row;
  }
  void apply_gathered() {
    const std::span<const detail::logged_row> rows =
        std::span(gathered_rows_).first(std::exchange(gathered_, 0));
    if (rows.empty()) return;
    if (detail::mmap_segment* const found = find(store_, segment_)) found->replay(rows, point_);
  }
  detail::mmap_store* find_store(std::uint64_t id) {
    const auto found = target_->stores_by_id.find(id);
    sound_ = sound_ && found != target_->stores_by_id.end();
    return sound_ ? found->second : nullptr;
  }
  // Null for a segment that was dropped by then, which a frame logged again may still name.
  detail::mmap_segment* find(std::uint64_t id, std::uint64_t segment) {
    detail::mmap_store* const store = find_store(id);
    if (store == nullptr || segment < store->drop_floor()) return nullptr;
    return store->replay_segment(segment).get();
  }

  state* target_;
  detail::log_point point_;
  std::uint64_t rows_ = 0;  // of the frame
  std::array<detail::logged_row, detail::replay_group> gathered_rows_;
  std::size_t gathered_ = 0;
  std::uint64_t store_ = 0;  // of what is gathered
  std::uint64_t segment_ = 0;
  bool sound_ = true;
};

detail::manifest_store& environment::state::entry_of(std::uint64_t store) {
  for (detail::manifest_store& each : manifest_.stores) {
    if (each.id == store) return each;
  }
  detail::manifest_store& made = manifest_.stores.emplace_back();
  made.id = store;
  made.name = stores_by_id.at(store)->name();
  made.layout = stores_by_id.at(store)->layout();
  return made;
}

task<void> environment::state::open() {
  if (options.journal_growth_bytes == 0 || options.journal_file_bytes_max == 0)
    fail(errc::invalid_argument, "journal sizes must be above zero");
  if (options.journal_live_factor < 2)
    fail(errc::invalid_argument, "journal_live_factor must be at least 2");
  if (options.recovery_budget_ms > recovery_budget_ms_max)
    fail(errc::invalid_argument, "recovery_budget_ms is above a day");
  if (options.memory_budget != 0 && options.memory_budget < memory_budget_min)
    fail(errc::invalid_argument, "memory_budget must be at least 65536 bytes, or 0");
  if (!is_durable() && options.mode != open_mode::create)
    fail(errc::invalid_argument, "no directory is named that could hold a state");
  if (!is_durable()) {
    report.created = true;
    co_return;
  }
  co_await directory.open(options.directory, options.mode, options.lock_wait_ms);
  std::optional<detail::manifest> found = co_await directory.load_manifest();
  if (!found && options.mode != open_mode::create)
    fail(errc::not_a_state_directory, options.directory);
  if (!found) co_await create();
  if (found && !is_reader()) co_await directory.settle();
  if (found) manifest_ = std::move(*found);
  co_await recover();
  if (is_reader()) co_return;
  renew_budget(0);
  background_.spawn(upkeep());
}

task<void> environment::state::create() {
  report.created = true;
  manifest_.environment = runtime.random();
  co_await directory.sync_own_name();
  co_await directory.save_manifest(manifest_);
}

task<void> environment::state::recover() {
  detail::journal_options chosen;
  chosen.environment = manifest_.environment;
  chosen.file_bytes_max = options.journal_file_bytes_max;
  chosen.growth_bytes = options.journal_growth_bytes;
  chosen.writes_direct =
      options.journal_io == journal_writes::direct && options.commit_level == durability::synced;
  if (memory->budget() != 0)
    chosen.staging_bytes_max = std::min(chosen.staging_bytes_max, memory->budget() / staging_part);
  chosen.stops_at_damage = options.mode == open_mode::salvage;
  journal = std::make_unique<detail::journal>(directory.home(), chosen);
  acknowledged = manifest_.acknowledged;
  for (const detail::manifest_store& each : manifest_.stores) {
    declare(each.id, each.name, each.layout);
    stores_by_id[each.id]->set_declared();
    stores_by_id[each.id]->replay_drop_below(each.drop_floor);
  }
  detail::journal_start start;
  start.first_file = manifest_.first_journal_file;
  start.first_sequence = manifest_.first_journal_sequence;
  start.durable_sequence = manifest_.last_durable;
  replayer apply(*this);
  std::set<std::uint64_t> known;
  for (const auto& [id, store] : stores_by_id) known.insert(id);
  const bool salvages = options.mode == open_mode::salvage;  // a frame is applied whole or not
  detail::journal::frame_handler handler = [&](commit_sequence sequence, bytes_view payload) {
    return (!salvages || detail::may_be_applied(payload, known)) && apply.apply(sequence, payload);
  };
  const std::int64_t begin_ms = runtime.now_ms();
  const detail::replay_result replayed = co_await journal->replay(start, handler);
  report.replay_ms = runtime.now_ms() - begin_ms;
  if (replayed.damaged) co_await report_damage(replayed);
  last_cut = last_logged = last_durable = manifest_.last_durable = replayed.last_sequence;
  // After a salvage the manifest may know of deliveries of commits that are lost: their numbers are
  // given out again, to commits whose output nobody has seen.
  acknowledged = std::min(acknowledged, last_durable);
  manifest_.acknowledged = std::min(manifest_.acknowledged, last_durable);
  report.sequence = replayed.last_sequence;
  report.frames_replayed = replayed.frames;
  report.bytes_replayed = replayed.bytes;
  report.cut = replayed.cut;
  report.replay_estimate_us = replay_estimate_us();
  count_outbox();
  co_await attach_runs();
  if (is_reader()) co_return;
  co_await journal->prepare_to_append();
  co_await remove_orphans();
}

// What the manifest holds is of commits up to its last durable one. When the journal ends before
// that, runs may be newer than it, and rows whose frames were recycled may be in lost frames alone.
task<void> environment::state::report_damage(detail::replay_result replayed) {
  detail::salvage_start start;
  start.environment = manifest_.environment;
  start.file = replayed.end_file;
  start.offset = replayed.end_offset;
  start.last_applied = replayed.last_sequence;
  start.last_durable = manifest_.last_durable;
  for (const auto& [id, store] : stores_by_id) start.names[id] = store->name();
  report.damage = co_await detail::find_damage(directory.home(), std::move(start));
  if (replayed.last_sequence >= manifest_.last_durable) co_return;
  const bool only_journal =
      manifest_.first_journal_sequence == 1
      && std::all_of(manifest_.stores.begin(), manifest_.stores.end(),
                     [](const auto& each) { return each.runs.empty() && each.drop_floor == 0; });
  if (!only_journal) report.mixed_up_to = manifest_.last_durable;
}

task<void> environment::state::attach_runs() {
  for (const detail::manifest_store& entry : manifest_.stores) {
    if (entry.runs.empty()) continue;
    detail::mmap_store& store = *stores_by_id.at(entry.id);
    result<coro::directory> home = co_await as_result(directory.store_directory(entry.name, false));
    if (!home && !detail::is_no_regular_file(home.error()))
      throw std::system_error(home.error(), "open " + directory.path() + "/" + entry.name);
    for (const auto& [segment, generation] : entry.runs) {
      if (home) {
        co_await attach_run(store, *home, segment, generation);
      } else {
        const std::string name = detail::run_file_name(segment, generation);
        quarantine(
            store, segment, generation,
            directory.path() + "/" + entry.name + "/" + name + ": " + home.error().message());
      }
    }
  }
}

void environment::state::quarantine(detail::mmap_store& store, std::uint64_t segment,
                                    std::uint64_t generation, const std::string& why) {
  unreadable_.insert({store.id(), segment});
  report.quarantined.push_back(why);
  report.quarantined_runs.push_back({store.name(), segment, generation, why});
  store.replay_segment(segment)->quarantine(why, generation);
}

// Reads footer, index and filter, so that the look at them in the map does not block. What they say
// is not checked yet, and not believed further than the end of the file.
task<void> environment::state::warm_run(coro::file& file, std::uint64_t size) {
  const std::uint64_t body = size - detail::run_footer_bytes;
  bytes footer(detail::run_footer_bytes);
  const std::size_t got = co_await file.read(footer, body);
  if (got < footer.size()) co_return;
  const std::uint64_t index = detail::run_reader::index_offset_of(footer);
  if (index < body) co_await reads->read(file, index, body);
}

// The run, mapped and checked, or why it is damaged. Throws what is no damage: a limit, a
// permission, an error of the device; the next open may find the run as it was.
task<result<std::shared_ptr<detail::run_reader>>> environment::state::open_run(
    const detail::run_identity& identity, coro::directory& home) {
  const std::string name = detail::run_file_name(identity.segment, identity.generation);
  result<coro::file> opened = co_await as_result(home.open_file(name, O_RDONLY));
  if (!opened && detail::is_no_regular_file(opened.error())) co_return opened.error();
  if (!opened) throw std::system_error(opened.error(), "open " + home.name() + "/" + name);
  coro::file file = std::move(*opened);
  const std::uint64_t size = co_await file.size();
  if (size < detail::run_footer_bytes) co_return make_error_code(errc::damaged);
  co_await warm_run(file, size);
  const bytes_view map = file.map(size);
  auto made = detail::run_reader::open(map, identity, file.name());
  if (!made) {
    runtime.io().unmap(map);
    co_return made.error();
  }
  std::unique_ptr<detail::run_reader> reader = std::move(*made);
  reader->serve(std::move(file), reads, detail::run_origin::found);
  co_return std::shared_ptr<detail::run_reader>(std::move(reader));
}

// A run that cannot be read quarantines its segment; the rest of the environment works.
task<void> environment::state::attach_run(detail::mmap_store& store, coro::directory& home,
                                          std::uint64_t segment, std::uint64_t generation) {
  detail::run_identity identity;
  identity.environment = manifest_.environment;
  identity.store = store.id();
  identity.segment = segment;
  identity.generation = generation;
  result<std::shared_ptr<detail::run_reader>> reader = co_await open_run(identity, home);
  if (reader) {
    store.replay_segment(segment)->attach_run(std::move(*reader), generation);
    ++report.runs_mapped;
    co_return;
  }
  const std::string shown = home.name() + "/" + detail::run_file_name(segment, generation);
  quarantine(store, segment, generation, shown + ": " + reader.error().message());
}

// Removes what a crash left half done: older manifests, runs that no manifest names.
task<void> environment::state::remove_orphans() {
  co_await directory.remove_old_manifests();
  const std::vector<std::string> names = co_await directory.home().list();
  for (const auto& [id, store] : stores_by_id) {
    if (!std::binary_search(names.begin(), names.end(), store->name())) continue;
    store->set_directory();
    coro::directory home = co_await directory.store_directory(store->name(), false);
    const auto& runs = entry_of(id).runs;
    const std::vector<std::string> files = co_await home.list();
    for (const std::string& file : files) {
      const bool named = std::any_of(runs.begin(), runs.end(), [&file](const auto& run) {
        return file == detail::run_file_name(run.first, run.second);
      });
      if (named || !file.ends_with(".run")) continue;
      const result<bool> gone = co_await as_result(home.unlink(file));
      if (!gone && gone.error() != std::errc::is_a_directory)
        throw std::system_error(gone.error(), "unlink " + home.name() + "/" + file);
    }
  }
}

}  // namespace lentic
