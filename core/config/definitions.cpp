// SPDX-License-Identifier: Apache-2.0
#include "core/config/settings.hpp"

namespace wrktalk::config {

// clang-format off
const std::vector<Definition>& definitions() {
  static const std::vector<Definition> kDefinitions = {
      {"db.dsn", "WRKTALK_AGENT_DB_DSN", "", "--dsn", "", true, "libpq conninfo string or URI; its parts come before single settings of the same source"},
      {"db.service", "WRKTALK_AGENT_DB_SERVICE", "PGSERVICE", "--db-service", "", false, "name in libpq's service file"},
      {"db.host", "WRKTALK_AGENT_DB_HOST", "PGHOST PGHOSTADDR", "--db-host", "localhost", false, "host, socket folder, or several hosts with commas"},
      {"db.port", "WRKTALK_AGENT_DB_PORT", "PGPORT", "--db-port", "5432", false, "port"},
      {"db.name", "WRKTALK_AGENT_DB_NAME", "PGDATABASE", "--db-name", "wrktalk", false, "database name"},
      {"db.user", "WRKTALK_AGENT_DB_USER", "PGUSER", "--db-user", "postgres", false, "user"},
      {"db.password", "WRKTALK_AGENT_DB_PASSWORD", "PGPASSWORD", "", "", true, "password"},
      {"db.ssl_mode", "WRKTALK_AGENT_DB_SSL_MODE", "PGSSLMODE", "--db-ssl-mode", "prefer", false, "disable, allow, prefer, require, verify-ca or verify-full"},

      {"checkpoint.dsn", "WRKTALK_AGENT_CHECKPOINT_DSN", "", "--checkpoint-dsn --dsn", "", true, "the checkpoint tables' database, as --dsn; what it leaves open is as for the agent's"},
      {"checkpoint.service", "WRKTALK_AGENT_CHECKPOINT_SERVICE", "PGSERVICE", "--db-service", "", false, "the same for the checkpoint tables' database"},
      {"checkpoint.host", "WRKTALK_AGENT_CHECKPOINT_HOST", "PGHOST PGHOSTADDR", "--db-host", "", false, "the same; empty: as db.host"},
      {"checkpoint.port", "WRKTALK_AGENT_CHECKPOINT_PORT", "PGPORT", "--db-port", "", false, "the same; empty: as db.port"},
      {"checkpoint.name", "WRKTALK_AGENT_CHECKPOINT_NAME", "PGDATABASE", "--db-name", "agent_executor", false, "the same"},
      {"checkpoint.user", "WRKTALK_AGENT_CHECKPOINT_USER", "PGUSER", "--db-user", "", false, "the same; empty: as db.user"},
      {"checkpoint.password", "WRKTALK_AGENT_CHECKPOINT_PASSWORD", "PGPASSWORD", "", "", true, "the same; empty: as db.password"},
      {"checkpoint.ssl_mode", "WRKTALK_AGENT_CHECKPOINT_SSL_MODE", "PGSSLMODE", "--db-ssl-mode", "", false, "the same; empty: as db.ssl_mode"},

      {"agent.deployment_type", "WRKTALK_AGENT_DEPLOYMENT_TYPE", "", "--deployment-type", "host", false, "kubernetes, docker or host"},
      {"agent.id", "WRKTALK_AGENT_AGENT_ID", "", "--agent-id", "", false, "this agent's name, part of its host target's; default: the host's name"},
      {"agent.targets", "WRKTALK_AGENT_TARGETS", "", "--targets", "", false, "targets served besides the default one, with commas"},
      {"agent.poll_interval", "WRKTALK_AGENT_POLL_INTERVAL", "", "--poll-interval", "30", false, "the longest time between two looks at the queue"},
      {"agent.heartbeat_interval", "WRKTALK_AGENT_HEARTBEAT_INTERVAL", "", "--heartbeat-interval", "60", false, "how often a running task's lease is renewed; the lease lasts three of them"},
      {"agent.grace", "WRKTALK_AGENT_GRACE", "", "--grace", "30", false, "how long a running task may go on after SIGTERM"},

      {"kubernetes.namespace", "WRKTALK_AGENT_KUBE_NAMESPACE", "", "--namespace", "wrktalk", false, "namespace of the Helm release"},
      {"kubernetes.helm_release_name", "WRKTALK_AGENT_HELM_RELEASE_NAME", "", "--helm-release-name", "wrktalk", false, "name of the Helm release"},
      {"kubernetes.helm_timeout", "WRKTALK_AGENT_HELM_TIMEOUT", "", "--helm-timeout", "10m", false, "limit of one helm operation"},
      {"kubernetes.helm_bin", "WRKTALK_AGENT_HELM_BIN", "", "--helm-bin", "helm", false, "helm, 3 or 4"},

      {"docker.compose_project_name", "WRKTALK_AGENT_COMPOSE_PROJECT_NAME", "", "--compose-project-name", "wrktalk", false, "compose project"},
      {"docker.compose_working_dir", "WRKTALK_AGENT_COMPOSE_WORKING_DIR", "", "--compose-working-dir", "/tmp/wrktalk", false, "where compose releases are kept"},
      {"docker.compose_timeout", "WRKTALK_AGENT_COMPOSE_TIMEOUT", "", "--compose-timeout", "10m", false, "limit of one compose operation"},
      {"docker.compose_bin", "WRKTALK_AGENT_COMPOSE_BIN", "", "--compose-bin", "", false, "compose program; default: docker compose, else docker-compose"},

      {"host.root", "WRKTALK_AGENT_HOST_ROOT", "", "--host-root", "/var/lib/wrktalk", false, "folder of releases/ and of the link current"},
      {"host.activate", "WRKTALK_AGENT_HOST_ACTIVATE", "", "--host-activate", "", false, "program that makes a release the running one"},
      {"host.health", "WRKTALK_AGENT_HOST_HEALTH", "", "--host-health", "", false, "program that exits 0 when the release is well"},
      {"host.timeout", "WRKTALK_AGENT_HOST_TIMEOUT", "", "--host-timeout", "10m", false, "limit of each of the two programs"},

      {"maintenance.handler", "WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER", "", "--maintenance-mode-handler", "nginx", false, "nginx, haproxy or none"},
      {"maintenance.flag", "WRKTALK_AGENT_MAINTENANCE_FLAG", "", "--maintenance-flag", "/tmp/maintenance-mode", false, "file that exists while maintenance is on"},

      {"migrate.ddl_lock_timeout", "WRKTALK_AGENT_DDL_LOCK_TIMEOUT", "", "--ddl-lock-timeout", "5s", false, "how long a migration waits for a table's lock before it tries anew"},

      {"log.level", "WRKTALK_AGENT_LOG_LEVEL", "", "--log-level", "INFO", false, "DEBUG, INFO, WARNING or ERROR"},
      {"log.format", "WRKTALK_AGENT_LOG_FORMAT", "", "--log-format", "text", false, "text or json, on stderr"},
  };
  return kDefinitions;
}
// clang-format on

}  // namespace wrktalk::config
