// SPDX-License-Identifier: Apache-2.0
// The worked examples of docs/format.md are what the encoders write. Each stands in the code block
// after a line "<!-- bytes: NAME -->", as hex, with explanations behind '#'.
#include "codec_support.hpp"
#include "frame.hpp"
#include "manifest.hpp"
#include "run_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace lentic::detail {
namespace {

constexpr std::uint64_t example_environment = 0x0102030405060708;

// The hex digits of the example, without blanks.
std::string documented(std::string_view name) {
  std::ifstream page(LENTIC_FORMAT_PAGE);
  std::string marker = "<!-- bytes: ";
  (marker += name) += " -->";
  std::string text;
  std::string digits;
  while (std::getline(page, text) && text != marker) {
  }
  std::getline(page, text);  // the fence
  while (std::getline(page, text) && !text.starts_with("```"))
    digits += text.substr(0, text.find('#'));
  return to_hex(test::hex(digits));
}

TEST(FormatPage, ShowsTheManifestThatIsWritten) {
  manifest content;
  content.environment = example_environment;
  content.number = 4;
  content.last_durable = 3;
  content.acknowledged = 2;
  manifest_store& store = content.stores.emplace_back();
  store.id = 1;
  store.name = "s";
  store.layout = young_layout::ordered;
  store.drop_floor = 5;
  store.runs[7] = 1;
  EXPECT_EQ(documented("manifest"), to_hex(encode_manifest(content)));
}

TEST(FormatPage, ShowsTheFrameThatIsWritten) {
  payload_writer items;
  items.store(1, as_bytes("s"), young_layout::ordered);
  items.put(1, 7, as_bytes("k"), as_bytes("v"));
  items.position(as_bytes("in"), as_bytes("42"));
  frame_header header;
  header.environment = example_environment;
  header.file = 1;
  header.sequence = 1;
  bytes frame;
  encode_frame(header, items.payload(), frame);
  frame.resize(frame_header_bytes + items.payload().size());
  EXPECT_EQ(documented("frame"), to_hex(frame));
}

TEST(FormatPage, ShowsTheBlockThatEndsTheJournal) {
  frame_header last;
  last.environment = example_environment;
  last.file = 1;
  last.sequence = 1;
  last.payload_bytes = 20;
  last.header_crc = 0xa403da96;
  bytes end(frame_header_bytes);
  encode_end_block(last, end.data());
  EXPECT_EQ(documented("end"), to_hex(end));
}

TEST(FormatPage, ShowsTheRunThatIsWritten) {
  run_identity identity;
  identity.environment = example_environment;
  identity.store = 1;
  identity.segment = 7;
  identity.generation = 1;
  run_writer writer(identity);
  writer.add(as_bytes("a"), as_bytes("1"));
  writer.add(as_bytes("b"), {});
  EXPECT_TRUE(writer.finish());
  EXPECT_EQ(documented("run"), to_hex(writer.take()));
}

}  // namespace
}  // namespace lentic::detail
