// SPDX-License-Identifier: Apache-2.0
#include "core/release_manifest/manifest.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace wrktalk;
using namespace release_manifest;
using std::chrono::seconds;

namespace {

Reading lenient(const std::optional<std::string>& chart_type = {}) {
  Reading reading;
  reading.chart_type = chart_type;
  reading.only_supported = false;
  return reading;
}

Manifest parsed(const std::string& text, const Reading& reading = lenient()) {
  return parse(text, "wrktalk.toml", reading);
}

std::string refusal(const std::string& text, const Reading& reading = lenient()) {
  try {
    parsed(text, reading);
  } catch (const base::Error& e) {
    CHECK(e.kind() == base::Kind::artifact);
    return std::string(e.what()) + (e.hint().empty() ? "" : " | " + e.hint());
  }
  return "taken";
}

const std::string kWhole = R"(
[release]
upgrade-from    = ">=1.4"
requires-schema = ["checkpoint>=9", "agent>=3,agent<=20"]
min-agent       = "1.0"

[data]
keep = ["./data/", "uploads", "config/local.yml"]

[settings]
required = ["DOMAIN", "DB_PASSWORD"]

[[hook]]
when = "before-apply"
service = "migrate"
timeout = "5m"

[[hook]]
when = "after-failure"
run = ["bin/tell", "--loud", "a b"]
idempotent = true

[migrations]
dir = "migrations"
database = "app"
on-rollback = "down"

[backup]
before = ["app", "checkpoint"]

[health]
http = "http://127.0.0.1:8080/healthz"
tcp = "[::1]:5432"
expect = 204
steady = "10s"
within = "2m"
)";

}  // namespace

