// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/artifact.hpp"
#include "core/artifact/contents.hpp"
#include "core/artifact/copy_rows.hpp"
#include "core/artifact/query.hpp"
#include "core/base/error.hpp"
#include "core/base/name.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <functional>
#include <regex>
#include <utility>

namespace wrktalk::artifact {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;
using db::raw::Connection;

/// PostgreSQL's limit for one value is 1 GB, and it needs a few times the value in memory.
constexpr std::uint64_t kLargestValue = 768ULL << 20;
constexpr std::uint64_t kChunk = 256 << 10;

/// Keeps some files of an archive.
class Picked : public Receiver {
 public:
  using IsWanted = std::function<bool(const std::string& path)>;
  Picked(IsWanted is_wanted, std::size_t largest) : is_wanted_(std::move(is_wanted)), largest_(largest) {}

  void entry(const Entry& entry) override {
    now_ = nullptr;
    if (entry.type != Entry::Type::file || !is_wanted_(entry.path)) return;
    name_ = entry.path;
    now_ = &texts_[name_];
  }

  void data(std::string_view bytes) override {
    if (now_ == nullptr) return;
    if (now_->size() + bytes.size() > largest_)
      throw Error(Kind::artifact, base::one_line(name_) + " is larger than " + base::human_size(largest_));
    now_->append(bytes);
  }

  std::map<std::string, std::string> texts() { return std::move(texts_); }

 private:
  IsWanted is_wanted_;
  std::size_t largest_;
  std::map<std::string, std::string> texts_;
  std::string name_;
  std::string* now_ = nullptr;
};

/// The file's bytes in pieces that end where a field ends.
class Pieces {
 public:
  explicit Pieces(Source& source) : source_(source) {}

  void send(CopyRows& rows, std::uint64_t size_bytes) {
    while (size_bytes > 0) {
      if (rest_.empty()) rest_ = source_.next();
      if (rest_.empty()) throw Error(Kind::artifact, "the file became shorter while it was read");
      const std::string_view piece = rest_.substr(0, std::min<std::uint64_t>(rest_.size(), size_bytes));
      rows.bytes(piece);
      rest_.remove_prefix(piece.size());
      size_bytes -= piece.size();
    }
  }

