// SPDX-License-Identifier: Apache-2.0
#include "core/backup/input.hpp"

#include "core/backup/codec.hpp"
#include "core/base/error.hpp"
#include "core/base/fd.hpp"
#include "core/base/sha256.hpp"
#include "core/exec/background.hpp"
#include "core/log/log.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace wrktalk::backup {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kPiece = 262'144;
constexpr const char* kVolumeHint = "look at the volume that it lies on, and at the rights of folder and file";

base::Fd open_file(const std::string& path) {
  base::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) base::throw_errno(Kind::configuration, "cannot read " + path, kVolumeHint);
  return file;
}

void read_file(const base::Fd& file, const std::string& path, base::Pulse& pulse, const Sink& sink) {
  std::vector<char> buffer(kPiece);
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) base::throw_errno(Kind::configuration, "cannot read " + path, kVolumeHint);
    if (n == 0) return;
    sink({buffer.data(), static_cast<std::size_t>(n)});
    pulse.tick();
  }
}

exec::Spec decrypting(Encryption encryption, const Keys& keys, int in) {
  if (encryption == Encryption::age && keys.age_identity.empty()) {
    throw Error(Kind::configuration, "the backup is encrypted with age",
                "name the file with the secret key with --age-identity");
  }
  exec::Spec spec = encryption == Encryption::age
                        ? foreign_tool({"age", "--decrypt", "--identity", keys.age_identity})
                        : foreign_tool({"gpg", "--batch", "--no-tty", "--quiet", "--decrypt"});
  spec.stdin_fd = in;
  return spec;
}

void run_into(exec::Spec spec, const Sink& sink, base::Pulse& pulse) {
  spec.on_bytes = sink;
  need_read(exec::run(spec, pulse), spec);
}

/// decrypt | restore: both work at the same time.
void run_both(exec::Spec first, exec::Spec second, const Sink& sink, base::Pulse& pulse) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) base::throw_errno(Kind::failed, "cannot open a pipe");
  base::Fd reading(ends[0]);
  base::Fd writing(ends[1]);
  first.stdout_fd = writing.get();
  exec::Background decrypt(first);
  writing.reset();
  second.stdin_fd = reading.get();
  second.on_bytes = sink;
  exec::Background restore(second);
  reading.reset();
  const auto restored = restore.wait(pulse);
  need_read(decrypt.wait(pulse), first);
  need_read(restored, second);
}

/// Of a backup that has a record, which holds the same, a file that cannot be read is done without.
std::optional<std::string> digest_beside(const Backup& backup) {
  try {
    return read_sha256(backup.path);
  } catch (const Error& e) {
    if (e.kind() == Kind::difference || !backup.record) throw;
    log::warn("backup.no_digest", std::string(e.what()) + ": the record's digest is compared alone");
    return std::nullopt;
  }
}

}  // namespace

std::string sha256_of_file(const std::string& path, base::Pulse& pulse, const ProgressCall& progress) {
  base::Sha256 hash;
  std::uint64_t done = 0;
  read_file(open_file(path), path, pulse, [&](std::string_view bytes) {
    hash.update(bytes.data(), bytes.size());
    done += bytes.size();
    if (progress) progress(done);
  });
  return hash.hex();
}

std::string check_sha256(const Backup& backup, base::Pulse& pulse, const ProgressCall& progress) {
  if (backup.size_bytes == 0) throw Error(Kind::difference, "the file is empty");
  const std::string found = sha256_of_file(backup.path, pulse, progress);
  const auto beside = digest_beside(backup);
  const auto refuse = [&](const std::string& wanted) {
    throw Error(Kind::difference, "its sha256 is " + found + ", not " + wanted + " as when it was made",
                "use another backup: the bytes of this one have changed");
  };
  if (beside && *beside != found) refuse(*beside);
  if (backup.record && backup.record->sha256 != found) refuse(backup.record->sha256);
  return found;
}

Rows read_backup(const std::string& path, const Name& name, const Reading& reading, DumpListener& listener) {
  base::Pulse& pulse = reading.pulse;
  const base::Fd file = open_file(path);
  const bool is_whole = !name.database.empty();
  DumpText text(listener, is_whole ? DumpOf::database : DumpOf::tables);
  const auto codec = unpacker(packing(name.format), [&](std::string_view bytes) { text.write(bytes); });
  const Sink sink = [&](std::string_view bytes) {
    codec->write(bytes);
    // A child that reads the file moves the same offset.
    if (reading.progress) reading.progress(static_cast<std::uint64_t>(::lseek(file.get(), 0, SEEK_CUR)));
  };
  const bool custom = name.format == Format::custom;
  exec::Spec restoring = reading.tools.local(
      "pg_restore", is_whole ? std::vector<std::string>{"--file=-"}
                             : std::vector<std::string>{"--no-owner", "--no-privileges", "--file=-"});
  restoring.stdin_fd = file.get();
  if (name.encryption == Encryption::none) {
    if (custom)
      run_into(restoring, sink, pulse);
    else
      read_file(file, path, pulse, sink);
  } else {
    const exec::Spec decrypt = decrypting(name.encryption, reading.keys, file.get());
    if (custom)
      run_both(decrypt, restoring, sink, pulse);
    else
      run_into(decrypt, sink, pulse);
  }
  codec->end();
  text.end();
  return text.rows();
}

}  // namespace wrktalk::backup
