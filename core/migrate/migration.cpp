// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/migration.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/migrate/embedded.hpp"

#include <algorithm>
#include <cctype>
#include <dirent.h>
#include <map>
#include <memory>

namespace wrktalk::migrate {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kLargestFile = 64u << 20;
constexpr std::size_t kMostDigits = 18;

struct FileName {
  std::string label;
  std::string name;
  bool up = true;
};

std::optional<FileName> parse_file_name(std::string_view file) {
  FileName parsed;
  for (const auto& [suffix, up] : {std::pair<std::string_view, bool>(".up.sql", true), {".down.sql", false}}) {
    if (!base::ends_with(file, suffix)) continue;
    file.remove_suffix(suffix.size());
    parsed.up = up;
    const std::size_t digits = file.find_first_not_of("0123456789");
    if (digits == 0 || digits > kMostDigits || digits + 1 >= file.size() || file[digits] != '_') return std::nullopt;
    parsed.label = file.substr(0, digits);
    parsed.name = file.substr(digits + 1);
    return parsed;
  }
  return std::nullopt;
}

/// Whether somebody meant the file for a migration.
bool looks_like_migration(std::string file) {
  std::transform(file.begin(), file.end(), file.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (base::ends_with(file, ".up.sql") || base::ends_with(file, ".down.sql")) return true;
  const std::size_t digits = file.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string::npos && file[digits] == '_' && file.find('.') == file.size() - 4 &&
         base::ends_with(file, ".sql");
}

/// Nothing for a file that is none; throws for one that was meant to be.
std::optional<FileName> name_of_migration(const std::string& file, const std::string& path) {
  auto parsed = parse_file_name(file);
  if (parsed || !looks_like_migration(file)) return parsed;
  throw Error(
      Kind::failed,
      base::one_line(path) + " looks like a migration, and its name is not NNN_name.up.sql or NNN_name.down.sql",
      "rename it, or move it to another folder");
}

std::string title_of(const FileName& name, std::string_view sql) {
  const std::string mark = "-- Migration " + name.label + ": ";
  for (const auto& line : base::split(sql.substr(0, 2000), '\n')) {
    if (base::starts_with(line, mark)) return base::trim(line.substr(mark.size()));
  }
  std::string words = name.name;
  std::replace(words.begin(), words.end(), '_', ' ');
  words[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(words[0])));
  return words;
}

/// Puts the files of one set together.
class Builder {
 public:
  void add(const FileName& name, const std::string& file, std::string sql) {
    const std::int64_t number = std::stoll(name.label);
    auto& files = name.up ? up_ : down_;
    const auto [at, added] = files.emplace(number, std::pair(name, make_script(file, std::move(sql))));
    if (!added) {
      throw Error(Kind::failed, at->second.second.file + " and " + file + " have the same number",
                  "give one of them the next free number");
    }
  }

  std::vector<Migration> build() && {
    std::vector<Migration> migrations;
    for (auto& [number, file] : up_) {
      auto& [name, script] = file;
      Migration migration;
      migration.number = number;
      migration.label = name.label;
      migration.name = name.name;
      migration.title = title_of(name, script.sql);
      migration.checksum = checksum(script.sql);
      refuse_gap(migrations, name, number, script.file);
      migration.up = std::move(script);
      migrations.push_back(std::move(migration));
    }
    for (auto& [number, file] : down_) add_down(migrations, number, file.first, std::move(file.second));
    return migrations;
  }

 private:
  using Files = std::map<std::int64_t, std::pair<FileName, Script>>;

  static void refuse_gap(const std::vector<Migration>& before, const FileName& name, std::int64_t number,
                         const std::string& file) {
    if (before.empty() || name.label.size() >= kTimestampDigits || number == before.back().number + 1) return;
    throw Error(Kind::failed,
                "number " + padded(before.back().number + 1, name.label.size()) + " is missing between " +
                    before.back().up.file + " and " + file,
                "add the missing file, or number the files one after the other");
  }

