// SPDX-License-Identifier: Apache-2.0
#include "core/observe/metrics.hpp"

#include <doctest/doctest.h>

using namespace wrktalk::observe;
using std::chrono::milliseconds;

namespace {

/// Whether the text has this line.
bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::string text_of(const Status& status) { return Metrics().text(status, status.ticked_at + milliseconds(2500)); }

}  // namespace

TEST_SUITE("observe::metrics") {
  TEST_CASE("tasks are counted by type and result, and all results are there from the start") {
    auto status = new_status("site");
    CHECK(has(text_of(status), "wrktalk_tasks_total{type=\"rollback\",result=\"not_put_back\"} 0"));
    status.count_task("deploy", "completed");
    status.count_task("deploy", "completed");
    status.count_task("something\nfrom a stranger", "failed");
    const auto text = text_of(status);
    CHECK(has(text, "wrktalk_tasks_total{type=\"deploy\",result=\"completed\"} 2"));
    CHECK(has(text, "wrktalk_tasks_total{type=\"other\",result=\"failed\"} 1"));
  }

  TEST_CASE("a duration is in its bucket and in all above") {
    auto status = new_status("site");
    status.phases["apply"].add(milliseconds(500));
    status.phases["apply"].add(std::chrono::hours(1));
    const auto text = text_of(status);
    CHECK(has(text, "wrktalk_phase_duration_seconds_bucket{phase=\"apply\",le=\"0.1\"} 0"));
    CHECK(has(text, "wrktalk_phase_duration_seconds_bucket{phase=\"apply\",le=\"0.5\"} 1"));
    CHECK(has(text, "wrktalk_phase_duration_seconds_bucket{phase=\"apply\",le=\"900\"} 1"));
    CHECK(has(text, "wrktalk_phase_duration_seconds_bucket{phase=\"apply\",le=\"+Inf\"} 2"));
    CHECK(has(text, "wrktalk_phase_duration_seconds_count{phase=\"apply\"} 2"));
    CHECK(has(text, "wrktalk_phase_duration_seconds_sum{phase=\"apply\"} 3600.5"));
  }

  TEST_CASE("a stopwatch adds the time that it has lived") {
    Histogram histogram;
    { const Stopwatch stopwatch(histogram); }
    CHECK(histogram.counts[0] == 1);
    CHECK(histogram.sum_seconds > 0);
  }

  TEST_CASE("what is not known is not shown") {
    auto status = new_status("site");
    CHECK(text_of(status).find("wrktalk_queue_tasks") == std::string::npos);
    CHECK(text_of(status).find("wrktalk_backup") == std::string::npos);
    status.queue = Queue{3, 2, 1, 12.5, 1, 7, 4};
    status.backup = Backup{1769825700, 4096};
    const auto text = text_of(status);
    CHECK(has(text, "wrktalk_queue_tasks{state=\"due\"} 3"));
    CHECK(has(text, "wrktalk_queue_tasks{state=\"scheduled\"} 2"));
    CHECK(has(text, "wrktalk_queue_tasks{state=\"running\"} 1"));
    CHECK(has(text, "wrktalk_queue_oldest_due_seconds 12.5"));
    CHECK(has(text, "wrktalk_maintenance_on 1"));
    CHECK(has(text, "wrktalk_outbox_messages{state=\"waiting\"} 7"));
    CHECK(has(text, "wrktalk_outbox_messages{state=\"given_up\"} 4"));
    CHECK(has(text, "wrktalk_backup_last_success_timestamp_seconds 1769825700"));
    CHECK(has(text, "wrktalk_backup_last_success_size_bytes 4096"));
  }

  TEST_CASE("the age of the last tick is that at the time of the question") {
    CHECK(has(text_of(new_status("site")), "wrktalk_loop_tick_age_seconds 2.5"));
  }

  TEST_CASE("a name is quoted") {
    CHECK(has(text_of(new_status("a\"b\\c")),
              "wrktalk_build_info{agent=\"a\\\"b\\\\c\",version=\"" WRKTALK_VERSION "\"} 1"));
  }

  TEST_CASE("families of another server are written as they are") {
    const auto text = Metrics().text({{"served_total", "What was served.", true, {{2, {{"kind", "blob"}}}}},
                                      {"open", "What is open.", false, {{1}}}});
    CHECK(has(text, "# TYPE served_total counter"));
    CHECK(has(text, "served_total{kind=\"blob\"} 2"));
    CHECK(has(text, "# TYPE open gauge"));
    CHECK(has(text, "open 1"));
  }
}
