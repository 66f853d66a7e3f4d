// SPDX-License-Identifier: Apache-2.0
#include "core/agent/link.hpp"

#include "core/base/error.hpp"
#include "core/queue/claim.hpp"

#include <algorithm>
#include <random>

namespace wrktalk::agent {

db::Session& Link::session() {
  if (!session_) {
    auto fresh = std::make_unique<db::Session>(settings_);
    if (listen_) fresh->listen(queue::kChannel);
    session_ = std::move(fresh);
  }
  return *session_;
}

void Link::watch(std::vector<pollfd>& fds) const {
  if (session_ && listen_) fds.push_back({session_->socket(), POLLIN, 0});
}

bool Link::notified() noexcept {
  if (!session_ || !listen_) return false;
  try {
    return session_->notified();
  } catch (const base::Error&) {
    drop();
    return true;
  }
}

std::chrono::milliseconds Backoff::next() {
  constexpr std::chrono::milliseconds kFirst{250};
  constexpr std::chrono::milliseconds kLongest{30'000};
  static thread_local std::minstd_rand random{std::random_device{}()};
  const auto full = std::min(kLongest, kFirst * (1 << std::min(tries_++, 10)));
  std::uniform_int_distribution<std::chrono::milliseconds::rep> part(full.count() / 2, full.count());
  return std::chrono::milliseconds(part(random));
}

}  // namespace wrktalk::agent