  static void add_down(std::vector<Migration>& migrations, std::int64_t number, const FileName& name, Script script) {
    const auto up = std::find_if(migrations.begin(), migrations.end(),
                                 [&](const Migration& migration) { return migration.number == number; });
    if (up == migrations.end()) {
      throw Error(Kind::failed, script.file + " has no up file", "add it, or remove the down file");
    }
    if (up->name != name.name) {
      throw Error(Kind::failed, up->up.file + " and " + script.file + " have one number and two names",
                  "rename one of them");
    }
    up->down = std::move(script);
  }

  Files up_;
  Files down_;
};

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

}  // namespace

const Migration* Set::find(std::int64_t number) const noexcept {
  const auto at = std::find_if(migrations.begin(), migrations.end(),
                               [&](const Migration& migration) { return migration.number == number; });
  return at == migrations.end() ? nullptr : &*at;
}

Set embedded_set(const std::string& name) {
  Set set;
  set.name = name;
  if (name == "agent") set.owner_of = "agent_task";
  Builder builder;
  for (const auto* file = embedded_begin; file != embedded_end; ++file) {
    if (file->set != name) continue;
    if (const auto parsed = parse_file_name(file->name)) {
      builder.add(*parsed, name + "/" + std::string(file->name), std::string(file->content));
    } else if (base::ends_with(file->name, ".adopt.sql")) {
      set.adopt_sql = file->content;
    } else {
      set.fingerprint = file->content;
    }
  }
  set.migrations = std::move(builder).build();
  if (set.migrations.empty()) {
    throw Error(Kind::usage, "there is no set '" + base::one_line(name) + "'",
                "use --set checkpoint or --set agent, or --dir for a folder of your own");
  }
  return set;
}

std::vector<Migration> read_migrations(const std::string& directory) {
  const std::unique_ptr<DIR, CloseDirectory> folder(::opendir(directory.c_str()));
  if (!folder) base::throw_errno(Kind::failed, "cannot read the folder " + directory);
  std::vector<std::string> files;
  while (const dirent* entry = ::readdir(folder.get())) files.emplace_back(entry->d_name);
  std::sort(files.begin(), files.end());

  Builder builder;
  for (const auto& file : files) {
    const std::string path = directory + "/" + file;
    if (const auto parsed = name_of_migration(file, path))
      builder.add(*parsed, path, base::read_file(path, kLargestFile));
  }
  return std::move(builder).build();
}

std::vector<Migration> make_migrations(const std::string& directory, std::map<std::string, std::string> texts) {
  Builder builder;
  for (auto& [file, text] : texts) {
    const std::string path = directory + "/" + file;
    if (const auto parsed = name_of_migration(file, path)) builder.add(*parsed, path, std::move(text));
  }
  return std::move(builder).build();
}

std::string padded(std::int64_t number, std::size_t digits) {
  const std::string text = std::to_string(number);
  return std::string(digits - std::min(digits, text.size()), '0') + text;
}

std::string label_of(const Set& set, std::int64_t number) {
  constexpr std::size_t kDigits = 3;
  return padded(number, set.migrations.empty() ? kDigits : set.migrations.front().label.size());
}

Set read_set(const std::string& directory, const std::string& name) {
  Set set;
  set.name = name;
  set.migrations = read_migrations(directory);
  if (set.migrations.empty()) {
    throw Error(Kind::failed, "no migration in " + directory, "name the files NNN_name.up.sql and NNN_name.down.sql");
  }
  return set;
}

std::string checksum(std::string_view sql) {
  std::string text;
  for (const auto& line : base::split(sql, '\n')) {
    const std::size_t end = line.find_last_not_of(" \t\r");
    text.append(line, 0, end == std::string::npos ? 0 : end + 1);
    text += '\n';
  }
  text.erase(text.find_last_not_of('\n') + 1);
  return base::sha256_hex(text);
}

}  // namespace wrktalk::migrate
