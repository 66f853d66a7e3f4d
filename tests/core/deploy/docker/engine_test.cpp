// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/engine.hpp"

#include "core/deploy/compose_tool.hpp"
#include "core/exec/fence.hpp"
#include "tests/support/have.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace wrktalk;

TEST_SUITE("deploy::Engine") {
  TEST_CASE("what only speaks of an engine that is away, while it answers, is not done for half an hour") {
    if (!test::have("docker", std::getenv("DOCKER_HOST") != nullptr, "DOCKER_HOST and an engine are needed")) return;
    exec::Fence fence;
    const deploy::Tools tools(deploy::compose_environment(deploy::Settings()), fence, {});
    const deploy::Engine engine(tools, "nothing");
    base::NoPulse pulse;
    int times = 0;
    CHECK_THROWS_AS(engine.despite_outage(pulse,
                                          [&]() -> int {
                                            ++times;
                                            throw deploy::EngineAway("compose up: Connection aborted");
                                          }),
                    deploy::EngineAway);
    CHECK(times == 4);
  }
}
