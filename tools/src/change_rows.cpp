// SPDX-License-Identifier: Apache-2.0
#include "change_rows.hpp"

#include <lentic/timestamped_value.hpp>
#include <lentic/windows/key_schema.hpp>

#include <utility>

namespace lentic::tool {

// One text an aggregate into texts_; empty ones for no value.
void change_rows::render(const std::optional<bytes_view>& stored) {
  if (stored) {
    const timestamped_value decoded = decode_timestamped_value(*stored).value();
    values_.render(decoded.value, texts_).value();
    return;
  }
  texts_.resize(values_.list().items.size());
  for (std::string& each : texts_) each.clear();
}

maybe_ready<void> change_rows::on_change(const change& told) {
  const windows::window_key place = windows::decode_window_key(told.key).value();
  render(told.old_value);
  std::swap(texts_, old_texts_);
  render(told.new_value);
  cells_.resize(2 * texts_.size());
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    std::swap(cells_[2 * i], old_texts_[i]);
    std::swap(cells_[2 * i + 1], texts_[i]);
  }
  output_row row;
  row.seq = seq_ + 1;
  row.key = as_text(place.key);
  row.window_start_ms = place.start_ms;
  row.window_end_ms = place.start_ms + window_size_ms_;
  row.values = cells_;
  writer_.row(output_, row);
  ++seq_;
  if (!told.old_value) ++windows_;
  return {};
}

}  // namespace lentic::tool
