// SPDX-License-Identifier: Apache-2.0
#include "statistics.hpp"

#include <fmt/format.h>

namespace lentic::tool {

std::string statistics_json(const run_statistics& figures) {
  return fmt::format(
      R"({{"rows_in":{},"rows_bad":{},"late_dropped":{},"windows_out":{},"windows_open":{},)"
      R"("commits":{},"bytes_written":{},"resumed_at_row":{},"rows_read":{},"seconds":{:.3f}}})",
      figures.rows_in, figures.rows_bad, figures.late_dropped, figures.windows_out,
      figures.windows_open, figures.commits, figures.bytes_written, figures.resumed_at_row,
      figures.rows_read, figures.seconds);
}

}  // namespace lentic::tool
