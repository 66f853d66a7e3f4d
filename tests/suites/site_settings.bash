#!/usr/bin/env bash
# A site's own settings on a host, on the real engine with compose v1 and v2, and on a real API server; with a real Vault; and a kill at each step.
# shellcheck disable=SC2016  # references in values are for wrktalk
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
# shellcheck source=../support/document.bash
. "$SUPPORT/document.bash"
# shellcheck source=../support/vault.bash
. "$SUPPORT/vault.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=shop-1 WRKTALK_AGENT_HOST_ROOT=$WORK/shop \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag TMPDIR=$WORK/tmp
mkdir "$TMPDIR" "$WORK/session" "$WORK/shop"
unset TZ
# The activation tells what it was given; release 3.0.0 fails.
cat >"$WORK/activate" <<SH
#!/bin/sh
env | grep -E '^(DB_PASSWORD|DOMAIN|WORKERS|SMTP_PASSWORD|FROM_RELEASE|KEY|FROM_FILE|TZ)=' | sort >$WORK/seen
printf '%s' "\$PEM" >$WORK/seen.pem
[ "\$WRKTALK_VERSION" != 3.0.0 ]
SH
chmod +x "$WORK/activate"
seen() { cat "$WORK/seen"; }
printf '#!/bin/sh\ncat %q\n' "$WORK/seen" >"$WORK/session/what-the-program-saw"
chmod +x "$WORK/session/what-the-program-saw"

tree() {
    mkdir -p "$WORK/tree-$1"
    echo "$1" >"$WORK/tree-$1/VERSION"
    tar -czf "$WORK/$1.tar.gz" -C "$WORK/tree-$1" .
    "$WRKTALK" release add "$WORK/$1.tar.gz" --version "$1" --type host "${@:2}"
}

# ---------------------------------------------------------------- the rest needs tables

check 'without the tables it says what to do' expect_exit 5 "$WRKTALK" site list
check 'and how' expect_output 'migrate up --set agent'
"$WRKTALK" migrate up --set agent >/dev/null 2>&1
sql "insert into admin (email) values ('a@example.org')" >/dev/null

# ---------------------------------------------------------------- the page

for version in 1.0.0 2.0.0; do tree "$version" >/dev/null 2>&1; done
export PATH=$WORK/bin:$PATH
mkdir "$WORK/bin"
ln -s "$WRKTALK" "$WORK/bin/wrktalk"
document site-settings.md
REAL=("$WORK/shop=/srv/shop" "$(id -un)@$(hostname)=me@shop-1")
walk

# ---------------------------------------------------------------- what is refused

refused() {
    local code=$1
    shift
    expect_exit "$code" "$WRKTALK" site "$@"
    refuse grep -q topsecret "$OUT" "$ERR"
}
before=$(sql 'select max(revision) from site_revision')
check 'a name that is none' refused 2 set 'A B=topsecret'
check 'a name of the machine' refused 2 set LD_PRELOAD=topsecret
check 'a secret on the command line' refused 2 set --secret KEY=topsecret
check 'a reference that is not whole' refused 2 set KEY=vault:kv/topic
check 'a target that is none' refused 2 set KEY=1 --target nowhere
check 'values for a host' refused 2 set --file "$WORK/seen"
check 'nothing' refused 2 set
printf 'A=1\nB="topsecret #x\\\\"\n' >"$WORK/bad.env"
check 'what compose v1 cannot be given, with its line' refused 7 set --env-file "$WORK/bad.env" --target docker:shop
check 'named' expect_output 'bad.env:2: '
head -c 300000 /dev/zero | tr '\0' x >"$WORK/large"
check 'a value that is too large' expect_exit 1 "$WRKTALK" site set KEY --from "$WORK/large" --target docker:shop
check 'a setting that is not there' refused 2 unset NOTHING
check 'nothing of it is stored' expect_equal "$before" sql 'select max(revision) from site_revision'
check 'a secret is not got' expect_exit 1 "$WRKTALK" site get DB_PASSWORD
check 'and is in no output' refuse grep -rq 'correct horse' "$OUT" "$ERR"
check 'JSON says so, too' expect_output '"value": "\*\*\*"' "$WRKTALK" site list -o json

# ---------------------------------------------------------------- who may read

