// SPDX-License-Identifier: Apache-2.0
#include "core/images/export.hpp"

#include "core/artifact/run_blocking.hpp"
#include "core/base/error.hpp"
#include "core/images/reference.hpp"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::images {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kBlock = 512;

/// A field of a ustar header: octal digits, or for what they cannot hold GNU's base 256.
void put_number(std::string& header, std::size_t at, std::size_t width, std::uint64_t value) {
  if (value >> 3 * (width - 1) == 0) {
    for (std::size_t i = width - 1; i-- > 0; value >>= 3) header[at + i] = static_cast<char>('0' + (value & 7));
    return;
  }
  for (std::size_t i = width; i-- > 0; value >>= 8) header[at + i] = static_cast<char>(value & 0xFF);
  header[at] = static_cast<char>(header[at] | '\x80');
}

std::string header_of(const std::string& name, std::int64_t size) {
  std::string header(kBlock, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  put(0, name);
  put_number(header, 100, 8, 0644);
  put_number(header, 108, 8, 0);
  put_number(header, 116, 8, 0);
  put_number(header, 124, 12, static_cast<std::uint64_t>(size));
  put_number(header, 136, 12, 0);
  put(148, "        0");
  put(257, std::string("ustar\0"
                       "00",
                       8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put_number(header, 148, 7, sum);
  return header;
}

/// A tar archive beside its destination; unlinked unless it was put in place.
class TarOutput {
 public:
  explicit TarOutput(const std::string& destination) : destination_(destination), path_(destination + ".part-XXXXXX") {
    file_.reset(::mkostemp(path_.data(), O_CLOEXEC));
    if (!file_) {
      path_.clear();
      base::throw_errno(Kind::failed, "cannot write " + destination, "check that its folder exists and is writable");
    }
  }
  TarOutput(const TarOutput&) = delete;
  TarOutput& operator=(const TarOutput&) = delete;
  ~TarOutput() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  void begin(const std::string& name, std::int64_t size) { write(header_of(name, size)); }

  void write(std::string_view bytes) {
    written_ += bytes.size();
    while (!bytes.empty()) {
      const ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) base::throw_errno(Kind::failed, "cannot write " + destination_);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  void end() { write(std::string((kBlock - written_ % kBlock) % kBlock, '\0')); }

  void file(const std::string& name, const std::string& text) {
    begin(name, static_cast<std::int64_t>(text.size()));
    write(text);
    end();
  }

  void commit() {
    if (::fchmod(file_.get(), 0644) != 0 || ::fsync(file_.get()) != 0 ||
        ::rename(path_.c_str(), destination_.c_str()) != 0) {
      base::throw_errno(Kind::failed, "cannot write " + destination_);
    }
    path_.clear();
  }

 private:
  std::string destination_;
  std::string path_;
  base::Fd file_;
  std::uint64_t written_ = 0;
};

std::string index_of(const std::vector<Image>& images, const std::vector<Blob>& blobs) {
  nlohmann::ordered_json index = {{"schemaVersion", 2}, {"mediaType", kOciIndex}};
  index["manifests"] = nlohmann::ordered_json::array();
  for (const auto& image : images) {
    std::int64_t size = 0;
    for (const auto& blob : blobs) {
      if (blob.digest == image.digest) size = blob.size;
    }
    const Reference reference = parse_reference(image.reference);
    nlohmann::ordered_json notes = {{"io.containerd.image.name", image.reference}};
    if (!reference.tag.empty()) notes["org.opencontainers.image.ref.name"] = reference.tag;
    index["manifests"].push_back(
        {{"mediaType", image.media_type}, {"digest", image.digest}, {"size", size}, {"annotations", notes}});
  }
  return index.dump();
}

}  // namespace

void export_to(db::raw::Connection& db, const std::vector<Image>& images, const std::vector<Blob>& blobs,
               const std::string& path, base::Pulse& pulse, const SentCall& progress) {
  TarOutput tar(path);
  tar.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  tar.file("index.json", index_of(images, blobs));
  std::int64_t done = 0;
  for (const auto& blob : blobs) {
    tar.begin("blobs/sha256/" + blob.digest.substr(blob.digest.find(':') + 1), blob.size);
    read_blob(
        db, blob,
        [&](std::string_view piece) {
          tar.write(piece);
          done += static_cast<std::int64_t>(piece.size());
          if (progress) progress(done);
        },
        pulse);
    tar.end();
  }
  tar.write(std::string(2 * kBlock, '\0'));
  artifact::run_blocking(pulse, [&] { tar.commit(); });
}

}  // namespace wrktalk::images
