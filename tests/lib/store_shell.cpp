// SPDX-License-Identifier: Apache-2.0
#include "store_shell.hpp"

#include <lentic/task.hpp>

namespace lentic::test {

namespace {

task<text_rows> read_block(cursor& rows) {
  text_rows found;
  const std::span<const row> block = co_await rows.next();
  for (const row& each : block) found.emplace_back(as_text(each.key), as_text(each.value));
  co_return found;
}

std::optional<std::string> text_of(const std::optional<bytes>& raw) {
  if (!raw) return std::nullopt;
  return std::string(as_text(*raw));
}

}  // namespace

std::optional<std::string> store_shell::get(std::string_view key) {
  return text_of(sync_wait(*runtime_, store_->get_copy(as_bytes(key))));
}

void store_shell::put(std::string_view key, std::string_view value) {
  sync_wait(*runtime_, store_->put(as_bytes(key), as_bytes(value)));
}

bool store_shell::put_if_absent(std::string_view key, std::string_view value) {
  return sync_wait(*runtime_, store_->put_if_absent(as_bytes(key), as_bytes(value)));
}

bool store_shell::erase(std::string_view key) {
  return sync_wait(*runtime_, store_->erase(as_bytes(key)));
}

bool store_shell::contains(std::string_view key) {
  return sync_wait(*runtime_, store_->contains(as_bytes(key)));
}

void store_shell::clear() {
  sync_wait(*runtime_, store_->clear());
}

std::vector<std::optional<std::string>> store_shell::multi_get(
    const std::vector<std::string>& keys) {
  std::vector<bytes_view> views;
  for (const std::string& key : keys) views.push_back(as_bytes(key));
  std::vector<std::optional<std::string>> texts;
  for (const std::optional<bytes>& raw : sync_wait(*runtime_, store_->multi_get(views)))
    texts.push_back(text_of(raw));
  return texts;
}

void store_shell::write(const write_batch& batch) {
  sync_wait(*runtime_, store_->write(batch));
}

store_snapshot store_shell::snapshot() {
  return sync_wait(*runtime_, store_->snapshot());
}

void store_shell::restore(const store_snapshot& image) {
  sync_wait(*runtime_, store_->restore(image));
}

text_rows store_shell::scan(direction order) {
  return rest(store_->scan(order));
}

text_rows store_shell::range(std::string_view lo, std::string_view hi, direction order) {
  return rest(store_->range(between(as_bytes(lo), as_bytes(hi)), order));
}

text_rows store_shell::prefix(std::string_view prefix, direction order) {
  return rest(store_->prefix(as_bytes(prefix), order));
}

text_rows store_shell::next(cursor& rows) {
  return sync_wait(*runtime_, read_block(rows));
}

text_rows store_shell::rest(cursor rows) {
  text_rows all;
  for (text_rows block = next(rows); !block.empty(); block = next(rows))
    all.insert(all.end(), block.begin(), block.end());
  return all;
}

}  // namespace lentic::test
