#!/usr/bin/env bash
# What the operator's policy does to compose releases, from `release add` to the task's story, and the limits of archives.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres docker
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=docker WRKTALK_AGENT_COMPOSE_PROJECT_NAME=wp$$ WRKTALK_AGENT_COMPOSE_TIMEOUT=60s \
    WRKTALK_AGENT_COMPOSE_WORKING_DIR=$WORK/compose WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
remove_project() {
    docker ps -aq --filter "label=com.docker.compose.project=wp$$" | xargs -r docker rm -f
    docker network ls -q --filter "label=com.docker.compose.project=wp$$" | xargs -r docker network rm
} >/dev/null 2>&1
at_exit remove_project
check 'the agent tables are made' expect_exit 0 "$WRKTALK" migrate up --set agent

# bundle VERSION [LINE]: a compose bundle whose one service has that line.
bundle() {
    mkdir -p "$WORK/tree-$1"
    printf '%b\n' "services:\n  web:\n    image: wrktalk-test:1\n    command: [sleep, '1000']\n    init: true" \
        "    stop_grace_period: 1s\n    ${2:-}" >"$WORK/tree-$1/compose.yaml"
    tar -czf "$WORK/$1.tar.gz" -C "$WORK/tree-$1" .
}
add() { "$WRKTALK" release add "$WORK/$1.tar.gz" --version "$1"; }
containers() { docker ps -q --filter "label=com.docker.compose.project=wp$$" | wc -l; }

# ---------------------------------------------------------------- as written, when it is stored

bundle 1.0.0
bundle 1.1.0 'uts: host'
bundle 1.2.0 "uts: \${UTS:-host}"
bundle 2.0.0 'init: true # \0342\0200\0250    env_file: /etc/passwd'
bundle 2.1.0 '"env\\x5ffile": /etc/passwd'
bundle 2.2.0 'provider: {type: ./run}'
check 'an ordinary bundle is stored' expect_exit 0 add 1.0.0
check 'and nothing is said of it' refuse grep -q policy "$ERR"
check 'one that shares a namespace with the host too' expect_exit 0 add 1.1.0
check 'with a warning that names file, line and rule' \
    expect_output 'compose.yaml:7: service web shares a namespace with the host: uts: host \(host_namespaces\)'
check 'one whose file compose fills in too' expect_exit 0 add 1.2.0
check 'env_file behind an odd line break is refused: 7' expect_exit 7 add 2.0.0
check 'and so it says' expect_output "compose.yaml:8: 'env_file' names /etc/passwd, which is not in the release"
check 'env_file as an escaped key is refused: 7' expect_exit 7 add 2.1.0
check 'and so it says' expect_output "compose.yaml:7: 'env_file' names /etc/passwd"
check 'a program on this machine is refused: 7' expect_exit 7 add 2.2.0
check 'with the setting that would let it through' expect_output 'WRKTALK_AGENT_POLICY_HOST_PROGRAMS=warn'
check 'which it does' expect_exit 0 env WRKTALK_AGENT_POLICY_HOST_PROGRAMS=warn "$WRKTALK" release add "$WORK/2.2.0.tar.gz" --version 2.2.0

# ---------------------------------------------------------------- as compose makes it, when it is deployed

check 'a check says what the policy warns of' expect_exit 0 "$WRKTALK" deploy 1.2.0 --check
check 'with its rule' expect_output 'policy: service web shares a namespace with the host: uts: host \(host_namespaces\)'
check 'a check says when the policy has nothing' expect_exit 0 "$WRKTALK" deploy 1.0.0 --check
check 'in so many words' expect_output 'the policy has nothing against it'
check 'what v4.2 allowed is deployed' expect_exit 0 "$WRKTALK" deploy 1.2.0
check 'it runs' expect_equal 1 containers
check "its danger is in the task's story" expect_output 'check.*policy: service web shares a namespace' "$WRKTALK" task show "$(last_task)"

export WRKTALK_AGENT_POLICY=strict WRKTALK_AGENT_POLICY_UNPINNED_IMAGES=allow
check 'strict: a check refuses it: 1' expect_exit 1 "$WRKTALK" deploy 1.2.0 --check
check 'strict: it is refused: 7' expect_exit 7 "$WRKTALK" deploy 1.2.0
check 'strict: by its rule and with the way out' expect_output 'WRKTALK_AGENT_POLICY_HOST_NAMESPACES=warn'
check 'strict: nothing was touched' maintenance_is_off
check 'strict: what ran runs' expect_equal 1 containers
check 'strict: a program that was stored elsewhere is refused: 7' expect_exit 7 "$WRKTALK" deploy 2.2.0
check 'strict: an ordinary one is deployed' expect_exit 0 "$WRKTALK" deploy 1.0.0
check 'strict: no image without a digest unless that is allowed: 7' \
    expect_exit 7 env -u WRKTALK_AGENT_POLICY_UNPINNED_IMAGES "$WRKTALK" deploy 1.0.0
check 'strict: a single rule is let through' \
    expect_exit 0 env WRKTALK_AGENT_POLICY_HOST_NAMESPACES=warn "$WRKTALK" deploy 1.1.0
check 'the level as a flag' expect_output 'policy.level +allow +' "$WRKTALK" config show --policy allow
check 'a rule in config show' expect_output 'policy.unpinned_images +allow +' "$WRKTALK" config show
check 'a wrong level is named: 5' expect_exit 5 "$WRKTALK" config show --policy refuse

# ---------------------------------------------------------------- limits

mkdir -p "$WORK/chart/templates"
echo 'name: demo' >"$WORK/chart/Chart.yaml"
for i in 1 2 3; do echo "# $i" >"$WORK/chart/templates/$i.yaml"; done
tar -czf "$WORK/chart.tgz" -C "$WORK" chart
check 'a chart is stored' expect_exit 0 "$WRKTALK" release add "$WORK/chart.tgz" --version c1
check 'one with too many entries is refused: 7' \
    expect_exit 7 env WRKTALK_AGENT_LIMIT_CHART_ENTRIES=3 "$WRKTALK" release add "$WORK/chart.tgz" --version c2
check 'with the setting' expect_output 'limits.chart_entries'
check 'stored ones are verified by the same limits: 7' \
    expect_exit 7 env WRKTALK_AGENT_LIMIT_CHART_UNPACKED_SIZE=1kB "$WRKTALK" release verify c1
check 'a bundle has limits of its own' \
    expect_exit 0 env WRKTALK_AGENT_LIMIT_CHART_UNPACKED_SIZE=1kB "$WRKTALK" release verify 1.0.0

# ---------------------------------------------------------------- the document

# shellcheck disable=SC2016  # the backquotes are the document's
documented() { sed -n '/^## Rules/,/^## How/s/^| `\([a-z_]*\)` .*/policy.\1/p' "$SUPPORT/../../docs/policy.md" | sort; }
settings() { "$WRKTALK" config show -o json | jq -r '.settings | keys[]' | grep '^policy\.' | grep -vE '^policy\.(level|data_dirs|images)$' | sort; }
check 'docs/policy.md has all rules, and no other' expect_same_lines documented settings
