// SPDX-License-Identifier: Apache-2.0
#include "core/log/redactor.hpp"

#include "core/base/base64.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/log/known_secrets.hpp"
#include "core/log/log.hpp"
#include "core/log/ordinary.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace wrktalk;

namespace {

const std::string kSecret = "Zx9-Qw7_Rt5";

struct Form {
  std::string name;
  std::string text;
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

std::vector<Form> forms(const std::string& secret) {
  std::vector<Form> all;
  for (const auto& line : base::split(base::read_file(SECRET_FORMS, 100'000), '\n')) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t bar = line.find('|');
    std::string text = line.substr(bar + 1);
    // What is a backslash in the text stands there twice.
    text = replaced(replaced(text, "\\\\", "\x01"), "\\n", "\n");
    text = replaced(replaced(text, "\\x1b", "\x1b"), "\x01", "\\");
    const std::size_t at = text.find('@');
    text.replace(at, 1, secret);
    all.push_back({line.substr(0, bar), text});
  }
  return all;
}

/// What comes out when the text is read in pieces of so many bytes.
std::string in_pieces(const std::string& text, std::size_t size) {
  std::string out;
  log::Redactor redactor([&](std::string_view piece, bool ended) {
    out += piece;
    if (ended) out += '\n';
  });
  for (std::size_t at = 0; at < text.size(); at += size) redactor.take(std::string_view(text).substr(at, size));
  redactor.finish();
  return out;
}

bool leaks(const std::string& text, const std::string& secret = kSecret) {
  return text.find(secret) != std::string::npos;
}

}  // namespace

TEST_SUITE("log::Redactor") {
  TEST_CASE("every form of a secret is masked, wherever the text is cut between two writes") {
    const auto all = forms(kSecret);
    REQUIRE(all.size() >= 60);
    for (const auto& form : all) {
      CAPTURE(form.name);
      const std::string whole = log::redact(form.text);
      CHECK_MESSAGE(!leaks(whole), whole);
      CHECK(whole.find("***") != std::string::npos);
      CHECK(log::redact(whole) == whole);
      for (std::size_t size = 1; size <= form.text.size(); ++size) {
        const std::string out = in_pieces(form.text, size);
        REQUIRE(base::trim(out) == base::trim(whole));
      }
    }
  }

  TEST_CASE("every form is masked behind and across the longest line that is kept") {
    for (const auto& form : forms(kSecret)) {
      CAPTURE(form.name);
      for (const std::size_t before : {57'340UL, 65'500UL, 65'530UL}) {
        std::string text;
        while (text.size() < before) text += "filling ";
        // Keys of YAML and forms of several lines begin one.
        const bool begins_line = form.text.find('\n') != std::string::npos || base::starts_with(form.name, "YAML");
        text += (begins_line ? "\n" : "") + form.text;
        CHECK_FALSE(leaks(in_pieces(text, 4096)));
      }
    }
  }

  TEST_CASE("a value longer than what is kept is masked to its end, and what follows is shown") {
    const std::string value(300'000, 'k');
    for (const std::string& text :
         {"password=" + value + " and more", "{\"token\":\"" + value + "\",\"more\":1}",
          "key: -----BEGIN PRIVATE KEY-----\\n" + value + "\\n-----END PRIVATE KEY----- more"}) {
      const std::string out = in_pieces(text, 10'000);
      CHECK_FALSE(leaks(out, "kkkkkkkkkkkk"));
      CHECK(out.find("more") != std::string::npos);
    }
  }

  TEST_CASE("a line that never ends is given out in pieces, whole and in order") {
    std::string text;
    for (int i = 0; text.size() < 1'000'000; ++i) text += std::to_string(i) + " \xC3\xA4 ";
    std::size_t most = 0;
    std::string out;
    log::Redactor redactor([&](std::string_view piece, bool) {
      most = std::max(most, piece.size());
      out += piece;
    });
    for (std::size_t at = 0; at < text.size(); at += 777) redactor.take(std::string_view(text).substr(at, 777));
    redactor.finish();
    CHECK(out == text);
    CHECK(most < 140'000);
  }

  TEST_CASE("a registered secret is masked in every form in which tools print it") {
    const std::string secret = "p\"w'1&<>/ä \\x+2";
    const log::SecretScope scope({base::Secret(secret)});
    for (const auto& form : log::forms_of(secret)) {
      CAPTURE(form);
      for (std::size_t size = 1; size < form.size() + 9; ++size)
        REQUIRE(in_pieces("some " + form + " words", size) == "some *** words");
    }
    const std::string file = base::base64("DB=1\nPW=" + secret + "\nMORE=2\n");
    CHECK(log::redact(file).find("***") != std::string::npos);
    CHECK(log::forms_of(secret).size() >= 12);
  }

  TEST_CASE("a registered secret is masked across the longest line, and no longer once its scope is over") {
    {
      const log::SecretScope scope({base::Secret(kSecret), base::Secret("other-Value-1")});
      for (std::size_t before = 65'500; before < 65'560; ++before) {
        const std::string out = in_pieces(std::string(before, 'x') + kSecret + std::string(70'000, 'y'), 4096);
        REQUIRE_FALSE(leaks(out));
      }
      const log::SecretScope again({base::Secret(kSecret)});
    }
    CHECK(log::redact("bare " + kSecret) == "bare " + kSecret);
  }

  TEST_CASE("a great many registered secrets cost little") {
    std::vector<base::Secret> many;
    for (int i = 0; i < 3000; ++i) many.emplace_back("value-number-" + std::to_string(i * 7919));
    const log::SecretScope scope(many);
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "2026-01-01 a line of ordinary output without anything in it\n";
    CHECK(log::redact(text) == text);
    CHECK(log::redact("x value-number-7919 y") == "x *** y");
  }

  TEST_CASE("ordinary words are not eaten") {
    for (const char* text : {
             "Error: UPGRADE FAILED: cannot patch \"web\" with kind Secret: illegal base64 data at input byte 4",
             "Secret: illegal base64",
             "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 4",
             "invalid password: must be at least 8 characters",
             "password authentication failed for user \"app\"",
             "secret \"db-credentials\" not found",
             "Error: secrets \"pull\" is forbidden: User \"system:serviceaccount:a:b\" cannot get resource",
             "token: unexpected end of input",
             "error: oauth: token expired",
             "service auth: ImagePullBackOff: registry.example.org/auth:2.4.0: not found",
             "image: wrktalk/auth:2.4.0",
             "image auth:2.4.0 was pulled from registry.example.org:5000/token:1.2",
             "PWD=/srv/app",
             "passwordFile: /run/secrets/x",
             "--password-file /run/secrets/x",
             "tokenType: Bearer",
             "a key: b value",
             "key: node.kubernetes.io/not-ready",
             "topologyKey: kubernetes.io/hostname",
             "automountServiceAccountToken: false",
             "secretName: web-tls",
             "author: Anna",
             "password=${DB_PASSWORD}",
             "password: <none>",
             "DB_PASSWORD=",
             "bypass: all",
             "Bearer authentication is required",
             "https://example.org:8443/a@b",
             "https://example.org/?mail=a@b.org",
             "nginx:1.25@sha256:0123456789abcdef",
             "sha256 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
             "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
             "2026-11-27T11:52:09.123Z INFO  task.begins  the release is fetched",
         }) {
      CHECK(log::redact(text) == text);
    }
  }

  TEST_CASE("what follows a secret on its line stays readable") {
    CHECK(log::redact("DB_PASSWORD=abc next") == "DB_PASSWORD=*** next");
    CHECK(log::redact("password=a,user=b") == "password=***,user=b");
    CHECK(log::redact("{\"token\":1234,\"a\":1}") == "{\"token\":***,\"a\":1}");
    CHECK(log::redact("map[password:a user:b]") == "map[password:*** user:b]");
    CHECK(log::redact("{\"h\":\"Authorization: Basic abc\",\"b\":2}") == "{\"h\":\"Authorization: ***\",\"b\":2}");
    CHECK(log::redact("PGPASSWORD=a psql: error: it failed") == "PGPASSWORD=*** psql: error: it failed");
    CHECK(log::redact("-----BEGIN PRIVATE KEY-----\nabc\nit failed with 1\nmore") ==
          "-----BEGIN PRIVATE KEY-----\n***\nit failed with 1\nmore");
    CHECK(log::redact("token: |\n  a\n  b\nuser: c") == "token: |\n  ***\n  ***\nuser: c");
  }

  TEST_CASE("the lower part of a PEM block is masked when its beginning was cut off") {
    const std::string line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    CHECK(log::redact(line) == "***");
  }

  TEST_CASE("line ends are kept as they are") {
    for (const char* text : {"", "\n", "a", "a\n", "a\n\n", "\n\na", "a\r\nb\r\n"}) CHECK(log::redact(text) == text);
    CHECK(log::redact(std::string("a\0b\xFF", 4)) ==
          "a\xEF\xBF\xBD"
          "b\xEF\xBF\xBD");
  }
}

TEST_SUITE("log::is_ordinary") {
  TEST_CASE("words of messages and of manifests are, passwords are not") {
    for (const char* word : {"production", "Production", "ClusterIP", "IfNotPresent", "RollingUpdate", "localhost:5432",
                             "postgres", "illegal", "database"}) {
      CHECK_MESSAGE(log::is_ordinary(word), word);
      log::add_secret(base::Secret(word));
      CHECK(log::redact(std::string("a ") + word + " b") == std::string("a ") + word + " b");
    }
    for (const char* secret : {"correcthorse", "Password123", "swordfish", "postgres1", "admin-123", "", "s3cr3t-w0rd"})
      CHECK_MESSAGE(!log::is_ordinary(secret), secret);
  }

  TEST_CASE("a part of a word of ours is not masked, for that would tell what the secret is") {
    log::add_secret(base::Secret("postgre"));
    log::add_secret(base::Secret("sqldump"));
    CHECK(log::redact("install postgresql-client") == "install postgresql-client");
    CHECK(log::redact("PGPASSWORD=x postgre postgre1 -ppostgre") == "PGPASSWORD=*** *** ***1 -p***");
    CHECK(log::redact("user:sqldump@db sqldump") == "user:***@db ***");
    for (const char* word : {"deployment_config", "postgresql-client", "sha256", "2026", "5432"})
      CHECK_MESSAGE(log::is_ordinary(word), word);
    for (const char* secret : {"54321", "2026a", "deployment_configs", "sha2567"})
      CHECK_MESSAGE(!log::is_ordinary(secret), secret);
  }

  TEST_CASE("what a tool quotes of an object that it refuses is masked, and why it does stays") {
    const std::string object =
        R"({"labels":{"a":"b"},"Spec":{"Containers":[{"Env":[{"Name":"PW","Value":"hun}t2"}]}]}})";
    const std::string escaped = R"({\"labels\":{\"a\":\"b\"},\"Env\":[{\"Name\":\"PW\",\"Value\":\"hun}t2\"}]})";
    struct Said {
      std::string before;
      std::string object;
      std::string after;
    };
    for (const Said& said : std::initializer_list<Said>{
             {"Job.batch \"init\" is invalid: spec.template: Invalid value: ", object, ": field is immutable"},
             {R"(level=WARN msg="upgrade failed" error="Job.batch \"init\" is invalid: spec.template: Invalid value: )",
              escaped, R"(: field is immutable")"},
             {R"(cannot patch "demo" with kind Deployment:  "" is invalid: patch: Invalid value: ")", escaped,
              R"(": json: cannot unmarshal string into Go struct field)"},
             {"spec.template: Invalid value: ",
              R"(core.PodTemplateSpec{Spec:core.PodSpec{Env:[]core.EnvVar{{Name:"PW", Value:"hun}t2"}}}})",
              ": field is immutable"},
             {"env[1]: Duplicate value: ", R"(map[string]interface {}{"name":"PW", "value":"hun}t2"})", " and more"},
             {"spec: Unsupported value: ", R"([{"name":"PW","value":"hun}t2"}])", ": supported values: 1"},
             {"- at '/pw': '", "Hunter2!", "' does not match pattern '^[a-z]+$'"},
             {"- at '/mail': '", "hunt er2", "' is not valid email: missing @"},
             {"yaml: unmarshal errors: line 1: cannot unmarshal !!str `", "TOPSECR...",
              "` into map[string]interface {}"},
         }) {
      INFO(said.object);
      CHECK(log::redact(said.before + said.object + said.after) == said.before + "***" + said.after);
    }
    for (const char* kept : {"* spec.schedule: Invalid value: \"61 * * * *\": end of range (61) above maximum (59): 61",
                             "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
                             "spec.type: Unsupported value: \"LoadBalancr\": supported values: \"ClusterIP\"",
                             "- at '/mode': value must be one of 'a', 'b'"})
      CHECK(log::redact(kept) == kept);
  }

  TEST_CASE("an object that is longer than a piece is masked to its line's end") {
    const std::string text =
        "spec: Invalid value: {\"a\":\"" + std::string(200'000, 'x') + "\",\"PW\":\"hun}t2\"}: immutable\nnext";
    for (const std::size_t size : {1000U, 65'536U, 300'000U}) {
      const std::string out = in_pieces(text, size);
      CHECK(out.find("hun}t2") == std::string::npos);
      CHECK(out.find("\nnext") != std::string::npos);
    }
  }
}
