// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/fd.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/program.hpp"
#include "core/maintenance/proxy.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::maintenance {
namespace {

using base::Error;
using base::Kind;

constexpr const char* kMarkBegins = "wrktalk window ";
constexpr std::size_t kMarkDigits = 32;

std::string random_mark() {
  std::array<unsigned char, kMarkDigits / 2> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    base::throw_errno(Kind::failed, "getrandom");
  }
  return base::to_hex(bytes.data(), bytes.size());
}

/// The mark in a flag file's content; empty when somebody else made the file.
std::string mark_in(const std::string& content) {
  if (!base::starts_with(content, kMarkBegins)) return {};
  const std::string mark = base::trim(content.substr(std::string(kMarkBegins).size()));
  const bool whole = mark.size() == kMarkDigits && mark.find_first_not_of("0123456789abcdef") == std::string::npos;
  return whole ? mark : std::string();
}

class FlagFile : public Proxy {
 public:
  explicit FlagFile(const Settings& settings) : path_(settings.flag_file), reload_(settings.reload) {}

  std::string name() const override { return "flag file " + path_; }

  void show(bool on, base::Pulse& pulse) override {
    on ? raise() : lower();
    // Though the file may have been there already: we may have been killed before the reload.
    if (!reload_.empty()) run_program(reload_, on, pulse);
  }

  std::optional<bool> shown(base::Pulse&) override {
    struct stat info {};
    if (::lstat(path_.c_str(), &info) == 0) return true;
    if (errno == ENOENT) return false;
    base::throw_errno(Kind::configuration, "cannot look at the maintenance flag " + path_,
                      "let this user look into its folder, or set WRKTALK_AGENT_MAINTENANCE_FLAG");
  }

  bool shown_by_hand(base::Pulse& pulse) override { return shown(pulse) == true && mark().value_or("").empty(); }

  Identity identity(base::Pulse&) override {
    const auto found = mark();
    if (found) {
      seen_ = *found;
    } else if (!seen_ || seen_->empty()) {
      seen_ = random_mark();
    }
    return {seen_->empty() ? "" : "flag " + *seen_};
  }

 private:
  /// The mark in the file, empty when it has none; nothing when there is no file.
  std::optional<std::string> mark() const {
    const base::Fd file(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!file) return errno == ENOENT ? std::nullopt : std::optional<std::string>("");
    std::array<char, 128> buffer{};
    const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
    return size <= 0 ? "" : mark_in(std::string(buffer.data(), static_cast<std::size_t>(size)));
  }

  [[noreturn]] void cannot_make() const {
    base::throw_errno(Kind::configuration, "cannot make the maintenance flag " + path_,
                      "set WRKTALK_AGENT_MAINTENANCE_FLAG to a path this user may write");
  }

  void raise() const {
    struct stat info {};
    if (::lstat(path_.c_str(), &info) != 0) {
      if (errno != ENOENT) cannot_make();
      make();
      if (::lstat(path_.c_str(), &info) != 0) cannot_make();
    }
    need_removable(info);
    // A fixed name in a folder that anyone may write to: a link there is not followed.
    if (!S_ISREG(info.st_mode)) {
      throw Error(Kind::configuration, "cannot make the maintenance flag " + path_ + ": what has this name is no file",
                  "set WRKTALK_AGENT_MAINTENANCE_FLAG to another path");
    }
  }

  /// One that we could not take down again is told before anything else is touched: in a sticky folder a name is its owner's.
  void need_removable(const struct stat& file) const {
    const std::size_t slash = path_.rfind('/');
    const std::string folder = path_.substr(0, std::max<std::size_t>(slash, 1));
    struct stat info {};
    if (::geteuid() == 0 || file.st_uid == ::geteuid() || ::stat(folder.c_str(), &info) != 0) return;
    if (info.st_uid == ::geteuid() || (info.st_mode & S_ISVTX) == 0) return;
    throw Error(Kind::configuration,
                "the maintenance flag " + path_ + " belongs to the user with id " + std::to_string(file.st_uid) +
                    ", and in " + folder + " nobody else can remove it",
                "remove it as that user, or set WRKTALK_AGENT_MAINTENANCE_FLAG to a path in a folder of this user's");
  }

  /// The file appears with its mark in it: whoever sees it without one takes it for a file made by hand. Of two agents one makes it.
  void make() const {
    const std::string mark = seen_ && !seen_->empty() ? *seen_ : random_mark();
    const std::string text = kMarkBegins + mark + "\n";
    const std::string beside = path_ + "." + random_mark();
    base::Fd file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file) cannot_make();
    const bool written = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    // Not every shared file system has hard links.
    const bool placed = written && (::link(beside.c_str(), path_.c_str()) == 0 || errno == EEXIST ||
                                    ::rename(beside.c_str(), path_.c_str()) == 0);
    const int why = errno;
    ::unlink(beside.c_str());
    errno = why;
    if (!placed) cannot_make();
  }

  void lower() const {
    const auto found = mark();
    if (seen_ && found && !found->empty() && *found != *seen_) return;
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) {
      base::throw_errno(Kind::configuration, "cannot remove the maintenance flag " + path_,
                        "remove it by hand: the proxy answers 503 while it is there");
    }
  }

  std::string path_;
  std::string reload_;
  std::optional<std::string> seen_;  ///< the mark that `identity` told; empty: the file was made by hand
};

}  // namespace

std::unique_ptr<Proxy> make_flag_file(const Settings& settings) { return std::make_unique<FlagFile>(settings); }

}  // namespace wrktalk::maintenance
