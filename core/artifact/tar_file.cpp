// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/tar_file.hpp"

#include "core/artifact/decompress.hpp"
#include "core/artifact/library.hpp"
#include "core/artifact/locale.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <new>
#include <unistd.h>
#include <vector>

namespace wrktalk::artifact {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kMostEntries = 200'000;
constexpr std::size_t kPiece = 256 << 10;

/// A file's bytes from a position on, as libarchive pulls them.
class Window {
 public:
  Window(int file, std::int64_t from) : file_(file), at_(from), buffer_(kPiece) {}

  static la_ssize_t read(archive*, void* self, const void** data) noexcept {
    auto& window = *static_cast<Window*>(self);
    *data = window.buffer_.data();
    for (;;) {
      const ssize_t n = ::pread(window.file_, window.buffer_.data(), window.buffer_.size(), window.at_);
      if (n < 0 && errno == EINTR) continue;
      if (n > 0) window.at_ += n;
      return n;
    }
  }

  static la_int64_t skip(archive*, void* self, la_int64_t bytes) noexcept {
    static_cast<Window*>(self)->at_ += bytes;
    return bytes;
  }

 private:
  int file_;
  std::int64_t at_;
  std::vector<char> buffer_;
};

ArchiveReader open_at(Window& window) {
  ArchiveReader reader(libarchive().read_new());
  if (!reader) throw std::bad_alloc();
  libarchive().read_support_format_tar(reader.get());
  libarchive().read_open2(reader.get(), &window, nullptr, Window::read, Window::skip, nullptr);
  return reader;
}

std::string complaint(archive* reader) {
  const char* text = libarchive().error_string(reader);
  return base::one_line(base::scrub_utf8(text == nullptr ? "unknown error" : text));
}

/// A plain tar, or what is in `path`, in a file without a name.
base::Fd plain(const std::string& path, base::Pulse& pulse) {
  FileSource source(path, pulse, {});
  const std::string head(source.next().substr(0, 4));
  if (!base::starts_with(head, "\x1F\x8B") && head != "\x28\xB5\x2F\xFD") {
    return base::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  std::string name = base::temporary_parent() + "/wrktalk-images-XXXXXX";
  base::Fd file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) base::throw_errno(Kind::failed, "cannot write below " + base::temporary_parent());
  ::unlink(name.c_str());
  FileSource packed(path, pulse, {});
  const auto unpacked = decompress(packed);
  for (auto piece = unpacked->next(); !piece.empty(); piece = unpacked->next()) {
    while (!piece.empty()) {
      const ssize_t n = ::write(file.get(), piece.data(), piece.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        base::throw_errno(Kind::failed, "cannot unpack " + path + " below " + base::temporary_parent(),
                          "name a folder with more space by TMPDIR, or unpack it yourself and name the .tar");
      }
      piece.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  return file;
}

std::string normal(const std::string& name) {
  std::string out = std::filesystem::path(name).lexically_normal().string();
  while (!out.empty() && out.back() == '/') out.pop_back();
  return out;
}

/// Where a link leads, from the archive's top; empty for what is none.
std::string link_of(archive_entry* entry, const std::string& name) {
  if (const char* target = libarchive().entry_hardlink(entry)) return normal(target);
  if (libarchive().entry_filetype(entry) != AE_IFLNK) return {};
  const char* target = libarchive().entry_symlink(entry);
  if (target == nullptr) return {};
  return normal((std::filesystem::path(name).parent_path() / target).string());
}

}  // namespace

TarFile::TarFile(const std::string& path, base::Pulse& pulse) : path_(path), file_(plain(path, pulse)) {
  if (!file_) base::throw_errno(Kind::failed, "cannot read " + path);
  try {
    index(pulse);
  } catch (Error& error) {
    if (error.kind() == Kind::artifact) error.add_context(path);
    throw;
  }
}

void TarFile::index(base::Pulse& pulse) {
  const Utf8Locale locale;
  Window window(file_.get(), 0);
  const auto reader = open_at(window);
  std::size_t count = 0;
  for (;;) {
    pulse.tick();
    archive_entry* entry = nullptr;
    const int result = libarchive().read_next_header(reader.get(), &entry);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) {
      throw Error(Kind::artifact, count == 0 ? "not a tar archive: " + complaint(reader.get())
                                             : "the tar archive is damaged or cut short after " +
                                                   std::to_string(count) + " entries: " + complaint(reader.get()));
    }
    if (++count > kMostEntries)
      throw Error(Kind::artifact, "it has more than " + std::to_string(kMostEntries) + " entries");
    const char* raw = libarchive().entry_pathname(entry);
    const std::string name = normal(raw == nullptr ? "" : raw);
    Entry found{0, libarchive().read_header_position(reader.get()), link_of(entry, name)};
    if (found.link.empty()) {
      if (libarchive().entry_filetype(entry) != AE_IFREG) continue;
      found.size = static_cast<std::uint64_t>(libarchive().entry_size(entry));
    }
    entries_[name] = std::move(found);
  }
}

void TarFile::read(const Entry& entry, const std::function<void(std::string_view)>& sink, base::Pulse& pulse) const {
  const Utf8Locale locale;
  Window window(file_.get(), entry.position);
  const auto reader = open_at(window);
  archive_entry* header = nullptr;
  const auto cut_short = [&] {
    throw Error(Kind::artifact, path_ + ": the tar archive is damaged or cut short: " + complaint(reader.get()));
  };
  if (libarchive().read_next_header(reader.get(), &header) != ARCHIVE_OK) cut_short();
  std::uint64_t done = 0;
  for (;;) {
    pulse.tick();
    const void* data = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int result = libarchive().read_data_block(reader.get(), &data, &size, &offset);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) cut_short();
    if (static_cast<std::uint64_t>(offset) != done) break;
    sink({static_cast<const char*>(data), size});
    done += size;
  }
  if (done != entry.size) throw Error(Kind::artifact, path_ + ": the archive holds a sparse file");
}

}  // namespace wrktalk::artifact
