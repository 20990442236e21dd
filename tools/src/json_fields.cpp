// SPDX-License-Identifier: Apache-2.0
//
// The only file that includes simdjson: it takes seconds to compile. simdjson's on-demand reader
// looks at a value only when it is asked to, so every value is visited: a line that is not JSON is
// then refused whichever fields are wanted.
#include "json_fields.hpp"

#include "utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <simdjson.h>

namespace lentic::tool {

namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t no_node = static_cast<std::size_t>(-1);

// A step of the paths. Node 0 is the object itself.
struct node {
  struct child {
    std::string name;
    std::size_t node;
    bool seen;
  };
  std::vector<child> children;
  std::vector<std::size_t> fields;  // the paths that end here
};

bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string_view without_space(std::string_view token) noexcept {
  while (!token.empty() && is_space(token.back())) token.remove_suffix(1);
  return token;
}

std::size_t digits(std::string_view text, std::size_t at) noexcept {
  const std::size_t begin = at;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at - begin;
}

// RFC 8259, section 6.
bool is_number(std::string_view text) noexcept {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = digits(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = digits(text, at + 1);
    if (fraction == 0) return false;
    at += 1 + fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t exponent = digits(text, at);
    if (exponent == 0) return false;
    at += exponent;
  }
  return at == text.size();
}

// Where a control character stands in a string, or where a string opens that is never closed.
std::size_t string_fault_at(std::string_view text) noexcept {
  std::size_t open = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool inside = open != text.size();
    if (inside && static_cast<unsigned char>(text[i]) < 0x20) return i;
    if (inside && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      open = inside ? text.size() : i;
    }
  }
  return open == text.size() ? 0 : open;
}

}  // namespace

struct json_fields::parts {
  void add(const json_path& path, std::size_t field);
  std::size_t child_of(std::size_t parent, const std::string& name);
  std::error_code read(std::string_view text);
  std::error_code read_object(ondemand::object object, std::size_t here, int depth);
  std::error_code read_array(ondemand::array array, std::size_t here, int depth);
  std::error_code read_value(ondemand::value value, std::size_t here, int depth);
  std::error_code read_composite(ondemand::value value, std::size_t here, int depth);
  std::error_code read_string(ondemand::value value, std::string_view token, std::size_t here);
  std::error_code read_literal(std::string_view token, std::size_t here);
  result<std::size_t> enter_member(ondemand::field& member, std::size_t here);
  void set(std::size_t here, kind what, std::string_view value);
  std::size_t offset_of(const char* place) const noexcept {
    return static_cast<std::size_t>(place - text.data());
  }

  std::vector<node> nodes{1};
  std::vector<field> fields;
  ondemand::parser parser;
  std::vector<char> text;  // with the padding that simdjson may read
  std::size_t at = 0;      // of what was read last, in `text`
};

std::size_t json_fields::parts::child_of(std::size_t parent, const std::string& name) {
  for (const node::child& each : nodes[parent].children) {
    if (each.name == name) return each.node;
  }
  nodes[parent].children.push_back({name, nodes.size(), false});
  nodes.emplace_back();
  return nodes.size() - 1;
}

void json_fields::parts::add(const json_path& path, std::size_t field) {
  std::size_t here = 0;
  for (const std::string& name : path) here = child_of(here, name);
  nodes[here].fields.push_back(field);
}

void json_fields::parts::set(std::size_t here, kind what, std::string_view value) {
  if (here == no_node) return;
  for (const std::size_t each : nodes[here].fields) fields[each] = {what, at, value};
}

std::error_code json_fields::parts::read(std::string_view given) {
  std::fill(fields.begin(), fields.end(), field{});
  const auto begin = std::find_if_not(given.begin(), given.end(), is_space);
  at = static_cast<std::size_t>(begin - given.begin());
  if (begin == given.end() || *begin != '{') return errc::not_an_object;
  text.resize(std::max(text.size(), given.size() + simdjson::SIMDJSON_PADDING));
  std::memcpy(text.data(), given.data(), given.size());
  std::memset(text.data() + given.size(), 0, simdjson::SIMDJSON_PADDING);

  ondemand::document document;
  const simdjson::padded_string_view padded(text.data(), given.size(), text.size());
  const simdjson::error_code structure = parser.iterate(padded).get(document);
  if (structure == simdjson::MEMALLOC) throw std::bad_alloc();
  if (structure == simdjson::UNCLOSED_STRING || structure == simdjson::UNESCAPED_CHARS)
    at = string_fault_at(given);
  if (structure != simdjson::SUCCESS) return errc::not_json;
  ondemand::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return errc::not_json;
  const std::error_code failed = read_object(object, 0, 1);
  if (failed) return failed;
  if (document.current_location().error() == simdjson::OUT_OF_BOUNDS) return {};
  return errc::not_json;  // more text behind the object
}

