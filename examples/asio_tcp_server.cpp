// SPDX-License-Identifier: Apache-2.0
// A word counter behind an ordinary Asio TCP server. Sessions are asio::awaitable coroutines; the
// counts are durable, and an ADD is answered only once its commit is. A client that goes away stops
// its pending command; SIGINT or SIGTERM stops everything. A second thread queries the total.
#include <lentic/coro/as_awaitable.hpp>
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/async_mutex.hpp>
#include <lentic/coro/event.hpp>
#include <lentic/environment.hpp>
#include <lentic/query.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace lentic;
using namespace asio::experimental::awaitable_operators;
using asio::use_awaitable;
using asio::ip::tcp;

constexpr std::string_view usage = R"(Usage: asio_tcp_server STATE_DIRECTORY [OPTION...]

Counts words for TCP clients on the loopback interface. Commands, one a line:
  ADD word   counts the word, durably, and answers how often it came
  GET word   answers how often it came
  TOP n      answers the n most frequent words, one a line, and a line with a dot (n: 1 to 100)
  QUIT       ends the session
A word is 1 to 64 of [A-Za-z0-9_-]. What cannot be done is answered by ERR and why.

Options:
  --port N       listen on port N; 0, the default, takes a free one. The port is printed
  --stats-ms N   print the total every N milliseconds, to standard error (default 1000)
  --help         print this

SIGINT and SIGTERM end the server; everything that was answered is still there at the next start.
)";

constexpr std::size_t line_bytes_max = 256;
constexpr std::chrono::milliseconds accept_pause(100);

std::uint64_t number_in(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool is_word(std::string_view text) {
  const auto good = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), good);
}

using word_count = std::pair<std::uint64_t, std::string>;

struct counts_of_rows {
  std::vector<word_count> counts;
  void operator()(const row& each) {
    counts.emplace_back(number_in(as_text(each.value)), as_text(each.key));
  }
};

// The counts, and what may be done with them. Everything here is for the owner's thread.
class word_counter {
 public:
  word_counter(environment& env, coro::run_queue& queue)
      : env_(&env), counts_(&env.open_byte_store("counts")), adding_(queue) {}

  // Durable when it returns. Stopped while it waits for that, the word is counted all the same.
  task<std::uint64_t> add(std::string word, coro::stop_token stop) {
    std::uint64_t count = 1;
    {
      const coro::async_mutex::guard one_at_a_time = co_await adding_.lock(stop);
      const std::optional<value_view> found = co_await counts_->get(as_bytes(word));
      if (found) count += number_in(as_text(*found));
      const std::string text = std::to_string(count);
      co_await counts_->put(as_bytes(word), as_bytes(text));
    }
    co_await env_->commit(stop);  // commits of several clients share a frame
    co_return count;
  }

  maybe_ready<std::optional<value_view>> get(std::string_view word) {
    return counts_->get(as_bytes(word));
  }

  task<std::string> top(std::size_t wanted) {
    cursor rows = counts_->scan();
    counts_of_rows collected;
    co_await for_each_row(rows, collected);
    std::vector<word_count>& counts = collected.counts;
    const auto last = counts.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, counts.size()));
    std::partial_sort(counts.begin(), last, counts.end(), std::greater());
    std::string answer;
    for (auto each = counts.begin(); each != last; ++each)
      answer += each->second + ' ' + std::to_string(each->first) + '\n';
    co_return answer + ".\n";
  }

 private:
  environment* env_;
  byte_store* counts_;
  coro::async_mutex adding_;
};

// The answer to a command that may have to wait.
task<std::string> slow_answer(word_counter& words, std::string verb, std::string argument,
                              coro::stop_token stop) {
  try {
    if (verb == "ADD" && is_word(argument)) {
      const std::uint64_t count = co_await words.add(argument, stop);
      co_return std::to_string(count) + '\n';
    }
    const std::uint64_t wanted = verb == "TOP" ? number_in(argument) : 0;
    if (wanted >= 1 && wanted <= 100) co_return co_await words.top(wanted);
  } catch (const std::exception& failure) {
    co_return std::string("ERR ") + failure.what() + '\n';
  }
  co_return "ERR not a command: ADD word, GET word, TOP n (1 to 100), QUIT\n";
}

