// SPDX-License-Identifier: Apache-2.0
#include "core/transfer/push.hpp"

#include "core/base/error.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/images/manifest.hpp"
#include "core/images/reference.hpp"

#include <algorithm>
#include <map>

namespace wrktalk::transfer {
namespace {

using base::Error;
using base::Kind;

/// The repository without its registry.
std::string path_of(const std::string& repository) { return repository.substr(repository.find('/') + 1); }

bool needs_no_tls(const Destination& destination) {
  return !destination.verifies_tls || is_local_registry(destination.place);
}

[[noreturn]] void failed(const std::string& what, const exec::Outcome& outcome, const Destination& destination) {
  const std::string why = reason(outcome);
  const std::string host = destination.place.substr(0, destination.place.find('/'));
  std::string hint = "look what the registry says of it; what has arrived is not sent again";
  for (const char* said : {"unauthorized", "authentication required", "denied"}) {
    if (why.find(said) != std::string::npos)
      hint = "log in: skopeo login " + host + ", or name a file with credentials in REGISTRY_AUTH_FILE";
  }
  if (why.find("certificate") != std::string::npos || why.find("server gave HTTP") != std::string::npos)
    hint = "put its certificate into /etc/containers/certs.d/" + host + ", or say --tls-verify=false";
  throw Error(Kind::child, what + ": " + why, hint);
}

class Copy {
 public:
  Copy(const Tools& tools, const std::string& source, const Destination& destination,
       const std::function<std::int64_t()>& moved)
      : tools_(tools), source_(source), destination_(destination), moved_(moved) {}

  exec::Outcome run(const images::Image& image, const std::string& digest, const std::string& to,
                    const std::vector<std::string>& how = {}) const {
    const std::string path = path_of(images::parse_reference(image.reference).repository);
    std::vector<std::string> argv = {
        "skopeo",        "copy", "--quiet", "--preserve-digests", "--retry-times", "2", "--src-tls-verify=false",
        "--src-no-creds"};
    argv.insert(argv.end(), how.begin(), how.end());
    if (needs_no_tls(destination_)) argv.emplace_back("--dest-tls-verify=false");
    argv.insert(argv.end(), {docker_name(source_ + "/" + path, {}, digest), "docker://" + to});
    return tools_.copy(argv, moved_);
  }

  void need(const images::Image& image, const std::string& digest, const std::string& to,
            const std::vector<std::string>& how = {}) const {
    const auto outcome = run(image, digest, to, how);
    if (!outcome.good()) failed("image " + image.reference + " was not copied to " + to, outcome, destination_);
  }

 private:
  const Tools& tools_;
  const std::string& source_;
  const Destination& destination_;
  const std::function<std::int64_t()>& moved_;
};

}  // namespace

Outgoing outgoing(const images::Image& image, const std::string& text, const std::vector<images::Blob>& stored) {
  Outgoing out{image, {}, true};
  if (!images::is_index_type(image.media_type)) return out;
  for (const auto& child : images::parse_index(text, image.media_type, "the index")) {
    const bool is_stored = std::any_of(stored.begin(), stored.end(),
                                       [&](const images::Blob& blob) { return blob.digest == child.digest; });
    if (is_stored) out.manifests.push_back(child.digest);
    out.is_whole = out.is_whole && is_stored;
  }
  return out;
}

Destination parse_destination(const std::string& text) {
  constexpr std::string_view kTransport = "docker://";
  Destination out{text};
  if (base::starts_with(text, kTransport)) out.place = text.substr(kTransport.size());
  while (base::ends_with(out.place, "/")) out.place.pop_back();
  const std::string host = out.place.substr(0, out.place.find('/'));
  const bool is_host = host == "localhost" || host.find_first_of(".:[") != std::string::npos;
  try {
    if (is_host) images::parse_reference(out.place + "/x");
    if (is_host && out.place.find('@') == std::string::npos) return out;
  } catch (const Error&) {
    // Said below, in words that fit.
  }
  throw Error(Kind::usage, "\"" + base::one_line(text) + "\" names no registry",
              "write it as HOST[:PORT][/PATH]: registry.site.example, 10.0.0.5:5000/shop");
}

Target target_of(const images::Image& image, const Destination& destination) {
  const auto reference = images::parse_reference(image.reference);
  const std::string path = path_of(reference.repository);
  return {destination.place + "/" + path, reference.tag, reference.tag.empty() ? image.digest : std::string()};
}

void need_names(const std::vector<Outgoing>& all, const Destination& destination) {
  std::map<std::string, const images::Image*> names;
  for (const auto& one : all) {
    const auto [before, is_new] = names.try_emplace(target_of(one.image, destination).text(), &one.image);
    if (is_new || before->second->digest == one.image.digest) continue;
    throw Error(Kind::artifact,
                before->second->reference + " and " + one.image.reference + " would both be " + before->first,
                "push releases of different registries to different paths: DEST/PATH");
  }
}

State look(const Tools& tools, const Outgoing& image, const Destination& destination) {
  const Target target = target_of(image.image, destination);
  std::vector<std::string> argv = {"skopeo", "inspect", "--raw", "--retry-times", "2"};
  if (needs_no_tls(destination)) argv.emplace_back("--tls-verify=false");
  argv.push_back("docker://" + target.text());
  const auto outcome = tools.ask(argv);
  if (outcome.good()) {
    const std::string found = "sha256:" + base::sha256_hex(outcome.out);
    if (found == image.image.digest) return State::there;
    const bool is_part = image.manifests.size() == 1 && image.manifests.front() == found && !target.tag.empty();
    return is_part ? State::platform : State::missing;
  }
  const std::string why = reason(outcome);
  for (const char* said :
       {"manifest unknown", "name unknown", "not found", "NAME_UNKNOWN", "repository name not known"}) {
    if (why.find(said) != std::string::npos) return State::missing;
  }
  failed("the registry " + destination.place + " cannot be asked", outcome, destination);
}

State push(const Tools& tools, const Outgoing& image, const std::string& source, const Destination& destination,
           const std::function<std::int64_t()>& moved) {
  const Copy copy(tools, source, destination, moved);
  const Target target = target_of(image.image, destination);
  if (!images::is_index_type(image.image.media_type)) {
    copy.need(image.image, image.image.digest, target.text());
    return State::copied;
  }
  if (image.is_whole) {
    copy.need(image.image, image.image.digest, target.text(), {"--all"});
    return State::copied;
  }
  for (const auto& manifest : image.manifests) copy.need(image.image, manifest, target.repository + "@" + manifest);
  const auto index = copy.run(image.image, image.image.digest, target.text(), {"--multi-arch", "index-only"});
  if (index.good()) return State::copied;
  const bool has_one = image.manifests.size() == 1 && !target.tag.empty() &&
                       images::parse_reference(image.image.reference).digest.empty();
  if (!has_one) {
    throw Error(Kind::child,
                "the registry takes no index of which platforms are missing: " + image.image.reference + " has only " +
                    base::join(image.image.platforms, ", ") + ": " + reason(index),
                "store the release with every platform of it (release add --platform), or name one platform's manifest "
                "in the release");
  }
  copy.need(image.image, image.manifests.front(), target.text());
  return State::platform;
}

}  // namespace wrktalk::transfer
