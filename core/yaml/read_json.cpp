// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/yaml/document.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::yaml {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kDeepest = 500;

/// Builds the document as the parser goes, so that the text is not held twice.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(const std::string& name, const Limits& limits) : name_(name), limits_(limits) {}

  bool null() override { return scalar({}, false); }
  bool boolean(bool value) override { return scalar(value ? "true" : "false", false); }
  bool number_integer(number_integer_t value) override { return scalar(std::to_string(value), false); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(std::to_string(value), false); }
  bool number_float(number_float_t, const string_t& text) override { return scalar(text, false); }
  bool string(string_t& text) override { return scalar(std::move(text), true); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Node::Kind::mapping); }
  bool start_array(std::size_t) override { return open(Node::Kind::sequence); }
  bool key(string_t& text) override {
    Node& node = document_.make();
    node.text = std::move(text);
    node.is_quoted = true;
    open_.back().second = &node;
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& e) override {
    throw Error(Kind::artifact, name_ + ": this is no JSON: " + base::one_line(e.what()));
  }

  Document finish() { return std::move(document_); }

 private:
  bool scalar(std::string text, bool is_quoted) {
    Node& node = document_.make();
    node.text = std::move(text);
    node.is_quoted = is_quoted;
    return place(node);
  }

  bool open(Node::Kind kind) {
    if (open_.size() == kDeepest) throw Error(Kind::artifact, name_ + ": it is nested too deeply");
    Node& node = document_.make();
    node.kind = kind;
    place(node);
    open_.emplace_back(&node, nullptr);
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  bool place(const Node& node) {
    if (++nodes_ > limits_.nodes) throw Error(Kind::artifact, name_ + ": it is too large");
    if (open_.empty()) {
      document_.set_root(node);
      return true;
    }
    auto& [parent, key] = open_.back();
    if (parent->is_sequence()) {
      parent->items.push_back(&node);
    } else {
      parent->own.emplace_back(key, &node);
    }
    return true;
  }

  const std::string& name_;
  const Limits& limits_;
  Document document_;
  std::vector<std::pair<Node*, const Node*>> open_;
  std::uint64_t nodes_ = 0;
};

}  // namespace

std::vector<Document> read_json(std::string_view text, const std::string& name, const Limits& limits) {
  if (text.size() > limits.bytes)
    throw Error(Kind::artifact, name + ": it is larger than " + base::human_size(limits.bytes));
  Builder builder(name, limits);
  nlohmann::json::sax_parse(text, &builder);
  std::vector<Document> documents;
  documents.push_back(builder.finish());
  return documents;
}

}  // namespace wrktalk::yaml
