// SPDX-License-Identifier: Apache-2.0
// A toy append-only log, written as a store would be, under thousands of seeded power cuts. It must
// lose nothing that it acknowledged; and with any one of its precautions taken away, the same
// campaign must find that out. This is what shows that the simulator can prove anything.
#include "sim_support.hpp"

#include <lentic/coro/sim_random.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

namespace lentic::coro::sim_test {
namespace {

// A record: number, length of the payload, checksum over both, the offset and the payload.
struct header {
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;
};

std::uint64_t checksum_of(const header& head, std::uint64_t offset, std::string_view payload) {
  std::uint64_t hash = sim_random(head.number ^ (head.bytes << 32U) ^ (offset << 8U)).next();
  for (const char c : payload) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash;
}

std::string encode(std::uint64_t number, std::uint64_t offset, std::string_view payload) {
  header head{number, payload.size(), 0};
  head.checksum = checksum_of(head, offset, payload);
  std::string record(sizeof head, '\0');
  std::memcpy(record.data(), &head, sizeof head);
  record += payload;
  return record;
}

// What the world outside knows, life after life.
struct outside {
  std::vector<std::string> acknowledged;
  bool broken = false;  // an acknowledged record is missing, or has another payload
};

class toy_log {
 public:
  toy_log(sim_runtime& runtime, outside& world) : engine_(runtime.io()), world_(&world) {}

  // Runs until the power goes. The object outlives the task.
  task<void> live(std::uint64_t seed) {
    co_await open();
    co_await recover();
    sim_random random(seed);
    while (true) {
      std::string payload(1 + random.below(1500), static_cast<char>('a' + random.below(26)));
      co_await append(payload);
      world_->acknowledged.push_back(payload);
    }
  }

 private:
  static std::int64_t checked(std::int64_t outcome) {
    if (outcome < 0) {
      throw std::system_error(static_cast<int>(-outcome), std::system_category());
    }
    return outcome;
  }

  task<std::int64_t> call(const io_request& one) {
    const std::int64_t outcome = co_await io_op(engine_, one);
    co_return checked(outcome);
  }

  task<void> open() {
    io_request make = request(io_kind::make_directory, AT_FDCWD);
    make.path = "state";
    const std::int64_t made = co_await io_op(engine_, make);
    if (made != -EEXIST) checked(made);
    co_await sync_names("/");
    const io_request open_log = open_request("state/log", O_RDWR | O_CREAT);
    const std::int64_t opened = co_await call(open_log);
    fd_ = static_cast<int>(opened);
    co_await sync_names("state");
  }

  task<void> sync_names(const char* path) {
    const io_request open_it = open_request(path, O_RDONLY | O_DIRECTORY);
    const std::int64_t opened = co_await call(open_it);
    const io_request sync = request(io_kind::sync_directory, static_cast<int>(opened));
    co_await call(sync);
    const io_request close_it = request(io_kind::close, static_cast<int>(opened));
    co_await call(close_it);
  }

  task<void> recover() {
    const io_request ask = request(io_kind::size, fd_);
    const std::int64_t bytes = co_await call(ask);
    std::string image(static_cast<std::size_t>(bytes), '\0');
    const io_request get = read_request(fd_, image, 0);
    co_await call(get);
    header head;
    while (end_ + sizeof head <= image.size()) {
      std::memcpy(&head, image.data() + end_, sizeof head);
      if (head.number != count_ || head.bytes > image.size() - end_ - sizeof head) break;
      const std::string payload = image.substr(end_ + sizeof head, head.bytes);
      if (head.checksum != checksum_of(head, end_, payload)) break;
      learn(payload);
      end_ += sizeof head + head.bytes;
      ++count_;
    }
    world_->broken = world_->broken || count_ < world_->acknowledged.size();
  }

  // A record that was not acknowledged may be there; from now on it is as good as any.
  void learn(const std::string& payload) {
    std::vector<std::string>& known = world_->acknowledged;
    if (count_ < known.size()) {
      world_->broken = world_->broken || known[count_] != payload;
    } else {
      known.push_back(payload);
    }
  }

  task<void> append(const std::string& payload) {
    std::string record = encode(count_, end_, payload);
    const io_request put = write_request(fd_, record, end_);
    const io_request sync = sync_request(fd_);
    const linked_results got = co_await linked_io_op(engine_, put, sync);
    checked(got.first);
    checked(got.second);
    end_ += record.size();
    ++count_;
  }

  io_engine& engine_;
  outside* world_;
  int fd_ = -1;
  std::uint64_t end_ = 0;
  std::uint64_t count_ = 0;
};

// Three lives that end by a power cut, and a fourth that only looks.
bool story_holds(std::uint64_t seed, sim_mutations mutations) {
  sim_random random(seed);
  sim_disk disk(random.next(), sim_disk_options::drawn(seed));
  outside world;
  for (int life = 0; life < 4 && !world.broken; ++life) {
    sim_runtime_options options;
    options.mutations = mutations;
    sim_runtime runtime(disk, random.next(), options);
    runtime.engine().cut_power_at((life == 3 ? 20 : 1) + random.below(60));
    toy_log log(runtime, world);
    EXPECT_THROW(sync_wait(runtime, log.live(random.next())), std::system_error);
    EXPECT_TRUE(runtime.engine().is_off());
  }
  return !world.broken;
}

std::uint64_t first_broken_seed(std::uint64_t seeds, sim_mutations mutations) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    if (!story_holds(seed, mutations)) return seed;
  }
  return seeds;
}

TEST(SimCampaign, ALogThatSyncsLosesNothingThatItAcknowledged) {
  constexpr std::uint64_t seeds = 5000;
  EXPECT_EQ(first_broken_seed(seeds, {}), seeds);
}

TEST(SimCampaign, ALogThatForgetsItsDataSyncIsCaught) {
  sim_mutations mutations;
  mutations.ignore_data_sync = true;
  EXPECT_LT(first_broken_seed(100, mutations), 100U);
}

TEST(SimCampaign, ALogThatForgetsToLinkItsSyncIsCaught) {
  sim_mutations mutations;
  mutations.ignore_links = true;
  EXPECT_LT(first_broken_seed(100, mutations), 100U);
}

TEST(SimCampaign, ALogThatForgetsToSyncItsDirectoryIsCaught) {
  sim_mutations mutations;
  mutations.ignore_sync_directory = true;
  EXPECT_LT(first_broken_seed(100, mutations), 100U);
}

}  // namespace
}  // namespace lentic::coro::sim_test
