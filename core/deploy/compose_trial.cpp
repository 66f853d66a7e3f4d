// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_trial.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/deploy/compose_cause.hpp"
#include "core/deploy/compose_tool.hpp"
#include "core/exec/fence.hpp"
#include "core/log/log.hpp"

namespace wrktalk::deploy::compose {
namespace {

using base::Error;
using base::Kind;

void write_below(const std::string& folder, const std::string& name, const std::string& text) {
  const std::string path = folder + "/" + name;
  base::make_directories(path.substr(0, path.rfind('/')), 0700);
  base::write_private_file(path, text);
}

/// Nobody will find the folder: the names in it are those of the release.
std::string without(std::string text, const std::string& folder) {
  for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at))
    text.erase(at, folder.size());
  return text;
}

}  // namespace

bool try_compose(Judgement& judged, const std::string& name, const SiteInputs& site, const Settings& settings,
                 base::Pulse& pulse, std::vector<std::string>* images) {
  exec::Fence fence;
  const Tools tools(compose_environment(settings), fence, {});
  ComposeTool compose(tools, settings, settings.compose_project);
  try {
    compose.find(pulse);
  } catch (const Error& e) {
    if (e.kind() != Kind::configuration) throw;
    return false;
  }
  const base::TempDir folder(base::private_parent(), "wrktalk-add-");
  Release release;
  release.tree = folder.path() + "/release";
  for (const auto& [file, text] : judged.files) write_below(release.tree, file, text);
  if (site.env) {
    write_below(folder.path(), "site/.env", *site.env);
    release.env_file = folder.path() + "/site/.env";
  }
  const log::SecretScope hidden(judged.secrets);
  auto source = ComposeTool::source_of(release);
  source.all_profiles = images != nullptr;
  auto answer = compose.config(source, pulse);
  if (!answer.good() && source.all_profiles) {
    // Perhaps for what a service needs that is never started here.
    source.all_profiles = false;
    answer = compose.config(source, pulse);
  }
  if (!answer.good()) {
    throw Error(Kind::artifact, "compose refuses the release: " + without(cause(answer.err), release.tree + "/"),
                "try it by hand, where the release lies unpacked: docker compose -f " + name + " config");
  }
  const Model model(answer.out, compose.prints_json());
  auto found = model.judge(release.tree, settings.policy);
  judged.findings.insert(judged.findings.end(), found.begin(), found.end());
  if (images == nullptr) return true;
  for (const auto& service : model.stack().services) {
    if (!service.image.empty() && !service.is_built) images->push_back(service.image);
  }
  for (const auto& image : model.mounted_images()) images->push_back(image);
  return true;
}

}  // namespace wrktalk::deploy::compose
