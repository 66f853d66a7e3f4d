// SPDX-License-Identifier: Apache-2.0
#include "core/base/files.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>

using wrktalk::base::Fd;
using wrktalk::base::TempDir;

namespace {

const std::string kContent(5000, 'x');

/// What is in a file that may have no name any more.
std::string content(const Fd& file) {
  std::string text(kContent.size(), '?');
  REQUIRE(::pread(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  return text;
}

struct Tree {
  TempDir folder{wrktalk::base::temporary_parent(), "files-test-"};
  std::string root = folder.path() + "/tree";
  std::string file = root + "/inner/.env";

  Tree() {
    wrktalk::base::make_directories(root + "/inner", 0700);
    wrktalk::base::write_private_file(file, kContent);
  }
  Fd open() const { return Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC)); }
};

}  // namespace

TEST_SUITE("base::wipe_tree") {
  TEST_CASE("files are overwritten before they are removed") {
    const Tree tree;
    const Fd held = tree.open();
    CHECK(wrktalk::base::wipe_tree(tree.root));
    CHECK_FALSE(wrktalk::base::exists(tree.root));
    CHECK(content(held) == std::string(kContent.size(), '\0'));
  }

  TEST_CASE("a file that has another name is only removed") {
    const Tree tree;
    const std::string other = tree.folder.path() + "/other";
    REQUIRE(::link(tree.file.c_str(), other.c_str()) == 0);
    CHECK(wrktalk::base::wipe_tree(tree.root));
    CHECK(wrktalk::base::read_file(other, kContent.size()) == kContent);
  }

  TEST_CASE("what a link points to is left alone, and what is missing is fine") {
    const Tree tree;
    REQUIRE(::symlink(tree.file.c_str(), (tree.folder.path() + "/link").c_str()) == 0);
    CHECK(wrktalk::base::wipe_tree(tree.folder.path() + "/link"));
    CHECK(wrktalk::base::read_file(tree.file, kContent.size()) == kContent);
    CHECK(wrktalk::base::wipe_tree(tree.root + "/missing"));
  }
}

TEST_SUITE("base::remove_tree") {
  TEST_CASE("files are removed as they are") {
    const Tree tree;
    const Fd held = tree.open();
    CHECK(wrktalk::base::remove_tree(tree.root));
    CHECK_FALSE(wrktalk::base::exists(tree.root));
    CHECK(content(held) == kContent);
  }
}

TEST_SUITE("base::TempDir") {
  TEST_CASE("what it holds is overwritten when the owner goes, unless it is no secret") {
    for (const auto holds : {TempDir::Holds::secrets, TempDir::Holds::no_secrets}) {
      std::optional<TempDir> folder(std::in_place, wrktalk::base::temporary_parent(), "files-test-", holds);
      const std::string file = folder->path() + "/.env";
      wrktalk::base::write_private_file(file, kContent);
      const Fd held(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
      TempDir(std::move(*folder));
      CHECK_FALSE(wrktalk::base::exists(file));
      CHECK(content(held) == (holds == TempDir::Holds::secrets ? std::string(kContent.size(), '\0') : kContent));
    }
  }
}
