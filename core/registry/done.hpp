// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"
#include "core/base/fd.hpp"

#include <mutex>
#include <sys/eventfd.h>
#include <vector>

namespace wrktalk::registry {

struct Exchange;

/// What the workers are done with. For all threads.
class Done {
 public:
  Done() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!fd_) base::throw_errno(base::Kind::failed, "eventfd");
  }
  int fd() const noexcept { return fd_.get(); }
  void put(Exchange* exchange) {
    const std::lock_guard<std::mutex> lock(mutex_);
    done_.push_back(exchange);
    ::eventfd_write(fd_.get(), 1);
  }
  std::vector<Exchange*> take() {
    eventfd_t count = 0;
    ::eventfd_read(fd_.get(), &count);
    std::vector<Exchange*> out;
    const std::lock_guard<std::mutex> lock(mutex_);
    out.swap(done_);
    return out;
  }

 private:
  base::Fd fd_;
  std::mutex mutex_;
  std::vector<Exchange*> done_;
};

}  // namespace wrktalk::registry
