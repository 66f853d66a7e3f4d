// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/chart_images.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using Images = std::vector<std::string>;

TEST_SUITE("deploy::chart_images") {
  TEST_CASE("every kind of container counts, wherever its pod stands, and volumes that are images") {
    CHECK(helm::images_of_objects(
              "---\n"
              "kind: Deployment\nspec: {template: {spec: {containers: [{name: a, image: a:1}, {image: "
              "a:1}], initContainers: [{image: init:1}], ephemeralContainers: [{image: e:1}],\n"
              "  volumes: [{name: m, image: {reference: model:1}}, {name: c, configMap: {name: c}}]}}}\n"
              "---\nkind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{image: "
              "'job@sha256:0'}]}}}}}\n"
              "---\nkind: List\nitems: [{kind: Pod, spec: {containers: [{image: listed:1}]}}]\n"
              "---\nkind: Rollout\nspec: {template: {spec: {containers: [{image: custom:1}]}}}\n") ==
          Images{"a:1", "init:1", "e:1", "model:1", "job@sha256:0", "listed:1", "custom:1"});
  }

  TEST_CASE("what only looks like a container does not count") {
    CHECK(helm::images_of_objects(
              "kind: CustomResourceDefinition\nspec: {properties: {containers: [{image: schema:1}]}}\n"
              "---\nkind: ConfigMap\ndata: {pod: \"containers: [{image: text:1}]\"}\n"
              "---\nkind: Pod\nspec: {containers: [{image: }, {image: ''}, {name: none}, text], volumes: [text, "
              "{image: x}]}\n"
              "---\n- 1\n---\ntext\n") == Images{});
  }

  TEST_CASE("the chart's annotation lists images, some under a condition") {
    const auto all = helm::annotated_images(
        "name: shop\nannotations:\n  helm.sh/images: |\n    - name: child\n      image: child:1\n"
        "    - image: metrics:1\n      condition: metrics.enabled\n"
        "    - image: db:1\n      condition: enabled\n      dependency: postgresql\n    - plain:1\n");
    REQUIRE(all.size() == 4);
    CHECK(all[0].image == "child:1");
    CHECK(all[3].image == "plain:1");
    CHECK(helm::holds(all[0], {}));
    CHECK_FALSE(helm::holds(all[1], {}));
    CHECK(helm::holds(all[1], {"", "metrics: {enabled: true}"}));
    CHECK_FALSE(helm::holds(all[1], {"metrics: {enabled: false}", "metrics: {enabled: true}"}));
    CHECK(helm::holds(all[2], {"metrics: 1"}));
    CHECK_FALSE(helm::holds(all[2], {"postgresql: {enabled: false}\nenabled: true"}));
  }

  TEST_CASE("no annotation is no list, another text is refused") {
    CHECK(helm::annotated_images("name: shop").empty());
    CHECK(helm::annotated_images("annotations: {other: x}").empty());
    CHECK_THROWS_WITH_AS(helm::annotated_images("annotations: {helm.sh/images: 'a: 1'}"),
                         "the chart's annotation helm.sh/images is no list of images", base::Error);
    CHECK_THROWS_AS(helm::annotated_images("annotations: {helm.sh/images: '[{name: x}]'}"), base::Error);
  }
}
