// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/limits.hpp"

namespace wrktalk::artifact {
namespace {

using namespace settings;

// clang-format off
constexpr Field<Limits> kFields[] = {
    {{"limits.unpacked_size", "WRKTALK_AGENT_LIMIT_UNPACKED_SIZE", "", "", "20GB", Form::value, "What a release may unpack to"},
     size<&Limits::unpacked_bytes>},
    {{"limits.entries", "WRKTALK_AGENT_LIMIT_ENTRIES", "", "", "200000", Form::value, "How many files and folders a release may have"},
     number<&Limits::entries>},
    {{"limits.ratio", "WRKTALK_AGENT_LIMIT_RATIO", "", "", "200", Form::value, "Unpacked to packed size of a release, looked at beyond 100 MB"},
     number<&Limits::ratio>},
    {{"limits.chart_unpacked_size", "WRKTALK_AGENT_LIMIT_CHART_UNPACKED_SIZE", "", "", "200MB", Form::value, "What a chart may unpack to"},
     size<&Limits::chart_unpacked_bytes>},
    {{"limits.chart_entries", "WRKTALK_AGENT_LIMIT_CHART_ENTRIES", "", "", "20000", Form::value, "How many files and folders a chart may have"},
     number<&Limits::chart_entries>},
};
// clang-format on

}  // namespace

settings::Fields<Limits> setting_fields() noexcept { return kFields; }

}  // namespace wrktalk::artifact