 private:
  Source& source_;
  std::string_view rest_;
};

std::optional<Artifact> same_version(Connection& db, const std::string& version, const std::string& chart_type,
                                     base::Pulse& pulse) {
  const auto found = query(db, "SELECT id FROM release_artifact WHERE release_version = $1 AND chart_type = $2 LIMIT 1",
                           {version, chart_type}, pulse);
  if (found.rows.empty()) return std::nullopt;
  return find(db, found.rows.front().front().value_or(""), std::nullopt, pulse);
}

bool same_needs(Connection& db, const Artifact& before, const NewRelease& release, base::Pulse& pulse) {
  const auto same = query(db,
                          "SELECT server_env IS NOT DISTINCT FROM $2::jsonb AND manifest IS NOT DISTINCT FROM $3::jsonb"
                          " FROM release_artifact WHERE id = $1::uuid",
                          {before.id, release.server_env, release.manifest}, pulse);
  return same.rows.at(0).at(0) == "t" && before.requires_schema == release.requires_schema.value_or("");
}

void send(Connection& db, const std::string& id, const CheckedFile& file, const NewRelease& release, Source& source,
          base::Pulse& pulse) {
  Pieces pieces(source);
  const bool chunked = file.size_bytes() > kLargestValue;
  {
    CopyRows rows(db,
                  "COPY release_artifact (id, release_version, chart_type, env_data, values_data, sha256, size_bytes,"
                  " chunked, requires_schema, server_env, manifest, artifact_data) FROM STDIN (FORMAT binary)",
                  pulse);
    rows.row(12);
    rows.uuid(id);
    rows.text(release.version);
    rows.text(file.chart_type());
    rows.text(release.env_data);
    rows.text(release.values_data);
    rows.text(file.sha256());
    rows.int8(file.size_bytes());
    rows.boolean(chunked);
    rows.text(release.requires_schema);
    rows.jsonb(release.server_env);
    rows.jsonb(release.manifest);
    rows.begin_bytes(chunked ? 0 : static_cast<std::uint32_t>(file.size_bytes()));
    if (!chunked) pieces.send(rows, file.size_bytes());
    rows.finish();
  }
  if (!chunked) return;
  CopyRows rows(db, "COPY release_artifact_chunk (artifact_id, seq, data) FROM STDIN (FORMAT binary)", pulse);
  for (std::uint64_t at = 0; at < file.size_bytes(); at += kChunk) {
    const std::uint64_t size = std::min(kChunk, file.size_bytes() - at);
    rows.row(3);
    rows.uuid(id);
    rows.int4(static_cast<std::uint32_t>(at / kChunk));
    rows.begin_bytes(static_cast<std::uint32_t>(size));
    pieces.send(rows, size);
  }
  rows.finish();
}

void check_text(const std::optional<std::string>& text, const char* what) {
  if (!text || base::scrub_utf8(*text) == *text) return;
  throw Error(Kind::usage, std::string(what) + " is not a text file: it holds bytes that are not UTF-8, or NUL");
}

/// Of any release, also of one that is added later.
bool looks_like_id(const std::string& version) {
  static const std::regex id("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  return std::regex_match(version, id);
}

}  // namespace

CheckedFile check_file(const std::string& path, const std::optional<std::string>& chart_type, const Limits& limits,
                       base::Pulse& pulse, const ProgressCall& progress) {
  FileSource source(path, pulse, progress);
  HashedSource packed(source);
  // Whether links are allowed depends on the type, which `contents` finds out.
  Gate gate(limits.of(chart_type.value_or("")), Links::inside);
  Contents contents;
  CheckedFile file;
  try {
    const Totals totals = unpack(packed, gate, contents, pulse);
    file.chart_type_ = contents.chart_type(chart_type);
    gate.check_type(file.chart_type_, totals.unpacked_bytes);
    file.compose_file_ = contents.compose_file();
    file.manifest_file_ = contents.manifest_file();
  } catch (Error& error) {
    if (error.kind() == Kind::artifact) error.add_context(path);
    throw;
  }
  file.path_ = path;
  file.size_bytes_ = packed.size_bytes();
  file.sha256_ = packed.digest();
  return file;
}

std::map<std::string, std::string> read_files(const CheckedFile& file, const std::set<std::string>& names,
                                              std::size_t largest, const Limits& limits, base::Pulse& pulse) {
  Picked picked([&](const std::string& path) { return names.count(path) != 0; }, largest);
  FileSource source(file.path(), pulse, {});
  HashedSource packed(source);
  Gate gate(limits, Links::inside);
  unpack(packed, gate, picked, pulse);
  return picked.texts();
}

std::map<std::string, std::string> read_folder(const CheckedFile& file, const std::string& folder, std::size_t largest,
                                               const Limits& limits, base::Pulse& pulse) {
  std::set<std::string> tops;
  const auto is_in = [&](std::string_view path) {
    return base::starts_with(path, folder + "/") && path.find('/', folder.size() + 1) == std::string_view::npos;
  };
  const auto below_top = [](const std::string& path) { return std::string_view(path).substr(path.find('/') + 1); };
  Picked picked(
      [&](const std::string& path) {
        tops.insert(path.substr(0, path.find('/')));
        return is_in(path) || (path.find('/') != std::string::npos && is_in(below_top(path)));
      },
      largest);
  FileSource source(file.path(), pulse, {});
  HashedSource packed(source);
  Gate gate(limits, Links::inside);
  unpack(packed, gate, picked, pulse);
  std::map<std::string, std::string> files;
  for (auto& [path, text] : picked.texts()) {
    if (is_in(path) || tops.size() == 1) files[path.substr(path.rfind('/') + 1)] = std::move(text);
  }
  return files;
}

std::optional<Artifact> stored_before(Connection& db, const CheckedFile& file, const NewRelease& release,
                                      base::Pulse& pulse, const Companion* companion) {
  if (!base::is_version(release.version)) {
    throw Error(Kind::usage, "\"" + base::one_line(base::scrub_utf8(release.version)) + "\" is not a version",
                base::kVersionRule);
  }
  if (looks_like_id(release.version)) {
    throw Error(Kind::usage, "\"" + release.version + "\" looks like a release's id, which is a name for releases, too",
                "give the release a version that is no uuid");
  }
  check_text(release.env_data, "the env file");
  check_text(release.values_data, "the values file");
  auto before = same_version(db, release.version, file.chart_type(), pulse);
  if (!before) return std::nullopt;
  const std::string name = "release " + release.version + " (" + file.chart_type() + ") is there already with ";
  if (before->sha256 != file.sha256()) {
    throw Error(Kind::failed, name + "another digest: " + before->sha256 + ", this file has " + file.sha256(),
                "give the new content a version of its own");
  }
  const Texts texts = texts_of(db, before->id, pulse);
  const bool same_texts =
      texts.env == release.env_data && texts.values == release.values_data && same_needs(db, *before, release, pulse);
  if (!same_texts) {
    throw Error(Kind::failed, name + "other env data, values, requirements, settings or another manifest",
                "give the new values a version of their own");
  }
  const std::string difference = companion == nullptr ? "" : companion->difference(db, before->id, pulse);
  if (!difference.empty()) {
    throw Error(Kind::failed, name + "other " + difference, "give what is new a version of its own");
  }
  return before;
}

Stored store(Connection& db, const CheckedFile& file, const NewRelease& release, base::Pulse& pulse,
             const ProgressCall& progress, const Companion* companion) {
  db::raw::Transaction transaction(db, pulse, Deadline::in(std::chrono::seconds(30)));
  query(db, "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)", {}, pulse);
  // Two uploads of one version at a time: the second waits, and finds the first's.
  db.query("SELECT pg_advisory_xact_lock(hashtextextended('wrktalk release ' || $1 || ' ' || $2, 0))",
           {release.version, file.chart_type()}, pulse, Deadline::never());
  if (auto before = stored_before(db, file, release, pulse, companion)) return {*std::move(before), true};
  const auto fresh = query(db, "SELECT gen_random_uuid()", {}, pulse);
  const std::string id = fresh.rows.at(0).at(0).value_or("");
  FileSource source(file.path(), pulse, progress);
  HashedSource hashed(source);
  send(db, id, file, release, hashed, pulse);
  if (hashed.digest() != file.sha256()) throw Error(Kind::artifact, file.path() + " changed while it was read");
  if (companion != nullptr) companion->write(db, id, pulse);
  Artifact artifact = find(db, id, std::nullopt, pulse);
  transaction.commit(pulse, Deadline::never());
  return {std::move(artifact), false};
}

}  // namespace wrktalk::artifact
