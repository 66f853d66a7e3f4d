// SPDX-License-Identifier: Apache-2.0
#include "core/exec/run.hpp"
#include "tests/core/deploy/before.hpp"
#include "tests/core/deploy/support.hpp"
#include "tests/support/pg_cluster.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <unistd.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::test;
using std::chrono::milliseconds;

namespace {

const char* const kDeployment = R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: 1
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
      annotations: {note: {{ .Values.note | quote }}, testbed/ready: {{ .Values.ready | quote }}}
    spec: {containers: [{name: app, image: example/app}]}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}}
stringData: {word: "in-the-manifest"}
)";

/// Runs until `when` says so, then does `what`, once.
class Meanwhile : public base::Pulse {
 public:
  Meanwhile(std::function<bool()> when, std::function<void()> what) : when_(std::move(when)), what_(std::move(what)) {}
  base::Deadline watch(std::vector<pollfd>&) override { return base::Deadline::in(milliseconds(100)); }
  void tick() override {
    if (done_ || !when_()) return;
    done_ = true;
    what_();
  }

 private:
  std::function<bool()> when_;
  std::function<void()> what_;
  bool done_ = false;
};

class Cluster {
 public:
  Cluster(std::string helm, std::string prefix) : helm_(std::move(helm)) {
    static int count = 0;
    namespace_ = prefix + "-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
    settings.helm_bin = helm_;
    settings.helm_timeout = std::chrono::seconds(40);
  }
  ~Cluster() { run({"kubectl", "delete", "namespace", namespace_, "--wait=false", "--ignore-not-found"}); }

  std::unique_ptr<Deployer> deployer(const std::string& task = "task-1") {
    return make_deployer(parse_target("kubernetes:" + namespace_ + "/app"), settings, {task}, fence);
  }

  /// A chart as `helm package` lays it out, in a folder of its own name.
  Release release(Deployer& deployer, const std::string& version, const std::string& ready = "yes",
                  const std::string& deployment = kDeployment) {
    Release made;
    made.version = version;
    made.tree = deployer.home(version);
    write(made.tree + "/app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 0.1.0\n");
    write(made.tree + "/app/values.yaml", "note: none\n");
    write(made.tree + "/app/templates/all.yaml", deployment);
    made.values_file = dir.path() + "/values-" + version;
    write(*made.values_file, "note: \"" + version + "\"\nready: \"" + ready + "\"\n", 0600);
    return made;
  }
  Applied deploy(const std::string& version) {
    const auto one = deployer();
    return one->apply(release(*one, version), pulse);
  }

  std::string run(std::vector<std::string> argv) {
    exec::Spec spec;
    spec.argv = std::move(argv);
    for (const char* name : {"PATH", "HOME", "KUBECONFIG"}) {
      if (const char* value = std::getenv(name)) spec.environment.push_back(std::string(name) + "=" + value);
    }
    base::NoPulse quiet;
    return exec::run(spec, quiet).out;
  }
  bool shows(const std::string& status) {
    return run({helm_, "history", "app", "-n", namespace_, "-o", "json"}).find("\"" + status + "\"") !=
           std::string::npos;
  }
  /// The running helm, by force: its guard's only child.
  void kill_helm() const {
    const std::string guard = std::to_string(guard_.pid);
    const std::string children = base::read_file("/proc/" + guard + "/task/" + guard + "/children", 1000);
    REQUIRE_FALSE(children.empty());
    ::kill(std::stoi(children), SIGKILL);
  }
  /// A helm that was killed while its release was pending.
  StepError killed_while(Deployer& deployer, const Release& broken, const std::string& status) {
    Meanwhile pulse_([&] { return shows(status); }, [&] { kill_helm(); });
    return step_error([&] { deployer.apply(broken, pulse_); });
  }
  /// An operation that somebody does by hand, and does not wait for.
  std::string by_hand(std::vector<std::string> words) {
    words.insert(words.begin(), helm_);
    words.insert(words.end(), {"-n", namespace_});
    return run(words);
  }
  std::size_t revisions() {
    const std::string history = by_hand({"history", "app", "-o", "json"});
    std::size_t count = 0;
    for (std::size_t at = history.find("\"revision\""); at != std::string::npos;
         at = history.find("\"revision\"", at + 1)) {
      ++count;
    }
    return count;
  }
  std::string note() {
    return run({"kubectl", "get", "deployment", "app", "-n", namespace_, "-o",
                "jsonpath={.spec.template.metadata.annotations.note}"});
  }

