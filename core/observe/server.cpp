// SPDX-License-Identifier: Apache-2.0
#include "core/observe/server.hpp"

#include "core/base/error.hpp"
#include "core/observe/connections.hpp"
#include "core/observe/library.hpp"
#include "core/observe/metrics.hpp"
#include "core/observe/probes.hpp"

#include <array>
#include <csignal>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>

namespace wrktalk::observe {
namespace {

using std::string_view;

constexpr std::chrono::milliseconds kWithoutDescriptors{100};
constexpr const char* kPlain = "text/plain; charset=utf-8";

/// No signal is for a thread that is started while this lives: the loop reads them all from its descriptor.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

struct Reply {
  Answer answer;
  const char* type = kPlain;
};

Reply reply_to(string_view method, string_view path, const Status& status, const Metrics& metrics) {
  if (method != "GET" && method != "HEAD") return {{405, "only GET and HEAD\n"}};
  const auto now = base::BootClock::now();
  if (path == "/livez") return {livez(status, now)};
  if (path == "/readyz") return {readyz(status, now)};
  if (path == "/metrics") return {{200, metrics.text(status, now)}, kMetricsType};
  return {{404, "there are /livez, /readyz and /metrics\n"}};
}

MHD_Result send(MHD_Connection* connection, const Reply& reply) noexcept {
  const auto& mhd = mhd::library();
  auto* response = mhd.create_response_from_buffer(reply.answer.body.size(),
                                                   const_cast<char*>(reply.answer.body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  mhd.add_response_header(response, "Content-Type", reply.type);
  mhd.add_response_header(response, "Cache-Control", "no-store");
  mhd.add_response_header(response, "Connection", "close");
  const auto queued = mhd.queue_response(connection, static_cast<unsigned>(reply.answer.status), response);
  mhd.destroy_response(response);
  return queued;
}

/// In the server's thread.
MHD_Result answer(void* shown, MHD_Connection* connection, const char* path, const char* method, const char*,
                  const char*, size_t* body_size, void**) noexcept {
  // Nobody has a body to send: what comes all the same is read and forgotten.
  *body_size = 0;
  try {
    const auto& [board, metrics] = *static_cast<const Server::Shown*>(shown);
    return send(connection, reply_to(method, path, *board.latest(), metrics));
  } catch (const std::exception&) {
    return MHD_NO;  // no memory: the connection is closed
  }
}

/// The server's thread.
void serve(Connections& open, int listening, int stop) {
  bool takes_more = true;
  for (;;) {
    std::array<pollfd, 3> fds = {
        {{stop, POLLIN, 0}, {open.descriptor(), POLLIN, 0}, {takes_more ? listening : -1, POLLIN, 0}}};
    const base::Deadline due = takes_more ? open.due() : base::Deadline::in(kWithoutDescriptors);
    ::poll(fds.data(), fds.size(), due.poll_timeout());
    if (fds[0].revents != 0) return;
    takes_more = fds[2].revents == 0 || open.accept_from(listening);
    open.run();
  }
}

}  // namespace

Server::Server(const Address& address, const Board& board)
    : shown_(new Shown{board, {}}), socket_(listen_on(address)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  if (!stop_) base::throw_errno(base::Kind::failed, "cannot answer on " + to_text(address));
  auto connections = std::make_unique<Connections>(answer, shown_.get());
  const SignalsBlocked blocked;
  thread_ = std::thread([this, open = std::move(connections)] { serve(*open, socket_.get(), stop_.get()); });
}

Server::~Server() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

}  // namespace wrktalk::observe
