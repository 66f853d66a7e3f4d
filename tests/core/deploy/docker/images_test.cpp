// SPDX-License-Identifier: Apache-2.0
#include "core/agent/stored_images.hpp"
#include "core/artifact/tar_writer.hpp"
#include "core/base/text.hpp"
#include "core/exec/run.hpp"
#include "tests/core/deploy/before.hpp"
#include "tests/core/deploy/support.hpp"
#include "tests/core/images/image_layout.hpp"

#include <cstdlib>
#include <functional>
#include <memory>
#include <unistd.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::test;
using wrktalk::test::ImageSite;
using wrktalk::test::Layout;

namespace {

exec::Outcome run(std::vector<std::string> argv) {
  exec::Spec spec;
  spec.argv = std::move(argv);
  spec.keep_bytes = 16 * 1024 * 1024;
  for (char** entry = environ; *entry != nullptr; ++entry) spec.environment.emplace_back(*entry);
  base::NoPulse quiet;
  return exec::run(spec, quiet);
}

std::string layer_with(const std::string& name, const std::string& content) {
  std::string bytes;
  artifact::TarWriter tar([&](std::string_view piece) { bytes.append(piece); });
  tar.file(name, content);
  tar.finish();
  return bytes;
}

/// The layer of the engine's test image, which has a shell.
const std::string& base_layer() {
  static const std::string kLayer = [] {
    const base::TempDir dir("/tmp", "images-test-");
    run({"sh", "-c",
         "docker save wrktalk-test:1 | tar -x -C " + dir.path() + " && cat " + dir.path() + "/*/layer.tar >" +
             dir.path() + "/base"});
    return base::read_file(dir.path() + "/base", 64 * 1024 * 1024);
  }();
  return kLayer;
}

/// A compose target whose releases carry images, in a database of its own.
class Site {
 public:
  explicit Site(std::string compose) {
    static int count = 0;
    project_ = "images-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
    repository_ = "127.0.0.1:9/" + project_ + "/shop";
    settings_.compose_bin = std::move(compose);
    settings_.compose_working_dir = dir_.path();
    settings_.compose_project = project_;
    settings_.compose_settle = std::chrono::seconds(1);
    // Nobody else's layers: what is measured here is ours alone.
    base_ = base_layer();
    unique_ = layer_with("unique", project_ + std::string(2'000'000, 'u') + wrktalk::test::noise(3'000'000, 7));
  }
  ~Site() {
    deployer_.reset();
    run({"sh", "-c",
         "docker ps -aq --filter label=com.docker.compose.project=" + project_ + " | xargs -r docker rm -f"});
    run({"docker", "network", "rm", project_ + "_default"});
    forget_images();
  }

  const std::string& repository() const { return repository_; }
  /// Untags all of ours, which removes them where no container holds them.
  void forget_images() {
    run({"sh", "-c",
         "docker image ls --format '{{.Repository}}:{{.Tag}}' | grep '/" + project_ + "/' | xargs -r docker rmi -f"});
  }

  /// Stores a release that carries one image which says `word`, and unpacks it.
  Release release(const std::string& version, const std::string& reference, const std::string& word,
                  const std::string& layer_type = images::kOciLayer) {
    Layout layout;
    const std::string digest = layout.add("x", {base_, unique_, layer_with("word", word + "\n")}, layer_type);
    std::string named = reference;
    if (const auto at = named.find("@D"); at != std::string::npos) named.replace(at, 2, "@" + digest);
    layout.images[0].reference = named;
    const std::string id = site_.db
                               .run(
                                   "INSERT INTO release_artifact (release_version, chart_type, artifact_data, sha256) "
                                   "VALUES ($1, 'compose', '', "
                                   "repeat('0', 64)) RETURNING id",
                                   version)[0][0]
                               .as<std::string>();
    layout.store(site_.db, id);
    const Release made{version, begin().home(version), {}, {}};
    write(made.tree + "/docker-compose.yml",
          "version: \"3.8\"\nservices:\n  web:\n    image: " + named +
              "\n    init: true\n    stop_grace_period: 1s\n    command: [\"httpd\", \"-f\", \"-p\", \"8080\"]\n");
    return made;
  }

