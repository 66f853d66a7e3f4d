// SPDX-License-Identifier: Apache-2.0
#include "core/http/curl.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <sys/select.h>

namespace wrktalk::http::curl {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

void check(CURLMcode code) {
  if (code != CURLM_OK) throw Error(Kind::failed, std::string("libcurl: ") + library().multi_strerror(code));
}

static_assert(CURL_WAIT_POLLIN == POLLIN && CURL_WAIT_POLLPRI == POLLPRI && CURL_WAIT_POLLOUT == POLLOUT);

void wait(CURLM* multi, base::Pulse& pulse, Deadline deadline) {
  std::vector<pollfd> fds;
  const Deadline next = base::sooner(pulse.watch(fds), deadline);
  std::vector<curl_waitfd> extra;
  for (const auto& fd : fds) extra.push_back({fd.fd, fd.events, 0});
  constexpr int kLongest = 1000;
  const int timeout = next.is_never() ? kLongest : std::min(next.poll_timeout(), kLongest);
  check(library().multi_poll(multi, extra.data(), static_cast<unsigned>(extra.size()), timeout, nullptr));
  pulse.tick();
}

/// Whether a TLS handshake ended because the other side went away, as a proxy does whose server is not there yet.
bool hung_up(const std::string& reason) {
  return reason.find("SSL_ERROR_SYSCALL") != std::string::npos || reason.find("reset") != std::string::npos ||
         reason.find("unexpected eof") != std::string::npos;
}

}  // namespace

Multi make_multi() {
  Multi multi(library().multi_init());
  if (!multi) throw Error(Kind::failed, "libcurl gave no handle: out of memory");
  return multi;
}

void append(Slist& list, const std::string& text) {
  curl_slist* longer = library().slist_append(list.get(), text.c_str());
  if (longer == nullptr) throw Error(Kind::failed, "libcurl: out of memory");
  static_cast<void>(list.release());
  list.reset(longer);
}

Easy::Easy(const Trust& trust, std::chrono::milliseconds connect_timeout, std::chrono::milliseconds timeout)
    : handle_(library().easy_init()), text_(std::make_unique<std::array<char, CURL_ERROR_SIZE>>()) {
  if (!handle_) throw Error(Kind::failed, "libcurl gave no handle: out of memory");
  set(CURLOPT_ERRORBUFFER, text_->data());
  set(CURLOPT_NOSIGNAL, 1L);
  // A resolver that hangs is left alone instead of waited for.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  set(CURLOPT_SSL_VERIFYPEER, trust.verify ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, trust.verify ? 2L : 0L);
  if (!trust.ca_file.empty()) {
    set(CURLOPT_CAINFO, trust.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
  }
}

CURLcode Easy::run(CURLM* multi, base::Pulse& pulse, Deadline deadline) {
  Running running(multi, *this);
  for (;;) {
    if (const auto code = running.advance()) return *code;
    if (deadline.passed()) return CURLE_OPERATION_TIMEDOUT;
    wait(multi, pulse, deadline);
  }
}

std::string Easy::reason(CURLcode code) const {
  const std::string text = base::trim(base::one_line(text_->data()));
  return text.empty() ? library().easy_strerror(code) : text;
}

void Easy::refused(CURLoption option, CURLcode code) {
  throw Error(Kind::failed, "libcurl refuses option " + std::to_string(option) + ": " + library().easy_strerror(code),
              "check that the libcurl in use is 7.87 or newer");
}

Running::Running(CURLM* multi, Easy& easy) : multi_(multi), easy_(easy.get()) {
  check(library().multi_add_handle(multi_, easy_));
}

Running::~Running() { library().multi_remove_handle(multi_, easy_); }

Deadline Running::watch(std::vector<pollfd>& fds) const {
  // While a name is looked up there may be no descriptor to wait on.
  constexpr std::chrono::milliseconds kBlindPause{50};
  fd_set reads;
  fd_set writes;
  fd_set errors;
  FD_ZERO(&reads);
  FD_ZERO(&writes);
  FD_ZERO(&errors);
  int last = -1;
  check(library().multi_fdset(multi_, &reads, &writes, &errors, &last));
  for (int fd = 0; fd <= last; ++fd) {
    const int events = (FD_ISSET(fd, &reads) ? POLLIN : 0) | (FD_ISSET(fd, &writes) ? POLLOUT : 0);
    if (events != 0) fds.push_back({fd, static_cast<short>(events), 0});
  }
  long timeout = -1;
  check(library().multi_timeout(multi_, &timeout));
  const Deadline due = timeout < 0 ? Deadline::never() : Deadline::in(std::chrono::milliseconds(timeout));
  return last < 0 ? base::sooner(due, Deadline::in(kBlindPause)) : due;
}

std::optional<CURLcode> Running::advance() {
  int running = 0;
  check(library().multi_perform(multi_, &running));
  int queued = 0;
  while (const CURLMsg* message = library().multi_info_read(multi_, &queued)) {
    if (message->msg == CURLMSG_DONE && message->easy_handle == easy_) return message->data.result;
  }
  return std::nullopt;
}

Error error(const Easy& easy, CURLcode code, const std::string& peer, const std::string& ca_setting) {
  const std::string what = peer + ": " + easy.reason(code);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Error(Kind::connection_lost, what, "check the host's name and this machine's name service");
    case CURLE_COULDNT_CONNECT:
      return Error(Kind::connection_lost, what, "check that the server runs there and that host and port are right");
    case CURLE_OPERATION_TIMEDOUT:
      return Error(Kind::connection_lost, what, "check the network between here and there (firewall, network policy)");
    case CURLE_PEER_FAILED_VERIFICATION:
      return Error(Kind::configuration, what,
                   "name the CA that signed the server's certificate (" + ca_setting +
                       "), and the host as the certificate does");
    case CURLE_SSL_CACERT_BADFILE:
      return Error(Kind::configuration, what, "check " + ca_setting + ": a readable file of PEM certificates");
    case CURLE_SSL_CONNECT_ERROR:
      return Error(hung_up(what) ? Kind::connection_lost : Kind::configuration, what,
                   "check that this port speaks TLS");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return Error(Kind::configuration, what, "check the address");
    default:
      return Error(Kind::connection_lost, what, "check that the right server listens there, and whether it speaks TLS");
  }
}

}  // namespace wrktalk::http::curl
