// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_way_back.hpp"

#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <unistd.h>

namespace wrktalk::deploy::compose {
namespace {

using nlohmann::json;

/// Go leaves out the zeros at the end of a fraction: "12.5Z" is later than "12Z" and than "12.45Z".
std::string sortable(const std::string& time) { return time.substr(0, time.find('Z')); }

/// A label's list. docker-compose 1.29 writes names as they were given.
std::vector<std::string> paths(const std::string& label, const std::string& working_dir) {
  std::vector<std::string> out;
  for (const auto& path : base::split(label, ',')) {
    if (path.empty()) continue;
    out.push_back(path.front() == '/' || path == "-" || working_dir.empty() ? path : working_dir + "/" + path);
  }
  return out;
}

}  // namespace

WayBack way_back(const Containers& containers, const std::string& ours) {
  WayBack way;
  if (containers.empty()) return way;
  const Container& newest = *std::max_element(
      containers.begin(), containers.end(),
      [](const Container& a, const Container& b) { return sortable(a.created_at) < sortable(b.created_at); });
  way.working_dir = newest.working_dir;
  for (auto& file : paths(newest.config_files, newest.working_dir)) {
    if (!base::starts_with(file, ours + "/")) way.files.push_back(std::move(file));
  }
  way.environment_files = paths(newest.environment_files, newest.working_dir);
  way.identity = newest.identity;
  for (const auto& container : containers) {
    way.images[container.service] = container.image;
    ++way.counts[container.service];
  }
  return way;
}

bool are_of_one_source(const Containers& containers) {
  return std::all_of(containers.begin(), containers.end(), [&](const Container& container) {
    return container.config_files == containers.front().config_files &&
           container.working_dir == containers.front().working_dir;
  });
}

std::string to_json(const WayBack& way) {
  json object = {{"working_dir", way.working_dir},
                 {"files", way.files},
                 {"environment_files", way.environment_files},
                 {"images", way.images},
                 {"counts", way.counts}};
  if (way.identity) object["identity"] = {{"release", way.identity->release}, {"task", way.identity->task}};
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

WayBack way_back_from_json(const std::string& text) {
  WayBack way;
  try {
    const json object = json::parse(text);
    object.at("working_dir").get_to(way.working_dir);
    object.at("files").get_to(way.files);
    object.at("environment_files").get_to(way.environment_files);
    object.at("images").get_to(way.images);
    // An older wrktalk wrote neither.
    if (object.contains("counts")) object["counts"].get_to(way.counts);
    if (object.contains("identity")) {
      way.identity = Identity{object["identity"].at("release").get<std::string>(),
                              object["identity"].at("task").get<std::string>()};
    }
  } catch (const json::exception&) {
    return {};
  }
  return way;
}

std::optional<std::string> missing_file(const WayBack& way, bool with_environment) {
  const auto is_missing = [](const std::string& path) {
    return path.front() != '/' || ::access(path.c_str(), R_OK) != 0;
  };
  for (const auto& path : way.files) {
    if (is_missing(path)) return path;
  }
  for (const auto& path : way.environment_files) {
    if (with_environment && is_missing(path)) return path;
  }
  return std::nullopt;
}

std::string unset_variable(const std::string& err) {
  // v2: The \"X\" variable is not set. 1.29: The X variable is not set.
  const std::size_t end = err.find(" variable is not set");
  if (end == std::string::npos) return {};
  const std::size_t start = err.rfind("The ", end);
  if (start == std::string::npos) return {};
  std::string name = err.substr(start + 4, end - start - 4);
  name.erase(std::remove_if(name.begin(), name.end(), [](char c) { return c == '"' || c == '\\'; }), name.end());
  return base::one_line(name);
}

std::vector<std::string> other_images(const WayBack& way, const Containers& now) {
  std::set<std::string> services;
  for (const auto& container : now) {
    const auto before = way.images.find(container.service);
    if (before != way.images.end() && before->second != container.image) services.insert(container.service);
  }
  return {services.begin(), services.end()};
}

}  // namespace wrktalk::deploy::compose
