// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_env.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/deploy/compose_files.hpp"

#include <cstdio>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::deploy::compose {
namespace {

constexpr std::size_t kLargestEnvFile = 1'000'000;
constexpr const char* kAside = ".env.wrktalk-aside";
constexpr const char* kWritten = "compose.env";

bool is_link(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

/// The site's variables over those of the release's own file; as text for one reader.
std::string text_for(const std::string& site, const std::optional<std::string>& of_release, env::Dialect dialect) {
  env::File file = env::read(site, "the env file");
  if (of_release) file = env::merge(env::read(*of_release, kEnvName, env::Reader::compose), file);
  return env::write(file, dialect);
}

}  // namespace

Environment::Environment(const std::string& folder, const std::optional<std::string>& env_file, env::Dialect dialect)
    : link_(folder + "/" + kEnvName), aside_(folder + "/" + kAside), file_(env_file) {
  put_right();
  if (!env_file) return;
  try {
    const auto site = base::read_file_if_exists(*env_file, kLargestEnvFile);
    if (site) {
      const auto text = text_for(*site, base::read_file_if_exists(link_, kLargestFile), dialect);
      const std::string path = env_file->substr(0, env_file->rfind('/') + 1) + kWritten;
      base::wipe_tree(path);
      base::write_private_file(path, text);
      file_ = path;
    }
  } catch (const base::Error& e) {
    if (e.kind() != base::Kind::artifact) throw;
  }
  if (base::exists(link_) && ::rename(link_.c_str(), aside_.c_str()) != 0)
    base::throw_errno(base::Kind::failed, "cannot move " + link_ + " aside");
  if (::symlink(file_->c_str(), link_.c_str()) != 0) {
    put_right();
    base::throw_errno(base::Kind::failed, "cannot make the link " + link_);
  }
}

Environment::~Environment() { put_right(); }

void Environment::put_right() const noexcept {
  // The archive gate lets no link in: one that is there was ours.
  if (is_link(link_)) ::unlink(link_.c_str());
  if (base::exists(aside_)) ::rename(aside_.c_str(), link_.c_str());
}

}  // namespace wrktalk::deploy::compose
