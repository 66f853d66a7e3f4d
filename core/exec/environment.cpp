// SPDX-License-Identifier: Apache-2.0
#include "core/exec/environment.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <string_view>
#include <unistd.h>

namespace wrktalk::exec {
namespace {

constexpr const char* kEverywhere[] = {"PATH",        "HOME",     "USER",      "LANG",       "LC_*",
                                       "TZ",          "TMPDIR",   "XDG_*",     "SSL_CERT_*", "HTTP_PROXY",
                                       "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy",
                                       "no_proxy",    "all_proxy"};

bool matches(std::string_view name, std::string_view pattern) {
  if (!base::ends_with(pattern, "*")) return name == pattern;
  return base::starts_with(name, pattern.substr(0, pattern.size() - 1));
}

}  // namespace

std::vector<std::string> allowed_environment(const std::vector<std::string>& names,
                                             const std::vector<std::string>& passed) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const auto allows = [&](std::string_view pattern) { return matches(name, pattern); };
    if (std::any_of(std::begin(kEverywhere), std::end(kEverywhere), allows) ||
        std::any_of(names.begin(), names.end(), allows) || std::any_of(passed.begin(), passed.end(), allows)) {
      out.emplace_back(text);
    }
  }
  return out;
}

bool may_be_passed(const std::string& name, const std::vector<std::string>& names) {
  const auto allows = [&](std::string_view pattern) { return matches(name, pattern); };
  return std::any_of(std::begin(kEverywhere), std::end(kEverywhere), allows) ||
         std::any_of(names.begin(), names.end(), allows);
}

}  // namespace wrktalk::exec
