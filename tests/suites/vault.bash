#!/usr/bin/env bash
# Credentials out of Vault: every way to log in, each failure with its message and exit code, and a daemon that outlives its
# login and a changed password. Kubernetes auth has a suite of its own.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres vault jq openssl
# shellcheck source=../support/vault.bash
. "$SUPPORT/vault.bash"
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
unset KUBECONFIG
vault_start
pg_database wrktalk
unset WRKTALK_AGENT_DB_HOST WRKTALK_AGENT_DB_USER WRKTALK_AGENT_DB_NAME
DB_HOST=$PGHOST
sql "create role app login superuser password 'first, \"quoted\" \$1'" >/dev/null
printf 'local all app scram-sha-256\nlocal all all trust\n' >"$WORK/pg/data/pg_hba.conf"
sql 'select pg_reload_conf()' >/dev/null
# shellcheck disable=SC2016  # nothing is to expand
put_secret host "$DB_HOST" port 5432 database wrktalk username app password 'first, "quoted" $1'

# With Vault alone: nothing else says where the database is.
tool() { env -u PGHOST -u PGUSER -u PGDATABASE "$WRKTALK" "$@"; }
pg_env() { tool secrets pg-env --out "$WORK/pg_env.sh" "$@"; }

export WRKTALK_AGENT_VAULT_AUTH=jwt WRKTALK_AGENT_VAULT_JWT_FILE=$VAULT_STATE/jwt

# ---------------------------------------------------------------- what it writes

guide_lines() {
    cat <<EOF
==> Authenticating to Vault using JWT auth...
==> Successfully authenticated to Vault
==> Fetching PostgreSQL credentials from Vault...
==> PostgreSQL credentials fetched successfully
export PGHOST="$DB_HOST"
export PGPORT="5432"
export PGDATABASE="wrktalk"
export PGUSER="app"
EOF
}
check 'the guide says what is printed' expect_equal "$(guide_lines)" pg_env
check 'the file is for its owner alone' expect_equal 600 stat -c %a "$WORK/pg_env.sh"
# shellcheck disable=SC2016
sourced() { env -i PATH="$PATH" "$1" -c '. "$1" && psql -X -At -c "select current_user"' "$1" "$WORK/pg_env.sh"; }
check 'dash connects with it' expect_equal app sourced dash
check 'bash connects with it' expect_equal app sourced bash
check '--pg-env connects with it' expect_exit 0 tool migrate up --pg-env "$WORK/pg_env.sh"
check 'and says where the credentials came from' expect_output '^==> Loading PostgreSQL credentials from Vault'
check 'the login is revoked' expect_equal 0 logins
not_in_memory() {
    expect_exit 0 pg_env
    expect_output 'secrets.not_in_memory .*medium: Memory'
    expect_exit 0 tool secrets pg-env --out "/dev/shm/wrktalk-$$.sh"
    rm "/dev/shm/wrktalk-$$.sh"
    refuse grep secrets.not_in_memory "$ERR"
}
check 'a folder on a disk is warned of, one in memory is not' not_in_memory
no_password() {
    expect_exit 0 pg_env "$@"
    refuse grep quoted "$OUT" "$ERR"
}
check 'the password is never printed' no_password
check 'nor in JSON' no_password -o json
check 'nor when all is logged' no_password --log-level DEBUG
check 'nor is a token' refuse grep -E 's\.[A-Za-z0-9]{20}' "$OUT" "$ERR"

# ---------------------------------------------------------------- ways in

check '--vault connects with no file' expect_exit 0 tool migrate up --set agent --vault
check 'a KV engine of version 1' env WRKTALK_AGENT_VAULT_PATH=kv1/bizmatters/agent-executor/postgres \
    "$WRKTALK" secrets pg-env --out "$WORK/kv1.sh"
check 'approle' env WRKTALK_AGENT_VAULT_AUTH=approle WRKTALK_AGENT_VAULT_ROLE_ID="$(<"$VAULT_STATE/role-id")" \
    WRKTALK_AGENT_VAULT_SECRET_ID_FILE="$VAULT_STATE/secret-id" "$WRKTALK" status --vault
