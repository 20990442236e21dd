// SPDX-License-Identifier: Apache-2.0
#include "csv_records.hpp"

#include "bad_row_text.hpp"
#include "options.hpp"
#include "suggest.hpp"

#include <algorithm>
#include <utility>

namespace lentic::tool {

csv_records::csv_records(std::vector<input_column> columns, std::string file)
    : columns_(std::move(columns)),
      file_(std::move(file)),
      reader_(std::make_unique<csv_reader>()) {}

bool csv_records::open() {
  switch (reader_->next()) {
    case row_event::need_input:
      return false;
    case row_event::end:
      throw input_error(file_ + ": empty: the first line must name the columns");
    case row_event::bad_row:
      throw input_error(bad_row_text(file_, reader_->reason_place(), reader_->reason())
                        + "; the first line must name the columns");
    case row_event::record:
      bind(reader_->fields());
      break;
  }
  return true;
}

void csv_records::resume(std::string_view head, row_start start) {
  csv_reader header;
  header.feed(head);
  header.finish();  // the header may be the last line, without a line end
  if (header.next() != row_event::record)
    throw input_error(file_ + ": the header can no longer be read");
  bind(header.fields());
  reader_ = std::make_unique<csv_reader>(csv_start{start, header.field_count()});
}

row_event csv_records::next() {
  const row_event event = reader_->next();
  if (event != row_event::record) return event;
  const std::span<const std::string_view> all = reader_->fields();
  for (std::size_t i = 0; i < places_.size(); ++i) fields_[i] = all[places_[i]];
  return event;
}

void csv_records::bind(std::span<const std::string_view> header) {
  for (const input_column& each : columns_) places_.push_back(find(each, header));
  fields_.resize(places_.size());
}

std::size_t csv_records::find(const input_column& column,
                              std::span<const std::string_view> header) const {
  const auto found = std::find(header.begin(), header.end(), column.name);
  const std::string place = file_ + ":1";
  if (found == header.end())
    throw usage_error(column.option + ": " + unknown_column_text(column.name, header, place));
  if (std::find(found + 1, header.end(), column.name) != header.end())
    throw usage_error(column.option + ": " + place + " has two columns " + in_quotes(column.name),
                      "rename one of them in the header");
  return static_cast<std::size_t>(found - header.begin());
}

}  // namespace lentic::tool
