// SPDX-License-Identifier: Apache-2.0
#include "statistics.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lentic::tool {
namespace {

TEST(Statistics, AreOneObjectWithEveryFigure) {
  run_statistics figures;
  figures.rows_in = 231'083;
  figures.rows_bad = 1;
  figures.late_dropped = 751;
  figures.windows_out = 71'388;
  figures.windows_open = 2;
  figures.commits = 3;
  figures.bytes_written = 18'000'000'000'000'000'000U;
  figures.resumed_at_row = 5;
  figures.rows_read = 231'079;
  figures.seconds = 1.25;
  const std::string text = statistics_json(figures);
  EXPECT_EQ(text.find('\n'), text.npos);
  const auto object = nlohmann::ordered_json::parse(text);
  EXPECT_EQ(object.dump(),
            "{\"rows_in\":231083,\"rows_bad\":1,\"late_dropped\":751,\"windows_out\":71388,"
            "\"windows_open\":2,\"commits\":3,\"bytes_written\":18000000000000000000,"
            "\"resumed_at_row\":5,\"rows_read\":231079,\"seconds\":1.25}");
}

}  // namespace
}  // namespace lentic::tool
