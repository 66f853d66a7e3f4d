// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/chart_images.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/yaml/document.hpp"

#include <algorithm>
#include <optional>

namespace wrktalk::deploy::helm {
namespace {

using base::Error;
using base::Kind;
using yaml::Node;

constexpr const char* kAnnotation = "helm.sh/images";
constexpr yaml::Limits kLimits{64 * 1024 * 1024, 10'000'000};

class Collector {
 public:
  void object(const Node& root) {
    // A definition's schema names every field, and uses none of them.
    if (root.is_mapping() && root.text_of("kind") == "CustomResourceDefinition") return;
    if (root.is_mapping() && base::ends_with(root.text_of("kind"), "List")) {
      for (const Node* items : root.values("items")) {
        for (const Node* item : items->items) object(*item);
      }
      return;
    }
    walk(root);
  }

  std::vector<std::string> take() { return std::move(out_); }

 private:
  void walk(const Node& node) {
    for (const Node* item : node.items) walk(*item);
    if (!node.is_mapping()) return;
    for (const char* key : {"containers", "initContainers", "ephemeralContainers"}) {
      for (const Node* list : node.values(key)) {
        for (const Node* one : list->items) add(*one, "image");
      }
    }
    for (const Node* volumes : node.values("volumes")) {
      for (const Node* volume : volumes->items) {
        if (!volume->is_mapping()) continue;
        for (const Node* image : volume->values("image")) add(*image, "reference");
      }
    }
    for (const auto& [key, value] : node.entries()) walk(*value);
  }

  void add(const Node& of, const char* key) {
    if (!of.is_mapping()) return;
    for (const Node* image : of.values(key)) {
      if (!image->is_scalar() || image->is_null()) continue;
      const std::string text = base::trim(image->text);
      if (!text.empty() && std::find(out_.begin(), out_.end(), text) == out_.end()) out_.push_back(text);
    }
  }

  std::vector<std::string> out_;
};

/// A value by its path, "metrics.enabled"; nothing when it is not there.
std::optional<bool> value_at(const Node& root, const std::string& path) {
  const Node* node = &root;
  for (const auto& name : base::split(path, '.')) {
    if (!node->is_mapping()) return std::nullopt;
    const auto entries = node->entries();
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.first->text == name; });
    if (found == entries.end()) return std::nullopt;
    node = found->second;
  }
  if (!node->is_scalar()) return std::nullopt;
  return node->is_true();
}

std::optional<bool> value_at(const std::string& values, const std::string& path) {
  for (const auto& document : yaml::read(values, "values", kLimits)) {
    if (const auto found = value_at(document.root(), path)) return found;
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> images_of_objects(std::string_view rendered) {
  Collector collector;
  for (const auto& document : yaml::read(rendered, "the rendered chart", kLimits)) collector.object(document.root());
  return collector.take();
}

std::vector<AnnotatedImage> annotated_images(std::string_view chart) {
  std::string text;
  for (const auto& document : yaml::read(chart, "Chart.yaml")) {
    if (!document.root().is_mapping()) continue;
    for (const Node* annotations : document.root().values("annotations")) {
      if (annotations->is_mapping()) text = annotations->text_of(kAnnotation);
    }
  }
  std::vector<AnnotatedImage> out;
  const auto refuse = [] {
    throw Error(Kind::artifact, std::string("the chart's annotation ") + kAnnotation + " is no list of images",
                "write it as a list of `image: REFERENCE`");
  };
  for (const auto& document : yaml::read(text, kAnnotation)) {
    if (!document.root().is_sequence()) refuse();
    for (const Node* item : document.root().items) {
      AnnotatedImage one;
      if (item->is_scalar()) one.image = base::trim(item->text);
      if (item->is_mapping()) {
        one = {base::trim(item->text_of("image")), item->text_of("condition"), item->text_of("dependency")};
      }
      if (one.image.empty()) refuse();
      out.push_back(std::move(one));
    }
  }
  return out;
}

bool holds(const AnnotatedImage& image, const std::vector<std::string>& values) {
  if (image.condition.empty()) return true;
  std::vector<std::string> paths;
  if (!image.dependency.empty()) paths.push_back(image.dependency + "." + image.condition);
  paths.push_back(image.condition);
  for (const auto& path : paths) {
    for (const auto& text : values) {
      if (const auto found = value_at(text, path)) return *found;
    }
  }
  return !image.dependency.empty();
}

}  // namespace wrktalk::deploy::helm
