// SPDX-License-Identifier: Apache-2.0
#include "core/db/exposure.hpp"

#include "core/base/loopback.hpp"
#include "core/base/text.hpp"

#include <libpq-fe.h>

#include <map>
#include <memory>

namespace wrktalk::db {
namespace {

/// By keyword, as libpq will have them.
std::map<std::string, std::string> effective(const ConnectionSettings& settings) {
  std::map<std::string, std::string> values;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> defaults(::PQconndefaults(), ::PQconninfoFree);
  for (const auto* item = defaults.get(); item != nullptr && item->keyword != nullptr; ++item) {
    if (item->val != nullptr) values[item->keyword] = item->val;
  }
  for (const auto& [keyword, value] : settings.parameters) {
    if (!value.empty()) values[keyword] = value;
  }
  return values;
}

bool is_this_machine(const std::string& host) {
  return host.empty() || host.front() == '/' || host.front() == '@' || base::is_loopback(host);
}

}  // namespace

std::optional<Exposure> exposure(const ConnectionSettings& settings) {
  auto values = effective(settings);
  const std::string mode = values["sslmode"];
  if (mode == "require" || mode == "verify-ca" || mode == "verify-full" || values["sslrootcert"] == "system") return {};
  for (const char* keyword : {"hostaddr", "host"}) {
    for (const auto& host : base::split(values[keyword], ',')) {
      if (!is_this_machine(base::trim(host))) return Exposure{base::trim(host), mode};
    }
  }
  return {};
}

}  // namespace wrktalk::db
