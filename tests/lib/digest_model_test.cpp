// SPDX-License-Identifier: Apache-2.0
// Random histories in which the digests that an environment keeps are compared with those of a
// scan: changes through a fused cache and without one, seals that fail, runs that are written anew,
// copies, rows that are logged again, power cuts. And the same rows by another way.
#include "digest_rig.hpp"

#include <lentic/cache/caching_store.hpp>
#include <lentic/coro/sim_random.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace lentic::test {
namespace {

constexpr std::array<const char*, 3> stores = {"cached", "ordered", "windows"};

environment_options model_options() {
  environment_options options = small_options();
  options.memory_budget = 0;
  return options;
}

class digest_run {
 public:
  explicit digest_run(std::uint64_t seed) : random_(seed), disk_(seed) { open(); }

  void play(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(testing::Message() << "step " << step);
      one_step();
      if (random_.below(12) == 0) expect_kept_is_scanned(*life_);
    }
    if (testing::Test::HasFailure()) return;
    expect_same_by_another_way();
    end();
    life_->close();
  }
  bool has_thawed() const noexcept { return thawed_; }
  bool has_hidden() const noexcept { return hidden_; }

 private:
  void open() {
    life_ = std::make_unique<environment_life>(disk_, random_.next());
    life_->open(model_options());
    life_->env().open_segmented_store("windows", young_layout::hashed);
    byte_store& inner = life_->env().open_byte_store("cached", young_layout::hashed);
    life_->env().open_byte_store("ordered", young_layout::ordered);
    memory_ = std::make_unique<thread_cache>(life_->runtime().queue(), 2000);
    cache_ = make_caching_store(caching::fused, inner, *memory_, "cache");
    if (random_.below(2) == 0) life_->env().forget_residency();
  }
  void end() {
    cache_.reset();
    memory_.reset();
  }

  void one_step() {
    const std::uint64_t dice = random_.below(1000);
    if (dice < 800) {
      change_row();
    } else if (dice < 850) {
      change_segment();
    } else if (dice < 940) {
      commit();
    } else if (dice < 960) {
      failing_commit();
    } else if (dice < 970) {
      sync_wait(life_->runtime(), cache_->flush_with_old());
      life_->commit();
      sync_wait(life_->runtime(), life_->env().compact());
    } else if (dice < 980) {
      copy();
    } else {
      reopen();
    }
  }

  std::string key() { return numbered_text("k", random_.below(60)); }
  std::string value() {
    const std::uint64_t most = random_.below(20) == 0 ? 2000 : 60;
    return std::string(random_.below(most), static_cast<char>('a' + random_.below(26)));
  }
  segment_id id() { return floor_ + random_.below(3); }

  void change_row() {
    const bool erases = random_.below(4) == 0;
    const std::uint64_t which = random_.below(3);
    byte_store& below = which == 1 ? life_->env().open_byte_store("ordered")
                                   : life_->env().open_segmented_store("windows").segment(id());
    store_shell to(life_->runtime(), which == 0 ? *cache_ : below);
    if (erases) {
      to.erase(key());
    } else {
      to.put(key(), value());
    }
  }

  void change_segment() {
    const std::string name = stores.at(random_.below(stores.size()));
    const segment_id at = name == "windows" ? id() : 0;
    const std::uint64_t dice = random_.below(100);
    if (dice < 70) {
      life_->env().open_segmented_store(name).seal_hint(at);
    } else if (dice < 80 && name == "windows") {
      floor_ += random_.below(3);
      life_->drop_below(name, floor_);
    } else if (dice < 90) {
      life_->shell(name, at).clear();
    } else {
      life_->env().forget_residency();
    }
  }

  void commit() {
    life_->commit();
    for (const segment_figures& each : life_->env().segments())
      hidden_ = hidden_ || (each.journal_rows != 0 && each.run_rows != 0);
    if (random_.below(2) == 0) expect_kept_is_scanned(*life_);  // while a seal goes on
    if (random_.below(2) == 0) life_->let_work();
  }

  // A full disk under the frame, or under a seal that follows: its rows are young again.
  void failing_commit() {
    const std::uint64_t failures = life_->env().statistics().upkeep_failures;
    bool failed = false;
    life_->engine().fail_kind(coro::io_kind::write, 1 + random_.below(4), ENOSPC);
    for (int i = 0; i < 10 && !failed; ++i) {
      life_->shell("ordered").put(key(), value());
      life_->env().open_segmented_store("windows").seal_hint(id());
      try {
        life_->commit();
      } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::no_space_on_device);
        failed = true;
      }
      life_->let_work();
      const bool thaws = life_->env().statistics().upkeep_failures != failures;
      thawed_ = thawed_ || thaws;
      failed = failed || thaws;
      expect_kept_is_scanned(*life_);
    }
    EXPECT_TRUE(failed);
  }

  void copy() {
    life_->commit();
    const store_digest wanted = scanned(*life_, "windows");
    std::string path = numbered_text("copy", random_.next());
    sync_wait(life_->runtime(), life_->env().checkpoint(path));
    environment_options options = model_options();
    options.directory = path;
    if (random_.below(2) == 0) options.mode = open_mode::salvage;
    const auto copied = sync_wait(life_->runtime(), environment::open(life_->runtime(), options));
    EXPECT_EQ(sync_wait(life_->runtime(), copied->digest("windows")), wanted);
    sync_wait(life_->runtime(), copied->close());
  }

  void reopen() {
    end();
    if (random_.below(2) == 0) {
      life_->close();
    } else {
      if (random_.below(2) == 0) life_->engine().cut_power();
      life_->kill();
      disk_.power_cut();
    }
    open();
    floor_ = life_->env().open_segmented_store("windows").drop_floor();
    expect_kept_is_scanned(*life_);
  }

  // Its rows in another order, committed and sealed otherwise.
  void expect_same_by_another_way() {
    coro::sim_disk disk(1);
    environment_life other(disk, 1);
    other.open();
    for (const std::string& name : life_->env().store_names()) {
      segmented_store& from = life_->env().open_segmented_store(name);
      other.env().open_segmented_store(name, young_layout::ordered);
      std::vector<std::pair<segment_id, text_row>> rows;
      for (const segment_id each : from.segments(0, std::numeric_limits<segment_id>::max()))
        for (const text_row& stored : life_->shell(name, each).scan())
          rows.emplace_back(each, stored);
      for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random_.below(i)]);
      for (const auto& [segment, stored] : rows) {
        other.shell(name, segment).put(stored.first, stored.second);
        if (random_.below(40) == 0) other.commit();
        if (random_.below(40) == 0) other.seal(name, segment);
      }
      EXPECT_EQ(kept(other, name), kept(*life_, name));
    }
  }

  coro::sim_random random_;
  coro::sim_disk disk_;
  std::unique_ptr<environment_life> life_;
  std::unique_ptr<thread_cache> memory_;
  std::unique_ptr<caching_store> cache_;
  segment_id floor_ = 0;
  bool thawed_ = false;
  bool hidden_ = false;
};

TEST(DigestModel, WhatIsKeptIsWhatAScanFinds) {
  bool thawed = false;
  bool hidden = false;
  for (std::uint64_t seed = 1; seed <= 24 && !HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    digest_run run(seed);
    run.play(1200);
    thawed = thawed || run.has_thawed();
    hidden = hidden || run.has_hidden();
  }
  EXPECT_TRUE(HasFailure() || thawed) << "no seal has failed";
  EXPECT_TRUE(HasFailure() || hidden) << "no row lay over a run";
}

}  // namespace
}  // namespace lentic::test