"$WRKTALK" migrate grants --agent site_agent --reader site_reader --publisher site_publisher --backend site_backend >/dev/null 2>&1 || true
for role in site_agent site_reader site_publisher site_backend; do sql "create role $role login" >/dev/null; done
"$WRKTALK" migrate grants --agent site_agent --reader site_reader --publisher site_publisher --backend site_backend --apply >/dev/null 2>&1
by() { WRKTALK_AGENT_DB_USER=$1 "${@:2}"; }
may_not() { refuse psql -XqAt -U "$1" -c "$2"; }
check 'the agent sets' expect_exit 0 by site_agent "$WRKTALK" site set DOMAIN=by-agent
check 'the server says who did' expect_output 'site_agent' "$WRKTALK" site list
check 'the agent cannot say that it was another' may_not site_agent "insert into site_revision (target, revision, made_by) values ('host:shop-1', 99, 'postgres')"
check 'a reader sees names' expect_output 'DB_PASSWORD +\*\*\*' by site_reader "$WRKTALK" site list
check 'and no values' refuse grep -q by-agent "$OUT"
check 'a reader gets none' expect_exit 5 by site_reader "$WRKTALK" site get DOMAIN
for role in site_reader site_publisher site_backend; do
    check "$role cannot read values" may_not "$role" 'select value from site_setting'
    check "$role cannot set" may_not "$role" "insert into site_revision (target, revision) values ('x', 1)"
    check "$role does not see what tasks used" may_not "$role" 'select * from site_use'
done
check 'the tables are as they should be' expect_exit 0 "$WRKTALK" verify --set agent

# ---------------------------------------------------------------- host: the order, a file, a put-back, a retry

printf 'FROM_RELEASE=release\nWORKERS=1\nDOMAIN=release\nTZ=Asia/Tokyo\nPATH=/nowhere\n' >"$WORK/release.env"
tree 4.0.0 --env-file "$WORK/release.env" >/dev/null 2>&1
tree 3.0.0 --env-file "$WORK/release.env" >/dev/null 2>&1
printf 'FROM_FILE=first\nWORKERS=16\nKEY=${file:%s}\n' "$WORK/key" >"$WORK/site.env"
chmod 600 "$WORK/site.env"
echo key-in-a-file >"$WORK/key"
export WRKTALK_AGENT_ENV_FILE=$WORK/site.env
{ echo '-----BEGIN X-----'; seq 100; echo '-----END X-----'; } >"$WORK/pem"
"$WRKTALK" site set PEM --from "$WORK/pem" --secret >/dev/null 2>&1
check 'deploy with all three' expect_exit 0 "$WRKTALK" deploy 4.0.0
all_three() {
    expect_equal 'DB_PASSWORD=correct horse battery
DOMAIN=by-agent
FROM_FILE=first
FROM_RELEASE=release
KEY=key-in-a-file
TZ=Asia/Tokyo
WORKERS=16' seen
}
check 'the release, the database, the file: the last one counts' all_three
check 'a text of several lines is every byte of it' expect_equal "$(cat "$WORK/pem")" cat "$WORK/seen.pem"
check 'nothing is left in private folders' no_left_overs
check 'the story has no secret' expect_equal 0 sql "select count(*) from task_event where message ~ 'correct horse|key-in-a-file'"
check 'and says which settings' expect_output 'revision [0-9]+ of the site' "$WRKTALK" task show "$(last_task)"

"$WRKTALK" site set DOMAIN=new >/dev/null
printf 'FROM_FILE=second\n' >"$WORK/site.env"
check 'the difference to what runs' expect_exit 0 "$WRKTALK" deploy 3.0.0 --dry-run
check 'of the database' expect_output '^~ DOMAIN=by-agent -> new$'
check 'of the file, without its values' expect_output '^~ FROM_FILE=\*\*\* -> \*\*\*$'
check 'a release that fails is put back' expect_exit 9 "$WRKTALK" deploy 3.0.0
check 'with what ran: also the file that was edited' all_three
check 'a rollback uses what is set today' expect_exit 0 "$WRKTALK" rollback --to-version 2.0.0
check 'of database and file' expect_equal 'DB_PASSWORD=correct horse battery
DOMAIN=new
FROM_FILE=second' seen