check 'a token' env -u WRKTALK_AGENT_VAULT_AUTH VAULT_TOKEN=root "$WRKTALK" status --vault
check 'no login is left, and the given token is not revoked' expect_equal 0 logins
check 'TLS with VAULT_CACERT' env VAULT_ADDR="$VAULT_TLS_ADDR" "$WRKTALK" status --vault
check 'without verification when it is said twice' env VAULT_ADDR="$VAULT_TLS_ADDR" VAULT_CACERT= VAULT_SKIP_VERIFY=true \
    "$WRKTALK" status --vault --vault-insecure
elsewhere() {
    as_root POST sys/auth/corp/jwt '{"type":"jwt"}'
    as_root POST auth/corp/jwt/config "$(jq -n --rawfile key "$VAULT_STATE/jwt.pub" '{jwt_validation_pubkeys: [$key]}')"
    as_root POST auth/corp/jwt/role/other '{"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault",
        "token_policies": "agent-executor"}'
    as_root POST sys/mounts/team/db '{"type":"kv","options":{"version":"2"}}'
    wait_until 10 as_root GET team/db/config
    as_root GET kv/data/bizmatters/agent-executor/postgres | jq '{data: .data.data}' >"$WORK/secret.json"
    as_root POST 'team/db/data/a%20b/pg' "$(<"$WORK/secret.json")"
    as_root PUT sys/policies/acl/agent-executor "$(jq -n --rawfile old <(as_root GET sys/policies/acl/agent-executor |
        jq -r .data.policy) '{policy: ($old + "path \"team/db/data/*\" { capabilities = [\"read\"] }")}')"
    expect_exit 0 tool status --vault --vault-auth-mount corp/jwt --vault-role other --vault-path 'team/db/a b/pg'
}
check 'an auth method, a role, an engine and a path of other names' elsewhere
namespaced() {
    as_root POST sys/namespaces/shop '{}'
    as_root POST shop/sys/mounts/kv '{"type":"kv","options":{"version":"2"}}'
    wait_until 10 as_root GET shop/kv/config
    as_root POST shop/kv/data/bizmatters/agent-executor/postgres "$(<"$WORK/secret.json")"
    VAULT_TOKEN=root WRKTALK_AGENT_VAULT_AUTH='' expect_exit 0 tool status --vault --vault-namespace shop
}
check 'a namespace' namespaced

slashes() {
    local path
    for path in /kv/bizmatters/agent-executor/postgres kv/bizmatters/agent-executor/postgres/ \
        kv//bizmatters/agent-executor//postgres ' /kv/bizmatters/agent-executor/postgres/ '; do
        expect_exit 0 tool status --vault --vault-path "$path" || return 1
    done
    expect_exit 0 tool status --vault --vault-auth-mount /auth/jwt/
}
check 'slashes at the ends of a path, and doubled ones, are as in vault kv get' slashes

