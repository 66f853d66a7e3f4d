// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/unpack.hpp"

#include "core/artifact/decompress.hpp"
#include "core/artifact/library.hpp"
#include "core/artifact/locale.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <exception>
#include <memory>
#include <new>

namespace wrktalk::artifact {
namespace {

using base::Error;
using base::Kind;

/// The unpacked bytes as libarchive pulls them, counted and held against the limits.
class Flow {
 public:
  Flow(HashedSource& packed, const Gate& gate, base::Pulse& pulse)
      : packed_(packed), gate_(gate), pulse_(pulse), unpacked_(decompress(packed)) {}

  std::string_view next() {
    pulse_.tick();
    const std::string_view piece = unpacked_->next();
    unpacked_bytes_ += piece.size();
    gate_.check_flow(packed_.size_bytes(), unpacked_bytes_);
    return piece;
  }

  /// libarchive's callback. An exception must not cross its frames: it is kept, and thrown by `rethrow`.
  static la_ssize_t read(archive*, void* self, const void** data) noexcept {
    auto& flow = *static_cast<Flow*>(self);
    try {
      const std::string_view piece = flow.next();
      *data = piece.data();
      return static_cast<la_ssize_t>(piece.size());
    } catch (...) {
      flow.failure_ = std::current_exception();
      return -1;
    }
  }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  std::uint64_t unpacked_bytes() const noexcept { return unpacked_bytes_; }

 private:
  HashedSource& packed_;
  const Gate& gate_;
  base::Pulse& pulse_;
  std::unique_ptr<Source> unpacked_;
  std::uint64_t unpacked_bytes_ = 0;
  std::exception_ptr failure_;
};

[[noreturn]] void fail(archive* reader, const Flow& flow, const Gate& gate) {
  flow.rethrow();
  const char* text = libarchive().error_string(reader);
  const std::string why = base::one_line(base::scrub_utf8(text == nullptr ? "unknown error" : text));
  if (gate.entries() == 0) {
    throw Error(Kind::artifact, "not a tar archive: " + why, "pack the release as .tar.gz (.tgz) or .tar.zst");
  }
  throw Error(Kind::artifact,
              "the tar archive is damaged or cut short after " + std::to_string(gate.entries()) + " entries: " + why);
}

Header header_of(archive_entry* entry) {
  Header header;
  const auto text = [](const char* value) { return std::string(value == nullptr ? "" : value); };
  header.path = text(libarchive().entry_pathname(entry));
  header.mode = libarchive().entry_perm(entry);
  header.modified = libarchive().entry_mtime(entry);
  if (libarchive().entry_hardlink(entry) != nullptr) {
    header.type = Header::Type::hard_link;
    return header;
  }
  switch (libarchive().entry_filetype(entry)) {
    case AE_IFREG: header.type = Header::Type::file; break;
    case AE_IFDIR: header.type = Header::Type::folder; break;
    case AE_IFLNK:
      header.type = Header::Type::symbolic_link;
      header.link_target = text(libarchive().entry_symlink(entry));
      break;
    default: break;
  }
  return header;
}

void pass_data(archive* reader, std::uint64_t size_bytes, const Flow& flow, const Gate& gate, Receiver& receiver) {
  std::uint64_t done = 0;
  for (;;) {
    const void* data = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int result = libarchive().read_data_block(reader, &data, &size, &offset);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) fail(reader, flow, gate);
    if (static_cast<std::uint64_t>(offset) != done) break;
    receiver.data({static_cast<const char*>(data), size});
    done += size;
  }
  if (done != size_bytes) {
    throw Error(Kind::artifact, "the archive holds a sparse file", "pack the release without tar --sparse");
  }
}

}  // namespace

Totals unpack(HashedSource& packed, Gate& gate, Receiver& receiver, base::Pulse& pulse) {
  const Utf8Locale locale;
  Flow flow(packed, gate, pulse);
  const ArchiveReader owner(libarchive().read_new());
  archive* const reader = owner.get();
  if (reader == nullptr) throw std::bad_alloc();
  // Tar and nothing else; no filter: some of libarchive's start outside programs.
  if (libarchive().read_support_format_tar(reader) != ARCHIVE_OK ||
      libarchive().read_open(reader, &flow, nullptr, Flow::read, nullptr) != ARCHIVE_OK) {
    fail(reader, flow, gate);
  }
  Totals totals;
  for (;;) {
    archive_entry* raw = nullptr;
    const int result = libarchive().read_next_header(reader, &raw);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) fail(reader, flow, gate);
    pulse.tick();
    const auto entry = gate.admit(header_of(raw));
    if (!entry) continue;
    receiver.entry(*entry);
    ++totals.entries;
    if (entry->type == Entry::Type::file) {
      pass_data(reader, static_cast<std::uint64_t>(libarchive().entry_size(raw)), flow, gate, receiver);
    }
  }
  // What follows the archive's end mark is padding; reading it proves the packed data whole.
  while (!flow.next().empty()) {
  }
  if (totals.entries == 0) throw Error(Kind::artifact, "the archive holds no files");
  totals.unpacked_bytes = flow.unpacked_bytes();
  return totals;
}

}  // namespace wrktalk::artifact