rm "$WORK/site.env"
check 'a file that is not there stops it at check' expect_exit 5 "$WRKTALK" deploy 4.0.0
check 'named with its setting' expect_output 'check: the site.s file cannot be read.*site.env'
check 'nothing was touched' expect_equal 2.0.0 cat "$WORK/shop/current/VERSION"
check 'deploy --check says so, too' expect_exit 1 "$WRKTALK" deploy 4.0.0 --check
printf 'FROM_FILE=third\n' >"$WORK/site.env"
chmod 666 "$WORK/site.env"
check 'one that others may write is refused' expect_exit 5 "$WRKTALK" deploy 4.0.0
check 'with the way out' expect_output 'chmod o-w'
chmod 600 "$WORK/site.env"
check 'task retry begins with what is there now' expect_exit 0 "$WRKTALK" task retry "$(last_task)"
check 'and ends well' expect_exit 0 "$WRKTALK" poll
check 'with it' expect_output 'FROM_FILE=third' seen
printf 'FROM_FILE\n' >"$WORK/site.env"
check 'a file that is none is named with its line' expect_exit 7 "$WRKTALK" deploy 4.0.0
check 'and is' expect_output 'site.env:1: '
unset WRKTALK_AGENT_ENV_FILE

# ---------------------------------------------------------------- Vault

if have_service vault && have_service jq; then
    unset KUBECONFIG_SAVED
    [ -z "${KUBECONFIG:-}" ] || KUBECONFIG_SAVED=$KUBECONFIG
    unset KUBECONFIG
    vault_start
    export WRKTALK_AGENT_VAULT_AUTH=jwt WRKTALK_AGENT_VAULT_JWT_FILE=$VAULT_STATE/jwt
    put_secret word vault-word-1
    "$WRKTALK" site set 'KEY=${vault:kv/bizmatters/agent-executor/postgres#word}!' \
        DB_PASSWORD=vault:kv/bizmatters/agent-executor/postgres#password >/dev/null
    check 'deploy with secrets of Vault' expect_exit 0 "$WRKTALK" deploy 4.0.0
    check 'they are what Vault holds' expect_output '^KEY=vault-word-1!$' seen
    check 'nothing of them is left' no_left_overs
    in_database() { sql "select count(*) from task_event where message like '%vault-word%'"; }
    check 'nor in the story' expect_equal 0 in_database
    check 'the login is given back' expect_equal 0 logins
    put_secret word vault-word-2
    check 'what changed there is read anew' expect_exit 0 "$WRKTALK" deploy 2.0.0
    check 'and used' expect_output '^KEY=vault-word-2!$' seen
    "$WRKTALK" site set KEY=vault:kv/bizmatters/agent-executor/postgres#missing >/dev/null
    check 'a field that is not there stops it at check' expect_exit 5 "$WRKTALK" deploy 4.0.0
    check 'named' expect_output "check: the site's KEY \(vault:kv/.*#missing\): .* has no field missing"
    check 'with nothing touched' expect_equal 2.0.0 cat "$WORK/shop/current/VERSION"
    "$WRKTALK" site set KEY=vault:kv/bizmatters/nothing#x >/dev/null
    check 'a secret that is not there, too' expect_exit 5 "$WRKTALK" deploy 4.0.0
    "$WRKTALK" site set KEY=vault:kv/bizmatters/agent-executor/postgres#word >/dev/null
    seal >/dev/null
    check 'a Vault that is sealed stops it at check' expect_exit 6 "$WRKTALK" deploy 4.0.0
    check 'and is told with the reference, which is no secret' grep -q 'DB_PASSWORD (vault:kv/.*#password): Vault at .* Vault is sealed' "$ERR"
    check 'and nothing was touched' expect_equal 2.0.0 cat "$WORK/shop/current/VERSION"
    unseal
    [ -z "${KUBECONFIG_SAVED:-}" ] || export KUBECONFIG=$KUBECONFIG_SAVED
    "$WRKTALK" site unset KEY DB_PASSWORD >/dev/null
fi

# ---------------------------------------------------------------- compose

