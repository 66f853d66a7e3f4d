// SPDX-License-Identifier: Apache-2.0
#include "core/log/known_secrets.hpp"

#include "core/base/base64.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/log/ordinary.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

namespace wrktalk::log {
namespace {

constexpr std::size_t kShortestEncoded = 8;

std::uint32_t head_of(const char* text) {
  std::uint32_t head = 0;
  std::memcpy(&head, text, sizeof head);
  return head;
}

std::size_t slot_of(std::uint32_t head) { return (head * 2'654'435'761U) >> 16; }

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string in_json(const std::string& text, bool ascii) {
  const std::string quoted = nlohmann::json(text).dump(-1, ' ', ascii, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

/// As Go writes JSON: safe inside of HTML.
std::string in_go_json(const std::string& text) {
  return replaced(replaced(replaced(in_json(text, false), "&", "\\u0026"), "<", "\\u003c"), ">", "\\u003e");
}

std::string in_url(const std::string& text, const char* digits, bool plus) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else if (plus && c == ' ') {
      out += '+';
    } else {
      out += {'%', digits[code >> 4], digits[code & 0x0F]};
    }
  }
  return out;
}

/// What base64 of any text that holds `secret` contains, when it begins `before` bytes behind a group of three.
std::string in_base64(const std::string& secret, std::size_t before) {
  const std::string text = base::base64(std::string(before, 'x') + secret);
  const std::size_t bits = 8 * (before + secret.size());
  const std::size_t first = (8 * before + 5) / 6;
  return text.substr(first, bits / 6 - first);
}

struct Registry {
  std::mutex mutex;
  std::map<std::string, std::size_t> holders;  ///< of each secret
  std::shared_ptr<const KnownTexts> texts = std::make_shared<KnownTexts>(std::vector<std::string>{});
};

Registry& registry() {
  static Registry instance;
  return instance;
}

/// With the mutex held.
void renew(Registry& known) {
  std::vector<std::string> all;
  for (const auto& [secret, holders] : known.holders) {
    for (auto& form : forms_of(secret)) all.push_back(std::move(form));
  }
  known.texts = std::make_shared<KnownTexts>(std::move(all));
}

}  // namespace

std::string masked(std::string_view text, Spans& spans) {
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
  std::string out;
  std::size_t done = 0;
  for (std::size_t i = 0; i < spans.size();) {
    const std::size_t begin = spans[i].begin;
    std::size_t end = spans[i].end;
    for (++i; i < spans.size() && spans[i].begin <= end; ++i) end = std::max(end, spans[i].end);
    out.append(text, done, begin - done).append(kMask);
    done = end;
  }
  return out.append(text.substr(done));
}

std::vector<std::string> forms_of(const std::string& secret) {
  std::vector<std::string> forms = {secret};
  const auto add = [&](std::string form) {
    if (form.size() >= kShortestEncoded && std::find(forms.begin(), forms.end(), form) == forms.end())
      forms.push_back(std::move(form));
  };
  add(base::scrub_utf8(secret));
  for (const auto& json : {in_json(secret, false), in_json(secret, true), in_go_json(secret)}) {
    add(json);
    add(in_json(json, false));
  }
  add(replaced(secret, "'", "''"));
  add(replaced(secret, "'", R"('\'')"));
  for (const char* digits : {"0123456789ABCDEF", "0123456789abcdef"}) {
    add(in_url(secret, digits, false));
    add(in_url(secret, digits, true));
  }
  for (std::size_t before = 0; before < 3; ++before) {
    const std::string plain = in_base64(secret, before);
    add(plain);
    add(replaced(replaced(plain, "+", "-"), "/", "_"));
  }
  return forms;
}

KnownTexts::KnownTexts(std::vector<std::string> texts) {
  for (auto& text : texts) {
    if (text.size() < kShortest) continue;
    longest_ = std::max(longest_, text.size());
    const std::uint32_t head = head_of(text.data());
    heads_.set(slot_of(head));
    by_head_[head].push_back(std::move(text));
  }
  for (auto& entry : by_head_) {
    std::sort(entry.second.begin(), entry.second.end(),
              [](const auto& a, const auto& b) { return a.size() > b.size(); });
  }
}

void KnownTexts::find(std::string_view text, Spans& spans) const {
  if (by_head_.empty()) return;
  for (std::size_t at = 0; at + kShortest <= text.size(); ++at) {
    const std::uint32_t head = head_of(text.data() + at);
    if (!heads_.test(slot_of(head))) continue;
    const auto bucket = by_head_.find(head);
    if (bucket == by_head_.end()) continue;
    for (const auto& known : bucket->second) {
      if (text.compare(at, known.size(), known) != 0) continue;
      if (!is_inside_of_a_word(text, at, at + known.size())) spans.push_back({at, at, at + known.size()});
      break;
    }
  }
}

std::shared_ptr<const KnownTexts> known_texts() {
  Registry& known = registry();
  const std::lock_guard<std::mutex> lock(known.mutex);
  return known.texts;
}

void add_secret(const base::Secret& secret) {
  if (secret.reveal().size() < KnownTexts::kShortest || is_ordinary(secret.reveal())) return;
  Registry& known = registry();
  const std::lock_guard<std::mutex> lock(known.mutex);
  if (++known.holders[secret.reveal()] == 1) renew(known);
}

SecretScope::SecretScope(const std::vector<base::Secret>& secrets) {
  Registry& known = registry();
  const std::lock_guard<std::mutex> lock(known.mutex);
  for (const auto& secret : secrets) {
    if (secret.reveal().size() < KnownTexts::kShortest || is_ordinary(secret.reveal())) continue;
    ++known.holders[secret.reveal()];
    held_.push_back(secret.reveal());
  }
  renew(known);
}

SecretScope::~SecretScope() {
  Registry& known = registry();
  const std::lock_guard<std::mutex> lock(known.mutex);
  for (const auto& secret : held_) {
    const auto found = known.holders.find(secret);
    if (found != known.holders.end() && --found->second == 0) known.holders.erase(found);
  }
  if (!held_.empty()) renew(known);
}

}  // namespace wrktalk::log
