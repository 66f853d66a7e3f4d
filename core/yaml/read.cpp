// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/yaml/document.hpp"
#include "core/yaml/library.hpp"

#include <algorithm>
#include <map>
#include <new>
#include <optional>

namespace wrktalk::yaml {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kDeepest = 500;

[[noreturn]] void refuse(const std::string& name, std::size_t line, const std::string& why) {
  throw Error(Kind::artifact, name + ":" + std::to_string(line) + ": " + why,
              "write it as plain YAML in UTF-8; a YAML checker shows what is meant");
}

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { libyaml().event_delete(&raw_); }
  yaml_event_t* get() noexcept { return &raw_; }
  const yaml_event_t& operator*() const noexcept { return raw_; }

 private:
  yaml_event_t raw_{};
};

class Parser {
 public:
  explicit Parser(std::string_view text) {
    if (libyaml().parser_initialize(&raw_) == 0) throw std::bad_alloc();
    libyaml().parser_set_encoding(&raw_, YAML_UTF8_ENCODING);
    libyaml().parser_set_input_string(&raw_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() { libyaml().parser_delete(&raw_); }

  void next(Event& event, const std::string& name) {
    if (libyaml().parser_parse(&raw_, event.get()) != 0) return;
    const char* why = raw_.problem == nullptr ? "out of memory" : raw_.problem;
    refuse(name, raw_.problem_mark.line + 1, std::string("this is no YAML: ") + base::one_line(why));
  }

 private:
  yaml_parser_t raw_{};
};

std::string text_of(const unsigned char* text) { return reinterpret_cast<const char*>(text); }

/// Puts one document together, event by event.
class Builder {
 public:
  Builder(const std::string& name, const Limits& limits) : name_(name), limits_(limits) {}

  void take(const yaml_event_t& event) {
    const std::size_t line = event.start_mark.line + 1;
    switch (event.type) {
      case YAML_SCALAR_EVENT: {
        const auto& scalar = event.data.scalar;
        Node& node = make(Node::Kind::scalar, line, scalar.anchor, scalar.tag);
        node.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
        node.is_quoted = scalar.style != YAML_PLAIN_SCALAR_STYLE;
        place(node);
        return;
      }
      case YAML_SEQUENCE_START_EVENT:
        open(make(Node::Kind::sequence, line, event.data.sequence_start.anchor, event.data.sequence_start.tag));
        return;
      case YAML_MAPPING_START_EVENT:
        open(make(Node::Kind::mapping, line, event.data.mapping_start.anchor, event.data.mapping_start.tag));
        return;
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT: close(); return;
      case YAML_ALIAS_EVENT: place(target(text_of(event.data.alias.anchor), line)); return;
      default: return;
    }
  }

  /// Nothing for an empty document.
  std::optional<Document> finish() {
    if (root_ == nullptr || root_->is_null()) return std::nullopt;
    document_.set_root(*root_);
    return std::move(document_);
  }

 private:
  struct Open {
    Node* node;
    const Node* key = nullptr;  ///< of a mapping: it waits for its value
  };

  Node& make(Node::Kind kind, std::size_t line, const unsigned char* anchor, const unsigned char* tag) {
    if (tag != nullptr && text_of(tag) == kBinaryTag) refuse(name_, line, "a binary value cannot be judged");
    Node& node = document_.make();
    node.kind = kind;
    node.line = line;
    if (anchor != nullptr) anchors_[text_of(anchor)] = &node;
    return node;
  }

  const Node& target(const std::string& anchor, std::size_t line) const {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(name_, line, "no anchor is named '" + base::one_line(anchor) + "'");
    for (const auto& above : open_) {
      if (above.node == found->second)
        refuse(name_, line, "the anchor '" + base::one_line(anchor) + "' would hold itself");
    }
    return *found->second;
  }

  void open(Node& node) {
    if (open_.size() == kDeepest) refuse(name_, node.line, "it is nested too deeply");
    open_.push_back({&node});
  }

  void close() {
    const Node& node = *open_.back().node;
    open_.pop_back();
    place(node);
  }

  void place(const Node& node) {
    if (open_.empty()) {
      root_ = &node;
      return;
    }
    Open& into = open_.back();
    into.node->weight += node.weight;
    into.node->height = std::max(into.node->height, node.height + 1);
    if (into.node->height > kDeepest) refuse(name_, node.line, "it is nested too deeply");
    if (into.node->weight > limits_.nodes)
      refuse(name_, into.node->line, "with its aliases written out it is too large");
    if (into.node->is_sequence()) {
      into.node->items.push_back(&node);
    } else if (into.key == nullptr) {
      if (!node.is_scalar()) refuse(name_, node.line, "a key is no plain text");
      into.key = &node;
    } else {
      into.node->own.emplace_back(into.key, &node);
      into.key = nullptr;
    }
  }

  static constexpr const char* kBinaryTag = "tag:yaml.org,2002:binary";

  const std::string& name_;
  const Limits& limits_;
  Document document_;
  std::map<std::string, const Node*> anchors_;
  std::vector<Open> open_;
  const Node* root_ = nullptr;
};

}  // namespace

std::vector<Document> read(std::string_view text, const std::string& name, const Limits& limits) {
  if (text.size() > limits.bytes) refuse(name, 1, "it is larger than " + base::human_size(limits.bytes));
  Parser parser(text);
  std::vector<Document> documents;
  std::optional<Builder> builder;
  for (;;) {
    Event event;
    parser.next(event, name);
    if ((*event).type == YAML_STREAM_END_EVENT) return documents;
    if ((*event).type == YAML_DOCUMENT_START_EVENT) builder.emplace(name, limits);
    if (builder) builder->take(*event);
    if ((*event).type == YAML_DOCUMENT_END_EVENT) {
      if (auto document = builder->finish()) documents.push_back(std::move(*document));
      builder.reset();
    }
  }
}

}  // namespace wrktalk::yaml
