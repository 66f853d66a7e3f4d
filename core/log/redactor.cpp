// SPDX-License-Identifier: Apache-2.0
#include "core/log/redactor.hpp"

#include "core/base/text.hpp"
#include "core/log/known_secrets.hpp"
#include "core/log/log.hpp"
#include "core/log/quoted_values.hpp"

#include <algorithm>
#include <utility>

namespace wrktalk::log {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::size_t kLongestPiece = 64 * 1024;
constexpr std::size_t kHeld = 8 * 1024;  ///< of a piece that is given out: what ends in the next one begins here
constexpr std::string_view kPemEnd = "-----END ";

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// The lines of a text that was put into this one ("a: 1\npassword: x"), from its second on.
void find_in_escaped_lines(std::string_view line, Spans& spans) {
  std::size_t end = line.find("\\n");
  if (end == npos) return;
  NamedValues names;
  while (end != npos) {
    const std::size_t begin = end + 2;
    end = line.find("\\n", begin);
    Spans found;
    names.find(line.substr(begin, end == npos ? npos : end - begin), found);
    for (const auto& span : found) spans.push_back({span.from + begin, span.begin + begin, span.end + begin});
  }
}

}  // namespace

Spans Redactor::Finders::find(std::string_view line) {
  Spans spans;
  known_texts()->find(line, spans);
  names.find(line, spans);
  find_in_escaped_lines(line, spans);
  shapes.find(line, spans);
  is_in_object = find_quoted_values(line, spans);
  return spans;
}

void Redactor::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view now = bytes.substr(0, kLongestPiece);
    bytes.remove_prefix(now.size());
    pending_ += now;
    std::size_t begin = 0;
    for (std::size_t end = pending_.find('\n', searched_); end != npos; end = pending_.find('\n', begin)) {
      give(std::string_view(pending_).substr(begin, end - begin), true);
      begin = end + 1;
    }
    pending_.erase(0, begin);
    if (pending_.size() >= std::max(kLongestPiece, 2 * known_texts()->longest())) give_piece();
    searched_ = pending_.size();
  }
}

void Redactor::finish() {
  if (pending_.empty()) return;
  give(pending_, false);
  pending_.clear();
  searched_ = 0;
}

void Redactor::give(std::string_view text, bool ended) {
  const std::string line = base::scrub_utf8(without_swallowed(text, ended));
  Spans spans = finders_.find(line);
  on_text_(masked(line, spans), ended);
}

/// The beginning of a line that is too long to wait for its end, up to where no secret is cut.
void Redactor::give_piece() {
  const std::string_view text = without_swallowed(pending_, false);
  if (text.empty()) return pending_.clear();
  Finders ahead = finders_;
  const Spans spans = ahead.find(text);
  std::size_t cut = text.size() - std::min(std::max(kHeld, known_texts()->longest()), text.size() - 1);
  for (bool moved = true; std::exchange(moved, false);) {
    for (const auto& span : spans) {
      if (span.from >= cut || span.end <= cut) continue;
      cut = span.end;
      moved = true;
    }
  }
  while (cut < text.size() && continues_character(text[cut])) ++cut;
  const std::string rest(text.substr(cut));
  const std::string piece(text.substr(0, cut));
  give(piece, false);
  if (rest.empty() && (ahead.names.open_end() || ahead.shapes.is_open() || ahead.is_in_object))
    swallowed_ = Swallowed{ahead.shapes.is_open(), ahead.names.open_end().value_or("")};
  pending_ = rest;
}

/// `text` without the rest of the secret that a piece before it ended with.
std::string_view Redactor::without_swallowed(std::string_view text, bool ended) {
  if (!swallowed_) return text;
  std::size_t end = swallowed_->is_pem          ? text.find(kPemEnd)
                    : swallowed_->until.empty() ? npos
                                                : text.find_first_of(swallowed_->until);
  if (end == npos) end = text.size();
  if (end < text.size() || ended) swallowed_.reset();
  return text.substr(end);
}

std::string redact(std::string_view text) {
  std::string out;
  Redactor redactor([&](std::string_view piece, bool ended) {
    out += piece;
    if (ended) out += '\n';
  });
  redactor.take(text);
  redactor.finish();
  return out;
}

}  // namespace wrktalk::log
