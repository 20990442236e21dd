// SPDX-License-Identifier: Apache-2.0
#pragma once

// record_rejected: an operator refuses a record. Thrown by an updater, a format or a processor
// before it has changed anything; the stream_task then goes on with the next record, as if this one
// had not come. When another part of the topology had already been changed by the record, that is
// not possible, and the task is poisoned as by any other failure.
//
// A plain exception; any thread.

#include <string>
#include <system_error>

namespace lentic::process {

class record_rejected : public std::system_error {
 public:
  record_rejected(std::error_code why, const std::string& where) : std::system_error(why, where) {}
};

}  // namespace lentic::process
