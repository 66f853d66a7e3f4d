// SPDX-License-Identifier: Apache-2.0
#include "core/base/files.hpp"
#include "tests/cmd/wrktalk.hpp"
#include "tests/support/pg_cluster.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;

namespace {

/// What bash offers at the end of `words`; the last word is being typed.
std::string bash_offers(const std::string& words) {
  const std::string script =
      "source <(\"$0\" completion bash); COMP_WORDS=($1); [[ $1 == *' ' ]] && COMP_WORDS+=('');"
      "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _wrktalk; echo \"${COMPREPLY[*]}\"";
  const auto ran = test::run({"bash", "-c", script, test::binary(), words});
  CHECK(ran.err.empty());
  return base::trim(ran.out);
}

bool there(const std::string& shell) { return test::run({shell, "--version"}).good(); }

}  // namespace

TEST_SUITE("cmd::completion") {
  TEST_CASE("bash completes commands, options and values") {
    CHECK(bash_offers("wrktalk conf") == "config");
    CHECK(bash_offers("wrktalk config ") == "show");
    CHECK(bash_offers("wrktalk -y config s") == "show");
    CHECK(bash_offers("wrktalk config show --db-ho") == "--db-host");
    CHECK(bash_offers("wrktalk config show -o j") == "json");
    CHECK(bash_offers("wrktalk config show --config ").empty());
  }

  TEST_CASE("zsh loads the script and defines the completion") {
    if (!test::have("zsh", there("zsh"), "zsh is not installed")) return;
    const auto ran = test::run({"zsh", "-fc",
                                "autoload -Uz compinit && compinit -D -u && source <($0 completion zsh) && "
                                "[[ $_comps[wrktalk] == _wrktalk ]] && whence -w _wrktalk",
                                test::binary()});
    CHECK(ran.err.empty());
    CHECK(ran.out == "_wrktalk: function\n");
  }

  TEST_CASE("fish completes commands and options") {
    if (!test::have("fish", there("fish"), "fish is not installed")) return;
    const base::TempDir home(base::private_parent(), "fish-");
    const std::vector<std::string> environment = {"HOME=" + home.path(), "PATH=/usr/bin:/bin"};
    const auto offers = [&](const std::string& words) {
      return test::run({"fish", "--no-config", "-c",
                        "\"" + test::binary() + "\" completion fish | source; complete -C '" + words + "'"},
                       environment);
    };
    CHECK(offers("wrktalk conf").out == "config\tSettings and where each comes from\n");
    CHECK(offers("wrktalk config sh").out.find("show\t") == 0);
    CHECK(offers("wrktalk config show --db-ho").out.find("--db-host\t") == 0);
  }
}
