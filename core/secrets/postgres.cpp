// SPDX-License-Identifier: Apache-2.0
#include "core/secrets/postgres.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace wrktalk::secrets {
namespace {

using base::Error;
using base::Kind;

struct Field {
  const char* name;
  const char* variable;
  bool required;
};
constexpr const char* kPassword = "PGPASSWORD";
constexpr std::array<Field, 6> kFields = {{{"host", "PGHOST", true},
                                           {"port", "PGPORT", true},
                                           {"database", "PGDATABASE", true},
                                           {"username", "PGUSER", true},
                                           {"password", kPassword, true},
                                           {"sslmode", "PGSSLMODE", false}}};

std::string text_of(const nlohmann::json& value, const Field& field, const std::string& path) {
  const auto refuse = [&](const std::string& what) -> Error {
    return Error(Kind::configuration, path + ": field " + field.name + " " + what,
                 std::string("write it anew: `vault kv patch ") + path + " " + field.name + "=...`");
  };
  std::string text;
  if (value.is_string()) {
    text = value.get<std::string>();
  } else if (value.is_number_integer()) {
    text = std::to_string(value.get<std::int64_t>());
  } else {
    throw refuse("is neither a text nor a number");
  }
  if (text.empty()) throw refuse("is empty");
  if (text.find('\0') != std::string::npos) throw refuse("holds a NUL character");
  const bool shown = field.variable != kPassword;
  const bool ends_line = text.back() == '\n' || text.back() == '\r';
  if (ends_line && shown) throw refuse("ends in a line break");
  if (ends_line) {
    log::warn(
        "secrets.line_break", path + ": field " + field.name + " ends in a line break, and is used so",
        {{"hint", "when the database refuses it, write it anew without one: `printf %s PASSWORD | vault kv patch " +
                      path + " " + field.name + "=-`"}});
  }
  if (shown && base::one_line(text) != text) throw refuse("holds a control character");
  return text;
}

std::string quoted(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\' || c == '$' || c == '`') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

}  // namespace

Variables variables_of(const nlohmann::json& fields, const std::string& path) {
  Variables out;
  std::vector<std::string> missing;
  for (const auto& field : kFields) {
    const auto value = fields.find(field.name);
    if (value != fields.end() && !value->is_null()) {
      out.emplace_back(field.variable, text_of(*value, field, path));
    } else if (field.required) {
      missing.emplace_back(field.name);
    }
  }
  if (missing.empty()) return out;
  throw Error(Kind::configuration, path + " lacks " + base::join(missing, ", "),
              "it needs host, port, database, username and password: `vault kv patch " + path + " " + missing.front() +
                  "=...`");
}

std::string export_lines(const Variables& variables) {
  std::string out;
  for (const auto& [name, value] : variables) out += "export " + name + "=" + quoted(value) + "\n";
  return out;
}

Variables without_password(const Variables& variables) {
  Variables out;
  std::copy_if(variables.begin(), variables.end(), std::back_inserter(out),
               [](const auto& item) { return item.first != kPassword; });
  return out;
}

void write_pg_env(const std::string& path, const Variables& variables) {
  base::write_file(path, export_lines(variables), 0600);
}

void check_pg_env_path(const std::string& path) {
  const std::string folder = folder_of(path);
  struct statfs info {};
  if (::statfs((folder + "/.").c_str(), &info) != 0) {
    base::throw_errno(Kind::configuration, "cannot write " + path, "make the folder, or name another file by --out");
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    base::throw_errno(Kind::configuration, "cannot write " + path, "check who may write to " + folder);
  }
  if (info.f_type != TMPFS_MAGIC && info.f_type != RAMFS_MAGIC) {
    log::warn("secrets.not_in_memory", folder + " is not in memory: the password will be on a disk",
              {{"hint", "use a tmpfs, in Kubernetes an emptyDir with medium: Memory"}});
  }
}

}  // namespace wrktalk::secrets
