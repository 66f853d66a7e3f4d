// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/folder.hpp"
#include "core/base/fd.hpp"
#include "core/base/pulse.hpp"
#include "core/base/sha256.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::backup {

/// Who can read an encrypted backup.
struct Recipients {
  Encryption kind = Encryption::none;
  std::vector<std::string> keys;  ///< as `age --recipient` or `gpg --recipient` takes them: public, not secret
};

struct Written {
  std::uint64_t size_bytes = 0;
  std::string sha256;
};

/// The file a backup is written to, through an encrypting program when asked. It has a name that looks like no backup until
/// `publish`, and is removed when the object goes before that.
class Output {
 public:
  /// `pulse` must outlive the object.
  Output(const std::string& folder, const Name& name, const Recipients& recipients, base::Pulse& pulse);
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();

  /// Throws Error(failed) for a full disk, Error(child) when the encrypting program ended.
  void write(std::string_view bytes);

  /// Everything was written: when this returns it is on the disk. Once.
  Written finish();

  const std::string& part_path() const noexcept { return part_; }

  /// Gives the file its name, after what `record` says lies beside it. Throws Error(failed) when the name is taken.
  void publish(const Record& record);

 private:
  class Encryptor;

  void write_file(std::string_view bytes);

  std::string folder_;
  std::string path_;
  std::string part_;
  base::Pulse& pulse_;
  base::Fd file_;
  base::Sha256 hash_;
  std::uint64_t size_bytes_ = 0;
  std::unique_ptr<Encryptor> encryptor_;
  bool published_ = false;
};

}  // namespace wrktalk::backup
