// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace wrktalk::artifact {

/// What a release's manifest is called in its archive.
constexpr const char* kManifestFile = "wrktalk.toml";

}  // namespace wrktalk::artifact
