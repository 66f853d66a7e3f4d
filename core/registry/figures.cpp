// SPDX-License-Identifier: Apache-2.0
#include "core/registry/figures.hpp"

namespace wrktalk::registry {

void Health::set(const std::string& problem) {
  const std::lock_guard<std::mutex> lock(mutex_);
  problem_ = problem;
  at_ = base::BootClock::now();
}

std::string Health::problem() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return problem_.value_or("the database was not asked yet");
}

bool Health::knows() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return problem_.has_value();
}

base::BootClock::duration Health::age() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return base::BootClock::now() - at_;
}

std::vector<observe::Family> Figures::families() const {
  std::vector<observe::Family> out;
  out.push_back(
      {"wrktalk_build_info", "Version of this program; always 1.", false, {{1, {{"version", WRKTALK_VERSION}}}}});
  out.push_back({"wrktalk_ready", "Whether /readyz says yes.", false, {{ready ? 1.0 : 0.0}}});
  out.push_back({"wrktalk_database_up", "Whether the database answers.", false, {{database ? 1.0 : 0.0}}});
  out.push_back({"wrktalk_registry_connections", "Open connections.", false, {{static_cast<double>(connections)}}});
  observe::Family answered{"wrktalk_registry_requests_total", "Requests that were answered.", true, {}};
  for (const auto& [key, count] : requests) {
    answered.samples.push_back(
        {static_cast<double>(count), {{"kind", key.first}, {"status", std::to_string(key.second)}}});
  }
  out.push_back(std::move(answered));
  out.push_back({"wrktalk_registry_bytes_total",
                 "Bytes of blobs and manifests that were sent.",
                 true,
                 {{static_cast<double>(bytes)}}});
  out.push_back({"wrktalk_registry_damaged_blobs_total",
                 "Answers that were broken off because the blob is damaged.",
                 true,
                 {{static_cast<double>(damaged)}}});
  out.push_back({"wrktalk_registry_cut_off_total",
                 "Clients that were too slow and were cut off.",
                 true,
                 {{static_cast<double>(cut_off)}}});
  return out;
}

}  // namespace wrktalk::registry
