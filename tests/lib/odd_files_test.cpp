// SPDX-License-Identifier: Apache-2.0
// Names of a state directory that hold something else than a regular file, on real disks with both
// engines: a pipe, which an open would wait for, a directory, a link.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/run_queue.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/coro/uring_engine.hpp>
#include <lentic/environment.hpp>
#include <lentic/errc.hpp>

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include <sys/stat.h>

namespace lentic::test {
namespace {

namespace fs = std::filesystem;
using coro::engine_choice;

enum class odd_kind { pipe, directory, link };

void put_in_place(const fs::path& path, odd_kind kind) {
  fs::remove_all(path);
  if (kind == odd_kind::pipe) {
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  } else if (kind == odd_kind::directory) {
    fs::create_directory(path);
  } else {
    fs::create_symlink("elsewhere", path);
  }
}

class OddFiles : public testing::TestWithParam<engine_choice> {
 protected:
  void SetUp() override {
    if (GetParam() == engine_choice::uring) {
      coro::run_queue queue;
      if (!coro::uring_engine::create(queue)) GTEST_SKIP() << "io_uring is refused here";
    }
    std::string pattern = fs::temp_directory_path() / "lentic-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    home_ = pattern;
    coro::asio_runtime_options options;
    options.engine = GetParam();
    runtime_ = std::make_unique<coro::asio_runtime>(context_, options);
    make_state();
  }
  void TearDown() override {
    std::error_code ignored;  // what is left over does not fail a test
    if (!home_.empty()) fs::remove_all(home_, ignored);
  }

  std::unique_ptr<environment> open() {
    environment_options options;
    options.directory = state().string();
    options.journal_growth_bytes = 4096;
    return sync_wait(*runtime_, environment::open(*runtime_, options));
  }
  // What the open throws.
  std::system_error refusal() {
    try {
      const auto env = open();
      sync_wait(*runtime_, env->close());
    } catch (const std::system_error& error) {
      return error;
    }
    return std::system_error(std::error_code(), "it was opened");
  }
  fs::path state() const { return home_ / "state"; }
  fs::path find(const std::string& start) const {
    for (const auto& each : fs::directory_iterator(state())) {
      if (each.path().filename().string().starts_with(start)) return each.path();
    }
    return {};
  }
  coro::runtime& runtime() { return *runtime_; }

 private:
  // One row in a run, one in the journal.
  void make_state() {
    const auto env = open();
    segmented_store& store = env->open_segmented_store("s");
    store.segment(1).put(as_bytes("k"), as_bytes("sealed")).take();
    store.seal_hint(1);
    for (int i = 0; i < 1000 && env->statistics().runs_written == 0; ++i) {
      store.segment(2).put(as_bytes("k"), as_bytes(std::to_string(i))).take();
      sync_wait(*runtime_, commit(*env));
    }
    ASSERT_EQ(env->statistics().runs_written, 1U);
    sync_wait(*runtime_, env->close());
  }
  static task<void> commit(environment& env) { co_await env.commit(); }

  fs::path home_;
  asio::io_context context_{1};
  std::unique_ptr<coro::asio_runtime> runtime_;
};

INSTANTIATE_TEST_SUITE_P(Engines, OddFiles,
                         testing::Values(engine_choice::uring, engine_choice::threads),
                         [](const auto& engine) {
                           return engine.param == engine_choice::uring ? "Uring" : "Threads";
                         });

constexpr odd_kind odd_kinds[] = {odd_kind::pipe, odd_kind::directory, odd_kind::link};

TEST_P(OddFiles, InPlaceOfTheLockAreRefusedByName) {
  for (const odd_kind kind : odd_kinds) {
    put_in_place(state() / "LOCK", kind);
    const std::system_error error = refusal();
    EXPECT_EQ(error.code(), errc::not_a_state_directory);
    EXPECT_NE(std::string(error.what()).find("LOCK"), std::string::npos) << error.what();
  }
}

TEST_P(OddFiles, InPlaceOfTheManifestAreRefusedByName) {
  for (const odd_kind kind : odd_kinds) {
    const fs::path name = find("MANIFEST-");
    put_in_place(name, kind);
    const std::system_error error = refusal();
    EXPECT_EQ(error.code(), errc::manifest_damaged);
    EXPECT_NE(std::string(error.what()).find(name.filename()), std::string::npos) << error.what();
  }
}

TEST_P(OddFiles, InPlaceOfAJournalFileAreRefusedByName) {
  for (const odd_kind kind : odd_kinds) {
    const fs::path name = find("journal-");
    put_in_place(name, kind);
    const std::system_error error = refusal();
    EXPECT_EQ(error.code(), errc::journal_damaged);
    EXPECT_NE(std::string(error.what()).find(name.filename()), std::string::npos) << error.what();
  }
}

TEST_P(OddFiles, InPlaceOfARunQuarantineItsSegment) {
  for (const odd_kind kind : odd_kinds) {
    put_in_place(state() / "s" / "1-1.run", kind);
    const auto env = open();
    ASSERT_EQ(env->recovered().quarantined.size(), 1U);
    EXPECT_NE(env->recovered().quarantined[0].find("s/1-1.run"), std::string::npos);
    segmented_store& store = env->open_segmented_store("s");
    EXPECT_TRUE(store.segment(2).get(as_bytes("k")).take());
    EXPECT_THROW(store.segment(1).get(as_bytes("k")).take(), std::system_error);
    sync_wait(runtime(), env->close());
  }
}

TEST_P(OddFiles, NamedAsARunThatNobodyKnowsAreLeftAlone) {
  put_in_place(state() / "s" / "9-9.run", odd_kind::directory);
  const auto env = open();
  EXPECT_TRUE(env->recovered().quarantined.empty());
  sync_wait(runtime(), env->close());
}

}  // namespace
}  // namespace lentic::test
