// SPDX-License-Identifier: Apache-2.0
// A reader that sees one moment while the writer goes on (a live snapshot), and digests that tell
// whether two states hold the same rows without reading them. Nothing is written to disk.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/digest.hpp>
#include <lentic/environment.hpp>
#include <lentic/store/snapshot_store.hpp>

#include <iostream>
#include <string>

using namespace lentic;

task<int> balance(byte_store& accounts) {
  int sum = 0;
  cursor rows = accounts.scan();
  for (;;) {
    const auto block = co_await rows.next();
    if (block.empty()) break;
    for (const row& each : block) sum += std::stoi(std::string(as_text(each.value)));
  }
  co_return sum;
}

task<> transfer(byte_store& accounts, int amount) {
  const std::string left = std::to_string(100 - amount);
  const std::string right = std::to_string(100 + amount);
  co_await accounts.put(as_bytes("alice"), as_bytes(left));
  co_await accounts.put(as_bytes("bob"), as_bytes(right));
}

task<> run(coro::runtime& runtime) {
  const environment_options in_memory;
  const auto env = co_await environment::open(runtime, in_memory);
  const auto accounts = make_snapshot_store(env->open_byte_store("accounts"), runtime,
                                            env->memory());  // all changes go through it
  co_await transfer(*accounts, 0);
  const store_digest before = co_await env->digest("accounts");

  const auto then = co_await accounts->open_snapshot();  // O(1), whatever the store holds
  co_await accounts->put(as_bytes("alice"), as_bytes("30"));
  const int halfway = co_await balance(*accounts);
  const int at_the_snapshot = co_await balance(*then);
  std::cout << "halfway " << halfway << ", at the snapshot " << at_the_snapshot << '\n';
  co_await accounts->put(as_bytes("bob"), as_bytes("170"));

  const store_digest moved = co_await env->digest("accounts");
  co_await transfer(*accounts, 0);
  const store_digest back = co_await env->digest("accounts");
  std::cout << "moved: " << (moved == before ? "same" : "other")
            << " rows, moved back: " << (back == before ? "same" : "other") << " rows\n";
  co_await env->close();
}

int main() {
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  sync_wait(runtime, run(runtime));
}
