// SPDX-License-Identifier: Apache-2.0
// How sim_engine executes one request: faults first, then the stream or the disk.
#include <lentic/coro/sim_engine.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace lentic::coro {

namespace {
bool moves_bytes(const io_request& request) noexcept {
  return request.kind == io_kind::read || request.kind == io_kind::write;
}
}  // namespace

void sim_engine::fail_from(std::uint64_t number, int error) noexcept {
  fail_from_ = number;
  fail_from_error_ = error;
}

void sim_engine::fail_kind(io_kind kind, std::uint64_t nth, int error) {
  fail_kinds_.push_back({kind, nth, error});
}

template <class Stream>
Stream* sim_engine::stream_of(const std::array<Stream*, 3>& streams, const io_request& request) {
  if (request.fd < 0 || request.fd > 2) return nullptr;
  return streams[index_of(request.fd)];
}

// True for a stream on which nothing can be read or written yet.
bool sim_engine::waits(const io_request& request) const {
  if (request.cancel_asked || request.fd < 0 || request.fd > 2) return false;
  if (request.kind == io_kind::read) {
    const sim_input* const input = stream_of(inputs_, request);
    return input != nullptr && !input->ended && input->taken == input->bytes.size();
  }
  if (request.kind == io_kind::write) {
    const sim_output* const output = stream_of(outputs_, request);
    return output != nullptr && !output->closed && output->bytes.size() >= output->room_bytes;
  }
  return false;
}

std::int64_t sim_engine::execute(io_request& request, std::uint64_t sync_upto) {
  ++executed_[index_of(request.kind)];
  if (request.cancel_asked) return -ECANCELED;
  if (const std::optional<std::int64_t> fault = fault_of(request)) {
    if (request.kind == io_kind::data_sync) disk_->fail_data_sync(request.fd);
    return *fault;
  }
  return perform(request, sync_upto);
}

std::optional<std::int64_t> sim_engine::fault_of(const io_request& request) {
  for (kind_fault& fault : fail_kinds_) {
    if (fault.kind == request.kind && fault.left != 0 && --fault.left == 0) return -fault.error;
  }
  const auto found = fail_at_.find(request.engine_number);
  if (found != fail_at_.end()) return -found->second;
  if (fail_from_error_ != 0 && request.engine_number >= fail_from_
      && request.kind != io_kind::close) {
    return -fail_from_error_;
  }
  if (!moves_bytes(request)) return std::nullopt;
  if (random_.chance(faults_.interrupted_permille)) return -EINTR;
  if (random_.chance(faults_.again_permille)) return -EAGAIN;
  return std::nullopt;
}

// What a pipe answers.
std::int64_t sim_engine::perform_on_stream(const io_request& request) {
  switch (request.kind) {
    case io_kind::size:
      return 0;
    case io_kind::close:
      inputs_[index_of(request.fd)] = nullptr;
      outputs_[index_of(request.fd)] = nullptr;
      return 0;
    default:
      return -EINVAL;
  }
}

std::int64_t sim_engine::perform(io_request& request, std::uint64_t sync_upto) {
  const bool stream =
      stream_of(inputs_, request) != nullptr || stream_of(outputs_, request) != nullptr;
  if (stream && !moves_bytes(request)) return perform_on_stream(request);
  switch (request.kind) {
    case io_kind::nop:
      return 0;
    case io_kind::read:
    case io_kind::write:
      return transfer(request);
    case io_kind::close:
      return disk_->close(request.fd);
    case io_kind::data_sync:
      return mutations_.ignore_data_sync ? 0 : disk_->data_sync(request.fd, sync_upto);
    case io_kind::sync_directory:
      return mutations_.ignore_sync_directory ? 0 : disk_->sync_directory(request.fd);
    case io_kind::allocate:
      return disk_->allocate(request.fd, request.offset, request.bytes);
    case io_kind::truncate:
      return disk_->truncate(request.fd, request.offset);
    case io_kind::size:
      return disk_->size(request.fd);
    case io_kind::lock:
      return disk_->lock(request.fd, request.flags);
    default:
      return perform_name(request);
  }
}

std::int64_t sim_engine::perform_name(io_request& request) {
  switch (request.kind) {
    case io_kind::open:
      return disk_->open(process_, request.fd, request.path, request.flags);
    case io_kind::rename:
      return disk_->rename(request.fd, request.path, request.path2);
    case io_kind::unlink:
      return disk_->unlink(request.fd, request.path);
    case io_kind::link:
      return disk_->link(request.fd, request.path, request.fd2, request.path2);
    case io_kind::make_directory:
      return disk_->make_directory(request.fd, request.path);
    case io_kind::list_directory:
      return disk_->list(request.fd, *request.names);
    default:
      return -EINVAL;
  }
}

std::int64_t sim_engine::transfer(io_request& request) {
  std::size_t count = request.bytes;
  if (count > 1 && random_.chance(faults_.short_permille)) count = 1 + random_.below(count - 1);
  const std::span<std::byte> data(static_cast<std::byte*>(request.data), count);
  if (request.kind == io_kind::read) {
    sim_input* const input = stream_of(inputs_, request);
    return input != nullptr ? read_stream(*input, data)
                            : disk_->read(request.fd, data, request.offset);
  }
  sim_output* const output = stream_of(outputs_, request);
  if (output != nullptr) return write_stream(*output, data);
  const bool lands = !lose_at_.contains(request.engine_number);
  const std::int64_t written =
      disk_->write(request.fd, data, request.offset,
                   lands ? sim_disk::fate::normal : sim_disk::fate::never_lands);
  if (written > 0) bytes_written_ += static_cast<std::uint64_t>(written);
  return written;
}

std::int64_t sim_engine::read_stream(sim_input& input, std::span<std::byte> to) {
  const std::size_t count =
      std::min({to.size(), input.bytes.size() - input.taken, input.chunk_bytes_max});
  if (count != 0) std::memcpy(to.data(), input.bytes.data() + input.taken, count);
  input.taken += count;
  return static_cast<std::int64_t>(count);
}

std::int64_t sim_engine::write_stream(sim_output& output, std::span<const std::byte> from) {
  if (output.closed) return -EPIPE;
  const std::size_t count = std::min(from.size(), output.room_bytes - output.bytes.size());
  for (const std::byte one : from.first(count)) {
    output.bytes.push_back(static_cast<char>(std::to_integer<unsigned char>(one)));
  }
  return static_cast<std::int64_t>(count);
}

}  // namespace lentic::coro
