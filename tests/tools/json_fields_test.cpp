// SPDX-License-Identifier: Apache-2.0
#include "json_fields.hpp"

#include "utf8.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lentic::tool {
namespace {

json_fields fields_of(const std::vector<std::string>& names) {
  std::vector<json_path> paths;
  for (const std::string& each : names) paths.push_back(parse_field_name(each).value());
  return json_fields(paths);
}

std::string text_of(const json_fields::field& field) {
  switch (field.what) {
    case json_fields::kind::missing:
      return "missing";
    case json_fields::kind::null:
      return "null@" + std::to_string(field.offset);
    case json_fields::kind::composite:
      return "composite@" + std::to_string(field.offset);
    case json_fields::kind::scalar:
      break;
  }
  return std::string(field.value) + "@" + std::to_string(field.offset);
}

// The fields as text, or the reason and its offset.
std::string read(const std::vector<std::string>& names, std::string_view text) {
  json_fields object = fields_of(names);
  const std::error_code failed = object.read(text);
  if (failed) return failed.message() + " at " + std::to_string(object.fault_offset());
  std::string all;
  for (const json_fields::field& each : object.fields()) all += text_of(each) + " ";
  return all;
}

TEST(JsonFields, AreFoundAtTheirPathsInWhateverOrder) {
  EXPECT_EQ(read({"/b/c", "a", "/b/d"}, R"({"x":[],"b":{"d":true,"c":"v"},"a":1})"),
            "v@26 1@35 true@17 ");
}

TEST(JsonFields, ScalarsKeepTheirTextAndStringsLoseTheirEscapes) {
  EXPECT_EQ(read({"a"}, R"({"a":-1.50E+3})"), "-1.50E+3@5 ");
  EXPECT_EQ(read({"a"}, R"({"a" : 123456789012345678901234567890 })"),
            "123456789012345678901234567890@7 ");
  EXPECT_EQ(read({"a"}, R"({"a":false})"), "false@5 ");
  EXPECT_EQ(read({"a"}, R"({"a":"\"\\\/\n\u00e9\ud83d\ude00"})"),
            "\"\\/\n\xC3\xA9\xF0\x9F\x98\x80@5 ");
  EXPECT_EQ(read({"a"}, R"({"a":""})"), "@5 ");
}

TEST(JsonFields, NamesAreComparedWithoutEscapes) {
  EXPECT_EQ(read({"a/b"}, R"({"\u0061\/b":1})"), "1@13 ");
}

TEST(JsonFields, NullCompositeAndMissingAreToldApart) {
  EXPECT_EQ(read({"a", "b", "c", "d"}, R"({"a":null,"b":[1],"c":{}})"),
            "null@5 composite@14 composite@22 missing ");
}

TEST(JsonFields, PathThroughAScalarLeadsNowhere) {
  EXPECT_EQ(read({"/a/b", "/a"}, R"({"a":1})"), "missing 1@5 ");
}

TEST(JsonFields, PathMayGoThroughArraysByIndex) {
  EXPECT_EQ(read({"/a/1/b", "/a/01/b", "/a/-", "/a/2"}, R"({"a":[5,{"b":7}]})"),
            "7@13 missing missing missing ");
  EXPECT_EQ(read({"/a/0"}, R"({"a":{"0":"name"}})"), "name@10 ");
}

TEST(JsonFields, OnePathMayServeTwoFieldsAndLeadToAnother) {
  EXPECT_EQ(read({"/a/b", "/a/b", "/a"}, R"({"a":{"b":1}})"), "1@10 1@10 composite@5 ");
}

TEST(JsonFields, NothingIsLeftOfTheTextBefore) {
  json_fields object = fields_of({"a"});
  ASSERT_FALSE(object.read(R"({"a":"first"})"));
  ASSERT_FALSE(object.read(R"({})"));
  EXPECT_EQ(text_of(object.fields()[0]), "missing");
  EXPECT_TRUE(object.read(R"({"a":)"));
  ASSERT_FALSE(object.read(R"({"a":2})"));
  EXPECT_EQ(text_of(object.fields()[0]), "2@5");
}

TEST(JsonFields, NameOnAPathThatIsTwiceInItsObjectIsRefused) {
  EXPECT_EQ(read({"a"}, R"({"a":1,"a":1})"), "a name that is twice in its object at 7");
  EXPECT_EQ(read({"/a/b"}, R"({"a":{},"a":{"b":1}})"), "a name that is twice in its object at 8");
  EXPECT_EQ(read({"/a/b"}, R"({"a":{"b":1,"\u0062":1}})"),
            "a name that is twice in its object at 12");
  EXPECT_EQ(read({"/a/b"}, R"({"x":1,"x":2,"b":3,"b":4,"a":{"b":1}})"), "1@34 ");
  EXPECT_EQ(read({"/0/b", "/1/b"}, R"({"0":{"b":1},"1":{"b":2}})"), "1@10 2@22 ");
}

TEST(JsonFields, WhatIsNoObjectIsSaidToBeNone) {
  for (const char* text : {"", "  ", "1", "[]", "\"a\"", "null", "hello", "}"})
    EXPECT_TRUE(read({"a"}, text).starts_with("not a JSON object")) << text;
}

