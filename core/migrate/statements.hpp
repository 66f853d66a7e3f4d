// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/migrate/script.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::migrate {

/// One statement of a script, as far as the runner must know it. The server alone understands SQL: nothing is ever sent
/// in pieces that were cut here.
struct Statement {
  std::size_t begin = 0;  ///< offset of its first word
  std::size_t end = 0;    ///< offset behind its last character, before the semicolon
  std::vector<std::string>
      words;  ///< the first ones outside of strings and comments, in upper case; "quoted" names as written
};

/// Knows comments, all kinds of quotes, parentheses and BEGIN ATOMIC bodies. A command of psql is a statement of one word, "\\i";
/// \restrict and \unrestrict, which pg_dump writes for psql's safety, are comments.
std::vector<Statement> statements(std::string_view sql);

/// The script as it is sent. BEGIN and COMMIT around a whole file are blanked, since the runner's own transaction stands
/// around it, and what is meant for psql alone. Throws Error(failed) with file and line for what would break that transaction or cannot be sent: other
/// transaction control, COPY from or to the client, commands of psql, a no-transaction file that does not hold exactly one statement.
std::string checked_sql(const Script& script);

/// The script without the settings that pg_dump makes for its own session and a server of this version (as PQserverVersion)
/// does not know.
std::string without_unknown_settings(std::string sql, int server_version);

/// Whether the text is one statement that PostgreSQL runs outside of transactions only.
bool refuses_transaction(std::string_view sql);

/// What the script would lock, as far as its statements tell by their first words: "ALTER TABLE orders (no reading or writing meanwhile)".
std::vector<std::string> locks_of(std::string_view sql);

/// The index that CREATE INDEX CONCURRENTLY makes, as the statement names it.
std::optional<std::string> concurrent_index(std::string_view sql);

}  // namespace wrktalk::migrate