  std::string bring(const Release& release) { return deployer_->images()->bring(release, pulse); }
  void deploy(const Release& release) {
    begin();
    bring(release);
    deployer_->apply(release, pulse);
    deployer_->health(release, pulse);
  }
  Deployer& begin() {
    deployer_.reset();
    deployer_ = make_deployer(parse_target("docker:" + project_), settings_, {"task-" + std::to_string(++tasks_)},
                              fence_.get(), {}, &source());
    return *deployer_;
  }
  ImageSource& source() {
    if (other) return *other;
    stored_ = std::make_unique<agent::StoredImages>(link_);
    return *stored_;
  }
  agent::DatabaseLink& link() { return link_; }
  Deployer& deployer() { return *deployer_; }

  std::string word() {
    const std::string id =
        base::trim(run({"docker", "ps", "-q", "--filter", "label=com.docker.compose.project=" + project_}).out);
    return base::trim(run({"docker", "exec", id, "cat", "/word"}).out);
  }
  std::string image(const std::string& name) {
    return base::trim(run({"docker", "image", "inspect", "--format", "{{.Id}}", name}).out);
  }
  db::Session& db() { return site_.db; }

  base::NoPulse pulse;
  ImageSource* other = nullptr;

 private:
  ImageSite site_;
  agent::DatabaseLink link_{site_.database.settings(), agent::Listen::no, nullptr};
  std::unique_ptr<agent::StoredImages> stored_;
  base::TempDir dir_{"/tmp", "images-test-"};
  Settings settings_;
  LongFence fence_;
  std::string project_;
  std::string repository_;
  std::string base_;
  std::string unique_;
  std::unique_ptr<Deployer> deployer_;
  int tasks_ = 0;
};

bool have_engine() {
  return wrktalk::test::have("docker", std::getenv("DOCKER_HOST") != nullptr && run({"docker", "version"}).good(),
                             "DOCKER_HOST and an engine are needed");
}

void with_each_compose(const std::function<void(Site&)>& check) {
  if (!have_engine()) return;
  for (const std::string compose : {"docker", "docker-compose"}) {
    const bool there =
        compose == "docker" ? run({"docker", "compose", "version"}).good() : run({"docker-compose", "version"}).good();
    if (!wrktalk::test::have(compose == "docker" ? "docker compose" : compose, there, "it does not run")) continue;
    CAPTURE(compose);
    Site site(compose);
    check(site);
  }
}

/// Says that the engine has a layer more than it has, once: as when somebody removes an image meanwhile.
class Optimist : public ImageSource {
 public:
  explicit Optimist(agent::DatabaseLink& link) : stored_(link) {}
  std::vector<CarriedImage> images(const std::string& version, const Platform& platform, base::Pulse& p) override {
    return stored_.images(version, platform, p);
  }
  bool is_same(const std::string& one, const std::string& other) const override { return stored_.is_same(one, other); }
  std::int64_t size(const Stream& stream, base::Pulse& p) override { return stored_.size(stream, p); }
  void write(const Stream& stream, const std::function<void(std::string_view)>& sink, base::Pulse& p) override {
    Stream wrong = stream;
    if (++writes == 1) wrong.images[0].present = wrong.images[0].image.diff_ids.size() - 1;
    stored_.write(wrong, sink, p);
  }
  int writes = 0;

 private:
  agent::StoredImages stored_;
};

}  // namespace

