// SPDX-License-Identifier: Apache-2.0
// A processor of your own: balances in a cached store. What a commit flushes is its change feed:
// one change a key, with the balance that was told before and the one that holds now.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/process/pipe.hpp>

#include <iostream>

using namespace lentic;
using account = std::string;
using amount = std::int64_t;
using balance_change = process::change_of<amount>;
using codec = process::serde<amount>;

// README: from here
class balances final : public process::processor<account, amount, account, balance_change> {
 public:
  task<void> init(context_type& context) override {
    context_ = &context;
    caching_options options;
    options.current = &context.current();
    cache_ = make_caching_store(caching::fused, context.store<byte_store>("balances"),
                                context.owner().cache(), "balances", options);
    co_return;
  }
  maybe_ready<void> process(process::record<account, amount>& next) override { return add(next); }
  maybe_ready<void> flush(coro::stop_token stop) override { return tell(stop); }

 private:
  task<void> add(process::record<account, amount>& next) {
    const auto key = as_bytes(next.key);
    const auto before = co_await cache_->get(key);
    bytes now;
    codec::encode(next.value + (before ? codec::decode(*before).value() : 0), now);
    co_await cache_->put(key, now);
  }
  task<void> tell(coro::stop_token stop) {
    const auto changes = co_await cache_->flush_with_old(stop);
    for (const owned_change& each : changes) {
      process::record<account, balance_change> next(account(as_text(each.key)), {}, each.context);
      if (each.old_value) next.value.old_value = codec::decode(*each.old_value).value();
      if (each.new_value) next.value.new_value = codec::decode(*each.new_value).value();
      co_await context_->forward(next);
    }
  }

  context_type* context_ = nullptr;
  std::unique_ptr<caching_store> cache_;
};
// README: to here

process::topology statements() {
  process::topology work;
  work.add_store(std::make_unique<process::stored_bytes>("balances"));
  work.source<account, amount>("payments")
      | process::process([] { return std::make_unique<balances>(); }, "balances")
      | process::for_each([](const account& who, const balance_change& change) {
          std::cout << who << ": " << change.old_value.value_or(0) << " -> "
                    << change.new_value.value_or(0) << '\n';
        });
  return work;
}

task<> run(coro::runtime& runtime, environment_options options) {
  const auto env = co_await environment::open(runtime, options);
  process::stream_task job(*env, statements());
  co_await job.open();
  auto& payments = job.source_of<account, amount>("payments");
  for (int day = 1; day <= 2; ++day) {
    for (const amount value : {100, -30, 5}) {
      process::record<account, amount> next("anna", value, day);
      co_await job.process(payments, next);
    }
    process::record<account, amount> next("ben", 10 * day, day);
    co_await job.process(payments, next);
    std::cout << "day " << day << '\n';
    co_await job.commit();
  }
  co_await job.close();
  co_await env->close();
}

int main() {
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  sync_wait(runtime, run(runtime, environment_options()));  // in memory
}
