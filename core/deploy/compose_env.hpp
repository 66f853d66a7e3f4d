// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/env_file.hpp"

#include <optional>
#include <string>

namespace wrktalk::deploy::compose {

/// The name by which compose and services find a release's variables beside the compose file.
constexpr const char* kEnvName = ".env";

/// A release's variables as compose finds them, while it lives: as the file for `--env-file`, and as `.env` beside the compose file, which a
/// service's `env_file: .env` names. The site's values lie over those of a `.env` that the release brings. What is in the tree is a link, and the
/// release's own `.env` waits beside it, so that no secret is left behind there however we end; the next one puts that right.
class Environment {
 public:
  /// `env_file`: what is stored with the release, in a private folder, where another file is written for this reader. One that cannot be
  /// read (`env::read`) was brought up before it was judged: compose gets it as it is.
  Environment(const std::string& folder, const std::optional<std::string>& env_file, env::Dialect dialect);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment();

  /// For `--env-file`.
  const std::optional<std::string>& file() const noexcept { return file_; }

 private:
  void put_right() const noexcept;

  std::string link_;
  std::string aside_;
  std::optional<std::string> file_;
};

}  // namespace wrktalk::deploy::compose