# wrapped PATH [JSON]: the wrapping token for what POST PATH answers.
wrapped() {
    curl --silent --fail-with-body --noproxy '*' -X POST -H 'X-Vault-Token: root' -H 'X-Vault-Wrap-TTL: 300' \
        ${2+--data "$2"} "$BAO_ADDR/v1/$1" | jq -r .wrap_info.token
}
wrapped_secret_id() {
    wrapped auth/approle/role/agent-executor/secret-id >"$WORK/wrapped-id"
    local approle=(WRKTALK_AGENT_VAULT_AUTH=approle WRKTALK_AGENT_VAULT_ROLE_ID="$(<"$VAULT_STATE/role-id")"
        WRKTALK_AGENT_VAULT_SECRET_ID_FILE="$WORK/wrapped-id")
    expect_exit 0 env "${approle[@]}" "$WRKTALK" status --vault
    expect_exit 5 env "${approle[@]}" "$WRKTALK" status --vault
    expect_output 'hint: .*looks like a wrapping token that was used before'
}
check 'a secret id in a wrapping token is unwrapped, once' wrapped_secret_id
wrapped_token() {
    local token
    token=$(wrapped auth/token/create '{"policies": ["agent-executor"], "ttl": "1h"}')
    expect_exit 0 env WRKTALK_AGENT_VAULT_AUTH=token VAULT_TOKEN="$token" "$WRKTALK" status --vault
    expect_exit 5 env WRKTALK_AGENT_VAULT_AUTH=token VAULT_TOKEN="$token" "$WRKTALK" status --vault
}
check 'so is a token' wrapped_token
wrapped_secret() {
    local old
    old=$(as_root GET sys/policies/acl/agent-executor | jq -r .data.policy)
    as_root PUT sys/policies/acl/agent-executor "$(jq -n '{policy: "path \"kv/data/*\" { capabilities = [\"read\"] min_wrapping_ttl = \"1s\" max_wrapping_ttl = \"90s\" }"}')"
    expect_exit 0 tool status --vault
    as_root PUT sys/policies/acl/agent-executor "$(jq -n --arg old "$old" '{policy: $old}')"
}
check 'a secret that may be read in a wrapping alone' wrapped_secret
batch_tokens() {
    as_root POST auth/jwt/role/batch "$(as_root GET auth/jwt/role/agent-executor | jq '.data + {token_type: "batch"}')"
    expect_exit 0 tool status --vault --vault-role batch
    refuse grep -E 'WARN|vault\.' "$ERR"
}
check 'a batch token is used without a warning' batch_tokens
# shellcheck disable=SC2016  # nothing is to expand
line_break() {
    put_secret password $'first, "quoted" $1\n'
    expect_exit 0 pg_env
    expect_output 'secrets.line_break .*password ends in a line break'
    refuse grep quoted "$OUT" "$ERR"
    put_secret password 'first, "quoted" $1' host "$DB_HOST"$'\n'
    expect_exit 5 pg_env
    expect_output 'field host ends in a line break'
    put_secret host "$DB_HOST"
    expect_exit 0 pg_env
}
check 'a line break at the end of a value is told' line_break

# ---------------------------------------------------------------- failures

# fails CODE REGEX [NAME=VALUE...]: it ends with that code, says so, hints, leaves no login and no file.
fails() {
    local code=$1 wanted=$2
    shift 2
    rm -f "$WORK/pg_env.sh"
    expect_exit "$code" env "$@" "$WRKTALK" secrets pg-env --out "$WORK/pg_env.sh"
    expect_output "$wanted"
    expect_output '^hint: '
    [ ! -e "$WORK/pg_env.sh" ] || { echo 'a file was written'; return 1; }
}
check 'no VAULT_ADDR' fails 5 'VAULT_ADDR is not set' VAULT_ADDR=
check 'an address that is none' fails 5 "'vault:8200' is no http" VAULT_ADDR=vault:8200
check 'a foreign CA' fails 5 'SSL certificate problem' VAULT_ADDR="$VAULT_TLS_ADDR" VAULT_CACERT=
check 'a CA file that is not there' fails 5 'setting certificate file: /nowhere' \
    VAULT_ADDR="$VAULT_TLS_ADDR" VAULT_CACERT=/nowhere
check 'another name than the certificate has' fails 5 "SSL: .*target host name" \
    VAULT_ADDR="${VAULT_TLS_ADDR/127.0.0.1/[::ffff:127.0.0.1]}"
check 'VAULT_SKIP_VERIFY alone' fails 5 'VAULT_SKIP_VERIFY would let' VAULT_SKIP_VERIFY=true
check 'TLS where there is none' fails 5 'wrong version number|packet length too long' VAULT_ADDR="${VAULT_ADDR/http/https}"
check 'nobody there' fails 6 'connect to 127.0.0.1 port 9 ' VAULT_ADDR=http://127.0.0.1:9
check 'a name that nobody knows' fails 6 'resolve host: nowhere.invalid' VAULT_ADDR=https://nowhere.invalid
check 'no token file' fails 5 'cannot read /nowhere: No such file' WRKTALK_AGENT_VAULT_JWT_FILE=/nowhere
check 'a role that is not there' fails 5 'as role nope .*agent-executor.*: 400, role "nope" could not be found' \
    WRKTALK_AGENT_VAULT_ROLE=nope
