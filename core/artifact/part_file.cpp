// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/part_file.hpp"

#include "core/base/error.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::artifact {

using base::Kind;

PartFile::PartFile(const std::string& destination) : destination_(destination), path_(destination + ".part-XXXXXX") {
  file_.reset(::mkostemp(path_.data(), O_CLOEXEC));
  if (!file_) {
    path_.clear();
    base::throw_errno(Kind::failed, "cannot write " + destination, "check that its folder exists and is writable");
  }
}

PartFile::~PartFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void PartFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) base::throw_errno(Kind::failed, "cannot write " + destination_);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void PartFile::commit() {
  if (::fchmod(file_.get(), 0644) != 0 || ::fsync(file_.get()) != 0 ||
      ::rename(path_.c_str(), destination_.c_str()) != 0) {
    base::throw_errno(Kind::failed, "cannot write " + destination_);
  }
  path_.clear();
}

}  // namespace wrktalk::artifact
