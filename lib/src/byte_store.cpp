// SPDX-License-Identifier: Apache-2.0
#include <lentic/store/byte_store.hpp>

#include <utility>

namespace lentic {

namespace {

// What was asked of the store is awaited, never asked again: it may have had its effect.
task<bool> put_if_absent_slowly(byte_store& store, bytes key, bytes value,
                                maybe_ready<std::optional<value_view>> pending) {
  const std::optional<value_view> found = co_await std::move(pending);
  if (found) co_return false;
  co_await store.put(key, value);
  co_return true;
}

task<bool> put_absent(maybe_ready<void> pending) {
  co_await std::move(pending);
  co_return true;
}

task<std::optional<pinned_value>> pin_slowly(maybe_ready<std::optional<value_view>> pending) {
  const std::optional<value_view> found = co_await std::move(pending);
  if (!found) co_return std::nullopt;
  co_return std::optional<pinned_value>(std::in_place, bytes_view(*found));
}

bool copy_into(const std::optional<value_view>& found, bytes& to) {
  to.clear();
  if (found) to.assign(found->data(), found->data() + found->size());
  return found.has_value();
}

task<bool> get_into_slowly(bytes& to, maybe_ready<std::optional<value_view>> pending) {
  const std::optional<value_view> found = co_await std::move(pending);
  co_return copy_into(found, to);
}

task<bool> contains_slowly(maybe_ready<std::optional<value_view>> pending) {
  const std::optional<value_view> found = co_await std::move(pending);
  co_return found.has_value();
}

}  // namespace

task<std::vector<std::optional<bytes>>> byte_store::multi_get(std::span<const bytes_view> keys) {
  std::vector<std::optional<bytes>> found;
  found.reserve(keys.size());
  bool is_hinted = false;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    maybe_ready<std::optional<value_view>> pending = get(keys[i]);
    if (!pending.ready() && !is_hinted) {  // the others are read beside it
      prefetch(keys.subspan(i + 1));
      is_hinted = true;
    }
    const std::optional<value_view> value = co_await std::move(pending);
    found.push_back(value ? std::optional<bytes>(to_bytes(*value)) : std::nullopt);
  }
  co_return found;
}

maybe_ready<std::optional<pinned_value>> byte_store::pin(bytes_view key) {
  maybe_ready<std::optional<value_view>> pending = get(key);
  if (!pending.ready()) return pin_slowly(std::move(pending));
  const std::optional<value_view> found = pending.take();
  if (!found) return std::optional<pinned_value>();
  return std::optional<pinned_value>(std::in_place, bytes_view(*found));
}

maybe_ready<bool> byte_store::get_into(bytes_view key, bytes& to) {
  maybe_ready<std::optional<value_view>> found = get(key);
  if (!found.ready()) return get_into_slowly(to, std::move(found));
  return copy_into(found.take(), to);
}

task<std::optional<bytes>> byte_store::get_copy(bytes_view key) {
  const std::optional<value_view> value = co_await get(key);
  if (!value) co_return std::nullopt;
  co_return to_bytes(*value);
}

maybe_ready<bool> byte_store::put_if_absent(bytes_view key, bytes_view value) {
  maybe_ready<std::optional<value_view>> found = get(key);
  if (!found.ready())
    return put_if_absent_slowly(*this, to_bytes(key), to_bytes(value), std::move(found));
  if (found.take()) return false;
  maybe_ready<void> stored = put(key, value);
  if (stored.ready()) return true;
  return put_absent(std::move(stored));
}

maybe_ready<bool> byte_store::contains(bytes_view key) {
  maybe_ready<std::optional<value_view>> found = get(key);
  if (found.ready()) return found.take().has_value();
  return contains_slowly(std::move(found));
}

task<void> byte_store::write(const write_batch& batch) {
  for (const write_batch::entry& each : batch.entries()) {
    if (each.value) {
      co_await put(each.key, *each.value);
    } else {
      co_await erase(each.key);
    }
  }
}

cursor byte_store::prefix(bytes_view prefix, direction order) {
  const bytes end = prefix_end(prefix);
  key_range range = from(prefix);
  if (!end.empty()) range.hi = end;
  return this->range(range, order);
}

task<store_snapshot> byte_store::snapshot() {
  store_snapshot image;
  cursor rows = scan();
  for (;;) {
    const std::span<const row> block = co_await rows.next();
    if (block.empty()) break;
    for (const row& each : block) image.append(each.key, each.value);
  }
  co_return image;
}

task<void> byte_store::restore(const store_snapshot& image) {
  co_await clear();
  co_await write(image.rows());
}

}  // namespace lentic
