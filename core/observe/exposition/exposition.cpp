// SPDX-License-Identifier: Apache-2.0
#include "core/observe/exposition/exposition.hpp"

#include <limits>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace wrktalk::observe {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

/// The families under way; the last one added is open for more samples.
class Families {
 public:
  void add(const char* name, MetricType type, const char* help) {
    all_.emplace_back();
    all_.back().name = name;
    all_.back().type = type;
    all_.back().help = help;
  }
  void sample(double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    metric.gauge.value = value;
    all_.back().metric.push_back(std::move(metric));
  }
  void sample(const Histogram& histogram, Labels labels) {
    ClientMetric metric;
    metric.label = std::move(labels);
    auto& out = metric.histogram;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      const bool last = i == Histogram::kBounds.size();
      out.sample_count += histogram.counts[i];
      out.bucket.push_back({out.sample_count, last ? std::numeric_limits<double>::infinity() : Histogram::kBounds[i]});
    }
    out.sample_sum = histogram.sum_seconds;
    all_.back().metric.push_back(std::move(metric));
  }
  void gauge(const char* name, const char* help, double value) {
    add(name, MetricType::Gauge, help);
    sample(value);
  }
  void counter(const char* name, const char* help, std::uint64_t value) {
    add(name, MetricType::Counter, help);
    sample(static_cast<double>(value));
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(all_); }

 private:
  std::vector<MetricFamily> all_;
};

double seconds(base::BootClock::duration duration) { return std::chrono::duration<double>(duration).count(); }

void add_queue(Families& families, const Queue& queue) {
  families.add("wrktalk_queue_tasks", MetricType::Gauge,
               "Tasks in the database that have not ended, on whatever target.");
  families.sample(queue.due, {{"state", "due"}});
  families.sample(queue.scheduled, {{"state", "scheduled"}});
  families.sample(queue.running, {{"state", "running"}});
  families.gauge("wrktalk_queue_oldest_due_seconds", "For how long the oldest due task has waited; 0: none waits.",
                 queue.oldest_due_seconds);
  families.gauge("wrktalk_maintenance_on", "Whether the site is in maintenance.", queue.maintenance);
  families.add("wrktalk_outbox_messages", MetricType::Gauge, "Messages in the outbox that were not sent.");
  families.sample(queue.outbox_waiting, {{"state", "waiting"}});
  families.sample(queue.outbox_given_up, {{"state", "given_up"}});
}

void add_backup(Families& families, const Backup& backup) {
  families.gauge("wrktalk_backup_last_success_timestamp_seconds", "When the last backup was made.",
                 static_cast<double>(backup.made_at));
  families.gauge("wrktalk_backup_last_success_size_bytes", "Its size.", static_cast<double>(backup.size_bytes));
}

std::string text_of(const Status& status, base::BootClock::time_point now) {
  Families families;
  families.add("wrktalk_build_info", MetricType::Gauge, "Version and name of this agent; always 1.");
  families.sample(1, {{"agent", status.agent_id}, {"version", WRKTALK_VERSION}});
  families.gauge("wrktalk_loop_tick_age_seconds", "How long ago the agent's loop went round.",
                 seconds(now - status.ticked_at));
  families.gauge("wrktalk_database_up", "Whether the agent's database answers.", status.away_since ? 0 : 1);
  families.counter("wrktalk_database_reconnects_total", "Connections that were lost and made anew.", status.reconnects);
  families.gauge("wrktalk_ready", "Whether /readyz says yes.", status.is_ready() ? 1 : 0);

  families.add("wrktalk_tasks_total", MetricType::Counter, "Tasks that left this agent's hands.");
  for (const auto& [key, count] : status.tasks) {
    families.sample(static_cast<double>(count), {{"type", key.first}, {"result", key.second}});
  }
  families.add("wrktalk_phase_duration_seconds", MetricType::Histogram, "How long the steps of tasks took.");
  for (const auto& [phase, histogram] : status.phases) families.sample(histogram, {{"phase", phase}});
  families.counter("wrktalk_heartbeats_late_total", "Heartbeats of running tasks that the database did not answer.",
                   status.late_heartbeats);
  families.counter("wrktalk_leases_lost_total", "Running tasks that this agent lost.", status.lost_leases);
  families.counter("wrktalk_artifact_bytes_total", "Bytes of artifacts that were fetched and verified.",
                   status.artifact_bytes);
  if (status.queue) add_queue(families, *status.queue);
  if (status.backup) add_backup(families, *status.backup);
  return families.text();
}

std::string text_of(const std::vector<Family>& all) {
  Families families;
  for (const auto& family : all) {
    families.add(family.name.c_str(), family.is_counter ? MetricType::Counter : MetricType::Gauge, family.help.c_str());
    for (const auto& sample : family.samples) {
      Labels labels;
      for (const auto& [name, value] : sample.labels) labels.push_back({name, value});
      families.sample(sample.value, std::move(labels));
    }
  }
  return families.text();
}

}  // namespace

void wrktalk_exposition(const Status& status, base::BootClock::time_point now, Write write, void* to) noexcept {
  try {
    const std::string text = text_of(status, now);
    write(to, text.data(), text.size());
  } catch (const std::exception&) {
    // No memory: nothing is written.
  }
}

void wrktalk_exposition_of(const std::vector<Family>& families, Write write, void* to) noexcept {
  try {
    const std::string text = text_of(families);
    write(to, text.data(), text.size());
  } catch (const std::exception&) {
    // No memory: nothing is written.
  }
}

}  // namespace wrktalk::observe
