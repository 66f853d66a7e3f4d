// SPDX-License-Identifier: Apache-2.0
#include "core/registry/database.hpp"

#include "core/db/blocking_call.hpp"
#include "core/log/log.hpp"

#include <sys/eventfd.h>

namespace wrktalk::registry {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

constexpr std::chrono::seconds kKeepIdle{60};  ///< a connection that is not used for so long is closed
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{2000};
constexpr std::chrono::seconds kConnect{3};

/// Ends what a worker waits for when the server stops.
class StopPulse : public base::Pulse {
 public:
  StopPulse(const std::atomic<bool>& stopped, int fd) : stopped_(stopped), fd_(fd) {}
  Deadline watch(std::vector<pollfd>& fds) override {
    fds.push_back({fd_, POLLIN, 0});
    return Deadline::never();
  }
  void tick() override {
    if (stopped_) throw Error(Kind::terminated, "the registry is ending");
  }

 private:
  const std::atomic<bool>& stopped_;
  int fd_;
};

}  // namespace

Database::Database(Login login, std::size_t threads) : login_(std::move(login)), stop_fd_(::eventfd(0, EFD_CLOEXEC)) {
  if (!stop_fd_) base::throw_errno(Kind::failed, "eventfd");
  login_.settings = with_connect_timeout(login_.settings, kConnect);
  login_.settings.interrupt_fd = stop_fd_.get();
  for (std::size_t i = 0; i < threads; ++i) threads_.push_back(db::start_thread([this] { work(); }));
}

Database::~Database() {
  stop();
  for (auto& thread : threads_) thread.join();
}

void Database::submit(Job job) {
  const std::lock_guard<std::mutex> lock(mutex_);
  jobs_.push_back(std::move(job));
  waiting_.notify_one();
}

void Database::stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  stopped_ = true;
  ::eventfd_write(stop_fd_.get(), 1);
  waiting_.notify_all();
}

db::raw::Connection Database::connect() {
  db::ConnectionSettings settings;
  {
    const std::lock_guard<std::mutex> lock(login_mutex_);
    if (login_.keep) login_.keep();
    settings = login_.settings;
  }
  try {
    return db::raw::Connection(settings);
  } catch (const Error& error) {
    if (error.kind() != Kind::configuration || !login_.fresh) throw;
  }
  const std::lock_guard<std::mutex> lock(login_mutex_);
  auto fresh = login_.fresh();
  if (fresh.parameters != settings.parameters) {
    log::info("credentials.changed", "the database's credentials have changed: connecting with the new ones");
    fresh.interrupt_fd = stop_fd_.get();
    login_.settings = with_connect_timeout(fresh, kConnect);
  }
  return db::raw::Connection(login_.settings);
}

void Database::run(Job& job, std::optional<db::raw::Connection>& connection, base::Pulse& pulse) {
  const Deadline give_up = Deadline::in(job.patience);
  auto pause = kFirstPause;
  for (bool again = true;;) {
    try {
      pulse.tick();
      const bool is_fresh = !connection;
      if (is_fresh) connection.emplace(connect());
      if (is_fresh) again = false;
      job.work(*connection, pulse);
      return job.done(nullptr);
    } catch (const Error& error) {
      // A connection that a statement failed on may be in any state.
      if (error.kind() != Kind::artifact) connection.reset();
      const bool is_away = error.kind() == Kind::connection_lost || error.kind() == Kind::configuration;
      if (stopped_ || !is_away || (!again && give_up.passed())) return job.done(&error);
      if (again) {
        again = false;  // what was idle may have died long ago
        continue;
      }
    }
    try {
      base::pause(pulse, sooner(give_up, Deadline::in(pause)));
    } catch (const Error& error) {
      return job.done(&error);
    }
    pause = std::min(2 * pause, kLongestPause);
  }
}

void Database::work() {
  std::optional<db::raw::Connection> connection;
  StopPulse pulse(stopped_, stop_fd_.get());
  for (;;) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto has_work = [this] { return stopped_ || !jobs_.empty(); };
    if (!waiting_.wait_for(lock, kKeepIdle, has_work)) connection.reset();
    if (jobs_.empty()) {
      if (stopped_) return;
      continue;
    }
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    try {
      run(job, connection, pulse);
    } catch (const std::exception& error) {
      const Error failed(Kind::failed, error.what());
      connection.reset();
      job.done(&failed);
    }
  }
}

}  // namespace wrktalk::registry