echo none >"$WORK/no-jwt"
check 'a token that is none' fails 5 '\(no JWT\): 400, ' WRKTALK_AGENT_VAULT_JWT_FILE="$WORK/no-jwt"
check 'an auth method that is not there' fails 5 'auth/nope/login .*: 403, ' WRKTALK_AGENT_VAULT_AUTH_MOUNT=nope
check 'a namespace that is not there' fails 5 'namespace nope: .*404, namespace not found' VAULT_NAMESPACE=nope
check 'a wrong secret id' fails 5 'invalid role or secret ID' WRKTALK_AGENT_VAULT_AUTH=approle \
    WRKTALK_AGENT_VAULT_ROLE_ID="$(<"$VAULT_STATE/role-id")" WRKTALK_AGENT_VAULT_SECRET_ID=wrong
check 'a token that was never given' fails 5 'looking for kv/.*: 403, permission denied' \
    WRKTALK_AGENT_VAULT_AUTH=token VAULT_TOKEN=unknown
check 'a path that the policy does not have' fails 5 'reading kv/other/db: 403, permission denied$' \
    WRKTALK_AGENT_VAULT_PATH=kv/other/db
check 'data/ in the path' fails 5 'hint: leave "data/" out' \
    WRKTALK_AGENT_VAULT_PATH=kv/data/bizmatters/agent-executor/postgres
check 'a secret that is not there' fails 5 'there is no secret at kv/bizmatters/agent-executor/nope$' \
    WRKTALK_AGENT_VAULT_PATH=kv/bizmatters/agent-executor/nope
check 'a path without a secret' fails 5 'kv names no secret' WRKTALK_AGENT_VAULT_PATH=kv
check 'another kind of engine' fails 5 'engine of type cubbyhole' WRKTALK_AGENT_VAULT_PATH=cubbyhole/x \
    VAULT_TOKEN=root WRKTALK_AGENT_VAULT_AUTH=token
as_root POST kv/data/bizmatters/agent-executor/half '{"data": {"host": "h", "username": "u"}}' >/dev/null
check 'fields that are missing' fails 5 'half lacks port, database, password$' \
    WRKTALK_AGENT_VAULT_PATH=kv/bizmatters/agent-executor/half
as_root DELETE kv/data/bizmatters/agent-executor/half
check 'a deleted secret' fails 5 'the newest version of .*/half was deleted at 20' \
    WRKTALK_AGENT_VAULT_PATH=kv/bizmatters/agent-executor/half
check 'a folder that is not there' expect_exit 5 "$WRKTALK" secrets pg-env --out "$WORK/no/pg_env.sh"
check 'and it is said before Vault is asked' refuse grep '==>' "$OUT"
check '--vault and --pg-env together' expect_exit 2 "$WRKTALK" status --vault --pg-env "$WORK/pg_env.sh"
check 'no failure left a login behind' expect_equal 0 logins

seal
check 'a sealed Vault' fails 6 'Vault is sealed' WRKTALK_AGENT_VAULT_TIMEOUT=600ms
opened() {
    background sealed env WRKTALK_AGENT_VAULT_TIMEOUT=20s "$WRKTALK" secrets pg-env --out "$WORK/pg_env.sh"
    wait_until 5 grep -q 'vault.waits.*Vault is sealed' "$WORK/sealed.log"
    unseal
    wait_until 10 test -e "$WORK/pg_env.sh"
}
check 'that is unsealed meanwhile is waited for' opened
unseal
limited() {
    as_root POST sys/quotas/rate-limit/tight '{"rate": 1, "interval": "3s"}'
    expect_exit 0 env WRKTALK_AGENT_VAULT_TIMEOUT=30s "$WRKTALK" secrets pg-env --out "$WORK/pg_env.sh"
    expect_output 'vault.waits .*429'
}
check 'a rate limit is kept' limited
wait_until 10 as_root DELETE sys/quotas/rate-limit/tight
# A login may have been left, since giving it up was limited, too.
as_root PUT sys/leases/revoke-prefix/auth/jwt >/dev/null
interrupted() {
    background asking env VAULT_ADDR=http://127.0.0.1:9 WRKTALK_AGENT_VAULT_TIMEOUT=60s \
        "$WRKTALK" secrets pg-env --out "$WORK/pg_env.sh"
    wait_until 5 grep -q vault.waits "$WORK/asking.log"
    local status=0
    end_background asking TERM || status=$?
    [ "$status" = 143 ]
}
check 'SIGTERM ends the waiting at once' interrupted

# ---------------------------------------------------------------- a daemon

