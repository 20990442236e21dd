// SPDX-License-Identifier: Apache-2.0
#pragma once

// graph: what a pipe builds: the parts that run, and a description of the operators for people:
// name, kind, predecessors and stores. Names are numbered as Kafka's (KSTREAM-FILTER-0000000001)
// unless they are given.
//
// An operator without state leaves its mark only in the description. Nodes are kept in the order
// in which they were made, which is a topological one: an operator needs its input to exist.
//
// Threads: one. Lifetime: owns its parts. Errors: errc::invalid_argument that names the node or
// store: a name used twice, an unknown store, an operator behind which nothing comes, a graph that
// has been sealed.

#include <lentic/process/node.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lentic::process {

class source_base;

struct operator_description {
  std::string name;
  std::string kind;  // "KSTREAM-FILTER-"
  std::vector<std::size_t> predecessors;
  std::vector<std::string> stores;
  std::string topic;  // of a source
  bool may_end = false;
  bool continued = false;
};

// Whether something must come behind an operator.
enum class at_end { allowed, forbidden };

class graph {
 public:
  graph() = default;
  graph(const graph&) = delete;
  graph& operator=(const graph&) = delete;

  // Adds an operator to the description; `name` empty: numbered. Answers its index.
  std::size_t describe(std::string_view kind, const std::string& name,
                       std::vector<std::size_t> predecessors, at_end end = at_end::forbidden);
  // The name of a store that has none, from the same count as operators.
  std::string store_name(std::string_view kind, const std::string& name);
  void set_topic(std::size_t index, std::string topic);

  template <class Part>
  Part& keep(std::unique_ptr<Part> made) {
    Part& kept = *made;
    parts_.push_back(std::move(made));
    return kept;
  }
  // A node that belongs to the operator; its place in the life of the task is here.
  template <class Node>
  Node& add_node(std::unique_ptr<Node> made) {
    nodes_.push_back(made.get());
    return keep(std::move(made));
  }
  // A node whose operator owns the store.
  template <class Store>
  Store& add_store_node(std::unique_ptr<Store> made, std::size_t index) {
    own_store(*made, index);
    return add_node(std::move(made));
  }
  // A store that is flushed after the last operator that uses it.
  template <class Store>
  Store& add_store(std::unique_ptr<Store> made) {
    add_free_store(*made);
    return keep(std::move(made));
  }
  // The operator uses the store of that name. The node that was added last is its user.
  void connect(std::size_t index, std::string_view store);
  void add_source(source_base& source);

  // No more operators. Checks that every operator leads somewhere.
  void seal();
  bool sealed() const noexcept { return sealed_; }

  // In the order of opening: free stores first.
  std::vector<node*> opening_order() const;
  // In topological order, with every free store behind the last of its users.
  std::vector<node*> flush_order() const;
  const std::vector<source_base*>& sources() const noexcept { return sources_; }
  // Null when there is none.
  state_store* find_store(std::string_view name) const noexcept;
  const std::vector<operator_description>& description() const noexcept { return described_; }

 private:
  struct free_store {
    state_store* store;
    std::optional<std::size_t> last_user;  // index into nodes_
  };

  std::string numbered(std::string_view kind);
  void check_open(const std::string& what) const;
  void check_new(const std::string& name) const;
  void own_store(state_store& store, std::size_t index);
  void add_free_store(state_store& store);

  std::vector<operator_description> described_;
  std::vector<std::unique_ptr<part>> parts_;
  std::vector<node*> nodes_;
  std::vector<state_store*> stores_;
  std::vector<free_store> free_stores_;
  std::vector<source_base*> sources_;
  std::size_t next_number_ = 0;
  bool sealed_ = false;
};

}  // namespace lentic::process
