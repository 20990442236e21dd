// SPDX-License-Identifier: Apache-2.0
#include <lentic/bytes.hpp>
#include <lentic/testing/reader.hpp>

namespace lentic::sim {

void reader::read(environment& env) {
  commit_sequence last = 0;
  for (auto batch = env.next_output(0); batch; batch = env.next_output(last)) {
    last = batch->sequence;
    const auto [known, is_new] = batches_.emplace(last, as_text(batch->output));
    if (is_new) continue;
    ++repeated_;
    if (known->second != as_text(batch->output) && failure_.empty())
      failure_ = "the output of commit " + std::to_string(last) + " came again with other bytes";
  }
  if (last != 0) env.acknowledge(last);
}

std::string reader::text() const {
  std::string all;
  for (const auto& [sequence, output] : batches_) all += output;
  return all;
}

}  // namespace lentic::sim
