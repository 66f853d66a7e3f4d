// SPDX-License-Identifier: Apache-2.0
#include "core/secrets/jwt.hpp"

#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>

namespace wrktalk::secrets {
namespace {

/// Stops at what is not in the alphabet.
std::string decode_base64url(std::string_view text) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) break;
    bits = (bits << 6) | static_cast<unsigned>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>((bits >> count) & 0xFF);
  }
  return out;
}

nlohmann::json claims_of(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return nullptr;
  const std::string_view rest = token.substr(first + 1);
  const auto claims = nlohmann::json::parse(decode_base64url(rest.substr(0, rest.find('.'))), nullptr, false);
  return claims.is_object() ? claims : nlohmann::json();
}

std::string text_of(const nlohmann::json& claims, const char* name) {
  const auto value = claims.find(name);
  if (value == claims.end()) return {};
  if (value->is_string()) return base::one_line(value->get<std::string>());
  if (value->is_array() && !value->empty() && value->front().is_string())
    return base::one_line(value->front().get<std::string>());
  return {};
}

}  // namespace

std::string describe_jwt(std::string_view token, std::chrono::system_clock::time_point now) {
  const auto claims = claims_of(token);
  if (claims.is_null()) return "no JWT";
  std::vector<std::string> parts;
  if (const auto subject = text_of(claims, "sub"); !subject.empty()) parts.push_back(subject);
  if (const auto audience = text_of(claims, "aud"); !audience.empty()) parts.push_back("audience " + audience);
  const auto end = claims.find("exp");
  if (end != claims.end() && end->is_number_integer()) {
    const std::chrono::seconds left = std::chrono::seconds(end->get<std::int64_t>()) -
                                      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
    if (left.count() < 0) parts.push_back("expired " + base::human_duration(-left) + " ago");
  }
  return parts.empty() ? "a JWT without a subject" : base::join(parts, ", ");
}

}  // namespace wrktalk::secrets
