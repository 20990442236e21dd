// SPDX-License-Identifier: Apache-2.0
#include "load_rows.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lentic::tool {
namespace {

// Each row as "store/segment key=value", each fault as it is told; fed in pieces of `step` bytes.
std::vector<std::string> read(input_format format, const std::string& text, std::size_t step,
                              std::optional<std::string> store = std::nullopt) {
  load_rows rows(format, std::move(store), "in");
  std::size_t at = 0;
  const auto feed = [&] {
    if (at == text.size()) return rows.finish();
    const std::size_t count = std::min(step, text.size() - at);
    rows.feed(std::string_view(text).substr(at, count));
    at += count;
  };
  while (!rows.open()) feed();
  std::vector<std::string> told;
  for (;;) {
    const row_event event = rows.next();
    if (event == row_event::end) return told;
    if (event == row_event::need_input) feed();
    if (event == row_event::bad_row) told.push_back(rows.fault());
    if (event != row_event::record) continue;
    const load_row& row = rows.row();
    told.push_back(std::string(row.store) + "/" + std::to_string(row.segment) + " "
                   + std::string(as_text(row.key)) + "=" + std::string(as_text(row.value)));
  }
}

using texts = std::vector<std::string>;

TEST(LoadRows, ADumpIsReadByItsHexColumns) {
  const std::string dump =
      "store,segment,key_hex,key,window_start,value_hex\n"
      "run,0,616263,,,3132\n"
      "windows,18446744073709551614,4142,\"x,y\",1,\n";
  for (const std::size_t step : {1U, 7U, 1000U})
    EXPECT_EQ(read(input_format::csv, dump, step),
              (texts{"run/0 abc=12", "windows/18446744073709551614 AB="}));
}

TEST(LoadRows, TextColumnsAndTheStoreOfAllRows) {
  const std::string rows = "value,key\n\"a,b\",k\n";
  EXPECT_EQ(read(input_format::csv, rows, 1000, "kv"), texts{"kv/0 k=a,b"});
  EXPECT_THROW(read(input_format::csv, rows, 1000), usage_error);
}

TEST(LoadRows, MembersOfJsonInAnyOrder) {
  const std::string rows =
      "{\"value\":12.50,\"key\":\"a\\u0062\",\"store\":\"s\",\"other\":[1]}\n\n"
      "{\"store\":\"s\",\"segment\":3,\"key\":null,\"key_hex\":\"4a\",\"value_hex\":\"4B\"}\n";
  for (const std::size_t step : {1U, 1000U})
    EXPECT_EQ(read(input_format::ndjson, rows, step), (texts{"s/0 ab=12.50", "s/3 J=K"}));
}

TEST(LoadRows, FaultsNamePlaceAndReason) {
  EXPECT_EQ(read(input_format::csv, "key,value_hex\na,00\nb,0\nc,zz\n", 3, "s"),
            (texts{std::string("s/0 a=") + '\0',
                   "in:3:3: value_hex \"0\": not an even number of hex digits",
                   "in:4:3: value_hex \"zz\": not an even number of hex digits"}));
  EXPECT_EQ(read(input_format::csv, "key,value,segment\na,b,1x\na,b,\n", 3, "s"),
            (texts{"in:2:5: segment \"1x\": not a whole number",
                   "in:3:5: segment \"\": not a whole number"}));
  EXPECT_EQ(read(input_format::ndjson, "{\"key\":\"a\"}\n{\"key\":1,\"value\":{}}\n", 3, "s"),
            (texts{"in:1:1: no value or value_hex",
                   "in:2:18: value: an object or an array, not a single value"}));
}

TEST(LoadRows, AHeaderWithoutKeyOrValueIsRefused) {
  EXPECT_THROW(read(input_format::csv, "k,value\n", 3, "s"), input_error);
  EXPECT_THROW(read(input_format::csv, "key,v\n", 3, "s"), input_error);
  EXPECT_THROW(read(input_format::csv, "key,key,value\n", 3, "s"), input_error);
  EXPECT_THROW(read(input_format::csv, "", 3, "s"), input_error);
}

}  // namespace
}  // namespace lentic::tool