TEST(JsonFields, TextThatIsNotJsonIsRefusedWhereverItStands) {
  for (const char* text : {"{",
                           "{]",
                           "{}}",
                           "{} {}",
                           "{}1",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{,\"a\":1}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\" 1}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"x\":tru}",
                           "{\"x\":nul}",
                           "{\"x\":falsey}",
                           "{\"x\":01}",
                           "{\"x\":+1}",
                           "{\"x\":.5}",
                           "{\"x\":1.}",
                           "{\"x\":1e}",
                           "{\"x\":-}",
                           "{\"x\":0x1}",
                           "{\"x\":NaN}",
                           "{\"x\":1 2}",
                           "{\"x\":[1,]}",
                           "{\"x\":[,1]}",
                           "{\"x\":[1 2]}",
                           "{\"x\":[1}",
                           "{\"x\":{\"y\":1}",
                           "{\"x\":[1,2}}",
                           "{\"x\":\"a}",
                           "{\"x\":\"a\tb\"}",
                           "{\"x\":\"a\"b}",
                           "{\"x\":\"a\" b}",
                           "{1:2}",
                           "{\"x\":1}\f",
                           "{\"x\"::1}",
                           "{:1}",
                           "{\"x\":{]}",
                           "{\"x\":[}]}"})
    EXPECT_TRUE(read({"a"}, text).starts_with("not valid JSON"))
        << text << " " << read({"a"}, text);
}

TEST(JsonFields, FaultStandsAtOrRightBehindItsOffset) {
  EXPECT_TRUE(read({"a"}, R"({"a":1,"x":tru})").ends_with(" at 11"));
  EXPECT_TRUE(read({"a"}, R"({"a":1,"x":"open})").ends_with(" at 11"));
  EXPECT_TRUE(read({"a"}, "{\"a\":1,\"x\":\"t\tab\"}").ends_with(" at 13"));
  EXPECT_TRUE(read({"a"}, R"({"a":1 "x":2})").ends_with(" at 5"));
}

TEST(JsonFields, EscapeThatIsNoCharacterIsRefused) {
  for (const char* text : {R"({"a":"\x"})", R"({"a":"\u12g4"})", R"({"a":"\ud800"})",
                           R"({"x":"\udc00"})", R"({"x":"\ud800\u0041"})", R"({"\udc00":1})"})
    EXPECT_TRUE(read({"a"}, text).starts_with("an escape that is no character")) << text;
}

TEST(JsonFields, NestingHasALimit) {
  const auto nested = [](std::size_t depth, char open, char close) {
    const std::string name = open == '{' ? "\"a\":" : "";
    std::string text = "{\"a\":";
    for (std::size_t i = 1; i < depth; ++i) text += open + name;
    text += "1";
    return text.append(depth - 1, close) + "}";
  };
  EXPECT_EQ(read({"b"}, nested(64, '[', ']')), "missing ");
  EXPECT_EQ(read({"b"}, nested(64, '{', '}')), "missing ");
  EXPECT_TRUE(read({"b"}, nested(65, '[', ']')).starts_with("JSON nested deeper than 64 levels"));
  EXPECT_TRUE(read({"b"}, nested(100'000, '[', ']')).starts_with("JSON nested deeper than"));
  EXPECT_TRUE(read({"b"}, nested(100'000, '{', '}')).starts_with("JSON nested deeper than"));
}

// What the oracle takes and we do not: repeated names on a path, deep nesting, halves of
// surrogates. The alphabet below makes none of them.
bool oracle_accepts(const std::string& text) {
  return nlohmann::json::accept(text) && text.find('{') == text.find_first_not_of(" \t\r\n");
}

// Texts built of JSON's own parts, so that many are nearly right.
TEST(JsonFields, AcceptExactlyWhatAnIndependentReaderAccepts) {
  static const std::array<std::string, 30> pieces{
      "{",  "}",      "[",        "]",           ":",     ",",       "\"b\":", "\"c\":1",
      "1",  "-0.5e2", "true",     "null",        "\"s\"", "\"\\n\"", " ",      "{\"d\":",
      "}",  "]",      "0",        "01",          "\"",    "\\",      "x",      "1.",
      "[]", "{}",     ",\"e\":2", "\"f\":[1,2]", "false", "\xC3\xA9"};
  unsigned accepted = 0;
  for (unsigned seed = 1; seed <= 200'000; ++seed) {
    std::mt19937 random(seed);
    std::string text = "{";
    for (std::size_t left = random() % 9; left > 0; --left)
      text += pieces.at(random() % pieces.size());
    if (random() % 8 != 0) text += "}";
    json_fields object = fields_of({"wanted"});
    const bool taken = !object.read(text);
    ASSERT_EQ(taken, oracle_accepts(text)) << "seed " << seed << " " << text;
    accepted += taken;
  }
  EXPECT_GT(accepted, 5000U);
}

TEST(JsonFields, EveryTruncationOfAnObjectIsRefused) {
  const std::string text = R"({"a":"x\u00e9","b":[1,{"c":null}],"d":-1.5e3})";
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_NE(read({"a"}, text.substr(0, size)).find(" at "), std::string::npos) << size;
}

}  // namespace
}  // namespace lentic::tool