// Returns when the client has closed its end; while it has sent more lines, only when it is reset.
asio::awaitable<void> until_gone(tcp::socket& socket) {
  co_await socket.async_wait(tcp::socket::wait_read, use_awaitable);
  if (socket.available() != 0) co_await socket.async_wait(tcp::socket::wait_error, use_awaitable);
}

// Nothing when the client has gone first: then the command was stopped.
asio::awaitable<std::optional<std::string>> answer(word_counter& words, tcp::socket& socket,
                                                   std::string line) {
  const std::size_t space = line.find(' ');
  const std::string verb = line.substr(0, space);
  const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
  if (verb == "GET" && is_word(argument)) {  // from memory: no post, no allocation
    const std::optional<value_view> found = co_await coro::as_awaitable(words.get(argument));
    co_return found ? std::string(as_text(*found)) + '\n' : std::string("0\n");
  }
  const auto work = [&words, verb, argument](coro::stop_token stop) {
    return slow_answer(words, verb, argument, stop);
  };
  auto race = coro::as_awaitable(work) || until_gone(socket);
  std::variant<std::string, std::monostate> first = co_await std::move(race);
  if (first.index() != 0) co_return std::nullopt;
  co_return std::get<0>(std::move(first));
}

asio::awaitable<void> session(word_counter& words, tcp::socket socket) {
  std::string input;
  for (;;) {
    std::error_code failed;
    auto token = asio::redirect_error(use_awaitable, failed);
    auto buffer = asio::dynamic_buffer(input, line_bytes_max);
    const std::size_t bytes = co_await asio::async_read_until(socket, buffer, '\n', token);
    if (failed) co_return;  // it has gone, or its line is too long
    std::string line = input.substr(0, bytes - 1);
    input.erase(0, bytes);
    if (line.ends_with('\r')) line.pop_back();
    if (line == "QUIT") co_return;
    const std::optional<std::string> reply = co_await answer(words, socket, line);
    if (!reply) co_return;
    co_await asio::async_write(socket, asio::buffer(*reply), token);
    if (failed) co_return;
  }
}

class server {
 public:
  server(asio::io_context& context, coro::asio_runtime& runtime, environment& env,
         asio::ip::port_type port)
      : words_(env, runtime.queue()),
        acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), port)),
        signals_(context, SIGINT, SIGTERM),
        idle_(runtime.queue()) {
    idle_.set();
  }

  asio::ip::port_type port() const { return acceptor_.local_endpoint().port(); }

  // Until a signal comes; then stops the sessions and waits for their end.
  asio::awaitable<void> serve() {
    auto either = accept_clients() || signals_.async_wait(use_awaitable);
    co_await std::move(either);
    acceptor_.close();
    for (asio::cancellation_signal& each : sessions_) each.emit(asio::cancellation_type::terminal);
    co_await coro::as_awaitable(until_idle());
  }

 private:
  // An error, say no descriptor is free, must not end the service: sessions that end free some.
  asio::awaitable<void> accept_clients() {
    asio::steady_timer pause(acceptor_.get_executor());
    for (;;) {
      std::error_code failed;
      auto token = asio::redirect_error(use_awaitable, failed);
      tcp::socket socket = co_await acceptor_.async_accept(token);
      if (failed) {
        std::cerr << "accept: " << failed.message() << std::endl;
        pause.expires_after(accept_pause);
        co_await pause.async_wait(use_awaitable);
        continue;
      }
      const auto own = sessions_.emplace(sessions_.end());
      idle_.reset();
      const auto ended = [this, own](std::exception_ptr) {  // a session has told its client
        sessions_.erase(own);
        if (sessions_.empty()) idle_.set();
      };
      asio::co_spawn(acceptor_.get_executor(), session(words_, std::move(socket)),
                     asio::bind_cancellation_slot(own->slot(), ended));
    }
  }
  task<void> until_idle() { co_await idle_.wait(); }

  word_counter words_;
  tcp::acceptor acceptor_;
  asio::signal_set signals_;
  std::list<asio::cancellation_signal> sessions_;
  coro::event idle_;
};

