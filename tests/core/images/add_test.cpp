// SPDX-License-Identifier: Apache-2.0
#include "core/images/add.hpp"

#include "core/images/prune.hpp"
#include "tests/core/images/layouts.hpp"

#include <atomic>
#include <thread>

using namespace wrktalk;
using namespace wrktalk::test;

namespace {

struct AddSite : ImageSite {
  base::TempDir folder{"/tmp", "wrktalk-images-"};
  std::string archive;

  AddSite() : archive(folder.path() + "/bundle.tar") { base::write_file(archive, Tar().file("a", "b").bytes(), 0644); }

  images::Plan plan(const LayoutFiles& layout, const std::string& name = "layout") {
    const auto path = layout.write_folder(folder.path() + "/" + name);
    return images::make_plan({{path, std::nullopt}}, {}, {images::parse_platform("linux/amd64")}, pulse);
  }

  artifact::Stored add(db::raw::Connection& on, const images::Plan& plan, const std::string& version) {
    const images::ReleaseImages companion(plan);
    const auto file = artifact::check_file(archive, "host", {}, pulse);
    for (;;) {
      const auto delta = images::compare(on, plan, pulse);
      images::check_contents(delta, pulse);
      images::send(on, delta, pulse);
      try {
        return artifact::store(on, file, {version, {}, {}}, pulse, {}, &companion);
      } catch (const base::Error& error) {
        if (error.kind() != base::Kind::busy) throw;
      }
    }
  }

  std::string copied(const images::Blob& blob) {
    std::string out;
    images::read_blob(
        raw, blob, [&](auto piece) { out += piece; }, pulse);
    return out;
  }
};

LayoutFiles shop(const std::vector<std::string>& layers, const std::string& name = "shop:1") {
  LayoutFiles layout;
  layout.top(layout.manifest(layers), name);
  return layout;
}

}  // namespace

