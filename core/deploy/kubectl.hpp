// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/error.hpp"
#include "core/base/pulse.hpp"
#include "core/deploy/kube_health.hpp"
#include "core/deploy/kube_objects.hpp"
#include "core/deploy/tools.hpp"

#include <functional>
#include <string>
#include <vector>

namespace wrktalk::deploy::kube {

/// Whether a tool's words say that the API server did not answer, so that the same may work later.
bool is_away(const std::string& text);

/// Does `ask` again as long as it throws Error(child) because the API server is away and `limit` has not passed. Says so once, and once when it is back.
void wait_for_server(const Tools& tools, base::Deadline limit, base::Pulse& pulse, const std::function<void()>& ask);

/// Whether kubectl's words on a server-side apply name fields that others have set.
bool is_conflict(const std::string& stderr_text) noexcept;

/// What kubectl is asked. Each verb throws Error(child) with kubectl's reason, Error(configuration) when kubectl is not there.
class Kubectl {
 public:
  /// `tools` must outlive it. `of_namespace` is for objects that name none.
  Kubectl(const Tools& tools, std::string bin, std::string of_namespace)
      : tools_(tools), bin_(std::move(bin)), namespace_(std::move(of_namespace)) {}

  /// Those of the objects that are there; of a kind that the server does not know, none.
  std::vector<Live> get(const std::vector<Object>& objects, base::Pulse& pulse) const;

  /// In what the live objects differ from a manifest, as `differences` has it; `unknown` are the objects whose kind the server does not know.
  struct Comparison {
    std::vector<std::string> differences;
    std::vector<Object> unknown;
    bool matches() const noexcept { return differences.empty(); }
  };
  Comparison compare(Manifest manifest, base::Pulse& pulse) const;

  /// What the server would not take if helm applied the manifest on the server, found out without doing it: the first ten conflicts, and the first
  /// ten of what it would refuse although conflicts were forced.
  struct Objection {
    std::string object;  ///< "Deployment web"
    std::string text;    ///< kubectl's stderr, redacted
  };
  std::vector<Objection> objections(const Manifest& manifest, base::Pulse& pulse) const;

  /// Applies definitions of custom resources, under the fence, and waits until the server serves them.
  void apply_crds(const Manifest& crds, base::Pulse& pulse) const;
  /// Removes objects, under the fence, and waits until they are gone.
  void remove(const std::vector<Object>& objects, base::Pulse& pulse) const;

 private:
  std::vector<Objection> not_taken(Manifest manifest, const char* force, base::Pulse& pulse) const;
  exec::Outcome ask(std::vector<std::string> words, const std::string& input, base::Pulse& pulse) const;
  void act(std::vector<std::string> words, const std::string& input, base::Pulse& pulse) const;

  /// kubectl takes no object of another namespace beside the one it is told.
  struct Batch {
    std::vector<std::string> options;
    std::string text;
  };
  std::vector<Batch> batches(const Manifest& manifest) const;

  const Tools& tools_;
  std::string bin_;
  std::string namespace_;
};

}  // namespace wrktalk::deploy::kube
