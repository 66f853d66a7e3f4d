// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"
#include "core/deploy/helm_args.hpp"
#include "core/deploy/helm_history.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::helm;
using Left = StepError::Left;

namespace {

Subject subject(int major) { return {"helm", {major, 16}, "prod", "app"}; }

Upgrade upgrade() {
  Upgrade upgrade{"/trees/app", "2.0", "task-1", {"/private/values.yaml"}, std::chrono::minutes(10)};
  return upgrade;
}

std::string line(const Args& args) { return base::join(args, " "); }

const History kUpgraded = {{1, "superseded", "wrktalk 1.0"}, {2, "deployed", "wrktalk 2.0"}};

}  // namespace

TEST_SUITE("deploy::helm arguments") {
  TEST_CASE("an upgrade is the same but for the flag that Helm 4 renamed") {
    CHECK(line(upgrade_args(subject(3), upgrade())) ==
          "helm upgrade --install app /trees/app --namespace prod --timeout 600s --atomic --wait --output json "
          "--labels wrktalk-task=task-1 --description wrktalk 2.0 --values /private/values.yaml");
    CHECK(line(upgrade_args(subject(4), upgrade())).find(" --rollback-on-failure --wait ") != std::string::npos);
    CHECK(line(upgrade_args(subject(4), upgrade())).find("--atomic") == std::string::npos);
  }

  TEST_CASE("the namespace is created only when asked, values are named only when there are any") {
    Upgrade plain = upgrade();
    plain.values_files.clear();
    CHECK(line(upgrade_args(subject(3), plain)).find("--values") == std::string::npos);
    CHECK(line(upgrade_args(subject(3), plain)).find("--create-namespace") == std::string::npos);
    plain.create_namespace = true;
    CHECK(line(upgrade_args(subject(3), plain)).find(" --create-namespace ") != std::string::npos);
  }

  TEST_CASE("the site's values come after the release's, and earlier ones count no more") {
    Upgrade of_site = upgrade();
    of_site.values_files.emplace_back("/private/site.yaml");
    of_site.reset_values = true;
    const std::string wanted = " --reset-values --values /private/values.yaml --values /private/site.yaml";
    CHECK(line(upgrade_args(subject(4), of_site)).find(wanted) != std::string::npos);
    CHECK(line(render_args(subject(4), of_site)).find(wanted) != std::string::npos);
    CHECK(line(template_args(subject(4), of_site)).find("--reset-values") == std::string::npos);
  }

  TEST_CASE("what is rendered to be judged is the upgrade, and changes nothing") {
    CHECK(line(render_args(subject(3), upgrade())) ==
          "helm --namespace prod upgrade --dry-run=server --install app /trees/app --output json --values "
          "/private/values.yaml");
    CHECK(line(template_args(subject(4), upgrade())) ==
          "helm template app /trees/app --namespace prod --values /private/values.yaml");
    CHECK(line(crds_args(subject(4), upgrade())) == "helm show crds /trees/app");
  }

  TEST_CASE("a rollback always names its revision") {
    CHECK(line(rollback_args(subject(3), 7, std::chrono::seconds(90), false)) ==
          "helm rollback app 7 --wait --timeout 90s --namespace prod");
    CHECK(line(rollback_args(subject(4), 7, std::chrono::seconds(90), true)) ==
          "helm rollback app 7 --wait --timeout 90s --namespace prod --force-conflicts");
  }

  TEST_CASE("fields of others are taken, and what fails is left as it is, only when asked") {
    Upgrade other = upgrade();
    other.take_fields = true;
    other.undo = false;
    const std::string words = line(upgrade_args(subject(4), other));
    CHECK(words.find(" --force-conflicts --wait ") != std::string::npos);
    CHECK(words.find("--rollback-on-failure") == std::string::npos);
  }
}

