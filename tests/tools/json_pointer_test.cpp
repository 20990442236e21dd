// SPDX-License-Identifier: Apache-2.0
#include "json_pointer.hpp"

#include <gtest/gtest.h>

namespace lentic::tool {
namespace {

TEST(FieldName, PointerIsAPathWithItsEscapesUndone) {
  EXPECT_EQ(parse_field_name("/user/id").value(), (json_path{"user", "id"}));
  EXPECT_EQ(parse_field_name("/a~1b/c~0d/~01").value(), (json_path{"a/b", "c~d", "~1"}));
  EXPECT_EQ(parse_field_name("/list/0").value(), (json_path{"list", "0"}));
}

TEST(FieldName, EmptyNamesArePartsLikeOthers) {
  EXPECT_EQ(parse_field_name("/").value(), (json_path{""}));
  EXPECT_EQ(parse_field_name("//a/").value(), (json_path{"", "a", ""}));
}

TEST(FieldName, WithoutASlashInFrontItIsOneMemberAsItStands) {
  EXPECT_EQ(parse_field_name("amount").value(), (json_path{"amount"}));
  EXPECT_EQ(parse_field_name("a/b~c").value(), (json_path{"a/b~c"}));
}

TEST(FieldName, TildeNeedsZeroOrOneBehindIt) {
  for (const char* name : {"/~", "/a~", "/a~2", "/~/b"})
    EXPECT_EQ(parse_field_name(name).error(), errc::not_a_pointer) << name;
}

}  // namespace
}  // namespace lentic::tool
