// SPDX-License-Identifier: Apache-2.0
#include "core/db/lock_wait.hpp"

#include "core/base/text.hpp"
#include "core/db/sql.hpp"
#include "core/log/log.hpp"

namespace wrktalk::db::raw {
namespace {

using base::Deadline;

/// Most statements end within it, and so do most waits for a lock.
constexpr std::chrono::milliseconds kPatience{1'500};
constexpr std::size_t kLongestQuery = 200;

std::string described(const Table& answer) {
  const auto of = [&](const char* column) { return answer.at(0, column); };
  std::string text = "pid " + of("pid").value_or("?") + " (user " + of("role").value_or("?") + ", application " +
                     of("application").value_or("?") +
                     (of("since") ? ", in its transaction since " + *of("since") : "");
  const std::string query = base::one_line(log::redact(of("query").value_or("")));
  if (!query.empty())
    text += ", query: " + (query.size() > kLongestQuery ? query.substr(0, kLongestQuery) + "..." : query);
  return base::one_line(text) + ")";
}

}  // namespace

LockWait::LockWait(const Connection& waiting, base::Pulse& outer)
    : waiting_(waiting), outer_(outer), next_(Deadline::in(kPatience)), given_up_(waiting.pooled()) {}

Deadline LockWait::watch(std::vector<pollfd>& fds) {
  using State = AsyncConnection::State;
  const Deadline outer = outer_.watch(fds);
  if (given_up_) return outer;
  const bool under_way = connection_.state() == State::connecting || connection_.state() == State::busy;
  if (under_way) fds.push_back({connection_.socket(), connection_.events(), 0});
  return base::sooner(outer, next_);
}

void LockWait::tick() {
  outer_.tick();
  if (!given_up_) step();
}

void LockWait::step() {
  using State = AsyncConnection::State;
  const bool is_time = next_.passed();
  if (is_time) next_ = Deadline::in(kPatience);
  if (connection_.state() == State::closed) {
    if (is_time) connection_.open(waiting_.address());
    return;
  }
  connection_.advance();
  if (connection_.state() == State::answered) {
    if (const auto answer = connection_.take()) note(*answer);
  } else if (connection_.state() == State::idle && (is_time || !asked_)) {
    asked_ = true;
    connection_.send(sql::lock_holder, {std::to_string(waiting_.backend_pid())});
  } else if (connection_.state() == State::broken) {
    given_up_ = true;
    connection_.close();
  }
}

void LockWait::note(const Table& answer) {
  if (answer.rows.empty()) return;
  const bool is_first = holder_.empty();
  holder_ = described(answer);
  if (is_first) log::warn("database.lock", "waits for a lock that is held by " + holder_);
}

}  // namespace wrktalk::db::raw
