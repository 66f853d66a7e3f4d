// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/error.hpp"
#include "core/base/pulse.hpp"
#include "core/http/library.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The owners of libcurl's handles and the one loop that drives a transfer. For the protocols of this module alone.
namespace wrktalk::http::curl {

struct EasyCloser {
  void operator()(CURL* handle) const noexcept { library().easy_cleanup(handle); }
};
struct MultiCloser {
  void operator()(CURLM* handle) const noexcept { library().multi_cleanup(handle); }
};
struct SlistCloser {
  void operator()(curl_slist* list) const noexcept { library().slist_free_all(list); }
};
using Multi = std::unique_ptr<CURLM, MultiCloser>;
using Slist = std::unique_ptr<curl_slist, SlistCloser>;

/// Keeps connections for the transfers that run on it; must outlive them.
Multi make_multi();

/// `list` must stay as long as the transfer that uses it.
void append(Slist& list, const std::string& text);

/// How a peer is trusted. The strings must outlive the transfer.
struct Trust {
  const std::string& ca_file;  ///< empty: the system's
  bool verify;
};

/// One transfer: made, set, run once, looked at.
class Easy {
 public:
  /// Sets what every transfer has: no signals, no blocking clean-up, time limits, trust.
  Easy(const Trust& trust, std::chrono::milliseconds connect_timeout, std::chrono::milliseconds timeout);

  /// Numbers are given as long, as libcurl's variadic functions want them.
  template <class T>
  void set(CURLoption option, T value) {
    const CURLcode code = library().easy_setopt(handle_.get(), option, value);
    if (code != CURLE_OK) refused(option, code);
  }

  template <class T>
  T info(CURLINFO what) const {
    T value{};
    library().easy_getinfo(handle_.get(), what, &value);
    return value;
  }

  /// Runs the transfer and drives the pulse; when the deadline passes the code is CURLE_OPERATION_TIMEDOUT. What the pulse
  /// throws passes through, and the transfer is over then.
  CURLcode run(CURLM* multi, base::Pulse& pulse, base::Deadline deadline);

  CURL* get() const noexcept { return handle_.get(); }

  /// libcurl's words for what went wrong, or those of `code`.
  std::string reason(CURLcode code) const;

 private:
  [[noreturn]] static void refused(CURLoption option, CURLcode code);

  std::unique_ptr<CURL, EasyCloser> handle_;
  std::unique_ptr<std::array<char, CURL_ERROR_SIZE>> text_;
};

/// A transfer under way that its owner drives, in steps that never wait.
class Running {
 public:
  Running(CURLM* multi, Easy& easy);
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running();

  /// Appends what to wait on and says when `advance()` is due at the latest.
  base::Deadline watch(std::vector<pollfd>& fds) const;
  /// The transfer's code once it has ended. Nothing else may run on the multi handle meanwhile.
  std::optional<CURLcode> advance();

 private:
  CURLM* multi_;
  CURL* easy_;
};

/// What a failed transfer means: "PEER: reason", with a hint. `ca_setting` is how a user names another CA.
base::Error error(const Easy& easy, CURLcode code, const std::string& peer, const std::string& ca_setting);

}  // namespace wrktalk::http::curl
