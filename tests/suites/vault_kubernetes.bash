#!/usr/bin/env bash
# Kubernetes auth: Vault asks a real API server about real service accounts' tokens.
. "$(dirname "$0")/../support/lib.bash"
need_service kubernetes vault jq openssl
# shellcheck source=../support/vault.bash
. "$SUPPORT/vault.bash"
vault_start
export WRKTALK_AGENT_VAULT_JWT_FILE=$VAULT_STATE/serviceaccount-token

guide_lines() {
    cat <<'EOF'
==> Authenticating to Vault using Kubernetes auth...
==> Successfully authenticated to Vault
==> Fetching PostgreSQL credentials from Vault...
==> PostgreSQL credentials fetched successfully
export PGHOST="postgres.bizmatters.svc.cluster.local"
export PGPORT="5432"
export PGDATABASE="agent_executor"
export PGUSER="agent_executor_user"
EOF
}
put_secret host postgres.bizmatters.svc.cluster.local port 5432 database agent_executor username agent_executor_user \
    password secure_password
check "the guide's lines" expect_equal "$(guide_lines)" "$WRKTALK" secrets pg-env --out "$WORK/pg_env.sh"
check 'the login is revoked' expect_equal 0 logins

# fails REGEX [NAME=VALUE...]: refused with 5, that line, and a hint that names the role.
fails() {
    local wanted=$1
    shift
    expect_exit 5 env "$@" "$WRKTALK" secrets pg-env --out "$WORK/pg_env.sh"
    expect_output "$wanted"
    expect_output '^hint: .*auth/kubernetes'
}
account() {
    kubectl get namespace "$1" >/dev/null 2>&1 || kubectl create namespace "$1" >/dev/null
    kubectl get serviceaccount -n "$1" "$2" >/dev/null 2>&1 || kubectl create serviceaccount -n "$1" "$2" >/dev/null
    kubectl create token -n "$1" "$2" >"$WORK/$1-$2"
}
check 'a role that is not there' fails ' as role nope .*: 400, invalid role name "nope"' WRKTALK_AGENT_VAULT_ROLE=nope
account bizmatters intruder
check 'another service account' fails 'bizmatters:intruder.*: 403, service account name not authorized' \
    WRKTALK_AGENT_VAULT_JWT_FILE="$WORK/bizmatters-intruder"
account wrktalk-elsewhere agent-executor
check 'another namespace' fails 'wrktalk-elsewhere:agent-executor.*: 403, namespace not authorized' \
    WRKTALK_AGENT_VAULT_JWT_FILE="$WORK/wrktalk-elsewhere-agent-executor"
echo 'x.y.z' >"$WORK/forged"
check 'a forged token' fails '\(no JWT\): 403, permission denied' WRKTALK_AGENT_VAULT_JWT_FILE="$WORK/forged"

as_root POST auth/kubernetes/config "$(as_root GET auth/kubernetes/config |
    jq '.data | {kubernetes_ca_cert, disable_local_ca_jwt, kubernetes_host: "https://127.0.0.1:9"}')"
check 'a Vault that cannot reach the API server' fails ': 403, permission denied'
as_root POST sys/auth/fresh '{"type":"kubernetes"}'
as_root POST auth/fresh/role/agent-executor '{"bound_service_account_names": "*", "bound_service_account_namespaces": "*"}' >/dev/null
unconfigured() {
    expect_exit 6 env WRKTALK_AGENT_VAULT_AUTH_MOUNT=fresh WRKTALK_AGENT_VAULT_TIMEOUT=600ms \
        "$WRKTALK" secrets pg-env --out "$WORK/pg_env.sh"
    expect_output '500, could not load backend configuration'
    expect_output '^hint: configure the auth method'
}
check 'an auth method without configuration' unconfigured
check 'no failure left a login behind' expect_equal 0 logins
kubectl delete namespace wrktalk-elsewhere --wait=false >/dev/null
kubectl delete serviceaccount -n bizmatters intruder >/dev/null
