// SPDX-License-Identifier: Apache-2.0
#include "core/config/file.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/toml/parse.hpp"

#include <sstream>

namespace wrktalk::config {
namespace {

using base::Error;
using base::Kind;
using toml::Value;

constexpr const char* kHint = "write each setting as key = \"value\", text in quotes, below its [section]";

using Keys = std::map<std::string, std::string>;

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  void table(const std::string& prefix, const Value& table, Keys& out) const {
    for (const auto& [key, value] : table.entries) {
      const std::string name = prefix + key;
      if (value.kind == Value::Kind::table)
        this->table(name + ".", value, out);
      else if (value.kind == Value::Kind::list)
        out.emplace(name, list(name, value));
      else
        out.emplace(name, scalar(name, value));
    }
  }

 private:
  [[noreturn]] void refuse(const Value& value, const std::string& what, const std::string& hint) const {
    throw Error(Kind::configuration, path_ + " line " + std::to_string(value.line) + ": " + what, hint);
  }

  std::string scalar(const std::string& name, const Value& value) const {
    switch (value.kind) {
      case Value::Kind::text: return value.text;
      case Value::Kind::integer: return std::to_string(value.integer);
      case Value::Kind::truth: return value.truth ? "true" : "false";
      case Value::Kind::number: {
        std::ostringstream text;
        text << value.number;
        return text.str();
      }
      default: refuse(value, name + " is a date or a time", "write the value in quotes");
    }
  }

  std::string list(const std::string& name, const Value& list) const {
    std::vector<std::string> texts;
    for (const auto& item : list.items) {
      if (item.kind == Value::Kind::table || item.kind == Value::Kind::list)
        refuse(item, name + " has a list or a table in its list", "write a list of values: [\"a\", \"b\"]");
      texts.push_back(scalar(name, item));
    }
    return base::join(texts, ",");
  }

  const std::string& path_;
};

}  // namespace

Keys parse_file(std::string_view text, const std::string& path) {
  Keys keys;
  Reader(path).table("", toml::parse(text, path, Kind::configuration, kHint), keys);
  return keys;
}

}  // namespace wrktalk::config
