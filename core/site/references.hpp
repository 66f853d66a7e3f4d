// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

/// Values that lie elsewhere: `vault:PATH#FIELD` as a whole value, and `${vault:PATH#FIELD}` or `${file:/PATH}` as a part of one.
namespace wrktalk::site {

struct Piece {
  enum class Kind { text, vault, file };
  Kind kind = Kind::text;
  std::string text;   ///< as it is, or the path of the secret or of the file
  std::string field;  ///< vault
};

/// A value taken apart. Throws Error(usage) for a reference that is not whole, with the reference and no other part of the value.
std::vector<Piece> pieces_of(const std::string& value);

bool has_references(const std::string& value);
/// Whether the value is one reference and nothing else: it leads to a secret and is none.
bool is_reference(const std::string& value);

/// "vault:kv/app/db#password", for messages.
std::string to_text(const Piece& piece);

/// Where they lie.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::string vault(const std::string& path, const std::string& field) = 0;
  virtual std::string file(const std::string& path) = 0;
};

/// The value with what its references lead to; `name` is whose value it is. What goes wrong is told with both.
std::string resolved(const std::string& name, const std::string& value, Source& source);

}  // namespace wrktalk::site