// On the owner's thread, asked for by another.
task<std::uint64_t> total_of(environment& env) {
  cursor rows = env.open_byte_store("counts").scan();
  counts_of_rows collected;
  co_await for_each_row(rows, collected);
  std::uint64_t total = 0;
  for (const word_count& each : collected.counts) total += each.first;
  co_return total;
}

class statistics_thread {
 public:
  statistics_thread(environment& env, std::chrono::milliseconds interval) : context_(1) {
    asio::co_spawn(context_, print_totals(env, interval),
                   asio::bind_cancellation_slot(stop_.slot(), [](std::exception_ptr) {}));
    thread_ = std::thread([this] { context_.run(); });
  }
  // Precondition: the environment is closed, or the thread was asked to stop between two queries.
  ~statistics_thread() { thread_.join(); }

  void request_stop() {
    asio::post(context_, [this] { stop_.emit(asio::cancellation_type::terminal); });
  }

 private:
  // Ends by operation_aborted, or errc::closed.
  asio::awaitable<void> print_totals(environment& env, std::chrono::milliseconds interval) {
    asio::steady_timer timer(context_);
    for (;;) {
      timer.expires_after(interval);
      co_await timer.async_wait(use_awaitable);
      const std::uint64_t total = co_await query(env, total_of);
      std::cerr << "total " << total << std::endl;
    }
  }

  asio::io_context context_;
  asio::cancellation_signal stop_;
  std::thread thread_;
};

struct options {
  std::string directory;
  asio::ip::port_type port = 0;
  std::uint64_t stats_ms = 1000;
};

// What went wrong, if anything did.
std::exception_ptr serve_until_signal(asio::io_context& context, server& serving) {
  std::exception_ptr failure;
  try {
    asio::co_spawn(context, serving.serve(), [&](std::exception_ptr error) { failure = error; });
    context.restart();
    context.run();
  } catch (...) {
    failure = std::current_exception();
  }
  return failure;
}

void run(const options& chosen) {
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  environment_options where;
  where.directory = chosen.directory;
  const auto env = sync_wait(runtime, environment::open(runtime, where));
  std::exception_ptr failure;
  try {
    server serving(context, runtime, *env, chosen.port);
    statistics_thread statistics(*env, std::chrono::milliseconds(chosen.stats_ms));
    std::cout << "listening on 127.0.0.1:" << serving.port() << std::endl;
    failure = serve_until_signal(context, serving);
    statistics.request_stop();
    sync_wait(runtime, env->close());  // a query that waits for its turn hears of it
  } catch (...) {
    if (!failure) failure = std::current_exception();
  }
  sync_wait(runtime, env->close());
  if (failure) std::rethrow_exception(failure);
}

// Nothing when the arguments are wrong.
std::optional<options> parse(const std::vector<std::string_view>& words) {
  options chosen;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool option = words[i].starts_with("--");
    std::uint64_t number = 0;
    if (option) {
      if (i + 1 == words.size()) return std::nullopt;
      const std::string_view text = words[i + 1];
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
      if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    }
    if (words[i] == "--port" && number <= 65'535) {
      chosen.port = static_cast<asio::ip::port_type>(number);
    } else if (words[i] == "--stats-ms" && number >= 1 && number <= 86'400'000) {
      chosen.stats_ms = number;
    } else if (!option && chosen.directory.empty()) {
      chosen.directory = words[i];
    } else {
      return std::nullopt;
    }
    if (option) ++i;
  }
  if (chosen.directory.empty()) return std::nullopt;
  return chosen;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string_view> words(arguments + 1, arguments + count);
  if (std::find(words.begin(), words.end(), "--help") != words.end()) {
    std::cout << usage;
    return 0;
  }
  const std::optional<options> chosen = parse(words);
  if (!chosen) {
    std::cerr << "asio_tcp_server: wrong arguments\n\n" << usage;
    return 2;
  }
  try {
    run(*chosen);
  } catch (const std::exception& failure) {
    std::cerr << "asio_tcp_server: " << chosen->directory << ": " << failure.what() << '\n';
    return 1;
  }
  return 0;
}
