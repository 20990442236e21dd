// SPDX-License-Identifier: Apache-2.0
#include "json_pointer.hpp"

namespace lentic::tool {

result<json_path> parse_field_name(std::string_view name) {
  if (!name.starts_with('/')) return json_path{std::string(name)};
  json_path path;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '/') {
      path.emplace_back();
    } else if (name[i] != '~') {
      path.back() += name[i];
    } else if (i + 1 < name.size() && (name[i + 1] == '0' || name[i + 1] == '1')) {
      path.back() += name[++i] == '0' ? '~' : '/';
    } else {
      return make_error_code(errc::not_a_pointer);
    }
  }
  return path;
}

}  // namespace lentic::tool
