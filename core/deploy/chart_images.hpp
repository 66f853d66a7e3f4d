// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Which container images a chart names.
namespace wrktalk::deploy::helm {

/// What the objects of a rendered chart run, hooks and tests included: containers of every kind, wherever a pod's specification stands, and volumes that
/// are images. Each once, as it is written. Throws Error(artifact) for what is no YAML.
std::vector<std::string> images_of_objects(std::string_view rendered);

/// An image that the annotation helm.sh/images of a chart lists: what its author knows and no template shows.
struct AnnotatedImage {
  std::string image;
  std::string condition;   ///< a value, "metrics.enabled", that must be true; empty: always
  std::string dependency;  ///< the subchart that it is of; may be empty
};

/// `chart`: the text of Chart.yaml. Throws Error(artifact) for an annotation that is no list of images.
std::vector<AnnotatedImage> annotated_images(std::string_view chart);

/// Whether the condition holds with these values, the texts of values files: the first that has the value counts. What none has is false, of a subchart
/// true: its own values are not known here.
bool holds(const AnnotatedImage& image, const std::vector<std::string>& values);

}  // namespace wrktalk::deploy::helm
