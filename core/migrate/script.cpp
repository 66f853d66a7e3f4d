// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/script.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/migrate/statements.hpp"

#include <algorithm>

namespace wrktalk::migrate {
namespace {

using base::Error;
using base::Kind;

constexpr std::string_view kMark = "-- wrktalk:";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

void obey(const std::string& word, Script& script) {
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const auto duration = [&] {
    return base::parse_duration(equals == std::string::npos ? "" : word.substr(equals + 1));
  };
  if (word == "no-transaction") {
    script.transactional = false;
  } else if (word == "incompatible") {
    script.incompatible = true;
  } else if (name == "lock-timeout") {
    script.lock_timeout = duration();
  } else if (name == "statement-timeout") {
    script.statement_timeout = duration();
  } else {
    throw Error(Kind::failed, "unknown word '" + base::one_line(word) + "'");
  }
}

void read_header(Script& script) {
  std::size_t number = 0;
  for (std::size_t start = 0; start < script.sql.size();) {
    const std::size_t end = std::min(script.sql.find('\n', start), script.sql.size());
    const std::string line = base::trim(std::string_view(script.sql).substr(start, end - start));
    start = end + 1;
    ++number;
    if (!line.empty() && !base::starts_with(line, "--")) return;
    if (!base::starts_with(line, kMark)) continue;
    for (const auto& word : base::split(line.substr(kMark.size()), ' ')) {
      try {
        if (!base::trim(word).empty()) obey(base::trim(word), script);
      } catch (const Error& error) {
        throw Error(Kind::failed, script.file + ":" + std::to_string(number) + ": " + error.what(),
                    "use no-transaction, incompatible, lock-timeout=5s or statement-timeout=10m");
      }
    }
  }
}

}  // namespace

Script make_script(const std::string& file, std::string content) {
  if (content.find('\0') != std::string::npos) {
    throw Error(Kind::failed, file + " holds a NUL byte", "save it as UTF-8");
  }
  if (base::starts_with(content, kByteOrderMark)) content.erase(0, kByteOrderMark.size());
  Script script;
  script.file = file;
  script.sql = std::move(content);
  read_header(script);
  if (refuses_transaction(script.sql)) script.transactional = false;
  return script;
}

}  // namespace wrktalk::migrate
