// SPDX-License-Identifier: Apache-2.0
#include "core/notify/trial.hpp"

#include "core/base/base64.hpp"
#include "core/notify/email.hpp"

#include <sys/random.h>

namespace wrktalk::notify {
namespace {

using http::SmtpSession;

/// A message of its own each time.
std::string random_id() {
  std::string bytes(15, '\0');
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    base::throw_errno(base::Kind::failed, "getrandom");
  }
  std::string id = base::base64(bytes);
  for (char& c : id) c = c == '+' || c == '/' ? '-' : c;
  return "test-" + id;
}

http::SmtpMessage test_message(const Mailbox& mailbox, const Address& to) {
  const std::string domain = mailbox.from.mail.substr(mailbox.from.mail.rfind('@') + 1);
  return {
      mailbox.from.mail, to.mail,
      mime(compose(sample("test")), {mailbox.from, to, random_id() + "@" + domain, std::chrono::system_clock::now()})};
}

/// Until the session is ready for a message, or has a verdict.
std::optional<http::SmtpVerdict> drive(SmtpSession& session, base::Pulse& pulse) {
  for (;;) {
    session.advance();
    if (auto verdict = session.take()) return verdict;
    if (session.state() == SmtpSession::State::ready) return std::nullopt;
    std::vector<pollfd> fds;
    const auto next = base::sooner(session.watch(fds), pulse.watch(fds));
    ::poll(fds.data(), fds.size(), next.poll_timeout());
    pulse.tick();
  }
}

}  // namespace

std::optional<http::SmtpVerdict> try_mail(const Mailbox& mailbox, const std::optional<Address>& to, base::Pulse& pulse,
                                          const std::function<void(const SmtpSession::Passed&)>& tell) {
  SmtpSession session(mailbox.server);
  auto verdict = drive(session, pulse);
  for (const auto& step : session.passed()) tell(step);
  if (verdict || !to) return verdict;
  const std::size_t told = session.passed().size();
  session.send(test_message(mailbox, *to));
  verdict = drive(session, pulse);
  for (std::size_t i = told; i < session.passed().size(); ++i) tell(session.passed()[i]);
  if (verdict && verdict->accepted()) return std::nullopt;
  return verdict;
}

}  // namespace wrktalk::notify
