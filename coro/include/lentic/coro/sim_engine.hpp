// SPDX-License-Identifier: Apache-2.0
#pragma once

// sim_engine: io_engine over a sim_disk, for one simulated process. Started requests wait; each
// step() executes one of them, chosen by the seed among those that no link holds back. So anything
// that is not linked or awaited runs in any order, and a data_sync covers only the writes that were
// executed before it began; it may begin in one step and end in a later one.
//
// Faults: by chance (sim_faults), by number (the n-th operation, as io_engine numbers them), by
// kind (the n-th fdatasync from now). Power cut and kill: each request in flight has happened or
// not; all complete with -EIO, and so does, at once, whatever is started afterwards. Frames thus
// unwind by the errors that they see; the disk changes no more. The disk's own part of the crash
// is done when cut_power() returns; the next life is a new engine on the same disk.
//
// Threads: one. Lifetime: disk and streams outlive the engine; its destruction closes what the
// process had open. Not modelled: O_DIRECT and its alignment; a map is a copy of the cache that
// does not see later writes.

#include <lentic/coro/io_engine.hpp>
#include <lentic/coro/sim_disk.hpp>
#include <lentic/coro/sim_random.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::coro {

// Chances in 1,000, for reads and writes (streams included).
struct sim_faults {
  unsigned short_permille = 0;        // fewer bytes than asked for, at least one
  unsigned interrupted_permille = 0;  // -EINTR, nothing moved
  unsigned again_permille = 0;        // -EAGAIN, nothing moved
};

// Mistakes that the engine makes on behalf of the library, to prove that a campaign finds them.
struct sim_mutations {
  bool ignore_data_sync = false;       // as if nobody called it
  bool ignore_links = false;           // as if the requests of a chain were started one by one
  bool ignore_sync_directory = false;  // as if nobody called it
};

// What read() with no_offset finds on a pipe or terminal. Owned by the test.
struct sim_input {
  std::string bytes;
  std::size_t taken = 0;
  std::size_t chunk_bytes_max = ~std::size_t{0};  // of one read
  bool ended = true;  // false: a read past the bytes waits until there are more
};

// Where write() with no_offset goes on a pipe or terminal. Owned by the test; survives crashes.
struct sim_output {
  std::string bytes;
  std::size_t room_bytes = ~std::size_t{0};  // a write waits while bytes.size() has reached it
  bool closed = false;                       // the reader is gone: -EPIPE
};

class sim_engine final : public io_engine {
 public:
  static constexpr std::size_t kind_count = static_cast<std::size_t>(io_kind::link) + 1;

  sim_engine(run_queue& queue, sim_disk& disk, std::uint64_t seed, sim_faults faults = {},
             sim_mutations mutations = {});
  // Precondition: nothing is in flight.
  ~sim_engine() override;

  std::string_view name() const noexcept override { return "simulator"; }
  // Decided by the seed, except for a stream that waits, which always ends with -ECANCELED.
  void cancel(io_request& request) override;
  // EINVAL when `bytes` reaches past the last page of the file, where a touch would be SIGBUS.
  result<std::span<const std::byte>> map(int fd, std::size_t bytes) override;
  void unmap(std::span<const std::byte> mapping) noexcept override;
  int require_regular(int fd) noexcept override;
  void close_now(int fd) noexcept override;

  // Executes one request. False when none can go on.
  bool step();
  std::size_t in_flight() const noexcept { return in_flight_; }

  // --- the schedule of faults; numbers are those of io_engine::operations() ---
  void fail_operation(std::uint64_t number, int error) { fail_at_[number] = error; }
  // From that operation on, everything fails except close. 0 as error: no longer.
  void fail_from(std::uint64_t number, int error) noexcept;
  // The n-th operation (n = 1, 2, ...) of that kind to be executed from now on fails.
  void fail_kind(io_kind kind, std::uint64_t nth, int error);
  // The write answers well and reads back, and its bytes never land, whatever is synced.
  void lose_write(std::uint64_t number) { lose_at_[number] = true; }
  // When that operation, or a later one, is about to be executed.
  void cut_power_at(std::uint64_t number) noexcept { cut_at_ = number; }
  void kill_at(std::uint64_t number) noexcept { kill_at_ = number; }

  void cut_power();
  void kill();
  // After cut_power() or kill().
  bool is_off() const noexcept { return off_; }

  // Puts a stream behind descriptor 0, 1 or 2.
  void attach(int fd, sim_input& input) noexcept { inputs_.at(index_of(fd)) = &input; }
  void attach(int fd, sim_output& output) noexcept { outputs_.at(index_of(fd)) = &output; }

  // Adds to what blocking_faults() tells: maps of the simulator never wait.
  void add_blocking_faults(std::uint64_t count) noexcept { blocking_faults_ += count; }
  std::uint64_t blocking_faults() const noexcept override { return blocking_faults_; }

  // Executed so far, in this life, failed ones included.
  std::uint64_t executed(io_kind kind) const noexcept { return executed_[index_of(kind)]; }
  // Bytes that writes to files have moved.
  std::uint64_t bytes_written() const noexcept { return bytes_written_; }
  // Over (number, kind, result) of every completion in order: equal for equal seeds.
  std::uint64_t trace_hash() const noexcept { return trace_; }

 protected:
  void submit(std::span<io_request* const> chain) override;

 private:
  struct entry {
    io_request* head = nullptr;
    std::optional<std::uint64_t> begun;  // of a data_sync: what it covers
  };
  struct kind_fault {
    io_kind kind = io_kind::nop;
    std::uint64_t left = 0;
    int error = 0;
  };
  struct alignas(sim_disk::page_bytes) mapped_page {
    sim_disk::page bytes;
  };

  template <class Index>
  static std::size_t index_of(Index index) noexcept {
    return static_cast<std::size_t>(index);
  }
  template <class Stream>
  static Stream* stream_of(const std::array<Stream*, 3>& streams, const io_request& request);

  bool waits(const io_request& request) const;
  std::size_t choose();
  void advance(std::size_t index);
  std::int64_t execute(io_request& request, std::uint64_t sync_upto);
  std::optional<std::int64_t> fault_of(const io_request& request);
  std::int64_t perform(io_request& request, std::uint64_t sync_upto);
  std::int64_t perform_on_stream(const io_request& request);
  std::int64_t perform_name(io_request& request);
  std::int64_t transfer(io_request& request);
  std::int64_t read_stream(sim_input& input, std::span<std::byte> to);
  std::int64_t write_stream(sim_output& output, std::span<const std::byte> from);
  void finish(io_request& request, std::int64_t outcome);
  void finish_chain(io_request* head, std::int64_t outcome);
  void halt();

  sim_disk* disk_;
  sim_random random_;
  sim_faults faults_;
  sim_mutations mutations_;
  int process_;
  std::vector<entry> pending_;
  std::size_t in_flight_ = 0;
  bool off_ = false;
  std::map<std::uint64_t, int> fail_at_;
  std::map<std::uint64_t, bool> lose_at_;
  std::vector<kind_fault> fail_kinds_;
  std::uint64_t fail_from_ = 0;
  int fail_from_error_ = 0;
  std::uint64_t cut_at_ = ~std::uint64_t{0};
  std::uint64_t kill_at_ = ~std::uint64_t{0};
  std::array<sim_input*, 3> inputs_{};
  std::array<sim_output*, 3> outputs_{};
  std::map<const std::byte*, std::vector<mapped_page>> maps_;
  std::array<std::uint64_t, kind_count> executed_{};
  std::uint64_t bytes_written_ = 0;
  std::uint64_t blocking_faults_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325U;
};

}  // namespace lentic::coro