TEST_SUITE("images of releases on an engine") {
  TEST_CASE("a release brings its image to an engine that lacks it, whatever way it is named; no registry answers") {
    with_each_compose([](Site& site) {
      for (const std::string name : {":1", "@D", ":2@D"}) {
        CAPTURE(name);
        const Release release =
            site.release("1.0" + std::to_string(name.size()), site.repository() + name, "word" + name);
        CHECK(site.deployer().images()->to_load(release, site.pulse).size() == 1);
        CHECK(site.deployer().images()->to_pull(release, site.pulse).empty());
        site.deploy(release);
        CHECK(site.word() == "word" + name);
        CHECK(site.deployer().images()->to_load(release, site.pulse).empty());
        CHECK(site.bring(release) == "images: 1 image there already");
      }
    });
  }

  TEST_CASE("the next release moves only the layers that changed; without the base all of them") {
    if (!have_engine()) return;
    Site site("docker");
    const Release first = site.release("1.0", site.repository() + ":1", "one");
    const std::string whole = site.bring(first);
    CHECK(whole.find("1 image loaded from the release, ") != std::string::npos);
    const Release second = site.release("2.0", site.repository() + ":2", "two");
    const std::string part = site.bring(second);
    CAPTURE(part);
    CHECK(part.find("of their layers were there already") != std::string::npos);
    CHECK(part.find(" kB (7.1 MB of their layers") != std::string::npos);

    site.forget_images();
    Optimist optimist(site.link());
    site.other = &optimist;
    site.begin();
    CHECK(site.bring(second).find("1 image loaded") != std::string::npos);
    CHECK(optimist.writes == 2);
    CHECK(site.image(site.repository() + ":2").size() == 71);
  }

  TEST_CASE("a tag that moved between releases means what the release says: deploy, put back, roll back") {
    with_each_compose([](Site& site) {
      const std::string tag = site.repository() + ":latest";
      const Release first = site.release("1.0", tag, "one");
      site.deploy(first);
      const std::string one = site.image(tag);
      const Release second = site.release("2.0", tag, "two");
      const Before before = site.begin().before(site.pulse);
      site.bring(second);
      site.deployer().apply(second, site.pulse);
      CHECK(site.word() == "two");
      CHECK(site.image(tag) != one);
      site.deployer().put_back(before, {}, site.pulse);
      CHECK(site.word() == "one");
      CHECK(site.image(tag) == one);

      site.deploy(second);
      CHECK(site.word() == "two");
      Release back = first;
      back.ran = before;
      site.begin();
      site.bring(back);
      site.deployer().apply(back, site.pulse);
      CHECK(site.word() == "one");
    });
  }

  TEST_CASE("what was pruned from the engine is loaded for a rollback and for a put-back") {
    with_each_compose([](Site& site) {
      const Release first = site.release("1.0", site.repository() + ":1", "one");
      site.deploy(first);
      const Before before = site.begin().before(site.pulse);
      const Release second = site.release("2.0", site.repository() + ":2@D", "two");
      site.deploy(second);
      run({"docker", "rmi", site.repository() + ":1"});
      CHECK(site.image(site.repository() + ":1").empty());
      site.begin().put_back(before, {}, site.pulse);
      CHECK(site.word() == "one");
      site.deploy(second);
      run({"docker", "rmi", site.repository() + ":1"});
      site.deploy(first);
      CHECK(site.word() == "one");
    });
  }

  TEST_CASE("one flipped byte: the load fails, nothing is named, and what runs is untouched") {
    if (!have_engine()) return;
    Site site("docker");
    site.deploy(site.release("1.0", site.repository() + ":1", "one"));
    const Release second = site.release("2.0", site.repository() + ":2", "two");
    site.db().run(
        "UPDATE image_blob_chunk c SET data = set_byte(data, 600, get_byte(data, 600) # 1) FROM release_image_blob b "
        "JOIN "
        "release_artifact a ON a.id = b.artifact_id WHERE a.release_version = '2.0' AND c.digest = b.digest AND "
        "c.digest "
        "NOT IN (SELECT o.digest FROM release_image_blob o JOIN release_artifact oa ON oa.id = o.artifact_id WHERE "
        "oa.release_version = '1.0') AND b.media_type LIKE '%layer%'");
    try {
      site.bring(second);
      FAIL("the damage was not seen");
    } catch (const base::Error& e) {
      CHECK(e.kind() == base::Kind::artifact);
      CHECK(std::string(e.what()).find("is damaged") != std::string::npos);
    }
    CHECK(site.image(site.repository() + ":2").empty());
    const auto error = step_error([&] { site.deployer().apply(second, site.pulse); });
    CHECK(error.left() == Left::untouched);
    CHECK(site.word() == "one");
  }

  TEST_CASE("layers that zstd packed run on an engine that does not know it") {
    if (!have_engine()) return;
    Site site("docker");
    site.deploy(site.release("1.0", site.repository() + ":1", "packed", "application/vnd.oci.image.layer.v1.tar+zstd"));
    CHECK(site.word() == "packed");
  }
}
