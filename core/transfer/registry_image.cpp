// SPDX-License-Identifier: Apache-2.0
#include "core/transfer/registry_image.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/images/reference.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>

namespace wrktalk::transfer {
namespace {

using base::Error;
using base::Kind;
using images::Descriptor;
using nlohmann::ordered_json;

constexpr mode_t kPrivate = 0700;

[[noreturn]] void cannot(const std::string& what, const std::string& repository, const exec::Outcome& outcome) {
  const std::string why = reason(outcome);
  std::string hint = "try it by hand: skopeo inspect " + docker_name(repository, "TAG", "");
  for (const char* said : {"unauthorized", "authentication required", "denied"}) {
    if (why.find(said) != std::string::npos) {
      hint = "log in: skopeo login " + repository.substr(0, repository.find('/')) +
             ", or name a file with credentials in REGISTRY_AUTH_FILE";
    }
  }
  if (why.find("certificate") != std::string::npos || why.find("server gave HTTP") != std::string::npos) {
    hint =
        "put its certificate into /etc/containers/certs.d, or name it as insecure in registries.conf (man "
        "containers-registries.conf)";
  }
  const bool is_missing = why.find("manifest unknown") != std::string::npos ||
                          why.find("name unknown") != std::string::npos || why.find("not found") != std::string::npos;
  throw Error(is_missing ? Kind::artifact : Kind::child, what + ": " + why, hint);
}

/// What a registry has under that name, byte for byte.
std::string raw(const Tools& tools, const std::string& reference, const std::string& repository, const std::string& tag,
                const std::string& digest) {
  std::vector<std::string> argv = {"skopeo", "inspect", "--raw", "--retry-times", "2"};
  if (is_local_registry(repository)) argv.emplace_back("--tls-verify=false");
  argv.push_back(docker_name(repository, tag, digest));
  const auto outcome = tools.ask(argv);
  if (!outcome.good()) cannot("image " + base::one_line(reference) + " cannot be had", repository, outcome);
  const std::string found = "sha256:" + base::sha256_hex(outcome.out);
  if (!digest.empty() && found != digest) {
    throw Error(Kind::artifact, "image " + base::one_line(reference) + " has the digest " + found + " in its registry",
                "look who changes what passes between this machine and the registry");
  }
  return outcome.out;
}

Descriptor descriptor_of(const std::string& text) {
  Descriptor out;
  out.digest = "sha256:" + base::sha256_hex(text);
  out.media_type = images::media_type_of(text);
  out.size = static_cast<std::int64_t>(text.size());
  return out;
}

bool is_wanted(const Descriptor& child, const std::vector<images::Platform>& platforms) {
  if (child.is_attestation) return false;
  if (child.platform.empty()) return true;
  for (const auto& wanted : platforms) {
    if (images::serves(child.platform, wanted)) return true;
  }
  return false;
}

std::string listed(const std::vector<images::Platform>& platforms) {
  std::vector<std::string> texts;
  for (const auto& one : platforms) texts.push_back(one.text());
  return base::join(texts, ", ");
}

std::string file_of(const std::string& digest) { return digest.substr(digest.find(':') + 1); }

/// Takes the place of a blob: the size counts, no byte of it is there.
void stand_in(const std::string& path, std::int64_t size) {
  base::write_private_file(path, "");
  std::filesystem::resize_file(path, static_cast<std::uintmax_t>(size));
}

}  // namespace

std::vector<Descriptor> RegistryImage::blobs() const {
  std::vector<Descriptor> out;
  std::set<std::string> seen;
  const auto add = [&](const Descriptor& one) {
    if (seen.insert(one.digest).second) out.push_back(one);
  };
  for (const auto& part : parts) {
    add(part.content.config);
    for (const auto& layer : part.content.layers) add(layer);
  }
  return out;
}

RegistryImage find_in_registry(const Tools& tools, const std::string& reference,
                               const std::vector<images::Platform>& platforms) {
  const auto name = images::parse_reference(reference);
  RegistryImage out{reference, name.repository, {}, raw(tools, reference, name.repository, name.tag, name.digest), {}};
  try {
    out.top = descriptor_of(out.text);
    if (images::is_manifest_type(out.top.media_type)) {
      out.parts.push_back({out.top, images::parse_manifest(out.text, out.top.media_type)});
      return out;
    }
    std::set<std::string> has;
    for (const auto& child : images::parse_index(out.text, out.top.media_type, "the index")) {
      if (!child.is_attestation) has.insert(child.platform.text());
      if (!is_wanted(child, platforms)) continue;
      const std::string text = raw(tools, reference, name.repository, {}, child.digest);
      out.parts.push_back({child, images::parse_manifest(text, child.media_type)});
    }
    if (out.parts.empty()) {
      throw Error(
          Kind::artifact,
          "it is not there for " + listed(platforms) + ", but for " + base::join({has.begin(), has.end()}, ", "),
          "say which platforms are meant: --platform");
    }
  } catch (Error& error) {
    if (error.kind() == Kind::artifact) error.add_context("image " + base::one_line(reference));
    throw;
  }
  return out;
}

void copy_from_registry(const Tools& tools, const RegistryImage& image, const std::set<std::string>& known,
                        const std::string& folder, const std::function<std::int64_t()>& moved) {
  const std::string blobs = folder + "/blobs";
  base::make_directories(blobs + "/sha256", kPrivate);
  base::make_directories(folder + "/skopeo", kPrivate);
  for (const auto& part : image.parts) {
    for (const auto& layer : part.content.layers) {
      const std::string path = blobs + "/sha256/" + file_of(layer.digest);
      if (known.count(layer.digest) != 0 && !base::exists(path)) stand_in(path, layer.size);
    }
  }
  std::size_t number = 0;
  for (const auto& part : image.parts) {
    std::vector<std::string> argv = {"skopeo", "copy", "--quiet", "--preserve-digests", "--retry-times", "2"};
    if (is_local_registry(image.repository)) argv.emplace_back("--src-tls-verify=false");
    argv.insert(argv.end(), {"--dest-shared-blob-dir", blobs, docker_name(image.repository, {}, part.manifest.digest),
                             "oci:" + folder + "/skopeo/" + std::to_string(++number)});
    const auto outcome = tools.copy(argv, moved);
    if (!outcome.good())
      cannot("image " + base::one_line(image.reference) + " was not copied", image.repository, outcome);
  }
  const std::string top = blobs + "/sha256/" + file_of(image.top.digest);
  if (!base::exists(top)) base::write_private_file(top, image.text);
  ordered_json index = {{"schemaVersion", 2}, {"mediaType", images::kOciIndex}};
  index["manifests"] = {{{"mediaType", image.top.media_type}, {"digest", image.top.digest}, {"size", image.top.size}}};
  base::write_private_file(folder + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  base::write_private_file(folder + "/index.json", index.dump());
}

}  // namespace wrktalk::transfer
