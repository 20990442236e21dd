// SPDX-License-Identifier: Apache-2.0
//
// csv_reader against an independent reader: Python's csv module, strict dialect. Documents come
// from seeds; all of them go through one Python process.
#include "csv_reader.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include <unistd.h>

namespace lentic::tool {
namespace {

constexpr char document_end = '\x1d';
constexpr char row_end = '\x1e';
constexpr char field_end = '\x1f';

// Python 3.11: blank lines come out as empty lists, which both sides leave out.
constexpr const char* oracle = R"(
import csv, io, sys
out = open(sys.argv[2], 'w', encoding='utf-8', newline='')
for text in open(sys.argv[1], encoding='utf-8', newline='').read().split('\x1d'):
    for row in csv.reader(io.StringIO(text, newline=''), strict=True):
        if row:
            out.write('\x1f'.join(row) + '\x1f\x1e')
    out.write('\x1d')
)";

std::string random_field(std::mt19937& random) {
  static const std::array<std::string, 10> pieces{"a",    "7",        ",", "\"", "\n",
                                                  "\r\n", "\xC3\xA9", " ", "\r", "long text"};
  const bool quoted = random() % 2 == 0;
  std::string text;
  for (std::size_t left = random() % 5; left > 0; --left) {
    const std::string& piece = pieces.at(random() % pieces.size());
    const bool plain = piece.find_first_of(",\"\r\n") == std::string::npos;
    const bool inner_quote = piece == "\"" && !text.empty();
    if (quoted) {
      text += piece == "\"" ? "\"\"" : piece;
    } else if (plain || inner_quote) {
      text += piece;
    }
  }
  return quoted ? "\"" + text + "\"" : text;
}

std::string random_document(unsigned seed) {
  std::mt19937 random(seed);
  const std::size_t field_count = 2 + random() % 4;
  std::string text;
  for (std::size_t row = random() % 12; row > 0; --row) {
    for (std::size_t i = 0; i < field_count; ++i) {
      if (i != 0) text += ',';
      text += random_field(random);
    }
    if (row == 1 && random() % 2 == 0) break;
    text += random() % 2 == 0 ? "\n" : "\r\n";
    if (random() % 5 == 0) text += "\n";
  }
  return text;
}

std::string read_all(std::string_view text, std::size_t chunk) {
  csv_reader reader;
  std::string out;
  while (true) {
    switch (reader.next()) {
      case row_event::record:
        for (const std::string_view field : reader.fields()) out.append(field) += field_end;
        out += row_end;
        break;
      case row_event::bad_row:
        return out + "BAD " + reader.reason().message();
      case row_event::need_input:
        text.empty() ? reader.finish() : reader.feed(text.substr(0, chunk));
        text.remove_prefix(std::min(chunk, text.size()));
        break;
      case row_event::end:
        return out;
    }
  }
}

TEST(CsvOracle, AgreesWithPythonsCsvModule) {
  if (std::system("python3 -c '' >/dev/null 2>&1") != 0) GTEST_SKIP() << "python3 is not installed";
  constexpr unsigned seeds = 3000;
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / ("lentic-csv-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::string documents = random_document(1);
  for (unsigned seed = 2; seed <= seeds; ++seed) documents += document_end + random_document(seed);
  std::ofstream(folder / "in", std::ios::binary) << documents;
  std::ofstream(folder / "oracle.py") << oracle;
  const std::string command = "python3 '" + (folder / "oracle.py").string() + "' '"
                            + (folder / "in").string() + "' '" + (folder / "out").string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream answers(folder / "out", std::ios::binary);
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    std::string expected;
    ASSERT_TRUE(std::getline(answers, expected, document_end)) << "seed " << seed;
    const std::string document = random_document(seed);
    ASSERT_EQ(read_all(document, 1 + seed % 50), expected)
        << "seed " << seed << " document " << ::testing::PrintToString(document);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lentic::tool
