// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/http/http.hpp"
#include "tests/core/http/loopback_server.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using base::Deadline;
using base::Error;
using base::Kind;
using test::LoopbackServer;

namespace {

std::string answer(const std::string& status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

http::Response send(const http::Request& request, http::Options options = {}, Deadline deadline = Deadline::never()) {
  base::NoPulse pulse;
  return http::Client(std::move(options)).send(request, pulse, deadline);
}

template <class F>
Error error_of(F&& act) {
  try {
    act();
  } catch (const Error& e) {
    return e;
  }
  FAIL("nothing was thrown");
  throw std::logic_error("not reached");
}

}  // namespace

TEST_SUITE("http::Client") {
  TEST_CASE("method, path, headers and body arrive; status and body come back") {
    std::string seen;
    LoopbackServer server([&](const std::string& request) {
      seen = request;
      return answer("201 Created", "", "made");
    });
    const auto response = send({"POST", server.url("/v1/a?b=c"), {{"X-Vault-Token", "s.1"}, {"X-Empty", ""}}, "{}"});
    CHECK(response.status == 201);
    CHECK(response.body == "made");
    CHECK(seen.find("POST /v1/a?b=c HTTP/1.1\r\n") == 0);
    CHECK(seen.find("\r\nX-Vault-Token: s.1\r\n") != std::string::npos);
    CHECK(seen.find("\r\nX-Empty:\r\n") != std::string::npos);
    CHECK(seen.substr(seen.size() - 6) == "\r\n\r\n{}");
  }

  TEST_CASE("an error status is an answer, with the time to wait") {
    LoopbackServer server([](const std::string&) { return answer("429 Slow", "Retry-After: 7\r\n", "x"); });
    const auto response = send({"GET", server.url()});
    CHECK(response.status == 429);
    CHECK(response.retry_after == std::chrono::seconds(7));
  }

  TEST_CASE("a redirect is told, not followed") {
    int requests = 0;
    LoopbackServer server([&](const std::string&) {
      ++requests;
      return answer("307 Moved", "Location: /there\r\n", "");
    });
    const auto response = send({"GET", server.url("/here")});
    CHECK(response.status == 307);
    CHECK(response.redirect == server.url("/there"));
    CHECK(requests == 1);
  }

  TEST_CASE("where the status alone counts, a body that is too large or broken off is no error") {
    http::Options options;
    options.limit_bytes = 10;
    options.status_only = true;
    LoopbackServer large(
        [](const std::string&) { return answer("200 OK", "", "0123456789" + std::string(5000, 'x')); });
    const auto first = send({"POST", large.url(), {}, "x"}, options);
    CHECK(first.status == 200);
    CHECK(first.body == "0123456789");
    LoopbackServer broken(
        [](const std::string&) { return std::string("HTTP/1.1 500 Oh\r\nContent-Length: 100\r\n\r\nabc"); });
    const auto second = send({"POST", broken.url(), {}, "x"}, options);
    CHECK(second.status == 500);
    CHECK(second.body == "abc");
    LoopbackServer silent([](const std::string&) { return std::string(); });
    CHECK(error_of([&] { send({"GET", silent.url()}, options); }).kind() == Kind::connection_lost);
  }

  TEST_CASE("an answer that is too large is refused") {
    LoopbackServer server([](const std::string&) { return answer("200 OK", "", std::string(5000, 'x')); });
    http::Options options;
    options.limit_bytes = 4096;
    const Error e = error_of([&] { send({"GET", server.url()}, options); });
    CHECK(e.kind() == Kind::configuration);
    CHECK(std::string(e.what()).find("larger than 4.1 kB") != std::string::npos);
  }

  TEST_CASE("nobody listens: the error names host and port and may pass") {
    int port = 0;
    {
      port = LoopbackServer([](const std::string&) { return std::string(); }).port();
    }
    const std::string peer = "127.0.0.1:" + std::to_string(port);
    const Error e = error_of([&] { send({"GET", "http://" + peer}); });
    CHECK(e.kind() == Kind::connection_lost);
    CHECK(std::string(e.what()).find(peer + ": ") == 0);
  }

  TEST_CASE("a name that nobody knows and a connection that is closed may pass, too") {
    CHECK(error_of([] { send({"GET", "https://nowhere.invalid"}); }).kind() == Kind::connection_lost);
    LoopbackServer server([](const std::string&) { return std::string(); });
    CHECK(error_of([&] { send({"GET", server.url()}); }).kind() == Kind::connection_lost);
  }

  TEST_CASE("a server without TLS at an https address is a wrong setting") {
    LoopbackServer server([](const std::string&) { return answer("400 Bad", "", ""); });
    const Error e = error_of([&] { send({"GET", "https" + server.url().substr(4)}); });
    CHECK(e.kind() == Kind::configuration);
    CHECK(e.hint() == "check that this port speaks TLS");
    LoopbackServer closing([](const std::string&) { return std::string(); });
    CHECK(error_of([&] { send({"GET", "https" + closing.url().substr(4)}); }).kind() == Kind::connection_lost);
  }

  TEST_CASE("addresses that cannot be right are refused without repeating a password") {
    for (const char* bad : {"", "vault:8200", "ftp://host/x", "unix:///run/vault.sock", "http://"}) {
      CAPTURE(bad);
      CHECK(error_of([&] { send({"GET", bad}); }).kind() == Kind::configuration);
    }
    const Error e = error_of([] { send({"GET", "http://me:hunter2@host/"}); });
    CHECK(std::string(e.what()).find("hunter2") == std::string::npos);
  }

  TEST_CASE("http:// to another machine is refused unless that host is allowed by name") {
    const auto refused = [](const std::string& url, std::vector<std::string> allowed) {
      http::Options options;
      options.plain_hosts = std::move(allowed);
      options.connect_timeout = options.timeout = std::chrono::milliseconds(100);
      const Error e = error_of([&] { send({"GET", url}, options, Deadline::in(std::chrono::milliseconds(200))); });
      return std::string(e.what()).find("would be readable by everybody in between") != std::string::npos;
    };
    CHECK(refused("http://vault.invalid:8200", {}));
    CHECK(refused("http://VAULT.invalid:8200", {"other.invalid", "vault.invalid:8201"}));
    CHECK(refused("http://127.evil.invalid", {}));
    CHECK_FALSE(refused("http://vault.invalid:8200", {"vault.invalid"}));
    CHECK_FALSE(refused("http://vault.invalid:8200", {"vault.invalid:8200"}));
    CHECK_FALSE(refused("https://vault.invalid:8200", {}));
    CHECK_FALSE(refused("http://127.0.0.2:1", {}));
    CHECK_FALSE(refused("http://localhost:1", {}));
    CHECK(error_of([] {
            send({"GET", "http://vault.invalid"});
          }).hint() == "use https://; or allow this host by WRKTALK_AGENT_ALLOW_HTTP=vault.invalid");
  }

  TEST_CASE("a line break in a header's value is refused and not repeated") {
    const Error e = error_of([] { send({"GET", "http://127.0.0.1", {{"X-Vault-Token", "s.1\r\nX-Evil: 1"}}}); });
    CHECK(e.kind() == Kind::configuration);
    CHECK(std::string(e.what()).find("s.1") == std::string::npos);
  }

  TEST_CASE("a server that is silent is given up at the deadline, while the pulse goes on") {
    std::atomic<bool> ended{false};
    LoopbackServer server([&](const std::string&) {
      while (!ended) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return std::string();
    });
    struct Counting : base::NoPulse {
      Deadline watch(std::vector<pollfd>&) override { return Deadline::in(std::chrono::milliseconds(10)); }
      void tick() override { ++ticks; }
      int ticks = 0;
    } pulse;
    http::Client client({});
    const Error e = error_of([&] {
      client.send({"GET", server.url()}, pulse, Deadline::in(std::chrono::milliseconds(300)));
    });
    CHECK(e.kind() == Kind::connection_lost);
    CHECK(pulse.ticks > 5);

    struct Ending : base::NoPulse {
      void tick() override { throw Error(Kind::terminated, "asked to end"); }
    } ending;
    CHECK(error_of([&] { client.send({"GET", server.url()}, ending, Deadline::never()); }).kind() == Kind::terminated);
    ended = true;
  }
}

TEST_SUITE("http::encoded_path") {
  TEST_CASE("slashes and plain characters stay, all else is encoded") {
    CHECK(http::encoded_path("kv/a-b_c.d~1/Z") == "kv/a-b_c.d~1/Z");
    CHECK(http::encoded_path("a b?c#%\xC3\xA9") == "a%20b%3Fc%23%25%C3%A9");
  }
}