TEST_SUITE("deploy::helm answers") {
  TEST_CASE("versions are told apart") {
    CHECK(parse_version("v4.1.4+g05fa379\n")->major == 4);
    CHECK(parse_version("v3.16.1+g5a5449d")->minor == 16);
    CHECK_FALSE(parse_version("Client: v2"));
  }

  TEST_CASE("history and the upgrade's answer are read, anything else is refused or ignored") {
    const auto history = parse_history(
        R"([{"revision":1,"updated":"x","status":"deployed","chart":"demo-0.1.0","description":"Install complete"}])");
    REQUIRE(history.size() == 1);
    CHECK(history[0].number == 1);
    CHECK(history[0].is_good());
    CHECK_THROWS_AS(parse_history("[{}]"), base::Error);
    CHECK_THROWS_AS(parse_history("nonsense"), base::Error);
    CHECK(parse_upgrade(R"({"name":"r","version":5,"info":{"status":"deployed"},"manifest":"kind: Secret"})")->number ==
          5);
    CHECK_FALSE(parse_upgrade("Release demo has been cancelled.\n"));
    CHECK_FALSE(parse_upgrade("[]"));
  }

  TEST_CASE("the newest good revision is the deployed one, never a failed or pending one") {
    CHECK(newest_good({{1, "deployed", ""}, {2, "failed", ""}, {3, "pending-upgrade", ""}})->number == 1);
    CHECK(newest_good({{1, "superseded", ""}, {2, "superseded", ""}, {3, "failed", ""}})->number == 2);
    CHECK(newest_good({{1, "superseded", ""}, {6, "deployed", ""}, {7, "deployed", ""}})->number == 7);
    CHECK(newest_good(kUpgraded, 2)->number == 1);
    CHECK(newest_good({{1, "pending-install", ""}}) == nullptr);
  }

  TEST_CASE("a version is found through rollbacks") {
    const History history = {{4, "superseded", "wrktalk 1.0"},
                             {5, "superseded", "wrktalk 2.0"},
                             {6, "superseded", "Rollback to 4"},
                             {7, "deployed", "Rollback to 6"}};
    CHECK(version_of(history, 5) == "2.0");
    CHECK(version_of(history, 7) == "1.0");
    CHECK_FALSE(version_of({{3, "deployed", "Rollback to 1"}}, 3));
    CHECK_FALSE(version_of({{3, "deployed", "Rollback to 3"}}, 3));
    CHECK_FALSE(version_of({{1, "deployed", "Install complete"}}, 1));
    CHECK(origin_of({3, "pending-rollback", "Rollback to 2"}) == 2);
    CHECK_FALSE(origin_of(history[0]));
  }

  TEST_CASE("a revision is known through rollbacks, the newest is noted and read back") {
    const History history = {{4, "superseded", "wrktalk 1.0"},
                             {5, "failed", "wrktalk 2.0"},
                             {6, "superseded", "Rollback to 4"},
                             {7, "deployed", "Rollback to 6"}};
    CHECK(comes_from(history, 7, 7));
    CHECK(comes_from(history, 7, 4));
    CHECK_FALSE(comes_from(history, 7, 5));
    CHECK_FALSE(comes_from(history, 5, 4));
    CHECK_FALSE(comes_from({{3, "deployed", "Rollback to 3"}}, 3, 1));
    CHECK(noted_newest(newest_note(history)) == 7);
    CHECK(noted_newest("{}") == 0);
    CHECK(noted_newest("nonsense") == 0);
    CHECK(Revision{1, "uninstalling", ""}.is_under_way());
    CHECK_FALSE(Revision{1, "uninstalled", ""}.is_under_way());
  }

  TEST_CASE("a label that an upgrade by hand took over from a task's revision is told by the description") {
    CHECK(has_inherited_label({3, "deployed", "Upgrade complete"}));
    CHECK(has_inherited_label({3, "superseded", "Upgrade complete"}));
    CHECK_FALSE(has_inherited_label({3, "deployed", "wrktalk 2.0"}));
    CHECK_FALSE(has_inherited_label({3, "deployed", "Rollback to 1"}));
    CHECK_FALSE(has_inherited_label({3, "failed", "Upgrade \"app\" failed: context deadline exceeded"}));
    CHECK_FALSE(has_inherited_label({3, "pending-upgrade", "Preparing upgrade"}));
  }

  TEST_CASE("another's operation is told from a failure of our own") {
    CHECK(met_another("Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"));
    CHECK(met_another("Error: create: failed to create: secrets \"sh.helm.release.v1.app.v2\" already exists"));
    CHECK_FALSE(met_another("Error: services \"app\" already exists"));
    CHECK_FALSE(met_another("Error: UPGRADE FAILED: context deadline exceeded"));
  }

  TEST_CASE("what a failed upgrade left is told by the history after it") {
    const auto plus = [](std::initializer_list<Revision> more) {
      History history = kUpgraded;
      history.insert(history.end(), more);
      return history;
    };
    CHECK(left_behind(kUpgraded, kUpgraded, "Error: UPGRADE FAILED: template: ...") == Left::untouched);
    CHECK(left_behind(kUpgraded, plus({{3, "failed", ""}, {4, "deployed", "Rollback to 2"}}),
                      "Error: ... rolled back") == Left::put_back);
    CHECK(left_behind(kUpgraded, plus({{3, "pending-upgrade", ""}}), "") == Left::dirty);
    CHECK(left_behind(kUpgraded, plus({{3, "failed", ""}}), "Error: UPGRADE FAILED: context canceled") == Left::dirty);
    CHECK(left_behind(
              kUpgraded, plus({{3, "failed", ""}, {4, "failed", ""}}),
              "Error: UPGRADE FAILED: an error occurred while rolling back the release. original upgrade error: x") ==
          Left::dirty);
    CHECK(left_behind({}, {}, "Error: release fresh failed, and has been uninstalled due to atomic being set: x") ==
          Left::put_back);
    CHECK(left_behind({}, {}, "Error: execution error at (x)") == Left::untouched);
    CHECK(left_behind({}, {{1, "pending-install", ""}}, "") == Left::dirty);
  }

  TEST_CASE("a rollback that stumbled over helm's own record is told from one that waited in vain") {
    CHECK(is_worth_again("Error: no ConfigMap with the name \"kept\" found"));
    CHECK(is_worth_again("Error: original object ConfigMap with the name \"kept\" not found"));
    CHECK_FALSE(is_worth_again("Error: release demo failed: context deadline exceeded"));
    CHECK(waited_in_vain("Error: release demo failed: context deadline exceeded"));
    CHECK_FALSE(waited_in_vain("Error: release: not found"));
  }

  TEST_CASE("a revision's manifest is read, and whether the server applies it") {
    const auto stored = parse_stored(R"({"manifest":"kind: A","apply_method":"ssa","version":3})");
    CHECK(stored.objects == "kind: A");
    CHECK(stored.is_server_side);
    CHECK_FALSE(parse_stored(R"({"manifest":"kind: A"})").is_server_side);
    CHECK(parse_stored("nonsense").objects.empty());
    CHECK(is_there({{1, "failed", ""}}));
    CHECK_FALSE(is_there({{1, "deployed", ""}, {2, "uninstalled", ""}}));
    CHECK_FALSE(is_there({}));
  }

  TEST_CASE("the reason is the error's own text, on one line and bounded") {
    CHECK(reason("level=WARN msg=\"upgrade failed\"\nError: UPGRADE FAILED: not ready\ncontext deadline exceeded\n") ==
          "UPGRADE FAILED: not ready context deadline exceeded");
    CHECK(reason("no error line") == "no error line");
    CHECK(reason("Error: " + std::string(6000, 'x')).size() < 1000);
    CHECK(hint("Error: Kubernetes cluster unreachable: x", "prod").find("KUBECONFIG") != std::string::npos);
    CHECK(
        hint("secrets is forbidden: User \"a\" cannot list resource \"secrets\" in API group", "prod").find("grant") ==
        0);
    CHECK(hint("something new", "prod").empty());
  }
}
