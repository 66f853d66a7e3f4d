// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/create.hpp"

#include "core/base/error.hpp"
#include "core/base/fd.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/migrate/migration.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

namespace wrktalk::migrate {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kDigits = 3;

std::string now_as_number() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 16> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%d%H%M%S", &utc)};
}

std::string next_label(const std::vector<Migration>& migrations, bool timestamp) {
  if (timestamp) return now_as_number();
  if (migrations.empty()) return std::string(kDigits - 1, '0') + "1";
  const std::string& last = migrations.back().label;
  if (last.size() >= kTimestampDigits) return now_as_number();
  const std::string next = std::to_string(migrations.back().number + 1);
  return std::string(last.size() - std::min(last.size(), next.size()), '0') + next;
}

/// A new file, never one that is there.
void write_new(const std::string& path, const std::string& content) {
  const base::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file || ::write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    base::throw_errno(Kind::failed, "cannot write " + path);
  }
}

}  // namespace

std::vector<std::string> create_files(const std::string& directory, const std::string& name, bool timestamp) {
  const bool valid =
      !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
  if (!valid) {
    throw Error(Kind::usage, "'" + base::one_line(name) + "' is no name for a migration",
                "use small letters, digits and _, such as add_customer_email");
  }
  base::make_directories(directory, 0755);
  const auto migrations = read_migrations(directory);
  const std::string label = next_label(migrations, timestamp);
  std::string title = name;
  std::replace(title.begin(), title.end(), '_', ' ');
  title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  const std::string stem = directory + "/" + label + "_" + name;
  write_new(stem + ".up.sql", "-- Migration " + label + ": " + title + "\n\n");
  write_new(stem + ".down.sql", "-- Undoes migration " + label + ".\n\n");
  return {stem + ".up.sql", stem + ".down.sql"};
}

}  // namespace wrktalk::migrate
