// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/secret.hpp"
#include "core/secrets/api.hpp"
#include "core/settings/fields.hpp"

#include <chrono>
#include <string>

namespace wrktalk::secrets {

enum class Auth { kubernetes, jwt, approle, token };

/// "Kubernetes", "JWT", "AppRole", "token", as the log lines have them.
const char* to_text(Auth auth) noexcept;

struct Settings {
  bool use = false;  ///< whether the database's credentials come from Vault
  Server server;
  bool skip_verify = false;
  bool insecure = false;  ///< whether `skip_verify` is meant
  Auth auth = Auth::kubernetes;
  std::string auth_mount;  ///< where the auth method is mounted: "kubernetes" for auth/kubernetes
  std::string role;        ///< kubernetes and jwt
  std::string jwt_file;    ///< kubernetes and jwt; read anew for each login, since the kubelet replaces it
  std::string role_id;     ///< approle
  base::Secret secret_id;  ///< approle; may be a wrapping token that holds it
  base::Secret token;      ///< token: used as it is, and never revoked; may be a wrapping token that holds one
  std::string path;        ///< as `vault kv get` takes it: MOUNT/PATH, without "data/"
  std::chrono::milliseconds timeout{30'000};  ///< how long to try while Vault is away, sealed or busy
};

/// The section `vault`.
settings::Fields<Settings> setting_fields() noexcept;

/// A copy that a Vault can be made of, with the mount that is not named. Throws Error(configuration) for what is missing, and when verification is to be
/// skipped but was not said to be so twice.
Settings checked(Settings settings);
/// The same for one that reads more than the path of the settings, which need not be set.
Settings checked_login(Settings settings);

}  // namespace wrktalk::secrets