as_root POST auth/jwt/role/short '{"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault",
    "token_policies": "agent-executor", "token_ttl": "3s", "token_max_ttl": "8s"}' >/dev/null
export WRKTALK_AGENT_VAULT_ROLE=short WRKTALK_AGENT_VAULT=true \
    WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag \
    WRKTALK_AGENT_HEARTBEAT_INTERVAL=3s WRKTALK_AGENT_POLL_INTERVAL=60s TMPDIR=$WORK/tmp
cp "$VAULT_STATE/jwt" "$WORK/jwt"
export WRKTALK_AGENT_VAULT_JWT_FILE=$WORK/jwt
mkdir "$TMPDIR" "$WORK/tree"
# Activating waits as long as $WORK/slow is there.
cat >"$WORK/activate" <<SH
#!/bin/sh
touch "$WORK/activating"
while [ -e "$WORK/slow" ]; do sleep 0.1; done
rm -f "$WORK/activating"
SH
chmod +x "$WORK/activate"
echo 1.0.0 >"$WORK/tree/VERSION"
tar -czf "$WORK/1.tar.gz" -C "$WORK/tree" .
tool release add "$WORK/1.tar.gz" --version 1.0.0 --type host >/dev/null 2>&1

said() { grep -q "$1" "$WORK/agent.log"; }
times_said() { [ "$(grep -c "$2" "$WORK/agent.log")" -ge "$1" ]; }
completed() { [ "$(sql "select status from agent_task order by created_at desc limit 1")" = completed ]; }
# As superuser by the socket: what Vault has may be wrong just now.
queue() { WRKTALK_AGENT_VAULT=false PGHOST=$DB_HOST PGUSER=postgres PGDATABASE=wrktalk "$WRKTALK" deploy 1.0.0 --queue >/dev/null; }
hang_up() { sql "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'" >/dev/null; }
new_password() { sql "alter role app password '$1'" >/dev/null; }

background agent env -u PGHOST -u PGUSER -u PGDATABASE "$WRKTALK" poll --loop --log-level DEBUG
check 'poll --loop --vault starts' wait_until 10 said agent.started
check 'its login is renewed at two thirds of its lease' wait_until 5 said vault.renewed
check 'and made anew when it can be renewed no longer' wait_until 15 said vault.login
check 'there is one login at a time' wait_until 5 expect_equal 1 logins
queue
check 'a task is run' wait_until 10 completed

new_password second
put_secret password second
hang_up
check 'a changed password is noticed' wait_until 10 said credentials.changed
queue
check 'and tasks are run with the new one' wait_until 10 completed

new_password third
hang_up
check 'a password that Vault does not have yet is waited for' wait_until 10 said 'database.away.*password authentication'
put_secret password third
check 'and used when it has it' wait_until 40 said database.back
queue
check 'again tasks are run' wait_until 10 completed

touch "$WORK/slow"
queue
wait_until 10 test -e "$WORK/activating"
new_password fourth
put_secret password fourth
hang_up
check 'a password that is changed while a task runs' wait_until 15 times_said 3 credentials.changed
sleep 4 # longer than what was left of a heartbeat's patience
rm "$WORK/slow"
check 'does not disturb it' wait_until 15 completed
check 'in its first attempt' expect_equal 1 sql 'select attempt from agent_task order by created_at desc limit 1'

new_password fifth
put_secret password fifth
queue
check 'nor does one whose old sessions go on' wait_until 10 completed

echo none >"$WORK/jwt"
check 'a token file that has gone bad is told' wait_until 20 said 'vault.not_renewed.*no JWT'
cp "$VAULT_STATE/jwt" "$WORK/jwt"
check 'and read anew when it is good again' wait_until 30 expect_equal 1 logins

seal
check 'a Vault that is sealed is told' wait_until 15 said 'vault.not_renewed'
queue
check 'and no matter as long as the password is good' wait_until 10 completed
unseal
wait_until 30 expect_equal 1 logins
status=0
end_background agent || status=$?
check 'the daemon ends with 0' test "$status" = 0
check 'and gives its login up' wait_until 5 expect_equal 0 logins
check 'the log has none of the passwords' refuse grep -E 'quoted|second|third|fourth|fifth' "$WORK/agent.log"