std::error_code json_fields::parts::read_object(ondemand::object object, std::size_t here,
                                                int depth) {
  if (here != no_node) {
    for (node::child& each : nodes[here].children) each.seen = false;
  }
  for (auto next : object) {
    ondemand::field member;
    if (std::move(next).get(member) != simdjson::SUCCESS) return errc::not_json;
    const result<std::size_t> target = enter_member(member, here);
    if (!target) return target.error();
    const std::error_code failed = read_value(member.value(), *target, depth);
    if (failed) return failed;
  }
  return {};
}

// Where the paths go on in a member.
result<std::size_t> json_fields::parts::enter_member(ondemand::field& member, std::size_t here) {
  at = offset_of(member.key().raw()) - 1;
  std::string_view name;
  if (member.unescaped_key().get(name) != simdjson::SUCCESS)
    return make_error_code(errc::bad_escape);
  if (invalid_utf8_at(name) != name.size()) return make_error_code(errc::bad_escape);
  if (here == no_node) return no_node;
  for (node::child& each : nodes[here].children) {
    if (each.name != name) continue;
    if (each.seen) return make_error_code(errc::repeated_name);
    each.seen = true;
    return each.node;
  }
  return no_node;
}

std::error_code json_fields::parts::read_array(ondemand::array array, std::size_t here, int depth) {
  std::size_t index = 0;
  for (auto next : array) {
    ondemand::value element;
    // NOLINTNEXTLINE(performance-move-const-arg): get() is for rvalues only
    if (std::move(next).get(element) != simdjson::SUCCESS) return errc::not_json;
    std::size_t target = no_node;
    if (here != no_node && !nodes[here].children.empty()) {
      const std::string name = std::to_string(index);
      for (const node::child& each : nodes[here].children) {
        if (each.name == name) target = each.node;
      }
    }
    const std::error_code failed = read_value(element, target, depth);
    if (failed) return failed;
    ++index;
  }
  return {};
}

std::error_code json_fields::parts::read_value(ondemand::value value, std::size_t here, int depth) {
  const std::string_view token = without_space(value.raw_json_token());
  at = offset_of(token.data());
  if (token.empty()) return errc::not_json;
  switch (token.front()) {
    case '{':
    case '[':
      return read_composite(value, here, depth);
    case '"':
      return read_string(value, token, here);
    default:
      return read_literal(token, here);
  }
}

std::error_code json_fields::parts::read_composite(ondemand::value value, std::size_t here,
                                                   int depth) {
  if (depth == nesting_max) return errc::nested_too_deep;
  set(here, kind::composite, {});
  if (text[at] == '[') {
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return errc::not_json;
    return read_array(array, here, depth + 1);
  }
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return errc::not_json;
  return read_object(object, here, depth + 1);
}

// Half a surrogate pair can be written as an escape and is no character.
std::error_code json_fields::parts::read_string(ondemand::value value, std::string_view token,
                                                std::size_t here) {
  std::string_view unescaped;
  if (value.get_string().get(unescaped) != simdjson::SUCCESS) return errc::bad_escape;
  if (token.find('\\') != token.npos && invalid_utf8_at(unescaped) != unescaped.size())
    return errc::bad_escape;
  set(here, kind::scalar, unescaped);
  return {};
}

std::error_code json_fields::parts::read_literal(std::string_view token, std::size_t here) {
  if (token != "null" && token != "true" && token != "false" && !is_number(token))
    return errc::not_json;
  set(here, token == "null" ? kind::null : kind::scalar, token);
  return {};
}

json_fields::json_fields(std::span<const json_path> paths) : parts_(std::make_unique<parts>()) {
  for (std::size_t i = 0; i < paths.size(); ++i) parts_->add(paths[i], i);
  parts_->fields.resize(paths.size());
}

json_fields::~json_fields() = default;
json_fields::json_fields(json_fields&&) noexcept = default;
json_fields& json_fields::operator=(json_fields&&) noexcept = default;

std::error_code json_fields::read(std::string_view text) {
  return parts_->read(text);
}

std::span<const json_fields::field> json_fields::fields() const noexcept {
  return parts_->fields;
}

std::size_t json_fields::fault_offset() const noexcept {
  return parts_->at;
}

}  // namespace lentic::tool
