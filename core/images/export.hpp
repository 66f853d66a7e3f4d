// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/images/add.hpp"
#include "core/images/store.hpp"

#include <string>
#include <vector>

namespace wrktalk::images {

/// Writes images as an OCI layout into a tar archive that `release add --images` takes: a temporary file, which gets its name when every blob's digest
/// was compared. Throws Error(artifact) for a blob that is damaged or gone.
void export_to(db::raw::Connection& db, const std::vector<Image>& images, const std::vector<Blob>& blobs,
               const std::string& path, base::Pulse& pulse, const SentCall& progress = {});

}  // namespace wrktalk::images
