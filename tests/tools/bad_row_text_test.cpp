// SPDX-License-Identifier: Apache-2.0
#include "bad_row_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lentic::tool {
namespace {

TEST(BadRowText, HasPlaceFieldValueAndReason) {
  EXPECT_EQ(bad_row_text("in.csv", {1042, 17}, "delay", "x", errc::not_a_number),
            "in.csv:1042:17: delay \"x\": not a number");
  EXPECT_EQ(bad_row_text("in.csv", {7, 1}, errc::line_too_long),
            "in.csv:7:1: a row longer than 1 MiB");
}

TEST(BadRowText, CutsLongValuesBetweenCharactersAndHidesControls) {
  const std::string text =
      bad_row_text("f", {1, 1}, "k", std::string(59, 'a') + "\xC3\xA9z", errc::not_a_number);
  EXPECT_EQ(text, "f:1:1: k \"" + std::string(59, 'a') + "...\": not a number");
  EXPECT_EQ(bad_row_text("f", {1, 1}, "k", "a\x1B\nb", errc::key_has_line_break),
            "f:1:1: k \"a??b\": a key with a line break");
}

TEST(BadRowText, NamesAFieldWithoutAValue) {
  EXPECT_EQ(bad_row_text("in.ndjson", {7, 1}, "/user/id", errc::missing_field),
            "in.ndjson:7:1: /user/id: missing");
}

}  // namespace
}  // namespace lentic::tool
