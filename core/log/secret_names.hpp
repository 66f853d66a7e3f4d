// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace wrktalk::log {

/// What a name says about its value.
enum class NameKind {
  none,
  secret,    ///< token, api_key, clientSecret, DSN, ...: what follows may also be prose that speaks of it
  password,  ///< password, PGPASS, passphrase, ...: what follows is prose only when it says so
  header,    ///< Authorization, Cookie: the whole rest of the line
};

/// By the parts of a name, however it is written: DB_PASSWORD, dbPassword, db.password, --db-password, dbpassword. A name that says
/// where a secret is or of what kind (PASSWORD_FILE, tokenType, secretName) is none.
NameKind kind_of_name(std::string_view name);

}  // namespace wrktalk::log
