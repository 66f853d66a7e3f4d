// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ZSTD_DCtx_s;

namespace wrktalk::artifact {

/// Unpacks what zstd packed, as it comes: for a source that pushes. `Unzstd` is for one that is pulled.
class UnzstdStream {
 public:
  /// `name` is for messages.
  explicit UnzstdStream(std::string name);

  /// Hands on what `bytes` hold. Throws Error(artifact) for what is no zstd data, or needs a window of more than 8 MiB.
  void take(std::string_view bytes, const std::function<void(std::string_view)>& sink);
  /// Throws Error(artifact) when something is missing.
  void finish() const;

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const noexcept;
  };

  std::string name_;
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
  std::vector<char> buffer_;
  bool between_frames_ = true;
};

}  // namespace wrktalk::artifact
