// SPDX-License-Identifier: Apache-2.0
#include "core/secrets/settings.hpp"

#include "core/base/error.hpp"
#include "core/secrets/credentials.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;

namespace {

secrets::Settings by_kubernetes() {
  secrets::Settings settings;
  settings.server.address = "https://vault.example:8200";
  settings.path = "kv/app";
  return settings;
}

std::string problem(const secrets::Settings& settings) {
  try {
    secrets::checked(settings);
  } catch (const base::Error& e) {
    CHECK(e.kind() == base::Kind::configuration);
    return e.what();
  }
  return {};
}

}  // namespace

TEST_SUITE("secrets::checked") {
  TEST_CASE("the mount that is not named has the method's name; a certificate is verified") {
    auto settings = by_kubernetes();
    CHECK(secrets::checked(settings).auth_mount == "kubernetes");
    CHECK(secrets::checked(settings).server.verify);
    settings.auth_mount = "cluster-7";
    CHECK(secrets::checked(settings).auth_mount == "cluster-7");
  }

  TEST_CASE("what a login needs is named when it is missing") {
    auto settings = by_kubernetes();
    settings.path.clear();
    CHECK(problem(settings) == "WRKTALK_AGENT_VAULT_PATH is not set");
    settings = by_kubernetes();
    settings.server.address.clear();
    CHECK(problem(settings) == "VAULT_ADDR is not set");
    settings = by_kubernetes();
    settings.auth = secrets::Auth::approle;
    CHECK(problem(settings) == "WRKTALK_AGENT_VAULT_ROLE_ID is not set");
    settings.role_id = "role";
    CHECK(problem(settings) == "WRKTALK_AGENT_VAULT_SECRET_ID is not set");
    settings.auth = secrets::Auth::token;
    CHECK(problem(settings) == "VAULT_TOKEN is not set");
  }

  TEST_CASE("verification is skipped when that is said twice, and only then") {
    auto settings = by_kubernetes();
    settings.skip_verify = true;
    CHECK(problem(settings) == "VAULT_SKIP_VERIFY would let anybody in between read the password");
    settings.insecure = true;
    CHECK_FALSE(secrets::checked(settings).server.verify);
    settings.skip_verify = false;
    CHECK(problem(settings) == "--vault-insecure is given, but VAULT_SKIP_VERIFY is not set");
  }
}

TEST_SUITE("secrets::make_credentials") {
  TEST_CASE("without Vault the settings are read again each time, with nothing lent") {
    int reads = 0;
    base::NoPulse pulse;
    const auto credentials = secrets::make_credentials(
        secrets::Settings(),
        [&](const secrets::Variables& lent) {
          CHECK(lent.empty());
          db::ConnectionSettings settings;
          settings.parameters = {{"password", std::to_string(++reads)}};
          return settings;
        },
        pulse);
    CHECK(reads == 0);
    CHECK(credentials->fresh().parameters.front().second == "1");
    CHECK(credentials->fresh().parameters.front().second == "2");
    CHECK_FALSE(credentials->due().passed());
  }
}
