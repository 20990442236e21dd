// SPDX-License-Identifier: Apache-2.0
#include <lentic/errc.hpp>
#include <lentic/process/graph.hpp>
#include <lentic/process/source.hpp>

#include <algorithm>

namespace lentic::process {

namespace {
constexpr std::size_t number_digits = 10;
}

task<void> node::open(task_context&) {
  co_return;
}
maybe_ready<void> node::flush(coro::stop_token) {
  return {};
}
task<void> node::save(task_metadata&) {
  co_return;
}
task<void> node::close() {
  co_return;
}

std::string graph::numbered(std::string_view kind) {
  const std::string number = std::to_string(next_number_++);
  std::string name(kind);
  name.append(number_digits - std::min(number.size(), number_digits), '0');
  return name += number;
}

void graph::check_open(const std::string& what) const {
  if (sealed_) fail(errc::invalid_argument, what + ": the topology already runs");
}

void graph::check_new(const std::string& name) const {
  for (const operator_description& each : described_)
    if (each.name == name) fail(errc::invalid_argument, "two operators are named " + name);
}

std::size_t graph::describe(std::string_view kind, const std::string& name,
                            std::vector<std::size_t> predecessors, at_end end) {
  operator_description next;
  next.name = name.empty() ? numbered(kind) : name;
  check_open(next.name);
  check_new(next.name);
  next.kind = kind;
  next.may_end = end == at_end::allowed;
  for (const std::size_t each : predecessors) described_[each].continued = true;
  next.predecessors = std::move(predecessors);
  described_.push_back(std::move(next));
  return described_.size() - 1;
}

std::string graph::store_name(std::string_view kind, const std::string& name) {
  return name.empty() ? numbered(std::string(kind) + "STATE-STORE-") : name;
}

void graph::set_topic(std::size_t index, std::string topic) {
  described_[index].topic = std::move(topic);
}

void graph::own_store(state_store& store, std::size_t index) {
  check_open(store.store_name());
  if (find_store(store.store_name()) != nullptr)
    fail(errc::invalid_argument,
         described_[index].name + ": there is already a store " + store.store_name());
  stores_.push_back(&store);
  described_[index].stores.push_back(store.store_name());
}

void graph::add_free_store(state_store& store) {
  check_open(store.store_name());
  if (find_store(store.store_name()) != nullptr)
    fail(errc::invalid_argument, "there is already a store " + store.store_name());
  stores_.push_back(&store);
  free_stores_.push_back(free_store{&store, std::nullopt});
}

void graph::connect(std::size_t index, std::string_view store) {
  state_store* const found = find_store(store);
  if (found == nullptr)
    fail(errc::invalid_argument,
         described_[index].name + ": there is no store " + std::string(store));
  described_[index].stores.emplace_back(store);
  for (free_store& each : free_stores_)
    if (each.store == found) each.last_user = nodes_.size() - 1;
}

void graph::add_source(source_base& source) {
  for (const source_base* each : sources_)
    if (each->name() == source.name())
      fail(errc::invalid_argument, "there is already a source " + source.name());
  sources_.push_back(&source);
}

void graph::seal() {
  check_open("seal");
  if (sources_.empty()) fail(errc::invalid_argument, "a topology needs a source");
  for (const operator_description& each : described_)
    if (!each.may_end && !each.continued)
      fail(errc::invalid_argument, each.name + " leads nowhere: end it with for_each or sink");
  sealed_ = true;
}

state_store* graph::find_store(std::string_view name) const noexcept {
  for (state_store* const each : stores_)
    if (each->store_name() == name) return each;
  return nullptr;
}

std::vector<node*> graph::opening_order() const {
  std::vector<node*> order;
  order.reserve(free_stores_.size() + nodes_.size());
  for (const free_store& each : free_stores_) order.push_back(each.store);
  order.insert(order.end(), nodes_.begin(), nodes_.end());
  return order;
}

std::vector<node*> graph::flush_order() const {
  std::vector<node*> order;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    order.push_back(nodes_[i]);
    for (const free_store& each : free_stores_)
      if (each.last_user == i) order.push_back(each.store);
  }
  for (const free_store& each : free_stores_)
    if (!each.last_user) order.push_back(each.store);
  return order;
}

}  // namespace lentic::process
