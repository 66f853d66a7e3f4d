// SPDX-License-Identifier: Apache-2.0
#include "core/http/smtp_refusal.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <initializer_list>

namespace wrktalk::http {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return out;
}

bool says(const std::string& answer, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return answer.find(word) != std::string::npos; });
}

bool is_full_name(const std::string& name) {
  const bool literal = !name.empty() && name.front() == '[';
  const std::size_t dot = name.find('.');
  return literal || (dot != std::string::npos && dot > 0 && dot + 1 < name.size() && name != "localhost.localdomain");
}

}  // namespace

SmtpComplaint complaint_of(SmtpStep step, int code, std::string_view answer, bool with_login) {
  const std::string text = lower(answer);
  // 4xx may pass by itself, whatever it is about; a name or a login that is wrong does not.
  if (code < 400) return SmtpComplaint::other;
  if (says(text, {"helo ", "helo:", "ehlo", "fully-qualified hostname", "invalid hostname"}))
    return SmtpComplaint::name;
  if (says(text, {"starttls", "must use tls", "tls required", "tls is required", "encryption required"}))
    return SmtpComplaint::tls;
  const bool about_login =
      says(text, {"authentication required", "authentication is required", "authentication needed", "auth required",
                  "requires authentication", "require authentication", "not authenticated", "must authenticate",
                  "authenticate first", "please authenticate", "need to authenticate", "must be authenticated",
                  "login required", "log in first", "smtp auth"});
  if (code == 530 || about_login) return SmtpComplaint::login;
  const bool about_relay =
      says(text, {"relay access denied", "relaying denied", "relay denied", "relay not permitted", "unable to relay",
                  "relaying not allowed", "not permitted to relay", "do not relay", "relaying is prohibited"});
  if (about_relay && !with_login) return SmtpComplaint::login;
  if (about_relay) return SmtpComplaint::relay;
  if (says(text, {"client host", "blocked using", "your ip", "ip address is not", "client was not allowed", "dnsbl",
                  "blocklist", "blacklist"}))
    return SmtpComplaint::machine;
  if (step == SmtpStep::sender ||
      (step == SmtpStep::recipient &&
       says(text, {"sender address", "sender is", "sender verify", "bad sender", "not owned by user"})))
    return SmtpComplaint::sender;
  return SmtpComplaint::other;
}

std::string to_sentence(SmtpComplaint complaint, SmtpStep step, const SmtpServer& server) {
  switch (complaint) {
    case SmtpComplaint::name: return "refuses the name '" + server.ehlo_name + "' that this machine gives in EHLO";
    case SmtpComplaint::tls: return "demands TLS";
    case SmtpComplaint::login: return "demands a login";
    case SmtpComplaint::relay: return "does not pass mail on to that recipient";
    case SmtpComplaint::machine: return "refuses this machine";
    case SmtpComplaint::sender: return "refuses the sender";
    case SmtpComplaint::other: break;
  }
  return std::string("refuses the ") + (step < SmtpStep::sender ? "session" : to_text(step));
}

std::string hint_of(SmtpComplaint complaint, SmtpStep step, int code, const SmtpServer& server) {
  switch (complaint) {
    case SmtpComplaint::name:
      return "set WRKTALK_AGENT_SMTP_HELO to a name of this machine with its domain, such as host.example.org";
    case SmtpComplaint::tls: return "leave WRKTALK_AGENT_SMTP_TLS at auto";
    case SmtpComplaint::login:
      return server.user.empty() ? "set smtp_user and smtp_password in deployment_config, or let the server relay for "
                                   "this machine without a login"
                                 : "check the port (587 takes logins) and that smtp_user may send";
    case SmtpComplaint::relay: return "let the server relay for smtp_user, or check the admin's address";
    case SmtpComplaint::machine:
      return "let the server take mail from this machine, or set WRKTALK_AGENT_SMTP_SOURCE to an address that it takes";
    case SmtpComplaint::sender:
    case SmtpComplaint::other: break;
  }
  if (code == 0) return "check the mail server's log; it is tried again";
  if (code < 500) return "wait: it is tried again";
  if (complaint == SmtpComplaint::sender)
    return "check smtp_from in deployment_config: the server takes no mail from that address";
  if (step == SmtpStep::recipient) return "check the admin's address, and that the server relays mail to it";
  return "ask whoever runs the mail server why it refuses the message";
}

std::vector<std::string> offered_logins(const std::vector<std::string>& lines) {
  std::vector<std::string> names;
  for (const auto& line : lines) {
    if (line.size() < 9 || lower(line.substr(4, 4)) != "auth" || (line[8] != ' ' && line[8] != '=')) continue;
    for (const auto& word : base::split(line.substr(9), ' ')) {
      const std::string name = base::one_line(base::trim(word));
      if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

std::string ehlo_name(const std::string& wanted, const std::string& host_name, const std::string& sender) {
  if (!wanted.empty()) return wanted;
  if (is_full_name(host_name)) return host_name;
  const std::string domain = sender.substr(sender.rfind('@') + 1);
  if (is_full_name(domain)) return domain;
  return host_name.empty() ? "localhost" : host_name;
}

}  // namespace wrktalk::http
