// SPDX-License-Identifier: Apache-2.0
#include "core/backup/codec.hpp"

#include "core/backup/gzip.hpp"
#include "core/backup/zstd.hpp"

#include <utility>

namespace wrktalk::backup {
namespace {

class Through : public Codec {
 public:
  explicit Through(Sink out) : out_(std::move(out)) {}
  void write(std::string_view bytes) override { out_(bytes); }
  void end() override {}

 private:
  Sink out_;
};

}  // namespace

std::unique_ptr<Codec> packer(Packing packing, Sink out) {
  switch (packing) {
    case Packing::gzip: return std::make_unique<Gzip>(std::move(out));
    case Packing::zstd: return std::make_unique<Zstd>(std::move(out));
    case Packing::none: break;
  }
  return std::make_unique<Through>(std::move(out));
}

std::unique_ptr<Codec> unpacker(Packing packing, Sink out) {
  switch (packing) {
    case Packing::gzip: return std::make_unique<Gunzip>(std::move(out));
    case Packing::zstd: return std::make_unique<Unzstd>(std::move(out));
    case Packing::none: break;
  }
  return std::make_unique<Through>(std::move(out));
}

}  // namespace wrktalk::backup
