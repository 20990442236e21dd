// SPDX-License-Identifier: Apache-2.0
#pragma once

// reader: whoever reads the output of a job, over all its lives. It takes each durable batch of the
// outbox, at least once, and keeps one of each commit: the rule by which a reader of outputs that
// are delivered again gets each exactly once. A batch that comes again with other bytes breaks it.
//
// Threads: one. Lifetime: outlives the environments.

#include <lentic/environment.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace lentic::sim {

class reader {
 public:
  // Takes what is durable and not acknowledged, oldest first, and acknowledges it; that is durable
  // with the next commit, and what is read again until then is `repeated`.
  void read(environment& env);

  // What was read, in the order of the commits, each once.
  std::string text() const;
  std::uint64_t repeated() const noexcept { return repeated_; }
  // Empty while all batches that came again were the same.
  const std::string& failure() const noexcept { return failure_; }

 private:
  std::map<commit_sequence, std::string> batches_;
  std::uint64_t repeated_ = 0;
  std::string failure_;
};

}  // namespace lentic::sim
