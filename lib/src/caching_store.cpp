// SPDX-License-Identifier: Apache-2.0
#include "fused_store.hpp"
#include "kafka_store.hpp"
#include "young_fused_store.hpp"

#include <lentic/cache/caching_store.hpp>

namespace lentic {

std::unique_ptr<caching_store> make_caching_store(caching mode, byte_store& inner,
                                                  thread_cache& cache, std::string_view name,
                                                  const caching_options& options) {
  if (mode == caching::kafka)
    return std::make_unique<detail::kafka_store>(inner, cache, name, options);
  touching_store* const rows = inner.touching();
  if (rows != nullptr)
    return std::make_unique<detail::young_fused_store>(inner, *rows, cache, name, options);
  return std::make_unique<detail::fused_store>(inner, cache, name, options);
}

}  // namespace lentic
