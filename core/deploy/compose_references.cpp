// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_references.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

namespace wrktalk::deploy::compose {
namespace {

using yaml::Node;
using Leads = Reference::Leads;

class Finder {
 public:
  explicit Finder(const std::string& name) : name_(name) {}

  std::vector<Reference> all(const Node& root) {
    for (const Node* value : root.values("include")) include(*value);
    for (const auto& [name, service] : services(root)) of_service(*service);
    return std::move(out_);
  }

 private:
  Reference& add(const char* key, const Node& value, Leads leads, bool from_first = false) {
    out_.push_back({key, value.text, value.line, leads, from_first});
    return out_.back();
  }

  void include(const Node& value) {
    if (value.is_scalar() && !value.is_null()) add("include", value, Leads::to_model);
    for (const Node* item : value.items) include(*item);
    if (!value.is_mapping()) return;
    if (const auto moved = value.values("project_directory"); !moved.empty()) {
      throw base::Error(base::Kind::artifact,
                        name_ + ":" + std::to_string(moved.front()->line) + ": 'project_directory' is not supported",
                        "put the included file where its paths begin");
    }
    for (const Node* path : value.values("path")) {
      bool first = true;
      for (const Node* one : scalars(*path)) {
        add("include", *one, Leads::to_model, !first);
        first = false;
      }
    }
    for (const Node* file : value.values("env_file")) {
      for (const Node* one : scalars(*file)) add("env_file", *one, Leads::to_data);
    }
  }

  void of_service(const Node& service) {
    const bool is_always_on = service.values("profiles").empty();
    for (const char* key : {"env_file", "label_file"}) {
      for (const Node* value : service.values(key)) data(key, *value, is_always_on);
    }
    for (const Node* extends : service.values("extends")) {
      for (const Node* file : extends->values("file")) {
        for (const Node* one : scalars(*file)) add("extends", *one, Leads::to_model).must_exist = is_always_on;
      }
    }
    for (const Node* options : service.values("security_opt")) {
      for (const Node* one : scalars(*options)) seccomp(*one);
    }
  }

  /// A path, a mapping with one, or a list of both.
  void data(const char* key, const Node& value, bool is_always_on) {
    for (const Node* item : value.items) data(key, *item, is_always_on);
    for (const Node* one : value.is_mapping() ? scalars(value, "path") : std::vector<const Node*>()) {
      Reference& made = add(key, *one, Leads::to_data);
      made.must_exist = is_always_on && value.text_of("required") != "false";
      made.is_raw = value.text_of("format") == "raw";
    }
    if (value.is_scalar() && !value.is_null()) add(key, value, Leads::to_data).must_exist = is_always_on;
  }

  void seccomp(const Node& option) {
    const std::string& text = option.text;
    if (!base::starts_with(text, "seccomp:") && !base::starts_with(text, "seccomp=")) return;
    const std::string profile = text.substr(std::string("seccomp:").size());
    if (profile.empty() || profile == "unconfined" || profile == "builtin") return;
    out_.push_back({"security_opt", profile, option.line, Leads::to_data, false, false});
  }

  const std::string& name_;
  std::vector<Reference> out_;
};

}  // namespace

std::vector<Node::Entry> services(const Node& root) {
  std::vector<Node::Entry> out;
  const auto sections = root.values("services");
  for (const Node* section : sections) {
    for (const auto& entry : section->entries()) out.push_back(entry);
  }
  if (sections.empty()) out = root.entries();
  return out;
}

std::vector<const Node*> scalars(const Node& value, std::string_view key) {
  std::vector<const Node*> out;
  const auto take = [&](const Node& one) {
    if (one.is_scalar() && !one.is_null()) out.push_back(&one);
    if (!one.is_mapping() || key.empty()) return;
    for (const Node* path : one.values(key)) {
      if (path->is_scalar() && !path->is_null()) out.push_back(path);
    }
  };
  take(value);
  for (const Node* item : value.items) take(*item);
  return out;
}

std::vector<Reference> references(const Node& root, const std::string& name) { return Finder(name).all(root); }

}  // namespace wrktalk::deploy::compose
