// SPDX-License-Identifier: Apache-2.0
#include "record_reader.hpp"

#include "csv_records.hpp"
#include "ndjson_records.hpp"

#include <utility>

namespace lentic::tool {

input_format format_of_name(std::string_view name) noexcept {
  if (name.ends_with(".gz")) name.remove_suffix(3);
  const bool ndjson = name.ends_with(".ndjson") || name.ends_with(".jsonl");
  return ndjson ? input_format::ndjson : input_format::csv;
}

std::unique_ptr<record_reader> make_record_reader(input_format format,
                                                  std::vector<input_column> columns,
                                                  std::string file) {
  if (format == input_format::ndjson) return std::make_unique<ndjson_records>(columns);
  return std::make_unique<csv_records>(std::move(columns), std::move(file));
}

}  // namespace lentic::tool
