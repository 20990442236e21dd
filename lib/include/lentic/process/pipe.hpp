// SPDX-License-Identifier: Apache-2.0
#pragma once

// Everything that a topology without windows is made of, in one include. The windowed operators are
// in <lentic/windows/windowed_by.hpp>. Threads and lifetimes: see the headers below.

#include <lentic/process/aggregate.hpp>
#include <lentic/process/flat_map.hpp>
#include <lentic/process/fork.hpp>
#include <lentic/process/group.hpp>
#include <lentic/process/operators.hpp>
#include <lentic/process/processor.hpp>
#include <lentic/process/record_rejected.hpp>
#include <lentic/process/sink.hpp>
#include <lentic/process/stream_task.hpp>
#include <lentic/process/topology.hpp>
