// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/statements.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cctype>

namespace wrktalk::migrate {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kMostWords = 64;
constexpr std::ptrdiff_t kConcurrentlyWithin = 4;  // CREATE UNIQUE INDEX CONCURRENTLY

bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool starts_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0; }
bool in_word(char c) { return starts_word(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '$'; }

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

struct Scanned {
  std::vector<Statement> statements;
  std::vector<Statement> for_psql;  ///< what the server is not to see
};

class Scanner {
 public:
  explicit Scanner(std::string_view sql) : sql_(sql) {}

  Scanned run() && {
    while (at_ < sql_.size()) step();
    finish();
    return std::move(scanned_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0'; }

  void step() {
    const char c = peek();
    if (is_blank(c)) {
      ++at_;
    } else if (c == '-' && peek(1) == '-') {
      at_ = std::min(sql_.find('\n', at_), sql_.size());
    } else if (c == '/' && peek(1) == '*') {
      skip_comment();
    } else if (c == '\\') {
      take_psql_command();
    } else if (c == ';' && parentheses_ == 0 && bodies_ == 0) {
      finish();
      ++at_;
    } else {
      take(c);
    }
  }

  /// Outside of quotes a backslash is psql's alone.
  void take_psql_command() {
    const bool starts_here = !open_;
    finish();
    now_.begin = at_;
    std::size_t end = at_ + 1;
    while (end < sql_.size() && !is_blank(sql_[end])) ++end;
    now_.words.emplace_back(sql_.substr(at_, end - at_));
    at_ = now_.end = std::min(sql_.find('\n', at_), sql_.size());
    const std::string& name = now_.words.front();
    if (starts_here && (name == "\\restrict" || name == "\\unrestrict")) {
      scanned_.for_psql.push_back(std::move(now_));
      now_ = {};
    } else {
      open_ = true;
      finish();
    }
  }

  void take(char c) {
    const std::size_t start = at_;
    if (!open_) {
      open_ = true;
      now_.begin = start;
    }
    if (starts_word(c)) {
      while (at_ < sql_.size() && in_word(sql_[at_])) ++at_;
      const std::string_view word = sql_.substr(start, at_ - start);
      if (peek() == '\'' && (word == "E" || word == "e")) {
        skip_quoted('\'', true);
      } else {
        add_word(upper(word));
      }
    } else if (c == '"') {
      skip_quoted('"', false);
      add_word(std::string(sql_.substr(start, at_ - start)));
    } else if (c == '\'') {
      skip_quoted('\'', false);
    } else if (c == '$') {
      skip_dollar_quoted();
    } else {
      if (c == '(') ++parentheses_;
      if (c == ')' && parentheses_ > 0) --parentheses_;
      ++at_;
    }
    now_.end = at_;
  }

  void skip_comment() {
    int depth = 0;
    do {
      if (peek() == '/' && peek(1) == '*') {
        ++depth;
        ++at_;
      } else if (peek() == '*' && peek(1) == '/') {
        --depth;
        ++at_;
      }
      ++at_;
    } while (depth > 0 && at_ < sql_.size());
  }

  void skip_quoted(char quote, bool backslashes) {
    for (++at_; at_ < sql_.size(); ++at_) {
      if (backslashes && peek() == '\\') {
        ++at_;
      } else if (peek() == quote) {
        if (peek(1) != quote) break;
        ++at_;
      }
    }
    at_ = std::min(at_ + 1, sql_.size());
  }

  void skip_dollar_quoted() {
    std::size_t end = at_ + 1;
    while (end < sql_.size() && in_word(sql_[end]) && sql_[end] != '$') ++end;
    const bool is_tag = end < sql_.size() && sql_[end] == '$' && std::isdigit(static_cast<unsigned char>(peek(1))) == 0;
    if (!is_tag) {
      ++at_;
      return;
    }
    const std::string_view tag = sql_.substr(at_, end + 1 - at_);
    const std::size_t close = sql_.find(tag, end + 1);
    at_ = close == std::string_view::npos ? sql_.size() : close + tag.size();
  }

  void add_word(std::string word) {
    const auto& words = now_.words;
    const auto early = words.begin() + std::min<std::ptrdiff_t>(4, std::distance(words.begin(), words.end()));
    const bool routine = !words.empty() && words[0] == "CREATE" && std::any_of(words.begin(), early, [](const auto& w) {
      return w == "FUNCTION" || w == "PROCEDURE";
    });
    if (routine && (word == "BEGIN" || (bodies_ > 0 && word == "CASE"))) ++bodies_;
    if (bodies_ > 0 && word == "END") --bodies_;
    if (words.size() < kMostWords) now_.words.push_back(std::move(word));
  }

  void finish() {
    if (open_) scanned_.statements.push_back(std::move(now_));
    now_ = {};
    open_ = false;
    parentheses_ = 0;
    bodies_ = 0;
  }

  std::string_view sql_;
  std::size_t at_ = 0;
  bool open_ = false;
  int parentheses_ = 0;
  int bodies_ = 0;
  Statement now_;
  Scanned scanned_;
};

bool has(const Statement& statement, const char* word) {
  return std::find(statement.words.begin(), statement.words.end(), word) != statement.words.end();
}

bool is_begin(const Statement& statement) {
  return !statement.words.empty() &&
         (statement.words[0] == "BEGIN" || (statement.words[0] == "START" && has(statement, "TRANSACTION")));
}

bool is_commit(const Statement& statement) {
  return !statement.words.empty() && (statement.words[0] == "COMMIT" || statement.words[0] == "END");
}

bool controls_transaction(const Statement& statement) {
  if (statement.words.empty()) return false;
  const std::string& first = statement.words[0];
  return is_begin(statement) || is_commit(statement) || first == "ABORT" ||
         (first == "ROLLBACK" && !has(statement, "TO")) || (first == "PREPARE" && has(statement, "TRANSACTION"));
}

bool copies_to_client(const Statement& statement) {
  return !statement.words.empty() && statement.words[0] == "COPY" &&
         (has(statement, "STDIN") || has(statement, "STDOUT"));
}

bool is_of_psql(const Statement& statement) { return !statement.words.empty() && statement.words[0].front() == '\\'; }

std::string instead_of_psql(const std::string& command) {
  if (base::starts_with(command, "\\i")) return "put what that file says in here, or make it a migration of its own";
  if (base::starts_with(command, "\\copy")) return "use INSERT instead";
  if (base::starts_with(command, "\\c"))
    return "take it out: WRKTALK_AGENT_DB_NAME or --dsn names the database that migrations run in";
  if (base::starts_with(command, "\\set") || command == "\\gset") return "write the value where it is used";
  if (command == "\\.") return "use INSERT instead of COPY (pg_dump --inserts writes it)";
  return "take it out: a migration holds SQL alone, which the server runs";
}

void blank(std::string& sql, std::size_t begin, std::size_t end) {
  std::fill(sql.begin() + static_cast<std::ptrdiff_t>(begin), sql.begin() + static_cast<std::ptrdiff_t>(end), ' ');
}

Error refusal(const Script& script, const Statement& statement, const std::string& what, const std::string& hint) {
  const auto line =
      std::count(script.sql.begin(), script.sql.begin() + static_cast<std::ptrdiff_t>(statement.begin), '\n');
  return Error(Kind::failed, script.file + ":" + std::to_string(line + 1) + ": " + what, hint);
}

}  // namespace

std::vector<Statement> statements(std::string_view sql) { return Scanner(sql).run().statements; }

std::string checked_sql(const Script& script) {
  std::string sql = script.sql;
  Scanned scanned = Scanner(sql).run();
  for (const auto& command : scanned.for_psql) blank(sql, command.begin, command.end);
  auto all = std::move(scanned.statements);
  if (!script.transactional && all.size() != 1) {
    throw Error(Kind::failed,
                script.file + " is marked no-transaction and holds " + std::to_string(all.size()) + " statements",
                "put each statement that cannot run in a transaction in a file of its own");
  }
  if (script.transactional && all.size() >= 2 && is_begin(all.front()) && is_commit(all.back())) {
    for (const auto& outer : {all.front(), all.back()}) {
      const std::size_t semicolon = std::min(sql.find(';', outer.end), sql.size() - 1);
      blank(sql, outer.begin, semicolon + 1);
    }
    all = statements(sql);
  }
  for (const auto& statement : all) {
    if (controls_transaction(statement)) {
      throw refusal(script, statement, statement.words[0] + " would end the transaction that the migration runs in",
                    "take it out: each file is one transaction already");
    }
    if (copies_to_client(statement)) {
      throw refusal(script, statement, "COPY from or to the client is not possible in a migration",
                    "use INSERT instead (pg_dump --inserts writes it)");
    }
    if (is_of_psql(statement)) {
      const std::string& command = statement.words[0];
      throw refusal(script, statement, command + " is a command of psql, and not SQL", instead_of_psql(command));
    }
  }
  return sql;
}

std::string without_unknown_settings(std::string sql, int server_version) {
  constexpr int kHasTransactionTimeout = 170'000;
  if (server_version >= kHasTransactionTimeout) return sql;
  for (const auto& statement : statements(sql)) {
    const auto& words = statement.words;
    if (words.size() < 2 || words[0] != "SET" || words[1] != "TRANSACTION_TIMEOUT") continue;
    blank(sql, statement.begin, std::min(statement.end + 1, sql.size()));
  }
  return sql;
}

bool refuses_transaction(std::string_view sql) {
  const auto all = statements(sql);
  if (all.size() != 1 || all.front().words.empty()) return false;
  const auto& words = all.front().words;
  const bool of_index = words[0] == "CREATE" || words[0] == "DROP" || words[0] == "REINDEX";
  const auto early =
      words.begin() + std::min<std::ptrdiff_t>(kConcurrentlyWithin, std::distance(words.begin(), words.end()));
  return words[0] == "VACUUM" || (of_index && std::find(words.begin(), early, "CONCURRENTLY") != early);
}

std::optional<std::string> concurrent_index(std::string_view sql) {
  const auto all = statements(sql);
  if (all.empty()) return std::nullopt;
  const auto& words = all.front().words;
  auto at = words.begin();
  const auto next_is = [&](const char* word) {
    if (at == words.end() || *at != word) return false;
    ++at;
    return true;
  };
  if (!next_is("CREATE")) return std::nullopt;
  next_is("UNIQUE");
  if (!next_is("INDEX") || !next_is("CONCURRENTLY")) return std::nullopt;
  if (next_is("IF") && !(next_is("NOT") && next_is("EXISTS"))) return std::nullopt;
  if (at == words.end() || *at == "ON") return std::nullopt;
  return *at;
}

std::vector<std::string> locks_of(std::string_view sql) {
  constexpr const char* kAll = "no reading or writing meanwhile";
  constexpr const char* kWriting = "no writing meanwhile";
  struct Row {
    std::vector<std::string> words;
    const char* lock;
  };
  // The first that fits; what none fits locks nothing that is there, or is not known.
  static const std::vector<Row> kRows = {{{"ALTER", "TABLE"}, kAll},
                                         {{"DROP", "TABLE"}, kAll},
                                         {{"DROP", "INDEX"}, kAll},
                                         {{"TRUNCATE"}, kAll},
                                         {{"LOCK"}, "as it says"},
                                         {{"REINDEX"}, kAll},
                                         {{"CREATE", "TRIGGER"}, kWriting},
                                         {{"CREATE", "INDEX"}, kWriting},
                                         {{"CREATE", "UNIQUE", "INDEX"}, kWriting},
                                         {{"UPDATE"}, "rows that it changes"},
                                         {{"DELETE"}, "rows that it changes"}};
  constexpr std::size_t kShown = 6;
  std::vector<std::string> locks;
  for (const auto& statement : statements(sql)) {
    const auto& words = statement.words;
    const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& one) {
      return words.size() >= one.words.size() && std::equal(one.words.begin(), one.words.end(), words.begin());
    });
    if (row == kRows.end() || std::find(words.begin(), words.end(), "CONCURRENTLY") != words.end()) continue;
    const std::string text(sql.substr(statement.begin, statement.end - statement.begin));
    std::vector<std::string> first;
    for (const auto& word : base::split(base::one_line(text), ' ')) {
      if (!word.empty() && first.size() < kShown) first.push_back(word);
    }
    locks.push_back(base::join(first, " ") + " (" + row->lock + ")");
  }
  return locks;
}

}  // namespace wrktalk::migrate