  base::TempDir dir{"/tmp", "helm-test-"};
  Settings settings;
  exec::Fence fence{[this](const exec::ProcessId& id) { guard_ = id; }};
  base::NoPulse pulse;

 private:
  std::string helm_;
  std::string namespace_;
  exec::ProcessId guard_;
};

bool is_there(const char* program) {
  const std::string path = std::getenv("PATH") == nullptr ? "" : std::getenv("PATH");
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find(':', start), path.size());
    if (::access((path.substr(start, end - start) + "/" + program).c_str(), X_OK) == 0) return true;
    start = end + 1;
  }
  return false;
}

/// Each case runs with both makes of helm.
void with_each_helm(const char* prefix, const std::function<void(Cluster&)>& check) {
  if (!wrktalk::test::have("kubernetes", std::getenv("KUBECONFIG") != nullptr && is_there("kubectl"),
                           "KUBECONFIG and kubectl are needed")) {
    return;
  }
  for (const char* helm : {"helm", "helm3"}) {
    if (!wrktalk::test::have(helm, is_there(helm), "it is not in PATH")) continue;
    CAPTURE(helm);
    Cluster cluster(helm, prefix);
    check(cluster);
  }
}

}  // namespace

TEST_SUITE("deploy::helm on a cluster") {
  TEST_CASE("a release is installed with its namespace, upgraded and rolled back through helm's history") {
    with_each_helm("cycle", [](Cluster& cluster) {
      const auto deployer = cluster.deployer();
      deployer->preflight(cluster.pulse);
      CHECK(deployer->observe(cluster.pulse).state == State::absent);
      const Release first = cluster.release(*deployer, "1.0");
      deployer->check(first, cluster.pulse);
      CHECK(deployer->apply(first, cluster.pulse).revision == 1);
      deployer->health(first, cluster.pulse);
      CHECK(cluster.deploy("2.0").revision == 2);
      CHECK(cluster.note() == "2.0");
      const auto back = deployer->revisions()->go_to(1, cluster.pulse);
      REQUIRE(back);
      CHECK(back->revision == 3);
      CHECK(cluster.note() == "1.0");
      const Observed seen = deployer->observe(cluster.pulse);
      CHECK(seen.state == State::running);
      CHECK(seen.version == "1.0");
      CHECK(seen.revision == 3);
      CHECK_FALSE(deployer->revisions()->go_to(99, cluster.pulse));
    });
  }

  TEST_CASE("an upgrade that never gets ready is undone by helm, and says why without its manifest") {
    with_each_helm("never", [](Cluster& cluster) {
      cluster.deploy("1.0");
      cluster.settings.helm_timeout = std::chrono::seconds(6);
      const auto deployer = cluster.deployer();
      const auto error =
          step_error([&] { deployer->apply(cluster.release(*deployer, "2.0", "never"), cluster.pulse); });
      CHECK(error.left() == Left::put_back);
      CHECK(std::string(error.what()).find("context deadline exceeded") != std::string::npos);
      CHECK_FALSE(error.hint().empty());
      CHECK(error.evidence().find("in-the-manifest") == std::string::npos);
      CHECK(deployer->observe(cluster.pulse).version == "1.0");
      CHECK(cluster.note() == "1.0");
    });
  }

  TEST_CASE("a first install that never gets ready leaves nothing") {
    with_each_helm("first", [](Cluster& cluster) {
      cluster.settings.helm_timeout = std::chrono::seconds(6);
      const auto deployer = cluster.deployer();
      CHECK(step_error([&] { deployer->apply(cluster.release(*deployer, "1.0", "never"), cluster.pulse); }).left() ==
            Left::put_back);
      CHECK(deployer->observe(cluster.pulse).state == State::absent);
    });
  }

  TEST_CASE("a chart that cannot be rendered leaves what runs untouched") {
    with_each_helm("render", [](Cluster& cluster) {
      cluster.deploy("1.0");
      const auto deployer = cluster.deployer();
      const Release broken = cluster.release(*deployer, "2.0", "yes", "a: {{ .Values.image.repository }}\n");
      CHECK(step_error([&] { deployer->apply(broken, cluster.pulse); }).left() == Left::untouched);
      CHECK(deployer->observe(cluster.pulse).revision == 1);
    });
  }

  TEST_CASE("what a killed upgrade left is told by its task's label, is busy for others, and is recovered") {
    with_each_helm("killed", [](Cluster& cluster) {
      cluster.deploy("1.0");
      const auto deployer = cluster.deployer("task-2");
      const auto error = cluster.killed_while(*deployer, cluster.release(*deployer, "2.0", "never"), "pending-upgrade");
      CHECK(error.left() == Left::dirty);
      const Observed seen = cluster.deployer("task-3")->observe(cluster.pulse);
      CHECK(seen.state == State::pending);
      CHECK(seen.owner_task == "task-2");

      const auto other = cluster.deployer("task-3");
      const auto try_to = [](const std::function<void()>& act) {
        try {
          act();
        } catch (const base::Error& e) {
          return e.kind();
        }
        return base::Kind::failed;
      };
      CHECK(try_to([&] { other->apply(cluster.release(*other, "3.0"), cluster.pulse); }) == base::Kind::busy);
      CHECK(try_to([&] { other->recover(seen, cluster.pulse); }) == base::Kind::busy);
      CHECK(try_to([&] { other->revisions()->go_to(1, cluster.pulse); }) == base::Kind::busy);

      cluster.deployer("task-2")->recover(seen, cluster.pulse);
      CHECK(other->observe(cluster.pulse).version == "1.0");
      CHECK(cluster.deploy("3.0").revision.has_value());
      CHECK(cluster.note() == "3.0");
    });
  }

  TEST_CASE("what a killed rollback left tells where it was going, and is recovered by who knows that it was his") {
    with_each_helm("rollback", [](Cluster& cluster) {
      cluster.deploy("1.0");
      cluster.deploy("2.0");
      const auto deployer = cluster.deployer("task-9");
      Meanwhile pulse([&] { return cluster.shows("pending-rollback"); }, [&] { cluster.kill_helm(); });
      CHECK(step_error([&] { deployer->revisions()->go_to(1, pulse); }).left() == Left::dirty);
      Observed seen = deployer->observe(cluster.pulse);
      CHECK(seen.state == State::pending);
      CHECK(seen.rolls_back_to == 1);
      CHECK(seen.owner_task == "task-1");
      CHECK_THROWS_AS(deployer->recover(seen, cluster.pulse), base::Error);
      seen.owner_task = "task-9";
      deployer->recover(seen, cluster.pulse);
      CHECK(deployer->observe(cluster.pulse).version == "2.0");
    });
  }

  TEST_CASE("what a killed first install left is removed") {
    with_each_helm("install", [](Cluster& cluster) {
      const auto deployer = cluster.deployer();
      CHECK(cluster.killed_while(*deployer, cluster.release(*deployer, "1.0", "never"), "pending-install").left() ==
            Left::dirty);
      deployer->recover(deployer->observe(cluster.pulse), cluster.pulse);
      CHECK(deployer->observe(cluster.pulse).state == State::absent);
      CHECK(cluster.deploy("1.0").revision == 1);
    });
  }

  TEST_CASE("a dirty upgrade is put back to the revision that ran before") {
    with_each_helm("putback", [](Cluster& cluster) {
      cluster.deploy("1.0");
      const auto deployer = cluster.deployer();
      cluster.killed_while(*deployer, cluster.release(*deployer, "2.0", "never"), "pending-upgrade");
      const auto applied = deployer->put_back(ran_before(1), {}, cluster.pulse);
      CHECK(applied.revision == 3);
      CHECK(cluster.note() == "1.0");
      CHECK(deployer->put_back(ran_before(3), {}, cluster.pulse).revision == 3);  // again: nothing to do
    });
  }

  TEST_CASE("what ran before is the newest revision that was whole") {
    with_each_helm("before", [](Cluster& cluster) {
      CHECK(cluster.deployer()->before(cluster.pulse).state == Before::State::nothing);
      cluster.deploy("1.0");
      const Before first = cluster.deployer()->before(cluster.pulse);
      CHECK(first.state == Before::State::running);
      CHECK(first.revision == 1);
      CHECK(first.version == "1.0");
      // A revision that failed by somebody's hands: the one before it still runs.
      const auto one = cluster.deployer();
      const std::string chart = cluster.release(*one, "2.0").tree + "/app";
      cluster.by_hand({"upgrade", "app", chart, "--set", "ready=never", "--wait", "--timeout", "3s"});
      REQUIRE(cluster.shows("failed"));
      const Before second = cluster.deployer()->before(cluster.pulse);
      CHECK(second.state == Before::State::running);
      CHECK(second.revision == 1);
      CHECK(second.way_back == "{\"newest\":2}");
    });
  }

  TEST_CASE("somebody else's operation is busy, and no undoing touches it") {
    with_each_helm("foreign", [](Cluster& cluster) {
      cluster.deploy("1.0");
      const Before before = cluster.deployer("task-3")->before(cluster.pulse);
      const auto theirs = cluster.deployer("task-2");
      cluster.killed_while(*theirs, cluster.release(*theirs, "2.0", "never"), "pending-upgrade");

      const auto ours = cluster.deployer("task-3");
      const auto busy = [](const std::function<void()>& act) {
        try {
          act();
        } catch (const base::Error& e) {
          return e.kind() == base::Kind::busy &&
                 std::string(e.what()).find("started by task task-2") != std::string::npos;
        }
        return false;
      };
      CHECK(busy([&] { ours->before(cluster.pulse); }));
      CHECK(busy([&] { ours->apply(cluster.release(*ours, "3.0"), cluster.pulse); }));
      const auto refused = step_error([&] { ours->put_back(before, {}, cluster.pulse); });
      CHECK(refused.left() == Left::not_put_back);
      CHECK(std::string(refused.what()).find("another helm operation on ") == 0);
      CHECK(step_error([&] { ours->put_back(nothing_before(), {}, cluster.pulse); }).left() == Left::not_put_back);
      CHECK(cluster.shows("pending-upgrade"));
      CHECK(cluster.revisions() == 2);
    });
  }

  TEST_CASE("what somebody else deployed meanwhile is not rolled back, and what others made is not uninstalled") {
    with_each_helm("meanwhile", [](Cluster& cluster) {
      const auto ours = cluster.deployer("task-1");
      const std::string chart = cluster.release(*ours, "2.0").tree + "/app";
      cluster.by_hand({"install", "app", chart, "--create-namespace", "--set", "ready=yes", "--set", "note=theirs"});
      CHECK(step_error([&] { ours->put_back(nothing_before(), {}, cluster.pulse); }).left() == Left::not_put_back);
      CHECK(cluster.note() == "theirs");

      const Before before = ours->before(cluster.pulse);
      CHECK(before.revision == 1);
      CHECK_FALSE(before.version);
      ours->apply(cluster.release(*ours, "2.0"), cluster.pulse);
      // helm hands the label of our revision on to theirs.
      cluster.by_hand({"upgrade", "app", chart, "--set", "ready=yes", "--set", "note=rescued"});
      const auto refused = step_error([&] { ours->put_back(before, {}, cluster.pulse); });
      CHECK(refused.left() == Left::not_put_back);
      CHECK(std::string(refused.what()).find("revision 3 of ") == 0);
      CHECK(cluster.note() == "rescued");
      // They bring back the very revision that ran before: there is nothing left to do.
      cluster.by_hand({"rollback", "app", "1"});
      CHECK(ours->put_back(before, {}, cluster.pulse).revision == 4);
      CHECK(cluster.note() == "theirs");
    });
  }

  TEST_CASE("a rollback that did not do well is put back to where it came from") {
    with_each_helm("way", [](Cluster& cluster) {
      cluster.deploy("1.0");
      cluster.deploy("2.0");
      const Before before = cluster.deployer("task-9")->before(cluster.pulse);
      CHECK(before.revision == 2);
      cluster.deployer("task-9")->revisions()->go_to(1, cluster.pulse);
      CHECK(cluster.note() == "1.0");
      CHECK(cluster.deployer("task-9")->put_back(before, {}, cluster.pulse).revision == 4);
      CHECK(cluster.note() == "2.0");
    });
  }

  TEST_CASE("a first install of this task is uninstalled when nothing ran before") {
    with_each_helm("nothing", [](Cluster& cluster) {
      cluster.deploy("1.0");
      const auto deployer = cluster.deployer();
      deployer->put_back(nothing_before(), {}, cluster.pulse);
      CHECK(deployer->observe(cluster.pulse).state == State::absent);
      CHECK_NOTHROW(deployer->put_back(nothing_before(), {}, cluster.pulse));  // again
    });
  }

  TEST_CASE("a cancelled upgrade lets helm put itself back, and the wish passes") {
    with_each_helm("cancel", [](Cluster& cluster) {
      cluster.deploy("1.0");
      const auto deployer = cluster.deployer();
      Meanwhile pulse([&] { return cluster.shows("pending-upgrade"); },
                      [] { throw base::Error(base::Kind::cancelled, "cancelled by an operator"); });
      CHECK_THROWS_WITH_AS(deployer->apply(cluster.release(*deployer, "2.0", "never"), pulse),
                           "cancelled by an operator", base::Error);
      CHECK(deployer->observe(cluster.pulse).version == "1.0");
      CHECK(deployer->observe(cluster.pulse).state == State::running);
    });
  }

  TEST_CASE("a cluster that does not answer and a tool that is not there are named, with what to do") {
    with_each_helm("away", [](Cluster& cluster) {
      const std::string config = std::getenv("KUBECONFIG");
      write(cluster.dir.path() + "/config",
            "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{name: x, cluster: {server: "
            "\"https://127.0.0.1:9\"}}]\ncontexts: [{name: x, context: {cluster: x, user: x}}]\nusers: [{name: x}]\n",
            0600);
      ::setenv("KUBECONFIG", (cluster.dir.path() + "/config").c_str(), 1);
      try {
        cluster.deployer()->preflight(cluster.pulse);
        FAIL("it answered");
      } catch (const base::Error& e) {
        CHECK(e.kind() == base::Kind::child);
        CHECK(std::string(e.what()).find("connection refused") != std::string::npos);
        CHECK(e.hint().find("KUBECONFIG") != std::string::npos);
      }
      ::setenv("KUBECONFIG", config.c_str(), 1);
      cluster.settings.helm_bin = "/no/such/helm";
      CHECK_THROWS_WITH_AS(cluster.deployer()->preflight(cluster.pulse),
                           "/no/such/helm could not be started: No such file or directory", base::Error);
    });
  }

  TEST_CASE("a working folder goes with its task, and what a dead one left is swept") {
    with_each_helm("tidy", [](Cluster& cluster) {
      auto deployer = cluster.deployer();
      const Release release = cluster.release(*deployer, "1.0");
      const std::string parent = release.tree.substr(0, release.tree.rfind("/task-1-"));
      write(parent + "/dead-task/1.0/app/Chart.yaml", "x");
      cluster.deployer("task-2")->tidy({}, cluster.pulse);
      CHECK_FALSE(base::exists(parent + "/dead-task"));
      CHECK(base::exists(release.tree));
      deployer.reset();
      CHECK_FALSE(base::exists(release.tree.substr(0, release.tree.rfind('/'))));
    });
  }

  TEST_CASE("what helm would apply is judged before, hooks and definitions with it, and changes nothing") {
    with_each_helm("judged", [](Cluster& cluster) {
      const std::string more =
          "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: {{ .Release.Name }}-x}\n"
          "---\napiVersion: v1\nkind: Pod\nmetadata: {name: hook, annotations: {\"helm.sh/hook\": pre-install}}\n"
          "spec: {hostPID: true, containers: [{name: c, image: example/app@sha256:0}]}\n";
      const auto warned = std::vector<std::string>{
          "policy: ClusterRole app-x gives rights in the whole cluster (cluster_roles)",
          "policy: Pod hook shares a namespace with the host: hostPID (host_namespaces)",
          "policy: CustomResourceDefinition foos.example.org changes the cluster's API (crds)"};
      const auto deployer = cluster.deployer();
      const Release bad = cluster.release(*deployer, "1.0", "yes", kDeployment + more);
      const std::string definition =
          "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: foos.example.org}\n"
          "spec: {group: example.org, scope: Namespaced, names: {kind: Foo, plural: foos},\n"
          "  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}\n";
      write(bad.tree + "/app/crds/foo.yaml", definition);
      CHECK(deployer->check(bad, cluster.pulse) == warned);
      // An object of its own definition cannot be rendered from the cluster: helm alone renders it.
      write(bad.tree + "/app/templates/foo.yaml", "apiVersion: example.org/v1\nkind: Foo\nmetadata: {name: f}\n");
      auto also = deployer->check(bad, cluster.pulse);
      std::sort(also.begin(), also.end());
      auto sorted = warned;
      std::sort(sorted.begin(), sorted.end());
      CHECK(also == sorted);

      cluster.settings.policy = policy::Policy(policy::Level::strict);
      cluster.settings.policy.set(policy::Rule::unpinned_images, policy::Action::allow);
      const auto strict = cluster.deployer("task-2");
      CHECK_THROWS_AS(strict->check(bad, cluster.pulse), base::Error);
      const Release broken = cluster.release(*strict, "1.1", "yes", "{{ fail \"no\" }}");
      CHECK_THROWS_WITH_AS(strict->check(broken, cluster.pulse),
                           doctest::Contains("the policy cannot judge this chart"), base::Error);
      const Release good = cluster.release(*strict, "1.2");
      CHECK(strict->check(good, cluster.pulse).empty());
      CHECK(cluster.revisions() == 0);

      // Rendered otherwise when it is applied: the release is there then.
      CHECK(strict->apply(good, cluster.pulse).revision == 1);
      const Release sly = cluster.release(*strict, "1.3", "yes",
                                          kDeployment + std::string("{{ if .Values.sly }}") + more + "{{ end }}");
      CHECK(strict->check(sly, cluster.pulse).empty());
      write(*sly.values_file, "note: \"1.3\"\nready: \"yes\"\nsly: true\n", 0600);
      const auto error = step_error([&] { strict->apply(sly, cluster.pulse); });
      CHECK(error.left() == Left::dirty);
      CHECK(std::string(error.what()).find("rendered otherwise") != std::string::npos);
      CHECK(strict->put_back(ran_before(1), {}, cluster.pulse).summary.find("rolled back to revision 1") !=
            std::string::npos);
      CHECK(cluster.note() == "1.2");
    });
  }
}
