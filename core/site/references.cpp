// SPDX-License-Identifier: Apache-2.0
#include "core/site/references.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <string_view>

namespace wrktalk::site {
namespace {

using base::Error;
using base::Kind;

constexpr std::string_view kVault = "vault:";
constexpr std::string_view kFile = "file:";
constexpr const char* kHint = "write vault:MOUNT/PATH#FIELD, ${vault:MOUNT/PATH#FIELD} or ${file:/PATH}";

Piece piece_of(const std::string& text) {
  Piece piece;
  if (base::starts_with(text, kFile)) {
    piece.kind = Piece::Kind::file;
    piece.text = text.substr(kFile.size());
    if (base::starts_with(piece.text, "/") && base::one_line(piece.text) == piece.text) return piece;
    throw Error(Kind::usage, "'" + base::one_line(text) + "' names no file by its whole path", kHint);
  }
  piece.kind = Piece::Kind::vault;
  const std::string rest = text.substr(kVault.size());
  const auto at = rest.rfind('#');
  piece.text = rest.substr(0, at);
  if (at != std::string::npos) piece.field = rest.substr(at + 1);
  const bool whole = !piece.field.empty() && piece.text.find('/') != std::string::npos &&
                     rest.find_first_of(" \t\r\n") == std::string::npos;
  if (whole) return piece;
  throw Error(Kind::usage, "'" + base::one_line(text) + "' names no field of a secret in Vault", kHint);
}

}  // namespace

std::vector<Piece> pieces_of(const std::string& value) {
  if (base::starts_with(value, kVault)) return {piece_of(value)};
  std::vector<Piece> pieces;
  std::string text;
  for (std::size_t i = 0; i < value.size();) {
    const auto rest = std::string_view(value).substr(i);
    const bool begins = base::starts_with(rest, "${file:") || base::starts_with(rest, "${vault:");
    if (!begins) {
      text += value[i++];
      continue;
    }
    const auto end = rest.find('}');
    if (end == std::string_view::npos)
      throw Error(Kind::usage, "a reference that begins with " + std::string(rest.substr(0, 7)) + " has no end", kHint);
    if (!text.empty()) pieces.push_back({Piece::Kind::text, text, {}});
    text.clear();
    pieces.push_back(piece_of(std::string(rest.substr(2, end - 2))));
    i += end + 1;
  }
  if (!text.empty() || pieces.empty()) pieces.push_back({Piece::Kind::text, text, {}});
  return pieces;
}

bool is_reference(const std::string& value) {
  const auto pieces = pieces_of(value);
  return pieces.size() == 1 && pieces.front().kind != Piece::Kind::text;
}

bool has_references(const std::string& value) {
  const auto pieces = pieces_of(value);
  return std::any_of(pieces.begin(), pieces.end(), [](const auto& piece) { return piece.kind != Piece::Kind::text; });
}

std::string to_text(const Piece& piece) {
  switch (piece.kind) {
    case Piece::Kind::text: return piece.text;
    case Piece::Kind::vault: return std::string(kVault) + piece.text + "#" + piece.field;
    case Piece::Kind::file: return "${" + std::string(kFile) + piece.text + "}";
  }
  return {};
}

std::string resolved(const std::string& name, const std::string& value, Source& source) {
  std::string out;
  for (const auto& piece : pieces_of(value)) {
    try {
      out += piece.kind == Piece::Kind::text    ? piece.text
             : piece.kind == Piece::Kind::vault ? source.vault(piece.text, piece.field)
                                                : source.file(piece.text);
    } catch (Error& e) {
      // Not a colon behind the reference: one that ends in "password" would look like one that is told.
      e.add_context("the site's " + name + " (" + to_text(piece) + ")");
      throw;
    }
  }
  return out;
}

}  // namespace wrktalk::site
