// SPDX-License-Identifier: Apache-2.0
#include "core/config/file.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <sstream>
#include <stdexcept>

// toml++ 3.3 asserts on "[.]" and the like, or goes on in a release build: such a text is refused in every build.
namespace {
[[noreturn]] void fail_assertion() { throw std::logic_error("an assertion of toml++"); }
}  // namespace
#undef NDEBUG
#define TOML_ASSERT(expr) ((expr) ? void() : fail_assertion())
#include <toml++/toml.h>

namespace wrktalk::config {
namespace {

using base::Error;
using base::Kind;

constexpr const char* kHint = "write each setting as key = \"value\", text in quotes, below its [section]";

using Keys = std::map<std::string, std::string>;

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  void table(const std::string& prefix, const toml::table& table, Keys& out) const {
    for (const auto& [key, value] : table) {
      const std::string name = prefix + std::string(key.str());
      if (const auto* inner = value.as_table())
        this->table(name + ".", *inner, out);
      else if (const auto* items = value.as_array())
        out.emplace(name, list(name, *items));
      else
        out.emplace(name, scalar(name, value));
    }
  }

 private:
  [[noreturn]] void refuse(const toml::node& node, const std::string& what, const std::string& hint) const {
    throw Error(Kind::configuration, path_ + " line " + std::to_string(node.source().begin.line) + ": " + what, hint);
  }

  std::string scalar(const std::string& name, const toml::node& value) const {
    if (const auto* text = value.as_string()) return text->get();
    if (const auto* number = value.as_integer()) return std::to_string(number->get());
    if (const auto* truth = value.as_boolean()) return truth->get() ? "true" : "false";
    if (const auto* number = value.as_floating_point()) {
      std::ostringstream text;
      text << number->get();
      return text.str();
    }
    refuse(value, name + " is a date or a time", "write the value in quotes");
  }

  std::string list(const std::string& name, const toml::array& items) const {
    std::vector<std::string> texts;
    for (const auto& item : items) {
      if (item.is_table() || item.is_array())
        refuse(item, name + " has a list or a table in its list", "write a list of values: [\"a\", \"b\"]");
      texts.push_back(scalar(name, item));
    }
    return base::join(texts, ",");
  }

  const std::string& path_;
};

/// toml++ quotes what it could not read, which may be a password: only what is known to name keys alone is passed on.
std::string problem(const toml::parse_error& error) {
  const std::string_view text = error.description();
  const bool names_key = text.find("redefine") != std::string_view::npos;
  return names_key ? "a key or a section is written twice" : "this is not TOML";
}

}  // namespace

Keys parse_file(std::string_view text, const std::string& path) {
  toml::table table;
  try {
    table = toml::parse(text, path);
  } catch (const std::logic_error&) {
    throw Error(Kind::configuration, path + ": this is not TOML", kHint);
  } catch (const toml::parse_error& e) {
    const auto at = e.source().begin;
    throw Error(Kind::configuration,
                path + " line " + std::to_string(at.line) + ", column " + std::to_string(at.column) + ": " + problem(e),
                kHint);
  }
  Keys keys;
  Reader(path).table("", table, keys);
  return keys;
}

}  // namespace wrktalk::config
