// SPDX-License-Identifier: Apache-2.0
#include "core/registry/catalog.hpp"

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/images/slice.hpp"
#include "core/registry/reference.hpp"
#include "core/registry/sql.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace wrktalk::registry {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

constexpr std::chrono::seconds kAnswer{10};
constexpr std::size_t kKnown = 256;             ///< images, some KiB each
constexpr std::int64_t kMaxManifest = 4 << 20;  ///< as registries have it
constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kBlobType = "application/octet-stream";

/// An image of the repository that was asked for.
struct Candidate {
  Reference reference;
  std::string digest;
  std::string media_type;
};

/// Those of the newest release first.
std::vector<Candidate> candidates(db::raw::Connection& db, const std::string& repository, const std::string& host,
                                  base::Pulse& pulse) {
  const std::string last = repository.substr(repository.rfind('/') + 1);
  std::vector<Candidate> out;
  for (const auto& row : db.query(sql::references, {last}, pulse, Deadline::in(kAnswer)).rows) {
    auto reference = parse_reference(row[0].value_or(""));
    if (!reference || !is_meant(*reference, repository, host)) continue;
    out.push_back({std::move(*reference), row[1].value_or(""), row[2].value_or("")});
  }
  if (out.empty()) throw Refusal{404, "NAME_UNKNOWN", "no stored release has an image of this repository"};
  return out;
}

std::int64_t size_of(db::raw::Connection& db, const std::string& digest, base::Pulse& pulse) {
  const auto rows = db.query(sql::blob_size, {digest}, pulse, Deadline::in(kAnswer)).rows;
  return rows.empty() ? -1 : std::stoll(rows[0][0].value_or("-1"));
}

std::string read_manifest(db::raw::Connection& db, const images::Blob& blob, base::Pulse& pulse) {
  if (blob.size > kMaxManifest) throw Error(Kind::artifact, "manifest " + blob.digest + " is larger than 4 MiB");
  std::string text;
  for (std::int64_t at = 0; at < blob.size;) {
    const auto end = images::slice_end(blob, at, images::kChunk);
    text += images::read_slice(db, blob, at, end, pulse);
    at = end;
  }
  if ("sha256:" + base::sha256_hex(text) == blob.digest) return text;
  throw Error(Kind::artifact, "image blob " + blob.digest + " is damaged: what is stored has another digest",
              "`wrktalk release verify --all` names the releases that need it; add one of them again with its images");
}

/// The image that the tag means. Throws Refusal when hosts differ about it and the client named none.
const Candidate& tagged(const std::vector<Candidate>& all, const Route& route) {
  std::map<std::string, const Candidate*> by_host;  // the first, thus the newest, of each
  for (const auto& one : all) {
    if (one.reference.tag == route.tag) by_host.emplace(one.reference.host, &one);
  }
  if (by_host.empty()) throw Refusal{404, "MANIFEST_UNKNOWN", "no stored release has this tag"};
  const auto& first = *by_host.begin()->second;
  std::vector<std::string> hosts;
  bool differ = false;
  for (const auto& [host, one] : by_host) {
    hosts.push_back(host);
    differ = differ || one->digest != first.digest;
  }
  if (!differ) return first;
  throw Refusal{404, "MANIFEST_UNKNOWN",
                "this tag is of different images at " + base::join(hosts, " and ") +
                    ": name the host with ns=HOST, or in front of the repository"};
}

}  // namespace

std::shared_ptr<const Members> Catalog::known(const std::string& digest) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = std::find_if(known_.begin(), known_.end(), [&](const auto& one) { return one.digest == digest; });
  if (found == known_.end()) return nullptr;
  known_.splice(known_.begin(), known_, found);
  return found->members;
}

void Catalog::remember(const std::string& digest, const std::shared_ptr<const Members>& members) {
  const std::lock_guard<std::mutex> lock(mutex_);
  known_.push_front({digest, members});
  if (known_.size() > kKnown) known_.pop_back();
}

std::shared_ptr<const Members> Catalog::members_of(db::raw::Connection& db, const std::string& digest,
                                                   const std::string& media_type, base::Pulse& pulse) {
  if (auto members = known(digest)) return members;
  auto members = std::make_shared<Members>();
  std::vector<Descriptor> left = {{digest, media_type, true}};
  bool complete = true;
  while (!left.empty()) {
    const Descriptor next = left.back();
    left.pop_back();
    const auto [at, is_new] = members->insert({next.digest, {next.media_type, next.is_manifest}});
    if (!is_new || !next.is_manifest) continue;
    const std::int64_t size = size_of(db, next.digest, pulse);
    complete = complete && size >= 0;
    if (size < 0) continue;  // of a platform that the release was stored without
    const auto manifest = parse_manifest(read_manifest(db, {next.digest, next.media_type, size}, pulse));
    Member& member = at->second;
    if (!manifest.media_type.empty()) member.media_type = manifest.media_type;
    if (member.media_type.empty()) member.media_type = kManifestType;
    left.insert(left.end(), manifest.names.begin(), manifest.names.end());
  }
  if (complete) remember(digest, members);
  return members;
}

images::Blob Catalog::find(db::raw::Connection& db, const Route& route, const std::string& host, base::Pulse& pulse) {
  const auto all = candidates(db, route.repository, host, pulse);
  const bool wants_manifest = route.kind == Route::Kind::manifest;
  const Refusal unknown{404, wants_manifest ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN", "not in this repository"};
  const std::string digest = route.digest.empty() ? tagged(all, route).digest : route.digest;
  std::set<std::string> seen;
  for (const auto& one : all) {
    if (!seen.insert(one.digest).second) continue;
    const auto members = members_of(db, one.digest, one.media_type, pulse);
    const auto found = members->find(digest);
    if (found == members->end()) continue;
    if (wants_manifest && !found->second.is_manifest) throw unknown;
    const std::int64_t size = size_of(db, digest, pulse);
    if (size < 0) throw unknown;
    return {digest, wants_manifest ? found->second.media_type : kBlobType, size};
  }
  throw unknown;
}

std::vector<std::string> Catalog::tags(db::raw::Connection& db, const std::string& repository, const std::string& host,
                                       base::Pulse& pulse) {
  std::set<std::string> tags;
  for (const auto& one : candidates(db, repository, host, pulse)) {
    if (!one.reference.tag.empty()) tags.insert(one.reference.tag);
  }
  return {tags.begin(), tags.end()};
}

}  // namespace wrktalk::registry