TEST_SUITE("release_manifest::manifest") {
  TEST_CASE("every section is read") {
    const auto all = parsed(kWhole);
    CHECK(all.upgrade_from->text() == ">=1.4");
    CHECK(all.requires_schema == std::vector<std::string>{"checkpoint>=9", "agent>=3", "agent<=20"});
    CHECK(all.min_agent == "1.0");
    CHECK(all.keep == std::vector<std::string>{"data", "uploads", "config/local.yml"});
    CHECK(all.required == std::vector<std::string>{"DOMAIN", "DB_PASSWORD"});
    REQUIRE(all.hooks.size() == 2);
    CHECK(all.hooks[0].service == "migrate");
    CHECK(all.hooks[0].timeout == seconds(300));
    CHECK_FALSE(all.hooks[0].idempotent);
    CHECK(all.hooks[1].run == std::vector<std::string>{"bin/tell", "--loud", "a b"});
    CHECK(all.hooks[1].idempotent);
    CHECK(all.migrations->on_rollback == "down");
    CHECK(all.backup_before == std::vector<std::string>{"app", "checkpoint"});
    CHECK(all.health->expect == 204);
    CHECK(all.health->within == seconds(120));
  }

  TEST_CASE("the JSON form means the same, and is the same for files that mean the same") {
    const std::string json = to_json(parsed(kWhole));
    CHECK(json.find(R"("keep":["data","uploads","config/local.yml"])") != std::string::npos);
    CHECK(to_json(parsed("[data]\nkeep=['data/']\n[release]\nmin-agent='1'")) ==
          to_json(parsed("[release]\nmin-agent = \"1\" # oldest\n[data]\nkeep = [\n  \"data\",\n]")));
    CHECK(to_json(parsed("")) == "{}");
  }

  TEST_CASE("written as TOML it means the same") {
    const auto all = parsed(kWhole);
    CHECK(to_json(parsed(to_toml(all))) == to_json(all));
    CHECK(to_toml(parsed("[data]\nkeep=['x \"y\" \u00e4']")) == "[data]\nkeep = [\"x \\\"y\\\" \u00e4\"]\n");
    CHECK(to_toml(parsed("")).empty());
  }

  TEST_CASE("a stored manifest is read as strictly") {
    CHECK(to_json(from_json("{}", "release 1.0")) == "{}");
    const auto why = [](const std::string& json) {
      try {
        from_json(json, "the manifest of 1.0");
      } catch (const base::Error& e) {
        return std::string(e.what());
      }
      return std::string("taken");
    };
    CHECK(why("[]") == "the manifest of 1.0: it is no JSON object");
    CHECK(why("{") == "the manifest of 1.0: it is no JSON object");
    CHECK(why(R"({"chaos": {}})").find("\"chaos\" is no key of it") != std::string::npos);
    CHECK(why(R"({"data": {"keep": ["../x"]}})").find("leaves the release's tree") != std::string::npos);
    CHECK(why(R"({"data": {"keep": [null]}})").find("must be texts") != std::string::npos);
    CHECK(why(R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}}})").find("nested") != std::string::npos);
  }

  TEST_CASE("the oldest agent is told also of a manifest that cannot be read") {
    CHECK(min_agent_of(R"({"release":{"min-agent":"9"},"new-thing":1})") == "9");
    CHECK_FALSE(min_agent_of(R"({"release":[]})"));
    CHECK_FALSE(min_agent_of(R"({"release":{"min-agent":9}})"));
    CHECK_FALSE(min_agent_of("nonsense"));
  }

  TEST_CASE("what is wrong is named with file, line and key") {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"[relase]\n", "wrktalk.toml:1: \"relase\" is no key of it: did you mean release?"},
        {"\nrelease = 3\n", "wrktalk.toml:2: [release] is a whole number, and must be a section"},
        {"[release]\nmin-agnet = \"1\"\n",
         "wrktalk.toml:2: [release] \"min-agnet\" is no key of it: did you mean min-agent?"},
        {"[release]\nzzz = \"1\"\n", "known are min-agent, requires-schema, upgrade-from"},
        {"[release]\nmin-agent = 1\n",
         "wrktalk.toml:2: [release] min-agent is a whole number, and must be a text in quotes"},
        {"[release]\nmin-agent = \"soon\"\n", "wrktalk.toml:2: [release] min-agent \"soon\" is no version"},
        {"[release]\nupgrade-from = \"1.4\"\n", "wrktalk.toml:2: [release] upgrade-from cannot be read"},
        {"[release]\nrequires-schema = [\"x>9\"]\n", "wrktalk.toml:2: [release] requires-schema cannot be read"},
        {"[release]\nrequires-schema = \"checkpoint>=9\"\n", "requires-schema is a text, and must be a list of texts"},
        {"[data]\nkeep = [\"/srv\"]\n", "wrktalk.toml:2: [data] keep \"/srv\" is not below the release's tree"},
        {"[data]\nkeep = [\"a/../../b\"]\n", "wrktalk.toml:2: [data] keep \"a/../../b\" leaves the release's tree"},
        {"[data]\nkeep = [\".\"]\n", "is no plain path"},
        {"[data]\nkeep = [\"a//b\"]\n", "is no plain path"},
        {"[data]\nkeep = [\"a\\\\b\"]\n", "has a backslash"},
        {"[data]\nkeep = [\"\"]\n", "has an empty text in it"},
        {"[data]\nkeep = []\n", "is an empty list"},
        {"[data]\nkeep = [3]\n", "keep has a whole number in it, and must be texts"},
        {"[data]\nkeep = [\"a\", \"a\"]\n", "names \"a\" twice"},
        {"[data]\nkeep = [\"a\", \"a/\"]\n", "one path inside of another: a, a"},
        {"[data]\nkeep = [\"a/b\", \"a\"]\n", "one path inside of another: a/b, a"},
        {"[data]\nkeep = [\"wrktalk.toml\"]\n", "names wrktalk.toml"},
        {"[data]\nkeep = [\"a\\u001bb\"]\n", "characters that cannot be seen"},
        {"[settings]\nrequired = [\"A B\"]\n", "wrktalk.toml:2: [settings] required has \"A B\" in it"},
        {"[[hook]]\nservice = \"x\"\n", "wrktalk.toml:1: [[hook]] 1 has no when"},
        {"[hook]\nwhen = \"x\"\n", "wrktalk.toml:1: [[hook]] is written once for each hook, in double brackets"},
        {"[[hook]]\nwhen = \"before-aply\"\nservice = \"x\"\n",
         "wrktalk.toml:2: [[hook]] 1 when cannot be \"before-aply\": did you mean before-apply?"},
        {"[[hook]]\nwhen = \"before-apply\"\n", "needs one of service (compose) and run (host)"},
        {"[[hook]]\nwhen = \"before-apply\"\nservice = \"x\"\nrun = [\"y\"]\n", "needs one of service"},
        {"[[hook]]\nwhen = \"before-apply\"\nrun = [\"/bin/sh\"]\n",
         "wrktalk.toml:3: [[hook]] 1 run \"/bin/sh\" is not below"},
        {"[[hook]]\nwhen = \"before-apply\"\nrun = [\"../x\"]\n", "leaves the release's tree"},
        {"[[hook]]\nwhen = \"before-apply\"\nservice = \"-x\"\n", "is no name of a service"},
        {"[[hook]]\nwhen = \"before-apply\"\nservice = \"x\"\ntimeout = \"0s\"\n",
         "wrktalk.toml:4: [[hook]] 1 timeout \"0s\" is too short"},
        {"[[hook]]\nwhen = \"before-apply\"\nservice = \"x\"\ntimeout = \"25h\"\n", "is too long"},
        {"[[hook]]\nwhen = \"before-apply\"\nservice = \"x\"\ntimeout = \"soon\"\n", "is no time"},
        {"[[hook]]\nwhen = \"before-apply\"\nservice = \"x\"\ntimeout = 5\n",
         "timeout is a whole number, and must be a text"},
        {"[[hook]]\nwhen = \"before-apply\"\nservice = \"x\"\nidempotent = \"yes\"\n",
         "idempotent is a text, and must be true or false"},
        {"[migrations]\ndatabase = \"app\"\n", "wrktalk.toml:1: [migrations] has no dir"},
        {"[migrations]\ndir = \"m\"\n", "has no database"},
        {"[migrations]\ndir = \"../m\"\ndatabase = \"app\"\n", "leaves the release's tree"},
        {"[migrations]\ndir = \"m\"\ndatabase = \"App\"\n", "is no name of a database"},
        {"[migrations]\ndir = \"m\"\ndatabase = \"app\"\non-rollback = \"up\"\n", "known are keep, down, restore"},
        {"[backup]\nbefore = [\"a;b\"]\n", "is no name of a database"},
        {"[backup]\nbefore = [\"db\"]\n", "is the agent's own database"},
        {"[health]\n", "needs http or tcp"},
        {"[health]\nhttp = \"ftp://x\"\n", "wrktalk.toml:2: [health] http \"ftp://x\" is no URL"},
        {"[health]\nhttp = \"http://me:pw@x/\"\n", "is no URL"},
        {"[health]\nhttp = \"http://x:70000/\"\n", "is no URL"},
        {"[health]\nhttp = \"http://x:0/\"\n", "is no URL"},
        {"[health]\nhttp = \"http://x/\"\nexpect = 20\n", "between 100 and 599"},
        {"[health]\ntcp = \"x\"\n", "is no address"},
        {"[health]\ntcp = \"x:1\"\nexpect = 200\n", "there is no http"},
        {"[health]\ntcp = \"x:1\"\nwithin = \"0s\"\n", "wrktalk.toml:3: [health] within \"0s\" is too short"},
        {"[health]\ntcp = \"x:1\"\nsteady = \"5m\"\n", "steady must be shorter than within"},
        {"[data]\nkeep = [\"a\"]\n[data]\nkeep = [\"b\"]\n",
         "wrktalk.toml line 3, column 1: a key or a section is written twice"},
        {"nonsense", "wrktalk.toml line 1, column 9: this is not TOML | see `wrktalk release init`"},
    };
    for (const auto& [text, part] : cases) {
      CAPTURE(text);
      const auto said = refusal(text);
      CAPTURE(said);
      CHECK(said.find(part) != std::string::npos);
    }
  }

  TEST_CASE("numbers of things have limits") {
    std::string hooks;
    for (int i = 0; i < 1000; ++i) hooks += "[[hook]]\nwhen = \"after-apply\"\nservice = \"x\"\n";
    CHECK(refusal(hooks).find("[[hook]] is there 1000 times, and may be there 50 times") != std::string::npos);
    std::string paths = "[data]\nkeep = [";
    for (int i = 0; i < 101; ++i) paths += "\"p" + std::to_string(i) + "\",";
    CHECK(refusal(paths + "]").find("has 101 entries, and may have 100") != std::string::npos);
    CHECK(refusal("#" + std::string(kLargestFile, 'x')).find("it is larger than") != std::string::npos);
  }

  TEST_CASE("what has no meaning for a type of release is refused") {
    CHECK(refusal("[data]\nkeep = [\"x\"]\n", lenient("helm")).find("wrktalk.toml:1: [data] is for compose") == 0);
    const std::string service = "[[hook]]\nwhen = \"before-apply\"\nservice = \"x\"\n";
    CHECK(refusal(service, lenient("helm")).find("not for charts") != std::string::npos);
    CHECK(refusal(service, lenient("host")).find("say what to run") != std::string::npos);
    CHECK(refusal(service, lenient("compose")) == "taken");
    const std::string run = "[[hook]]\nwhen = \"before-apply\"\nrun = [\"x\"]\n";
    CHECK(refusal(run, lenient("compose")).find("name a service") != std::string::npos);
    CHECK(refusal(run, lenient("host")) == "taken");
  }

  TEST_CASE("a way up that nothing older can take is refused") {
    auto reading = lenient();
    reading.version = "2.0";
    CHECK(refusal("[release]\nupgrade-from = \">=2.0\"\n", reading).find("fits no version that is older") !=
          std::string::npos);
    CHECK(refusal("[release]\nupgrade-from = \">=1.0\"\n", reading) == "taken");
    reading.version = "nightly";
    CHECK(refusal("[release]\nupgrade-from = \">=1.0\"\n", reading).find("begins with a number") != std::string::npos);
  }

  TEST_CASE("a section that this program does nothing for is refused, never left out") {
    Reading reading;
    const std::string head = "\n[migrations]\ndir = \"m\"\ndatabase = \"app\"\n";
    const auto said = refusal(head + "on-rollback = \"restore\"\n", reading);
    CHECK(said.find("wrktalk.toml:5: [migrations] on-rollback \"restore\" is not supported by this version") == 0);
    CHECK(refusal(head + "on-rollback = \"down\"\n", reading) == "taken");
    CHECK(refusal("[backup]\nbefore = [\"app\"]\n", reading) == "taken");
  }

  TEST_CASE("the commented example is taken, and with its comments off, too") {
    for (const std::string type : {"helm", "compose", "host"}) {
      CAPTURE(type);
      std::string text = commented_example(type);
      CHECK(to_json(parsed(text, lenient(type))) == "{}");
      for (std::size_t at = 0; (at = text.find("\n#", at)) != std::string::npos; ++at) {
        if (text.at(at + 2) != ' ') text.erase(at + 1, 1);
      }
      CAPTURE(text);
      CHECK(to_json(parsed(text, lenient(type))).find("min-agent") != std::string::npos);
    }
  }
}
