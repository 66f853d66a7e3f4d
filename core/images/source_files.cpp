// SPDX-License-Identifier: Apache-2.0
#include "core/images/source_files.hpp"

#include "core/artifact/source.hpp"
#include "core/artifact/tar_file.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"

#include <filesystem>

namespace wrktalk::images {
namespace {

using base::Error;
using base::Kind;
namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 200'000;

[[noreturn]] void missing(const std::string& name) {
  throw Error(Kind::artifact, "the file " + base::one_line(base::scrub_utf8(name)) + " is missing");
}

class Folder : public SourceFiles {
 public:
  explicit Folder(const std::string& path) : top_(base::canonical(path)) {}

  std::vector<std::string> names() const override {
    std::vector<std::string> out;
    std::error_code error;
    fs::recursive_directory_iterator entry(top_, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
      std::error_code ignored;
      if (!entry->is_regular_file(ignored)) continue;
      out.push_back(entry->path().lexically_relative(top_).string());
      if (out.size() > kMostFiles)
        throw Error(Kind::artifact, "it holds more than " + std::to_string(kMostFiles) + " files");
    }
    if (error) throw Error(Kind::failed, "cannot read " + top_ + ": " + error.message());
    return out;
  }

  std::optional<std::int64_t> size(const std::string& name) const override {
    const auto path = inside(name);
    if (!path) return std::nullopt;
    std::error_code error;
    const auto size = fs::file_size(*path, error);
    if (error) return std::nullopt;
    return static_cast<std::int64_t>(size);
  }

  void read(const std::string& name, const std::function<void(std::string_view)>& sink,
            base::Pulse& pulse) const override {
    const auto path = inside(name);
    if (!path) missing(name);
    artifact::FileSource source(*path, pulse, {});
    for (auto piece = source.next(); !piece.empty(); piece = source.next()) sink(piece);
  }

  std::string identity(const std::string& name) const override { return inside(name).value_or(name); }

 private:
  /// An ordinary file below the top, whatever links lead to it.
  std::optional<std::string> inside(const std::string& name) const {
    std::error_code error;
    const auto path = fs::canonical(fs::path(top_) / name, error);
    if (error || !fs::is_regular_file(path, error)) return std::nullopt;
    const auto relative = path.lexically_relative(top_);
    if (relative.empty() || *relative.begin() == "..") return std::nullopt;
    return path.string();
  }

  std::string top_;
};

class Archive : public SourceFiles {
 public:
  Archive(const std::string& path, base::Pulse& pulse) : tar_(path, pulse) {}

  std::vector<std::string> names() const override {
    std::vector<std::string> out;
    for (const auto& [name, entry] : tar_.entries()) out.push_back(name);
    return out;
  }

  std::optional<std::int64_t> size(const std::string& name) const override {
    const auto* entry = find(name);
    if (entry == nullptr) return std::nullopt;
    return static_cast<std::int64_t>(entry->size);
  }

  void read(const std::string& name, const std::function<void(std::string_view)>& sink,
            base::Pulse& pulse) const override {
    const auto* entry = find(name);
    if (entry == nullptr) missing(name);
    tar_.read(*entry, sink, pulse);
  }

  std::string identity(const std::string& name) const override {
    const auto* entry = find(name);
    return entry == nullptr ? name : std::to_string(entry->position);
  }

 private:
  const artifact::TarFile::Entry* find(std::string name) const {
    constexpr int kMostLinks = 8;
    for (int hops = 0; hops <= kMostLinks; ++hops) {
      const auto found = tar_.entries().find(name);
      if (found == tar_.entries().end()) return nullptr;
      if (found->second.link.empty()) return &found->second;
      name = found->second.link;
    }
    return nullptr;
  }

  artifact::TarFile tar_;
};

}  // namespace

std::shared_ptr<const SourceFiles> open_files(const std::string& path, base::Pulse& pulse) {
  std::error_code error;
  if (fs::is_directory(path, error)) return std::make_shared<Folder>(path);
  return std::make_shared<Archive>(path, pulse);
}

std::string read_text(const SourceFiles& files, const std::string& name, std::int64_t largest, base::Pulse& pulse) {
  const auto size = files.size(name);
  if (!size) missing(name);
  if (*size > largest) {
    throw Error(Kind::artifact, base::one_line(base::scrub_utf8(name)) + " is larger than " +
                                    base::human_size(static_cast<std::uint64_t>(largest)));
  }
  std::string out;
  files.read(
      name,
      [&](std::string_view piece) {
        out += piece;
        if (static_cast<std::int64_t>(out.size()) > largest) missing(name);
      },
      pulse);
  return out;
}

}  // namespace wrktalk::images
