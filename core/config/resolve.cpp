// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/nearest.hpp"
#include "core/base/text.hpp"
#include "core/base/trust.hpp"
#include "core/config/named_databases.hpp"
#include "core/config/settings.hpp"

#include <algorithm>
#include <optional>

namespace wrktalk::config {
namespace {

using base::Error;
using base::Kind;
using settings::Definition;
using settings::Source;
using settings::Value;
using settings::Values;
using Texts = std::map<std::string, std::string>;

constexpr std::size_t kLargestSecretFile = 64 * 1024;

const std::string* said(const Texts& texts, const std::string& name) {
  const auto it = texts.find(name);
  return it == texts.end() || it->second.empty() ? nullptr : &it->second;
}

std::string read_secret(const std::string& path, const std::string& named_by, const Inputs& in) {
  if (!in.opens_secret_files) return {};
  base::require_trusted(path, named_by);
  try {
    std::string text = base::read_file(path, kLargestSecretFile);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
  } catch (const Error& e) {
    throw Error(Kind::configuration, named_by + ": " + e.what(), "check the path and that this user may read the file");
  }
}

/// The value of `name`, or for a secret what stands in the file that `name` + `file_suffix` names.
std::optional<Value> named(const Texts& texts, const std::string& name, const char* file_suffix, bool secret,
                           Source source, const std::string& origin, const Inputs& in) {
  const std::string* text = said(texts, name);
  const std::string* path = secret ? said(texts, name + file_suffix) : nullptr;
  if (text != nullptr && path != nullptr) {
    throw Error(Kind::configuration, "both " + name + " and " + name + file_suffix + " are set", "keep one of them");
  }
  if (text != nullptr) return Value{*text, source, origin, {}};
  if (path != nullptr) return Value{read_secret(*path, name + file_suffix, in), source, origin + file_suffix, *path};
  return std::nullopt;
}

std::optional<Value> first_of(const Texts& texts, const char* names, Source source, const std::string& origin) {
  for (const auto& name : base::split(names, ' ')) {
    if (const auto* text = said(texts, name)) return Value{*text, source, origin.empty() ? name : origin, {}};
  }
  return std::nullopt;
}

Value winner(const Definition& item, const Inputs& in) {
  if (auto value = first_of(in.flags, item.flags, Source::flag, "")) return *value;
  if (auto value =
          named(in.environment, item.variable, "_FILE", item.is_secret(), Source::environment, item.variable, in)) {
    return *value;
  }
  if (auto value = first_of(in.lent, item.pg_variables, Source::vault, "Vault")) return *value;
  if (auto value = first_of(in.pg_env, item.pg_variables, Source::pg_env_file, in.pg_env_path)) return *value;
  if (auto value = first_of(in.environment, item.pg_variables, Source::pg_environment, "")) return *value;
  if (auto value = named(in.file, item.key, "_file", item.is_secret(), Source::file, in.file_path, in)) {
    value->origin = in.file_path;
    return *value;
  }
  if (std::string(item.key) == "agent.id") return {in.host_name, Source::default_value, "the host's name", {}};
  const bool is_toggle = item.form == settings::Form::toggle;
  return {is_toggle ? "false" : item.default_value, Source::default_value, "default", {}};
}

void refuse_unknown_keys(const Inputs& in) {
  std::vector<std::string> known;
  for (const auto& item : definitions()) {
    known.emplace_back(item.key);
    if (item.is_secret()) known.push_back(std::string(item.key) + "_file");
  }
  for (const auto& [key, text] : in.file) {
    if (std::find(known.begin(), known.end(), key) != known.end() || database_of_key(key)) continue;
    const auto meant = base::nearest(key, known);
    throw Error(Kind::configuration, in.file_path + ": unknown key '" + key + "'",
                meant ? "did you mean '" + *meant + "'?" : "see `wrktalk config show` for the keys");
  }
}

/// The environment before the config file, as for every other setting.
void add_databases(const Inputs& in, Values& out) {
  std::vector<NamedDatabase> all;
  for (const auto& [variable, text] : in.environment) {
    if (const auto one = database_of_variable(variable)) all.push_back(*one);
  }
  for (const auto& [key, text] : in.file) {
    if (const auto one = database_of_key(key)) all.push_back(*one);
  }
  for (const auto& one : all) {
    if (out.count(one.key) != 0) continue;
    auto value = named(in.environment, one.variable, "_FILE", true, Source::environment, one.variable, in);
    if (!value) value = named(in.file, one.key, "_file", true, Source::file, in.file_path, in);
    if (value && value->source == Source::file) value->origin = in.file_path;
    if (value) out[one.key] = *value;
  }
}

}  // namespace

Values resolve(const Inputs& inputs) {
  refuse_unknown_keys(inputs);
  Values values;
  for (const auto& item : definitions()) values[item.key] = winner(item, inputs);
  add_databases(inputs, values);
  return values;
}

std::vector<std::string> pg_variables() {
  std::vector<std::string> names;
  for (const auto& item : definitions()) {
    for (const auto& name : base::split(item.pg_variables, ' ')) {
      if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

std::string shown(const Definition& definition, const Value& value) {
  return definition.is_secret() && !value.text.empty() ? "***" : value.text;
}

}  // namespace wrktalk::config
