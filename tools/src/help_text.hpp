// SPDX-License-Identifier: Apache-2.0
#pragma once

// What --help says below the list of options: the rules of the command.

namespace lentic::tool {

extern const char* const main_footer;
extern const char* const run_footer;
extern const char* const read_footer;  // of get and scan
extern const char* const verify_footer;
extern const char* const dump_footer;
extern const char* const copy_footer;
extern const char* const salvage_footer;
extern const char* const digest_footer;
extern const char* const load_footer;
extern const char* const compact_footer;
extern const char* const store_footer;

}  // namespace lentic::tool
