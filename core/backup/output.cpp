// SPDX-License-Identifier: Apache-2.0
#include "core/backup/output.hpp"

#include "core/backup/input.hpp"
#include "core/backup/tools.hpp"
#include "core/base/crash_point.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/exec/background.hpp"
#include "core/log/log.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::backup {
namespace {

using base::Error;
using base::Kind;

exec::Spec encrypting(const Recipients& recipients, int in, int out) {
  std::vector<std::string> argv = {"age", "--encrypt"};
  if (recipients.kind == Encryption::gpg) {
    argv = {"gpg", "--batch", "--no-tty", "--quiet", "--trust-model", "always", "--compress-algo", "none", "--encrypt"};
  }
  for (const auto& key : recipients.keys) argv.insert(argv.end(), {"--recipient", key});
  exec::Spec spec = foreign_tool(std::move(argv));
  spec.stdin_fd = in;
  spec.stdout_fd = out;
  return spec;
}

/// Two names for one file would be a backup that somebody else may overwrite: refused by the kernel, or, on file systems that
/// cannot, by looking first, which the folder's lock makes enough.
void rename_to_free(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (base::is_unsupported(errno) && !base::exists(to) && std::rename(from.c_str(), to.c_str()) == 0) return;
  base::throw_errno(Kind::failed, "cannot name the backup " + to, "run the command again");
}

}  // namespace

/// A program that reads what we write and writes the file.
class Output::Encryptor {
 public:
  Encryptor(const Recipients& recipients, int file, base::Pulse& pulse) : pulse_(pulse) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) base::throw_errno(Kind::failed, "cannot open a pipe");
    const base::Fd reading(ends[0]);
    feed_.reset(ends[1]);
    ::fcntl(feed_.get(), F_SETFL, O_NONBLOCK);
    spec_ = encrypting(recipients, reading.get(), file);
    child_ = std::make_unique<exec::Background>(spec_);
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(feed_.get(), bytes.data(), bytes.size());
      if (n >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(n));
      } else if (errno == EAGAIN) {
        std::vector<pollfd> fds{{feed_.get(), POLLOUT, 0}};
        const base::Deadline tick = pulse_.watch(fds);
        ::poll(fds.data(), fds.size(), tick.poll_timeout());
        pulse_.tick();
      } else if (errno != EINTR) {
        finish();  // it ended by itself, and says why
        throw Error(Kind::child, spec_.argv.front() + " ended before it had read everything");
      }
    }
  }

  void finish() {
    feed_.reset();
    need_good(child_->wait(pulse_), spec_);
  }

 private:
  base::Pulse& pulse_;
  base::Fd feed_;
  exec::Spec spec_;
  std::unique_ptr<exec::Background> child_;
};

Output::Output(const std::string& folder, const Name& name, const Recipients& recipients, base::Pulse& pulse)
    : folder_(folder), path_(folder + "/" + to_text(name)), part_(backup::part_path(path_)), pulse_(pulse) {
  file_.reset(::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file_) base::throw_errno(Kind::failed, "cannot write " + part_, "check free space and permissions there");
  if (recipients.kind != Encryption::none) {
    encryptor_ = std::make_unique<Encryptor>(recipients, file_.get(), pulse);
  }
}

Output::~Output() {
  if (published_) return;
  encryptor_.reset();
  ::unlink(part_.c_str());
}

void Output::write(std::string_view bytes) {
  if (encryptor_)
    encryptor_->write(bytes);
  else
    write_file(bytes);
}

void Output::write_file(std::string_view bytes) {
  hash_.update(bytes.data(), bytes.size());
  size_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      base::throw_errno(Kind::failed, "cannot write the backup to " + folder_,
                        "free space there; the older backups are untouched");
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

Written Output::finish() {
  if (encryptor_) encryptor_->finish();
  if (::fsync(file_.get()) != 0 && !base::is_unsupported(errno)) {
    base::throw_errno(Kind::failed, "cannot write the backup to " + folder_,
                      "free space there; the older backups are untouched");
  }
  if (!encryptor_) return {size_bytes_, hash_.hex()};
  struct stat info {};
  if (::fstat(file_.get(), &info) != 0) base::throw_errno(Kind::failed, "cannot look at " + part_);
  return {static_cast<std::uint64_t>(info.st_size), sha256_of_file(part_, pulse_, {})};
}

void Output::publish(const Record& record) {
  try {
    write_record(path_, record);
    base::crash_point("backup.publish");
    rename_to_free(part_, path_);
  } catch (...) {
    if (!base::exists(path_)) remove_beside(path_);
    throw;
  }
  published_ = true;
  if (!base::fsync_directory(folder_)) {
    log::warn("backup.not_synced",
              folder_ + ": its file system does not sync a folder: a power cut now may lose this backup");
  }
}

}  // namespace wrktalk::backup
