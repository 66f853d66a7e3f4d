// SPDX-License-Identifier: Apache-2.0
#include "core/config/settings.hpp"

namespace wrktalk::config {

// clang-format off
const std::vector<Definition>& definitions() {
  static const std::vector<Definition> kDefinitions = {
      {"db.dsn", "WRKTALK_AGENT_DB_DSN", "", "--dsn", "", true, "Conninfo string or URI of libpq; its parts come before single settings of the same source"},
      {"db.service", "WRKTALK_AGENT_DB_SERVICE", "PGSERVICE", "--db-service", "", false, "Name in libpq's service file"},
      {"db.host", "WRKTALK_AGENT_DB_HOST", "PGHOST PGHOSTADDR", "--db-host", "localhost", false, "Host, socket folder, or several hosts with commas"},
      {"db.port", "WRKTALK_AGENT_DB_PORT", "PGPORT", "--db-port", "5432", false, "Port"},
      {"db.name", "WRKTALK_AGENT_DB_NAME", "PGDATABASE", "--db-name", "wrktalk", false, "Database name"},
      {"db.user", "WRKTALK_AGENT_DB_USER", "PGUSER", "--db-user", "postgres", false, "User"},
      {"db.password", "WRKTALK_AGENT_DB_PASSWORD", "PGPASSWORD", "", "", true, "Password"},
      {"db.ssl_mode", "WRKTALK_AGENT_DB_SSL_MODE", "PGSSLMODE", "--db-ssl-mode", "prefer", false, "One of disable, allow, prefer, require, verify-ca, verify-full"},

      {"checkpoint.dsn", "WRKTALK_AGENT_CHECKPOINT_DSN", "", "--checkpoint-dsn --dsn", "", true, "As --dsn for the database of the checkpoint tables; what it leaves open is as for the agent's"},
      {"checkpoint.service", "WRKTALK_AGENT_CHECKPOINT_SERVICE", "PGSERVICE", "--db-service", "", false, "As for the agent's database"},
      {"checkpoint.host", "WRKTALK_AGENT_CHECKPOINT_HOST", "PGHOST PGHOSTADDR", "--db-host", "", false, "As for the agent's database, and when empty the same as there"},
      {"checkpoint.port", "WRKTALK_AGENT_CHECKPOINT_PORT", "PGPORT", "--db-port", "", false, "As for the agent's database, and when empty the same as there"},
      {"checkpoint.name", "WRKTALK_AGENT_CHECKPOINT_NAME", "PGDATABASE", "--db-name", "agent_executor", false, "Database name"},
      {"checkpoint.user", "WRKTALK_AGENT_CHECKPOINT_USER", "PGUSER", "--db-user", "", false, "As for the agent's database, and when empty the same as there"},
      {"checkpoint.password", "WRKTALK_AGENT_CHECKPOINT_PASSWORD", "PGPASSWORD", "", "", true, "As for the agent's database, and when empty the same as there"},
      {"checkpoint.ssl_mode", "WRKTALK_AGENT_CHECKPOINT_SSL_MODE", "PGSSLMODE", "--db-ssl-mode", "", false, "As for the agent's database, and when empty the same as there"},

      {"vault.use", "WRKTALK_AGENT_VAULT", "", "--vault", "false", false, "Take the database's host, port, name, user and password from Vault"},
      {"vault.address", "VAULT_ADDR", "", "--vault-addr", "", false, "Vault's address, https://HOST:PORT"},
      {"vault.ca_file", "VAULT_CACERT", "", "--vault-ca-file", "", false, "PEM file with the CA of Vault's certificate; when empty the system's"},
      {"vault.skip_verify", "VAULT_SKIP_VERIFY", "", "", "false", false, "Do not verify Vault's certificate; counts only together with --vault-insecure"},
      {"vault.insecure", "WRKTALK_AGENT_VAULT_INSECURE", "", "--vault-insecure", "false", false, "Mean it when VAULT_SKIP_VERIFY says so: whoever is in between reads the password"},
      {"vault.namespace", "VAULT_NAMESPACE", "", "--vault-namespace", "", false, "Vault's namespace"},
      {"vault.auth", "WRKTALK_AGENT_VAULT_AUTH", "", "--vault-auth", "", false, "How to log in: kubernetes, jwt, approle or token; when empty token if there is a VAULT_TOKEN, else kubernetes"},
      {"vault.auth_mount", "WRKTALK_AGENT_VAULT_AUTH_MOUNT", "", "--vault-auth-mount", "", false, "Where that auth method is mounted; when empty its name"},
      {"vault.role", "WRKTALK_AGENT_VAULT_ROLE", "", "--vault-role", "agent-executor", false, "Role to log in with by kubernetes or jwt"},
      {"vault.jwt_file", "WRKTALK_AGENT_VAULT_JWT_FILE", "", "--vault-jwt-file", "/var/run/secrets/kubernetes.io/serviceaccount/token", false, "Token to log in with by kubernetes or jwt, read anew each time"},
      {"vault.role_id", "WRKTALK_AGENT_VAULT_ROLE_ID", "", "--vault-role-id", "", false, "Role id to log in with by approle"},
      {"vault.secret_id", "WRKTALK_AGENT_VAULT_SECRET_ID", "", "", "", true, "Secret id to log in with by approle"},
      {"vault.token", "VAULT_TOKEN", "", "", "", true, "Token to use as it is"},
      {"vault.path", "WRKTALK_AGENT_VAULT_PATH", "", "--vault-path", "kv/bizmatters/agent-executor/postgres", false, "Secret of a KV engine, version 1 or 2, with host, port, database, username, password"},
      {"vault.timeout", "WRKTALK_AGENT_VAULT_TIMEOUT", "", "--vault-timeout", "30s", false, "How long to try while Vault is away, sealed or busy"},

      {"agent.deployment_type", "WRKTALK_AGENT_DEPLOYMENT_TYPE", "", "--deployment-type", "host", false, "The default target's kind: kubernetes, docker or host"},
      {"agent.id", "WRKTALK_AGENT_AGENT_ID", "", "--agent-id", "", false, "This agent's name, part of its host target's; when empty the host's name"},
      {"agent.targets", "WRKTALK_AGENT_TARGETS", "", "--targets", "", false, "Targets served besides the default one, with commas"},
      {"agent.poll_interval", "WRKTALK_AGENT_POLL_INTERVAL", "", "--poll-interval", "30", false, "The longest time between two looks at the queue"},
      {"agent.heartbeat_interval", "WRKTALK_AGENT_HEARTBEAT_INTERVAL", "", "--heartbeat-interval", "60", false, "How often a running task's lease is renewed; the lease lasts three of them"},
      {"agent.grace", "WRKTALK_AGENT_GRACE", "", "--grace", "30", false, "How long a running task may go on after SIGTERM"},
      {"agent.secrets_dir", "WRKTALK_AGENT_SECRETS_DIR", "", "--secrets-dir", "", false, "Folder, best on a tmpfs, where env and values files lie while a task runs; empty: /dev/shm, else TMPDIR"},

      {"kubernetes.namespace", "WRKTALK_AGENT_KUBE_NAMESPACE", "", "--namespace", "wrktalk", false, "Namespace of the Helm release"},
      {"kubernetes.helm_release_name", "WRKTALK_AGENT_HELM_RELEASE_NAME", "", "--helm-release-name", "wrktalk", false, "Name of the Helm release"},
      {"kubernetes.helm_timeout", "WRKTALK_AGENT_HELM_TIMEOUT", "", "--helm-timeout", "10m", false, "Limit of one helm operation"},
      {"kubernetes.helm_bin", "WRKTALK_AGENT_HELM_BIN", "", "--helm-bin", "helm", false, "Helm's program, 3 or 4"},
      {"kubernetes.kubectl_bin", "WRKTALK_AGENT_KUBECTL_BIN", "", "--kubectl-bin", "kubectl", false, "kubectl's program, which looks at what runs; nothing is looked at without it"},
      {"kubernetes.helm_fields", "WRKTALK_AGENT_HELM_FIELDS", "", "--helm-fields", "take", false, "What to do with fields of a chart's objects that others have set since (replicas under an autoscaler): take them for what the chart says, or leave them"},
      {"kubernetes.helm_crds", "WRKTALK_AGENT_HELM_CRDS", "", "--helm-crds", "leave", false, "What to do with definitions of custom resources that a chart brings and the cluster has otherwise: leave them as helm does, or apply them before the upgrade"},

      {"docker.compose_project_name", "WRKTALK_AGENT_COMPOSE_PROJECT_NAME", "", "--compose-project-name", "wrktalk", false, "Compose project"},
      {"docker.compose_working_dir", "WRKTALK_AGENT_COMPOSE_WORKING_DIR", "", "--compose-working-dir", "/tmp/wrktalk", false, "Where compose releases are kept"},
      {"docker.compose_timeout", "WRKTALK_AGENT_COMPOSE_TIMEOUT", "", "--compose-timeout", "10m", false, "Limit of one compose operation"},
      {"docker.compose_settle", "WRKTALK_AGENT_COMPOSE_SETTLE", "", "--compose-settle", "10s", false, "How long containers must run without a restart before a release counts as well"},
      {"docker.compose_bin", "WRKTALK_AGENT_COMPOSE_BIN", "", "--compose-bin", "", false, "Compose's program; when empty docker compose, else docker-compose"},

      {"host.root", "WRKTALK_AGENT_HOST_ROOT", "", "--host-root", "/var/lib/wrktalk", false, "Folder of releases/ and of the link current"},
      {"host.activate", "WRKTALK_AGENT_HOST_ACTIVATE", "", "--host-activate", "", false, "Program that makes a release the running one"},
      {"host.health", "WRKTALK_AGENT_HOST_HEALTH", "", "--host-health", "", false, "Program that exits 0 when the release is well"},
      {"host.timeout", "WRKTALK_AGENT_HOST_TIMEOUT", "", "--host-timeout", "10m", false, "Limit of each of the two programs"},

      {"policy.level", "WRKTALK_AGENT_POLICY", "", "--policy", "warn", false, "What is done about a release that reaches for the machine or the cluster: allow, warn (in the task's story), or strict, which refuses all of it"},
      {"policy.privileged", "WRKTALK_AGENT_POLICY_PRIVILEGED", "", "", "", false, "Privileged and unconfined containers: allow, warn or refuse; when empty as the level says"},
      {"policy.host_namespaces", "WRKTALK_AGENT_POLICY_HOST_NAMESPACES", "", "", "", false, "The host's or another container's namespaces: pid, ipc, network, uts, userns, cgroup: allow, warn or refuse; when empty as the level says"},
      {"policy.capabilities", "WRKTALK_AGENT_POLICY_CAPABILITIES", "", "", "", false, "Added capabilities beyond Pod Security's baseline: allow, warn or refuse; when empty as the level says"},
      {"policy.devices", "WRKTALK_AGENT_POLICY_DEVICES", "", "", "", false, "Devices of the machine: allow, warn or refuse; when empty as the level says"},
      {"policy.engine_socket", "WRKTALK_AGENT_POLICY_ENGINE_SOCKET", "", "", "", false, "The container engine's socket: allow, warn or refuse; when empty as the level says"},
      {"policy.host_paths", "WRKTALK_AGENT_POLICY_HOST_PATHS", "", "", "", false, "Mounts, secrets, configs and build contexts outside the release and policy.data_dirs: allow, warn or refuse; when empty as the level says"},
      {"policy.host_programs", "WRKTALK_AGENT_POLICY_HOST_PROGRAMS", "", "", "", false, "Programs that compose would start on this machine (provider, models); level warn refuses them: allow, warn or refuse; when empty as the level says"},
      {"policy.builds", "WRKTALK_AGENT_POLICY_BUILDS", "", "", "", false, "Images that are built on this machine, anew at each deployment; level warn refuses them: allow, warn or refuse; when empty as the level says"},
      {"policy.unpinned_images", "WRKTALK_AGENT_POLICY_UNPINNED_IMAGES", "", "", "", false, "Images without a digest; level warn allows them: allow, warn or refuse; when empty as the level says"},
      {"policy.foreign_images", "WRKTALK_AGENT_POLICY_FOREIGN_IMAGES", "", "", "", false, "Images from elsewhere than policy.images names: allow, warn or refuse; when empty as the level says"},
      {"policy.cluster_roles", "WRKTALK_AGENT_POLICY_CLUSTER_ROLES", "", "", "", false, "ClusterRole and ClusterRoleBinding: allow, warn or refuse; when empty as the level says"},
      {"policy.webhooks", "WRKTALK_AGENT_POLICY_WEBHOOKS", "", "", "", false, "Webhooks, admission policies and API services: allow, warn or refuse; when empty as the level says"},
      {"policy.crds", "WRKTALK_AGENT_POLICY_CRDS", "", "", "", false, "Definitions of custom resources: allow, warn or refuse; when empty as the level says"},
      {"policy.cluster_objects", "WRKTALK_AGENT_POLICY_CLUSTER_OBJECTS", "", "", "", false, "Other objects of the whole cluster: allow, warn or refuse; when empty as the level says"},
      {"policy.other_namespaces", "WRKTALK_AGENT_POLICY_OTHER_NAMESPACES", "", "", "", false, "Objects in other namespaces than the release's: allow, warn or refuse; when empty as the level says"},
      {"policy.data_dirs", "WRKTALK_AGENT_POLICY_DATA_DIRS", "", "", "", false, "Folders with commas, on this machine or on the nodes, that a release may mount besides its own tree"},
      {"policy.images", "WRKTALK_AGENT_POLICY_IMAGES", "", "", "", false, "Where images may come from, with commas: registry.example.org/shop and all below it; when empty from anywhere"},

      {"limits.unpacked_size", "WRKTALK_AGENT_LIMIT_UNPACKED_SIZE", "", "", "20GB", false, "What a release may unpack to"},
      {"limits.entries", "WRKTALK_AGENT_LIMIT_ENTRIES", "", "", "200000", false, "How many files and folders a release may have"},
      {"limits.ratio", "WRKTALK_AGENT_LIMIT_RATIO", "", "", "200", false, "Unpacked to packed size of a release, looked at beyond 100 MB"},
      {"limits.chart_unpacked_size", "WRKTALK_AGENT_LIMIT_CHART_UNPACKED_SIZE", "", "", "200MB", false, "What a chart may unpack to"},
      {"limits.chart_entries", "WRKTALK_AGENT_LIMIT_CHART_ENTRIES", "", "", "20000", false, "How many files and folders a chart may have"},

      {"maintenance.handler", "WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER", "", "--maintenance-mode-handler", "nginx", false, "What answers 503 meanwhile: nginx, haproxy, command or none"},
      {"maintenance.flag", "WRKTALK_AGENT_MAINTENANCE_FLAG", "", "--maintenance-flag", "/tmp/maintenance-mode", false, "File that exists while maintenance is on: nginx, and haproxy without a socket"},
      {"maintenance.reload", "WRKTALK_AGENT_MAINTENANCE_RELOAD", "", "--maintenance-reload", "", false, "Program to run after that file changed, for a proxy that needs a reload"},
      {"maintenance.on", "WRKTALK_AGENT_MAINTENANCE_ON", "", "--maintenance-on", "", false, "Handler command: program that switches maintenance on"},
      {"maintenance.off", "WRKTALK_AGENT_MAINTENANCE_OFF", "", "--maintenance-off", "", false, "Handler command: program that switches it off"},
      {"maintenance.probe", "WRKTALK_AGENT_MAINTENANCE_PROBE", "", "--maintenance-probe", "", false, "Address of the site, http:// or https://, that `maintenance on` and `off` ask what it really answers; empty: none"},
      {"haproxy.socket", "WRKTALK_AGENT_HAPROXY_SOCKET", "", "--haproxy-socket", "", false, "Runtime API of haproxy: a socket's path, or HOST:PORT; when empty the flag file is used"},
      {"haproxy.map", "WRKTALK_AGENT_HAPROXY_MAP", "", "--haproxy-map", "", false, "Map as haproxy's configuration names it, in which the key is on or off"},
      {"haproxy.key", "WRKTALK_AGENT_HAPROXY_KEY", "", "--haproxy-key", "maintenance", false, "Key in that map"},
      {"haproxy.servers", "WRKTALK_AGENT_HAPROXY_SERVERS", "", "--haproxy-servers", "", false, "Servers as BACKEND/SERVER, with commas, that are in state maint meanwhile"},

      {"notify.smtp_ca_file", "WRKTALK_AGENT_SMTP_CA_FILE", "", "--smtp-ca-file", "", false, "PEM file of the CA that signed the mail server's certificate; empty: the system's CAs"},
      {"notify.smtp_tls", "WRKTALK_AGENT_SMTP_TLS", "", "--smtp-tls", "auto", false, "auto (TLS from the start on port 465, else STARTTLS), starttls, smtps, or none for a relay without a login"},
      {"notify.smtp_helo", "WRKTALK_AGENT_SMTP_HELO", "", "--smtp-helo", "", false, "Name for EHLO; empty: this host's name, or the domain of the sender's address when that has no domain"},
      {"notify.smtp_source", "WRKTALK_AGENT_SMTP_SOURCE", "", "--smtp-source", "", false, "Address of this machine to send mail from; empty: any"},
      {"notify.webhook_url", "WRKTALK_AGENT_WEBHOOK_URL", "", "", "", true, "Address that is told the same as the admins, by POST; empty: none"},
      {"notify.webhook_secret", "WRKTALK_AGENT_WEBHOOK_SECRET", "", "", "", true, "Key of the webhook's signature; empty: not signed"},
      {"notify.webhook_ca_file", "WRKTALK_AGENT_WEBHOOK_CA_FILE", "", "--webhook-ca-file", "", false, "PEM file of the CA that signed the webhook's certificate; empty: the system's CAs"},

      {"http.allow", "WRKTALK_AGENT_ALLOW_HTTP", "", "--allow-http", "", false, "Hosts (HOST or HOST:PORT, with commas) that Vault's and the webhook's address may reach by http://; this machine always may be"},

      {"migrate.ddl_lock_timeout", "WRKTALK_AGENT_DDL_LOCK_TIMEOUT", "", "--ddl-lock-timeout", "5s", false, "How long a migration waits for a table's lock before it tries anew"},

      {"log.level", "WRKTALK_AGENT_LOG_LEVEL", "", "--log-level", "INFO", false, "DEBUG, INFO, WARNING or ERROR"},
      {"log.format", "WRKTALK_AGENT_LOG_FORMAT", "", "--log-format", "text", false, "Log lines as text or json, on stderr"},
  };
  return kDefinitions;
}
// clang-format on

}  // namespace wrktalk::config
