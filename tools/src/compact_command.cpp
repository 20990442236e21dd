// SPDX-License-Identifier: Apache-2.0
#include "change_commands.hpp"
#include "progress_teller.hpp"

#include <lentic/environment.hpp>

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace lentic::tool {

namespace {

std::string figures_text(std::string_view when, const environment_statistics& figures) {
  return fmt::format("{:<7}{} bytes: journal {} in {} files, runs {} in {} files\n", when,
                     figures.journal_bytes + figures.run_bytes, figures.journal_bytes,
                     figures.journal_files, figures.run_bytes, figures.runs);
}

}  // namespace

task<void> show(coro::runtime& runtime, const compact_options& options, output_sink& sink,
                say_function say) {
  environment_options chosen;
  chosen.directory = options.state_directory;
  chosen.mode = open_mode::open_existing;
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  std::exception_ptr error;
  std::string text;
  try {
    progress_teller progress(runtime, options.progress, "compact", say);
    text = figures_text("before", env->statistics());
    const upkeep_listener told = [&progress](const upkeep_progress& at) {
      progress.tell(at.bytes_done, at.bytes_total);
    };
    const coro::stop_token never;
    co_await env->compact(never, told);
    text += figures_text("after", env->statistics());
    const std::uint64_t quarantined = env->statistics().runs_quarantined;
    if (quarantined != 0)
      text += fmt::format("{} runs cannot be read and were left as they are; see store verify\n",
                          quarantined);
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  const result<void> closed = co_await as_result(env->close());
  if (error) std::rethrow_exception(error);
  if (!closed) throw std::system_error(closed.error(), options.state_directory);
  co_await sink.write(text);
}

}  // namespace lentic::tool
