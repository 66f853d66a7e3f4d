// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/tar_writer.hpp"

#include "core/base/error.hpp"
#include "core/base/shared_library.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <sys/stat.h>
#include <utility>

namespace wrktalk::artifact {
namespace {

using base::Error;
using base::Kind;

/// So much is gathered before it is passed on: headers come in small pieces.
constexpr std::size_t kGathered = 128 * 1024;

/// libarchive's functions that write, by their names without "archive_".
struct Writing {
  decltype(&::archive_write_new) write_new;
  decltype(&::archive_write_free) write_free;
  decltype(&::archive_write_set_format_pax_restricted) write_set_format_pax_restricted;
  decltype(&::archive_write_set_bytes_per_block) write_set_bytes_per_block;
  decltype(&::archive_write_open) write_open;
  decltype(&::archive_write_header) write_header;
  decltype(&::archive_write_data) write_data;
  decltype(&::archive_write_close) write_close;
  decltype(&::archive_error_string) error_string;
  decltype(&::archive_entry_new) entry_new;
  decltype(&::archive_entry_free) entry_free;
  decltype(&::archive_entry_set_pathname) entry_set_pathname;
  decltype(&::archive_entry_set_filetype) entry_set_filetype;
  decltype(&::archive_entry_set_perm) entry_set_perm;
  decltype(&::archive_entry_set_size) entry_set_size;
};

Writing load() {
  const base::SharedLibrary library("libarchive.so.13",
                                    "install the package libarchive13 (libarchive13t64 from Debian 13 on)");
  Writing out{};
  library.find("archive_write_new", out.write_new);
  library.find("archive_write_free", out.write_free);
  library.find("archive_write_set_format_pax_restricted", out.write_set_format_pax_restricted);
  library.find("archive_write_set_bytes_per_block", out.write_set_bytes_per_block);
  library.find("archive_write_open", out.write_open);
  library.find("archive_write_header", out.write_header);
  library.find("archive_write_data", out.write_data);
  library.find("archive_write_close", out.write_close);
  library.find("archive_error_string", out.error_string);
  library.find("archive_entry_new", out.entry_new);
  library.find("archive_entry_free", out.entry_free);
  library.find("archive_entry_set_pathname", out.entry_set_pathname);
  library.find("archive_entry_set_filetype", out.entry_set_filetype);
  library.find("archive_entry_set_perm", out.entry_set_perm);
  library.find("archive_entry_set_size", out.entry_set_size);
  return out;
}

const Writing& writing() {
  static const Writing kLibrary = load();
  return kLibrary;
}

/// No exception may cross libarchive: what it writes is kept, and passed on when it has returned.
la_ssize_t keep(archive*, void* kept, const void* bytes, std::size_t size) {
  static_cast<std::string*>(kept)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

}  // namespace

void TarWriter::Free::operator()(archive* writer) const noexcept { writing().write_free(writer); }

TarWriter::TarWriter(Sink sink) : sink_(std::move(sink)), writer_(writing().write_new()) {
  check(writing().write_set_format_pax_restricted(writer_.get()));
  check(writing().write_set_bytes_per_block(writer_.get(), 0));
  check(writing().write_open(writer_.get(), &kept_, nullptr, keep, nullptr));
}

void TarWriter::begin(const std::string& name, std::int64_t size) {
  whole();
  const std::unique_ptr<archive_entry, decltype(&::archive_entry_free)> entry(writing().entry_new(),
                                                                              writing().entry_free);
  writing().entry_set_pathname(entry.get(), name.c_str());
  writing().entry_set_filetype(entry.get(), S_IFREG);
  writing().entry_set_perm(entry.get(), 0644);
  writing().entry_set_size(entry.get(), size);
  check(writing().write_header(writer_.get(), entry.get()));
  missing_ = size;
  pass_on(kGathered);
}

void TarWriter::data(std::string_view bytes) {
  if (static_cast<std::int64_t>(bytes.size()) > missing_)
    throw Error(Kind::failed, "a file in a tar archive has more bytes than its header says");
  check(writing().write_data(writer_.get(), bytes.data(), bytes.size()));
  missing_ -= static_cast<std::int64_t>(bytes.size());
  pass_on(kGathered);
}

void TarWriter::file(const std::string& name, std::string_view bytes) {
  begin(name, static_cast<std::int64_t>(bytes.size()));
  data(bytes);
}

void TarWriter::finish() {
  whole();
  check(writing().write_close(writer_.get()));
  pass_on(0);
}

void TarWriter::whole() const {
  if (missing_ != 0) throw Error(Kind::failed, "a file in a tar archive has fewer bytes than its header says");
}

void TarWriter::check(ssize_t result) const {
  if (result >= 0) return;
  const char* why = writing().error_string(writer_.get());
  throw Error(Kind::failed, std::string("cannot write a tar archive: ") + (why == nullptr ? "unknown error" : why));
}

void TarWriter::pass_on(std::size_t at_least) {
  if (kept_.size() < at_least || kept_.empty()) return;
  sink_(kept_);
  kept_.clear();
}

}  // namespace wrktalk::artifact
