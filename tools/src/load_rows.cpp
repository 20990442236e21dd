// SPDX-License-Identifier: Apache-2.0
#include "load_rows.hpp"

#include "bad_row_text.hpp"
#include "suggest.hpp"
#include "utf8.hpp"

#include <charconv>
#include <limits>
#include <utility>

namespace lentic::tool {

namespace {

constexpr std::array<std::string_view, 6> slot_names{"store", "segment",   "key_hex",
                                                     "key",   "value_hex", "value"};

std::vector<json_path> slot_paths() {
  std::vector<json_path> paths;
  paths.reserve(slot_names.size());
  for (const std::string_view name : slot_names) paths.push_back({std::string(name)});
  return paths;
}

std::optional<unsigned> digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

bool read_hex(std::string_view text, bytes& out) {
  out.clear();
  if (text.size() % 2 != 0) return false;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = digit_of(text[i]);
    const auto low = digit_of(text[i + 1]);
    if (!high || !low) return false;
    out.push_back(static_cast<std::byte>(*high * 16 + *low));
  }
  return true;
}

std::string shortened(std::string_view text) {
  constexpr std::size_t shown = 40;
  return in_quotes(std::string(text.substr(0, shown)) + (text.size() > shown ? "..." : ""));
}

bool is_blank(std::string_view line) noexcept {
  return line.find_first_not_of(" \t\r") == line.npos;
}

}  // namespace

load_rows::load_rows(input_format format, std::optional<std::string> into, std::string file)
    : store_(std::move(into)), file_(std::move(file)), object_(slot_paths()) {
  if (format == input_format::csv) {
    csv_ = std::make_unique<csv_reader>(csv_start{}, load_row_bytes_max);
  } else {
    lines_ = std::make_unique<row_splitter>(boundary_, row_start{}, load_row_bytes_max);
  }
}

void load_rows::feed(std::string_view chunk) {
  if (csv_) {
    csv_->feed(chunk);
  } else {
    lines_->feed(chunk);
  }
}

void load_rows::finish() {
  if (csv_) {
    csv_->finish();
  } else {
    lines_->finish();
  }
}

std::uint64_t load_rows::position() const {
  return csv_ ? csv_->position() : lines_->position();
}

std::uint64_t load_rows::line() const {
  return csv_ ? csv_->line() : lines_->line();
}

bool load_rows::terminated() const {
  return csv_ ? csv_->terminated() : lines_->terminated();
}

bool load_rows::open() {
  if (!csv_) return true;
  switch (csv_->next()) {
    case row_event::need_input:
      return false;
    case row_event::end:
      throw input_error(file_ + ": empty: the first line must name the columns");
    case row_event::bad_row:
      throw input_error(bad_row_text(file_, csv_->reason_place(), csv_->reason())
                        + "; the first line must name the columns");
    case row_event::record:
      bind(csv_->fields());
  }
  return true;
}

void load_rows::bind(std::span<const std::string_view> header) {
  for (std::size_t each = 0; each < slot_count; ++each) {
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (header[i] != slot_names[each]) continue;
      if (columns_[each])
        throw input_error(file_ + ":1: two columns " + in_quotes(std::string(header[i])));
      columns_[each] = i;
    }
  }
  std::string have;
  for (const std::string_view name : header) have.append(have.empty() ? "" : ", ").append(name);
  if (!columns_[key_hex] && !columns_[key])
    throw input_error(file_ + ":1: no column key or key_hex (have: " + have + ")");
  if (!columns_[value_hex] && !columns_[value])
    throw input_error(file_ + ":1: no column value or value_hex (have: " + have + ")");
  if (!columns_[store] && !store_)
    throw usage_error(file_ + ":1: no column store (have: " + have + ")",
                      "name the store of all rows with --store");
}

void load_rows::resume(std::string_view head, row_start start) {
  if (!csv_) {
    lines_ = std::make_unique<row_splitter>(boundary_, start, load_row_bytes_max);
    return;
  }
  csv_reader header(csv_start{}, load_row_bytes_max);
  header.feed(head);
  header.finish();
  if (header.next() != row_event::record)
    throw input_error(file_ + ": the header can no longer be read");
  bind(header.fields());
  csv_ = std::make_unique<csv_reader>(csv_start{start, header.field_count()}, load_row_bytes_max);
}