# bundle VERSION [COMMAND]: a service whose environment comes by ${NAME} and by env_file.
bundle() {
    mkdir -p "$WORK/bundle-$1"
    cat >"$WORK/bundle-$1/docker-compose.yml" <<YAML
version: "2.4"
services:
  web:
    image: wrktalk-test:1
    command: ${2:-[\"sleep\", \"1000\"]}
    init: true
    env_file: .env
    environment: {FILLED_IN: "\${HASH}"}
YAML
    tar -czf "$WORK/b$1.tar.gz" -C "$WORK/bundle-$1" .
    printf 'FROM_RELEASE=release-%s\nPLAIN=release\n' "$1" >"$WORK/b$1.env"
    "$WRKTALK" release add "$WORK/b$1.tar.gz" --version "$1" --env-file "$WORK/b$1.env"
}
project=ws$$
remove_project() {
    docker ps -aq --filter "label=com.docker.compose.project=$project" | xargs -r docker rm -f
    docker network ls -q --filter "label=com.docker.compose.project=$project" | xargs -r docker network rm
} >/dev/null 2>&1
container() { docker ps -q --filter "label=com.docker.compose.project=$project"; }
# sees NAME: every byte that the container has, in hexadecimal.
sees() { docker exec "$(container)" sh -c "printf '%s' \"\$$1\"" | od -An -tx1 | tr -d ' \n'; }
stored() { printf '%s' "$1" | od -An -tx1 | tr -d ' \n'; }
declare -A ODD=([HASH]='$2a$10$N9qo8uLOickgx2ZMRZoMye' [SHARP]='a # b #c' [QUOTES]=$'it\'s "so"' [BLANKS]='  both ends  '
    [BACK]='a\b\\c' [BRACES]='${HOME} $HOME $$' [LINES]="$(cat "$WORK/pem")" [CRLF]=$'a\r\nb' [APOSTROPHE]="a\\'b")
every_byte() {
    local name
    for name in "${!ODD[@]}"; do
        expect_equal "$(stored "${ODD[$name]}")" sees "$name" || { echo "of $name"; return 1; }
    done
    expect_equal "$(stored "${ODD[HASH]}")" sees FILLED_IN
}

# flow NAME: with the compose that WRKTALK_AGENT_COMPOSE_BIN names.
flow() {
    local name
    "$WRKTALK" site set PLAIN=site >/dev/null
    for name in "${!ODD[@]}"; do printf '%s' "${ODD[$name]}" | "$WRKTALK" site set "$name" >/dev/null; done
    check "$1: deploy with odd values" expect_exit 0 "$WRKTALK" deploy 1.0
    check "$1: the container sees every byte" every_byte
    check "$1: the site's counts" expect_equal "$(stored site)" sees PLAIN
    check "$1: the release's is there" expect_equal "$(stored release-1.0)" sees FROM_RELEASE
    check "$1: nothing is left" no_left_overs
    "$WRKTALK" site set PLAIN=later >/dev/null
    check "$1: a release that fails is put back" expect_exit 9 "$WRKTALK" deploy 2.0
    check "$1: with the settings that ran" expect_equal "$(stored site)" sees PLAIN
    check "$1: all of them" every_byte
    check "$1: an upgrade keeps the site's settings" expect_exit 0 "$WRKTALK" deploy 3.0
    check "$1: those of now" expect_equal "$(stored later)" sees PLAIN
    "$WRKTALK" site set PLAIN=today >/dev/null
    check "$1: a rollback" expect_exit 0 "$WRKTALK" rollback
    check "$1: uses today's" expect_equal "$(stored today)" sees PLAIN
    check "$1: with the older release's" expect_equal "$(stored release-1.0)" sees FROM_RELEASE
    remove_project
}
if have_service docker; then
    export WRKTALK_AGENT_DEPLOYMENT_TYPE=docker WRKTALK_AGENT_COMPOSE_PROJECT_NAME=$project WRKTALK_AGENT_COMPOSE_TIMEOUT=60s \
        WRKTALK_AGENT_COMPOSE_WORKING_DIR=$WORK/compose
    at_exit remove_project
    bundle 1.0 >/dev/null 2>&1
    bundle 2.0 '["sh", "-c", "exit 3"]' >/dev/null 2>&1
    bundle 3.0 >/dev/null 2>&1
    flow 'compose v2'
    if command -v docker-compose >/dev/null; then
        WRKTALK_AGENT_COMPOSE_BIN=$(command -v docker-compose)
        export WRKTALK_AGENT_COMPOSE_BIN
        flow 'docker-compose v1'
    fi
fi

# ---------------------------------------------------------------- Kubernetes

chart() {
    local tree=$WORK/chart-$1/demo
    mkdir -p "$tree/templates"
    printf 'apiVersion: v2\nname: demo\nversion: %s\n' "$1" >"$tree/Chart.yaml"
    printf 'a: chart\nb: chart\nc: chart\nsize: 1\n' >"$tree/values.yaml"
    printf '{"type": "object", "properties": {"size": {"type": "integer"}}}' >"$tree/values.schema.json"
    cat >"$tree/templates/map.yaml" <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: seen}
data:
  seen: {{ printf "%v %v %v %v %v" .Values.a .Values.b .Values.c .Values.size (.Values.list | default list) | quote }}
  version: {{ .Chart.Version | quote }}
YAML
    tar -czf "$WORK/c$1.tgz" -C "$WORK/chart-$1" demo
    printf 'a: release\nb: release\n' >"$WORK/c$1.yaml"
    "$WRKTALK" release add "$WORK/c$1.tgz" --version "$1" --values "$WORK/c$1.yaml"
}
in_map() { kubectl -n "$WRKTALK_AGENT_KUBE_NAMESPACE" get configmap seen -o "jsonpath={.data.$1}"; }
if have_service kubernetes && have_service helm; then
    export WRKTALK_AGENT_DEPLOYMENT_TYPE=kubernetes WRKTALK_AGENT_HELM_RELEASE_NAME=demo WRKTALK_AGENT_HELM_TIMEOUT=20s \
        WRKTALK_AGENT_KUBE_NAMESPACE=ws-$$
    at_exit kubectl delete namespace "$WRKTALK_AGENT_KUBE_NAMESPACE" --wait=false
    for version in 1.0.0 2.0.0; do chart "$version" >/dev/null 2>&1; done
    printf 'b: stored\nc: stored\nlist: [x, z]\n' | "$WRKTALK" site set --file - >/dev/null
    printf 'c: ${file:%s}\n' "$WORK/key" >"$WORK/values.yaml"
    chmod 600 "$WORK/values.yaml"
    export WRKTALK_AGENT_VALUES=$WORK/values.yaml
    check 'helm: deploy' expect_exit 0 "$WRKTALK" deploy 1.0.0
    check 'helm: the release, the database, the file' expect_equal 'release stored key-in-a-file 1 [x z]' in_map seen
    check 'helm: nothing is left' no_left_overs
    unset WRKTALK_AGENT_VALUES
    "$WRKTALK" site set size=many >/dev/null
    check "helm: the chart's schema stops it at check" expect_exit 5 "$WRKTALK" deploy 2.0.0
    check 'helm: named' expect_output 'check: the chart.s values.schema.json refuses the values: .*size'
    check 'helm: nothing was touched' expect_equal 1.0.0 in_map version
    check 'helm: deploy --check says so' expect_exit 1 "$WRKTALK" deploy 2.0.0 --check
    "$WRKTALK" site set size=2 >/dev/null
    check 'helm: an upgrade keeps the settings' expect_exit 0 "$WRKTALK" deploy 2.0.0
    check 'helm: of today' expect_equal 'release stored stored 2 [x z]' in_map seen
    "$WRKTALK" site unset b c list >/dev/null
    check 'helm: a rollback uses today'"'"'s' expect_exit 0 "$WRKTALK" rollback
    check 'helm: what is unset is gone' expect_equal 'release release chart 2 []' in_map seen
    check 'helm: of the older release' expect_equal 1.0.0 in_map version
    check 'helm: forward again with the same settings' expect_exit 0 "$WRKTALK" rollback --to-version 2.0.0
    check 'helm: they count' expect_equal 'release release chart 2 []' in_map seen
fi

# ---------------------------------------------------------------- a kill at each step

if "$WRKTALK" --version >/dev/null && [ -n "${WRKTALK_TEST_KILLS-yes}" ]; then
    rm -rf "$WORK/tmp"
    pg_database killed
    # shellcheck source=../support/kill_host.bash
    . "$SUPPORT/kill_host.bash"
    printf '#!/bin/sh\nwhile [ -e %q ]; do sleep 0.05; done\necho "$KEY $WRKTALK_VERSION" >%q\n' "$WORK/slow" "$WORK/seen" >"$WORK/activate"
    # What it began with counts, although it is changed before the second holder comes.
    with_settings() {
        local began
        began=$_goal
        "$WRKTALK" site set "KEY=\${file:$WORK/key} for $began" >/dev/null
        hold "$1"
        "$WRKTALK" site set KEY=later >/dev/null
        kill_agent
        wait_until 60 settled
        whole "$began" completed
        case $1 in
            claim | resolve) ;; # nothing was fixed yet
            *) expect_equal "key-in-a-file for $began $began" cat "$WORK/seen" ;;
        esac
    }
    for step in "${STEPS[@]}"; do
        check "killed at $step: the settings that it began with" with_settings "$step"
        end_background first || true
        _goal=$(other)
    done
fi