TEST_SUITE("images::add") {
  TEST_CASE("what is stored is what was read; a second release sends only what is new") {
    if (!test::have_postgres()) return;
    AddSite site;
    const std::string large = noise(1'500'000, 1);
    const auto first = site.plan(shop({large, "", "small"}));
    const auto one = site.add(site.raw, first, "1").artifact;
    for (const auto& blob : images::blobs_of(site.db, one.id)) CHECK(digest_of(site.copied(blob)) == blob.digest);
    REQUIRE(images::images_of(site.db, one.id).size() == 1);
    CHECK(images::images_of(site.db, one.id)[0].size == first.size());

    const auto second = site.plan(shop({large, "", "other"}), "second");
    const auto delta = images::compare(site.raw, second, site.pulse);
    CHECK(delta.to_send.size() == 3);
    CHECK(delta.bytes_to_send < 2'000);
    const auto two = site.add(site.raw, second, "2").artifact;
    CHECK(images::blobs_of(site.db, two.id).size() == 5);
    CHECK(site.count("image_blob") == 8);
  }

  TEST_CASE("a blob that was damaged is replaced by what is sent again, others are left alone") {
    if (!test::have_postgres()) return;
    AddSite site;
    const auto plan = site.plan(shop({noise(600'000, 1), "small"}));
    const auto id = site.add(site.raw, plan, "1").artifact.id;
    const auto blobs = images::blobs_of(site.db, id);
    CHECK(images::damaged_among(site.raw, blobs, site.pulse).empty());
    site.db.run("UPDATE image_blob_chunk SET data = set_byte(data, 7, get_byte(data, 7) # 1) WHERE seq = 1");
    const auto damaged = images::damaged_among(site.raw, blobs, site.pulse);
    REQUIRE(damaged.size() == 1);
    const auto delta = images::compare(site.raw, plan, site.pulse, damaged);
    REQUIRE(delta.to_send.size() == 1);
    images::send(site.raw, delta, site.pulse);
    for (const auto& blob : blobs) CHECK(digest_of(site.copied(blob)) == blob.digest);
    CHECK(site.count("image_blob") == static_cast<std::int64_t>(blobs.size()));
  }

  TEST_CASE("the same release again changes nothing; with other images, or none, it is refused") {
    if (!test::have_postgres()) return;
    AddSite site;
    const auto plan = site.plan(shop({"one"}));
    CHECK_FALSE(site.add(site.raw, plan, "1").was_there);
    CHECK(site.add(site.raw, plan, "1").was_there);
    const auto other = site.plan(shop({"two"}), "other");
    CHECK_THROWS_WITH_AS(site.add(site.raw, other, "1"), doctest::Contains("is there already with other images"),
                         base::Error);
    CHECK_THROWS_WITH_AS(site.add(site.raw, {}, "1"), doctest::Contains("is there already with other images"),
                         base::Error);
  }

  TEST_CASE("a flipped byte is found before anything is stored") {
    if (!test::have_postgres()) return;
    AddSite site;
    auto layout = shop({noise(700'000, 2), "small"});
    for (auto& [name, bytes] : layout.files) {
      if (bytes.size() == 700'000) bytes[400'000] = static_cast<char>(bytes[400'000] ^ 1);
    }
    const auto plan = site.plan(layout);
    CHECK_THROWS_WITH_AS(site.add(site.raw, plan, "1"), doctest::Contains("is damaged"), base::Error);
    CHECK(site.count("image_blob") == 0);
    CHECK(site.count("release_artifact") == 0);
    // Also one that changes after it was checked.
    CHECK_THROWS_AS(images::send(site.raw, images::compare(site.raw, plan, site.pulse), site.pulse), base::Error);
    CHECK(site.db.run("SELECT FROM image_blob WHERE size_bytes = 700000").empty());
    CHECK(site.db
              .run("SELECT FROM image_blob b WHERE size_bytes > 0 AND NOT EXISTS (SELECT FROM image_blob_chunk c WHERE "
                   "c.digest = b.digest)")
              .empty());
  }

  TEST_CASE("two adds of the same blobs at a time store them once") {
    if (!test::have_postgres()) return;
    AddSite site;
    const auto plan = site.plan(shop({noise(3'000'000, 3), noise(2'000'000, 4)}));
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        try {
          db::raw::Connection own(site.database.settings());
          base::NoPulse pulse;
          const auto delta = images::compare(own, plan, pulse);
          images::send(own, delta, pulse);
          artifact::store(own, artifact::check_file(site.archive, "host", {}, pulse), {std::to_string(i), {}, {}},
                          pulse, {}, std::make_unique<images::ReleaseImages>(plan).get());
        } catch (...) {
          ++failed;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(failed == 0);
    CHECK(site.count("image_blob") == 4);
    CHECK(site.count("release_image") == 4);
  }
}

TEST_SUITE("images::prune") {
  TEST_CASE("blobs go with the last release that needs them") {
    if (!test::have_postgres()) return;
    AddSite site;
    const auto one = site.add(site.raw, site.plan(shop({"shared", "one"})), "1").artifact;
    site.add(site.raw, site.plan(shop({"shared", "two"}), "two"), "2");
    CHECK(site.count("image_blob") == 7);
    const auto blobs = images::blobs_of(site.db, one.id);
    site.db.run("DELETE FROM release_artifact WHERE id = $1::uuid", one.id);
    const auto freed = images::prune(site.db, blobs, site.pulse);
    CHECK(freed.blobs == 3);
    CHECK(freed.bytes > 3);
    CHECK(site.count("image_blob") == 4);
    CHECK(site.count("image_blob_chunk") == 4);
  }

  TEST_CASE("what an interrupted add left stays for a day") {
    if (!test::have_postgres()) return;
    AddSite site;
    const auto plan = site.plan(shop({"one"}));
    images::send(site.raw, images::compare(site.raw, plan, site.pulse), site.pulse);
    CHECK(images::prune(site.db, {}, site.pulse).blobs == 0);
    site.db.run("UPDATE image_blob SET created_at = now() - interval '25 hours'");
    CHECK(images::prune(site.db, {}, site.pulse).blobs == 3);
  }

  TEST_CASE("what an add refers to just now is passed over, without waiting for it") {
    if (!test::have_postgres()) return;
    AddSite site;
    const auto plan = site.plan(shop({"one"}));
    images::send(site.raw, images::compare(site.raw, plan, site.pulse), site.pulse);
    const auto id = site.release("1");
    std::vector<images::Blob> blobs;
    for (const auto& [digest, piece] : plan.pieces) blobs.push_back(piece.blob);
    {
      db::raw::Transaction transaction(site.raw, site.pulse, base::Deadline::in(std::chrono::seconds(9)));
      images::ReleaseImages(plan).write(site.raw, id, site.pulse);
      CHECK(images::prune(site.db, blobs, site.pulse).blobs == 0);
      transaction.commit(site.pulse, base::Deadline::in(std::chrono::seconds(9)));
    }
    CHECK(images::prune(site.db, blobs, site.pulse).blobs == 0);
    CHECK(site.count("image_blob") == 3);
  }

  TEST_CASE("an add that finds its blobs gone sends them again") {
    if (!test::have_postgres()) return;
    AddSite site;
    const auto plan = site.plan(shop({"one"}));
    images::send(site.raw, images::compare(site.raw, plan, site.pulse), site.pulse);
    const auto id = site.release("1");
    auto removal = std::make_unique<db::Transaction>(site.db);
    removal->run("DELETE FROM image_blob");
    std::thread later([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      removal->commit();
    });
    std::optional<base::Kind> refused;
    try {
      images::ReleaseImages(plan).write(site.raw, id, site.pulse);
    } catch (const base::Error& error) {
      refused = error.kind();
    }
    later.join();
    removal.reset();
    CHECK(refused == base::Kind::busy);
    const auto stored = site.add(site.raw, plan, "2").artifact;
    for (const auto& blob : images::blobs_of(site.db, stored.id)) CHECK_NOTHROW(site.copied(blob));
  }

  TEST_CASE("an add and a prune at a time: each release that was stored has all its blobs") {
    if (!test::have_postgres()) return;
    AddSite site;
    const auto plan = site.plan(shop({noise(300'000, 5), "two", "three"}));
    std::atomic<bool> ended{false};
    std::atomic<int> failed{0};
    std::thread pruner([&] {
      base::NoPulse pulse;
      db::Session db(site.database.settings());
      while (!ended) {
        try {
          std::vector<images::Blob> blobs;
          for (const auto& [digest, piece] : plan.pieces) blobs.push_back(piece.blob);
          images::prune(db, blobs, pulse);
        } catch (const base::Error& error) {
          ++failed;
          MESSAGE(error.what());
        }
        // An add that loses sends the blobs again: one that finds no time between two prunes never ends.
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
    for (int i = 0; i < 40; ++i) {
      const auto stored = site.add(site.raw, plan, std::to_string(i)).artifact;
      const auto blobs = images::blobs_of(site.db, stored.id);
      CHECK(blobs.size() == plan.pieces.size());
      for (const auto& blob : blobs) CHECK_NOTHROW(site.copied(blob));
      site.db.run("DELETE FROM release_artifact WHERE id = $1::uuid", stored.id);
    }
    ended = true;
    pruner.join();
    CHECK(failed == 0);
  }
}
