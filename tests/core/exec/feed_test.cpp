// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/sha256.hpp"
#include "core/exec/fence.hpp"
#include "core/exec/run.hpp"
#include "tests/core/exec/children.hpp"

#include <string>

using namespace wrktalk;
using namespace wrktalk::exec;
using namespace wrktalk::exec::test;
using End = Outcome::End;

namespace {

constexpr std::size_t kPiece = 256 * 1024;

Spec fed(const std::string& script, std::function<void(const Feed&)> input) {
  Spec spec = shell(script);
  spec.input = std::move(input);
  return spec;
}

/// Counts its ticks, and throws at one of them.
class CountingPulse : public base::Pulse {
 public:
  explicit CountingPulse(int throw_at = 0) : throw_at_(throw_at) {}
  base::Deadline watch(std::vector<pollfd>&) override { return base::Deadline::in(milliseconds(10)); }
  void tick() override {
    if (++ticks == throw_at_) throw base::Error(base::Kind::cancelled, "asked to end");
  }
  int ticks = 0;

 private:
  int throw_at_;
};

}  // namespace

TEST_CASE("a child gets all that it is fed, and then the end of its input") {
  for (const bool fenced : {false, true}) {
    CAPTURE(fenced);
    Fence fence;
    fence.renew(base::BootClock::now(), std::chrono::hours(1));
    base::Sha256 sent;
    Spec spec = fed("sha256sum", [&](const Feed& feed) {
      for (int i = 0; i < 40; ++i) {
        const std::string piece(kPiece, static_cast<char>('a' + i % 26));
        sent.update(piece.data(), piece.size());
        CHECK(feed(piece));
      }
    });
    if (fenced) spec.fence = &fence;
    base::NoPulse pulse;
    const Outcome outcome = run(spec, pulse);
    CHECK(outcome.good());
    CHECK(outcome.out == sent.hex() + "  -\n");
  }
}

TEST_CASE("a child that prints more than a pipe holds while it is fed does not stall") {
  base::NoPulse pulse;
  Spec spec = fed("tee /dev/stderr", [&](const Feed& feed) {
    for (int i = 0; i < 8; ++i) CHECK(feed(std::string(kPiece, 'x') + "\n"));
  });
  spec.timeout = std::chrono::seconds(20);
  CHECK(run(spec, pulse).good());
}

TEST_CASE("a child that takes no more ends the input, not us") {
  base::NoPulse pulse;
  bool took = true;
  const Outcome outcome = run(fed("head -c 10 >/dev/null; exit 3",
                                  [&](const Feed& feed) {
                                    while (took) took = feed(std::string(kPiece, 'x'));
                                  }),
                              pulse);
  CHECK(outcome.end == End::exited);
  CHECK(outcome.code == 3);
}

TEST_CASE("the pulse goes on while a child does not read, and its time limit begins anew with what it takes") {
  CountingPulse pulse;
  Spec spec = fed("sleep 0.4; head -c 3000000 >/dev/null; sleep 0.4; cat >/dev/null", [&](const Feed& feed) {
    for (int i = 0; i < 24; ++i) CHECK(feed(std::string(kPiece, 'x')));
  });
  spec.timeout = milliseconds(700);
  CHECK(run(spec, pulse).good());
  CHECK(pulse.ticks > 20);

  spec = fed("sleep 100", [&](const Feed& feed) {
    while (feed(std::string(kPiece, 'x'))) {
    }
  });
  spec.timeout = milliseconds(200);
  spec.grace = milliseconds(200);
  CHECK(run(spec, pulse).end == End::timed_out);
}

TEST_CASE("what fails while a child is fed ends the child before it could take the input for whole") {
  const base::TempDir dir("/tmp", "feed-test-");
  const std::string mark = dir.path() + "/whole";
  SUBCASE("the source") {
    base::NoPulse pulse;
    CHECK_THROWS_WITH(run(fed("cat >/dev/null; touch " + mark,
                              [](const Feed& feed) {
                                feed("half");
                                throw base::Error(base::Kind::artifact, "damaged");
                              }),
                          pulse),
                      "damaged");
  }
  SUBCASE("the pulse") {
    CountingPulse pulse(5);
    CHECK_THROWS_WITH(run(fed("cat >/dev/null; touch " + mark,
                              [](const Feed& feed) {
                                while (feed("x")) {
                                }
                              }),
                          pulse),
                      "asked to end");
  }
  CHECK_FALSE(base::exists(mark));
}
