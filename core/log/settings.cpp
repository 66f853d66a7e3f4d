// SPDX-License-Identifier: Apache-2.0
#include "core/log/settings.hpp"

namespace wrktalk::log {
namespace {

using namespace settings;

constexpr Choices<Format, 2> kFormats = {{{"text", Format::text}, {"json", Format::json}}};

void take_level(Options& out, const Reader& read, const char* key) {
  const auto level = parse_level(read.text(key));
  if (!level) {
    read.refuse(key, "'" + base::one_line(read.text(key)) + "' is no log level",
                "use one of DEBUG, INFO, WARNING, ERROR");
  }
  out.level = *level;
}

// clang-format off
constexpr settings::Field<Options> kFields[] = {
    {{"log.level", "WRKTALK_AGENT_LOG_LEVEL", "", "--log-level", "INFO", Form::value, "DEBUG, INFO, WARNING or ERROR"},
     take_level},
    {{"log.format", "WRKTALK_AGENT_LOG_FORMAT", "", "--log-format", "text", Form::value, "Log lines as text or json, on stderr"},
     choice<&Options::format, kFormats>},
};
// clang-format on

}  // namespace

settings::Fields<Options> setting_fields() noexcept { return kFields; }

}  // namespace wrktalk::log
