// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/decompress.hpp"

#include "core/artifact/gunzip.hpp"
#include "core/artifact/unzstd.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <utility>

namespace wrktalk::artifact {
namespace {

using base::Error;
using base::Kind;
using base::starts_with;

/// A source whose beginning was read already.
class Rejoined : public Source {
 public:
  Rejoined(std::string head, Source& rest) : head_(std::move(head)), rest_(rest) {}

  std::string_view next() override {
    if (!std::exchange(head_given_, true)) return head_;
    head_ = {};
    return rest_.next();
  }

 private:
  std::string head_;
  Source& rest_;
  bool head_given_ = false;
};

constexpr std::size_t kLongestMagic = 5;

struct Format {
  std::string_view magic;
  const char* name;
};
constexpr Format kForeign[] = {{"\xFD"
                                "7zXZ",
                                "xz"},
                               {"BZh", "bzip2"},
                               {"PK", "a zip archive"},
                               {"7z\xBC\xAF", "7-Zip"},
                               {"LZIP", "lzip"},
                               {"\x04\x22\x4D\x18", "lz4"},
                               {"\x1F\x9D", "compress"},
                               {"\x7F"
                                "ELF",
                                "a program"}};

}  // namespace

std::unique_ptr<Source> decompress(Source& packed) {
  std::string head;
  for (auto piece = packed.next(); !piece.empty(); piece = packed.next()) {
    head += piece;
    if (head.size() >= kLongestMagic) break;
  }
  if (head.empty()) throw Error(Kind::artifact, "the archive is empty (0 bytes)");
  for (const Format& format : kForeign) {
    if (!starts_with(head, format.magic)) continue;
    throw Error(Kind::artifact, std::string("not a tar archive packed with gzip or zstd, but ") + format.name,
                "pack the release as .tar.gz (.tgz) or .tar.zst");
  }
  const bool is_gzip = starts_with(head, "\x1F\x8B");
  const bool is_zstd = starts_with(head, "\x28\xB5\x2F\xFD");
  auto whole = std::make_unique<Rejoined>(std::move(head), packed);
  if (is_gzip) return std::make_unique<Gunzip>(std::move(whole));
  if (is_zstd) return std::make_unique<Unzstd>(std::move(whole));
  return whole;
}

}  // namespace wrktalk::artifact
