# shellcheck shell=bash
# Sourced by suites that need Vault, after lib.bash: a private server, and what it says.
#
#   vault_start      starts it and points $WRKTALK at it; VAULT_TLS_ADDR is its other address
#   as_root ...      one request with the root token: METHOD PATH [JSON]; the answer goes to stdout
#
# KUBECONFIG, when it is exported, joins auth/kubernetes to that cluster, which must be the testbed's.

vault_start() {
    local port
    [ -z "${KUBECONFIG:-}" ] || need_service testbed-cluster
    # shellcheck source=testbed/lib.bash
    port=$(. "$SUPPORT/testbed/lib.bash" && until port=$(free_port) && ! listening $((port + 2)); do :; done && echo "$port")
    TESTBED_STATE=$WORK/testbed VAULT_PORT=$port "$SUPPORT/testbed/vault-up" >"$WORK/vault.env" 2>"$WORK/vault.log" ||
        { tail -n 5 "$WORK/vault.log"; exit 1; }
    at_exit env TESTBED_STATE="$WORK/testbed" "$SUPPORT/testbed/vault-down"
    # shellcheck disable=SC1091  # export lines made by the testbed
    . "$WORK/vault.env"
    unset VAULT_TOKEN BAO_TOKEN
    export WRKTALK_AGENT_VAULT_TIMEOUT=2s
}

as_root() {
    curl --silent --show-error --fail-with-body --noproxy '*' -X "$1" -H 'X-Vault-Token: root' \
        ${3+--data "$3"} "$BAO_ADDR/v1/$2"
}

# put_secret FIELD VALUE...: change fields of the secret.
put_secret() {
    local data
    data=$(as_root GET kv/data/bizmatters/agent-executor/postgres | jq .data.data)
    while [ $# -gt 0 ]; do
        data=$(jq --arg field "$1" --arg value "$2" '.[$field] = $value' <<<"$data")
        shift 2
    done
    as_root POST kv/data/bizmatters/agent-executor/postgres "{\"data\": $data}" >/dev/null
}

# logins: how many tokens there are besides the root token.
logins() { as_root LIST auth/token/accessors | jq '.data.keys | length - 1'; }

seal() { as_root PUT sys/seal; }
unseal() { as_root PUT sys/unseal "{\"key\": \"$(<"$VAULT_STATE/unseal-key")\"}" >/dev/null; }