row_event load_rows::next() {
  return csv_ ? next_csv() : next_json();
}

row_event load_rows::next_csv() {
  const row_event event = csv_->next();
  if (event == row_event::bad_row)
    return bad_row(csv_->reason_place(), reason_text(csv_->reason()));
  if (event != row_event::record) return event;
  row_place_ = csv_->place(0);
  slots found;
  for (std::size_t i = 0; i < slot_count; ++i) {
    if (columns_[i]) found[i] = csv_->fields()[*columns_[i]];
  }
  return take(found);
}

row_event load_rows::next_json() {
  for (;;) {
    const row_splitter::event event = lines_->next();
    if (event == row_splitter::event::need_input) return row_event::need_input;
    if (event == row_splitter::event::end) return row_event::end;
    row_place_ = lines_->place_at(0);
    if (event == row_splitter::event::too_long)
      return bad_row(row_place_, reason_text(make_error_code(errc::line_too_long)));
    const std::string_view text = lines_->row();
    if (is_blank(text)) continue;
    const std::size_t invalid = invalid_utf8_at(text);
    if (invalid != text.size())
      return bad_row(lines_->place_at(invalid), reason_text(make_error_code(errc::invalid_utf8)));
    const std::error_code failed = object_.read(text);
    if (failed) return bad_row(lines_->place_at(object_.fault_offset()), reason_text(failed));
    break;
  }
  slots found;
  for (std::size_t i = 0; i < slot_count; ++i) {
    const json_fields::field& field = object_.fields()[i];
    if (field.what == json_fields::kind::composite)
      return bad_row(lines_->place_at(field.offset),
                     std::string(slot_names[i]) + ": an object or an array, not a single value");
    if (field.what == json_fields::kind::scalar) found[i] = field.value;
  }
  return take(found);
}

row_event load_rows::take(const slots& found) {
  // A dump leaves the key empty where it is not text: hex counts.
  if (!found[key_hex] && !found[key]) return bad_row(row_place_, "no key or key_hex");
  if (!found[value_hex] && !found[value]) return bad_row(row_place_, "no value or value_hex");
  if (!found[store] && !store_) return bad_row(row_place_, "no store; name it with --store");
  row_.store = store_ ? std::string_view(*store_) : *found[store];
  row_.segment = 0;
  const std::string_view number = found[segment].value_or("0");
  const auto [end, failed] =
      std::from_chars(number.data(), number.data() + number.size(), row_.segment);
  if (failed != std::errc() || end != number.data() + number.size())
    return bad_slot(segment, number, "not a whole number");
  if (row_.segment == std::numeric_limits<std::uint64_t>::max())
    return bad_slot(segment, number, "segments end one below that");
  constexpr const char* not_hex = "not an even number of hex digits";
  if (!found[key_hex]) {
    row_.key = to_bytes(as_bytes(*found[key]));
  } else if (!read_hex(*found[key_hex], row_.key)) {
    return bad_slot(key_hex, *found[key_hex], not_hex);
  }
  if (!found[value_hex]) {
    row_.value = to_bytes(as_bytes(*found[value]));
  } else if (!read_hex(*found[value_hex], row_.value)) {
    return bad_slot(value_hex, *found[value_hex], not_hex);
  }
  return row_event::record;
}

row_place load_rows::place_of(slot which) const {
  if (!csv_) return lines_->place_at(object_.fields()[which].offset);
  return csv_->place(columns_[which].value_or(0));
}

row_event load_rows::bad_slot(slot which, std::string_view text, const std::string& reason) {
  return bad_row(place_of(which),
                 std::string(slot_names[which]) + " " + shortened(text) + ": " + reason);
}

row_event load_rows::bad_row(row_place at, const std::string& reason) {
  fault_ = file_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + reason;
  return row_event::bad_row;
}

std::string load_rows::refused(std::string_view reason) const {
  return file_ + ":" + std::to_string(row_place_.line) + ": " + std::string(reason);
}

std::string load_rows::reason_text(std::error_code code) const {
  if (code == make_error_code(errc::line_too_long)) return "a row longer than 132 MiB";
  return code.message();
}

}  // namespace lentic::tool
