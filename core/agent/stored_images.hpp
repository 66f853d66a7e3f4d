// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/database_link.hpp"
#include "core/deploy/image_source.hpp"
#include "core/images/load_stream.hpp"

#include <map>
#include <string>
#include <vector>

namespace wrktalk::agent {

/// The images that compose releases carry in the database. The link outlives it.
class StoredImages : public deploy::ImageSource {
 public:
  explicit StoredImages(DatabaseLink& link) : link_(link) {}

  std::vector<deploy::CarriedImage> images(const std::string& version, const Platform& platform,
                                           base::Pulse& pulse) override;
  bool is_same(const std::string& one, const std::string& other) const override;
  std::int64_t size(const Stream& stream, base::Pulse& pulse) override;
  void write(const Stream& stream, const std::function<void(std::string_view)>& sink, base::Pulse& pulse) override;

 private:
  using Known = std::vector<images::LoadImage>;
  const Known& known(const std::string& version, const Platform& platform, base::Pulse& pulse);
  std::vector<images::Load> loads(const Stream& stream, base::Pulse& pulse);

  DatabaseLink& link_;
  std::map<std::string, Known> known_;  ///< by version; a target has one engine, and so one platform
};

}  // namespace wrktalk::agent
