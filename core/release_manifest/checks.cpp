// SPDX-License-Identifier: Apache-2.0
#include "core/release_manifest/checks.hpp"

#include "core/base/text.hpp"

#include <regex>

namespace wrktalk::release_manifest {
namespace {

const std::string kHost = R"((\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9]([A-Za-z0-9._-]{0,252})))";

bool is_port(const std::string& text) {
  return text.empty() || (text.size() <= 5 && std::stoi(text) >= 1 && std::stoi(text) <= 65535);
}

}  // namespace

void check_database(const Section& section, const std::string& key, const std::string& name) {
  static const std::regex kName("[a-z][a-z0-9_]{0,62}");
  if (name == "db") {
    section.refuse_key(key, "\"db\" is the agent's own database", "name one of the application's, such as \"app\"");
  }
  if (std::regex_match(name, kName)) return;
  section.refuse_key(key, "\"" + name + "\" is no name of a database",
                     "write lower-case letters, digits and _, as in WRKTALK_AGENT_NAME_DSN");
}

void check_url(const Section& section, const std::string& key, const std::string& url) {
  static const std::regex kUrl("https?://" + kHost + R"((:([0-9]{1,5}))?([/?][!-~]*)?)");
  std::smatch match;
  const bool good = std::regex_match(url, match, kUrl) && is_port(match[4]) && url.find('#') == std::string::npos;
  if (!good) {
    section.refuse_key(key, "\"" + url + "\" is no URL that can be looked at",
                       "write it like \"http://127.0.0.1:8080/healthz\", without user and password");
  }
}

void check_address(const Section& section, const std::string& key, const std::string& address) {
  static const std::regex kAddress(kHost + ":([0-9]{1,5})");
  std::smatch match;
  if (std::regex_match(address, match, kAddress) && is_port(match[3])) return;
  section.refuse_key(key, "\"" + address + "\" is no address", "write it like \"127.0.0.1:5432\"");
}

std::string host_of(const std::string& url_or_address) {
  const std::size_t scheme = url_or_address.find("://");
  std::string rest = scheme == std::string::npos ? url_or_address : url_or_address.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?"));
  if (base::starts_with(rest, "[")) return rest.substr(1, rest.find(']') - 1);
  return rest.substr(0, rest.find(':'));
}

}  // namespace wrktalk::release_manifest
