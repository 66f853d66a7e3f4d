// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// YAML as compose and Kubernetes read it, for judging what a file says. Nothing is executed, interpolated or written.
namespace wrktalk::yaml {

/// One value. Aliases are followed: a node may be reached on several ways, never from itself.
struct Node {
  enum class Kind { scalar, sequence, mapping };
  using Entry = std::pair<const Node*, const Node*>;

  Kind kind = Kind::scalar;
  std::string text;                ///< of a scalar, its quotes and escapes undone
  bool is_quoted = false;          ///< a scalar in quotes or as a block: a text whatever it looks like
  std::size_t line = 0;            ///< where it begins, from 1; 0 for what was not read from a text
  std::vector<const Node*> items;  ///< of a sequence
  std::vector<Entry> own;          ///< of a mapping, as written
  std::uint64_t weight = 1;        ///< how many nodes it is with every alias written out
  std::size_t height = 0;  ///< how deep it is below, aliases followed; bounded, so that it can be walked by recursion

  bool is_scalar() const noexcept { return kind == Kind::scalar; }
  bool is_sequence() const noexcept { return kind == Kind::sequence; }
  bool is_mapping() const noexcept { return kind == Kind::mapping; }
  /// A plain empty value, `~` or `null`.
  bool is_null() const noexcept;
  /// What one of YAML 1.1, YAML 1.2 or compose takes for true, also in quotes.
  bool is_true() const noexcept;

  /// A mapping's entries, then those that its merge keys (`<<`) bring in. More than one may have the same key: which of them counts differs
  /// between readers, so whoever judges looks at each.
  std::vector<Entry> entries() const;
  /// The values of all entries with this key, upper and lower case alike (Go's decoders make no difference).
  std::vector<const Node*> values(std::string_view key) const;
  /// The first of them that is a scalar; empty without one.
  std::string text_of(std::string_view key) const;
};

/// Owns its nodes.
class Document {
 public:
  const Node& root() const noexcept { return *root_; }

  Node& make() { return nodes_->emplace_back(); }
  void set_root(const Node& root) noexcept { root_ = &root; }

 private:
  std::unique_ptr<std::deque<Node>> nodes_ = std::make_unique<std::deque<Node>>();
  const Node* root_ = nullptr;
};

/// What is read at most; beyond it a text is refused.
struct Limits {
  std::size_t bytes = 1024 * 1024;
  std::uint64_t nodes = 1'000'000;  ///< with every alias written out: a "billion laughs" is more
};

/// All documents of a text, empty ones left out. Throws Error(artifact) "NAME:LINE: ..." for what is no YAML in UTF-8, a key that is no scalar, a
/// `!!binary` value, an anchor that holds itself, what is nested too deeply, or more than `limits`; Error(configuration) without libyaml.
std::vector<Document> read(std::string_view text, const std::string& name, const Limits& limits = {});

/// The same of one JSON text. Its nodes have no lines.
std::vector<Document> read_json(std::string_view text, const std::string& name, const Limits& limits = {});

}  // namespace wrktalk::yaml
