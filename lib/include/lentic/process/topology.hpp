// SPDX-License-Identifier: Apache-2.0
#pragma once

// topology: sources, and what is piped onto them. It is built once and then run by one stream_task;
// for more partitions, call the function that builds it once for each.
//
//   topology work;
//   work.source<std::string, std::string>("lines") | filter(good) | for_each(print);
//
// Threads: one. Lifetime: owns everything that was piped; handles may be dropped. Movable.
// Errors: see graph.

#include <lentic/process/graph.hpp>
#include <lentic/process/source.hpp>
#include <lentic/process/stream.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lentic::process {

class topology {
 public:
  topology() : graph_(std::make_unique<graph>()) {}

  template <class K, class V>
  stream<K, V> source(std::string name) {
    auto& made = graph_->keep(std::make_unique<process::source<K, V>>(std::move(name)));
    graph_->add_source(made);
    const std::size_t self = graph_->describe("KSTREAM-SOURCE-", {}, {}, at_end::forbidden);
    graph_->set_topic(self, made.name());
    return stream<K, V>(*graph_, self, made.out());
  }

  // A store for processors to use by name; see processor.hpp.
  template <class Store>
  void add_store(std::unique_ptr<Store> made) {
    graph_->add_store(std::move(made));
  }

  const std::vector<operator_description>& description() const noexcept {
    return graph_->description();
  }
  graph& inner() noexcept { return *graph_; }
  const graph& inner() const noexcept { return *graph_; }

 private:
  std::unique_ptr<graph> graph_;
};

}  // namespace lentic::process
