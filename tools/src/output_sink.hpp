// SPDX-License-Identifier: Apache-2.0
#pragma once

// output_sink: where the rows go, a descriptor that may be a file, a pipe or a terminal. Before the
// first bytes of an attempt it writes the preamble: the header, after a line feed when an earlier
// attempt may have left a line unfinished.
//
// Errors: the system's; EPIPE when the reader is gone. Threads and resumption: the engine's.
// Lifetime: closes nothing; the bytes outlive the await. One write at a time.
// Durability: with sync_files, a regular file is synced before write() returns.

#include <lentic/coro/io_engine.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/coro/task.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace lentic::tool {

enum class output_kind { regular_file, stream };
enum class output_sync { never, regular_files };

class output_sink {
 public:
  output_sink(coro::io_engine& engine, int fd, output_kind kind, output_sync sync) noexcept
      : engine_(&engine),
        fd_(fd),
        syncs_(kind == output_kind::regular_file && sync == output_sync::regular_files) {}

  void set_preamble(std::string preamble) { preamble_ = std::move(preamble); }
  // Writes all of it, after the preamble if that is still due.
  // Ends with ECANCELED, some bytes written, when the token asks while the reader keeps it waiting.
  coro::task<void> write(std::string_view bytes, coro::stop_token stop = {});

 private:
  coro::task<void> write_all(std::string_view bytes, coro::stop_token stop);

  coro::io_engine* engine_;
  int fd_;
  bool syncs_;
  std::string preamble_;
};

}  // namespace lentic::tool
