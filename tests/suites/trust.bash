#!/usr/bin/env bash
# Files that settings come from, by the user who owns them and the shape of their mounts: what Kubernetes mounts into a pod is
# read without a word, what another user of a host could change is refused.
. "$(dirname "$0")/../support/lib.bash"
need_service unshare setpriv
[ "$EUID" -eq 0 ] || skip_suite 'only root makes mounts and files of other users'
unshare --mount true 2>"$WORK/unshare" || skip_suite "no mount can be made: $(<"$WORK/unshare")"

agent=65532
mkdir "$WORK/mnt"
# as_agent COMMAND...: as the image's user, with its group, and nothing of ours in the environment.
as_agent() { setpriv --reuid $agent --regid $agent --groups $agent env -i PATH="$PATH" "$@"; }

# A Secret's volume: a tmpfs with all rights, and files behind two links that the kubelet exchanges. fsGroup is the group of all of it.
secret_volume() {
    mount -t tmpfs -o mode=1777 tmpfs "$WORK/mnt"
    mkdir "$WORK/mnt/..2026_11_27"
    printf 'hunter2hunter2' >"$WORK/mnt/..2026_11_27/db-password"
    printf '[db]\nhost = "from-the-volume"\nssl_mode = "verify-full"\n' >"$WORK/mnt/..2026_11_27/wrktalk.toml"
    ln -s ..2026_11_27 "$WORK/mnt/..data"
    ln -s ..data/db-password "$WORK/mnt/db-password"
    ln -s ..data/wrktalk.toml "$WORK/mnt/wrktalk.toml"
    chgrp -R -h $agent "$WORK/mnt"
    chmod 3777 "$WORK/mnt"
    chmod 2755 "$WORK/mnt/..2026_11_27"
    chmod "$1" "$WORK/mnt/..2026_11_27"/*
}
# A ConfigMap's lies on a disk, and everybody has all rights.
config_volume() {
    secret_volume 0644
    chmod 0777 "$WORK/mnt"
}
read_only() { mount -o remount,ro "$WORK/mnt"; }
# shows WORD [VARIABLE...]: config show prints the word, and warns of nothing.
shows() {
    local wanted=$1
    shift
    expect_output "$wanted" as_agent "$@" "$WRKTALK" config show
    expect_equal '' cat "$ERR"
}
refuses() {
    local wanted=$1
    shift
    expect_exit 5 as_agent "$@" "$WRKTALK" config show
    grep -q -e "$wanted" "$ERR"
}
pod=KUBERNETES_SERVICE_HOST=10.0.0.1
password=WRKTALK_AGENT_DB_PASSWORD_FILE=$WORK/mnt/db-password
config=WRKTALK_AGENT_CONFIG=$WORK/mnt/wrktalk.toml
# mounted COMMAND...: in a mount namespace of its own.
mounted() {
    mapfile -t functions < <(compgen -A function)
    export -f "${functions[@]}"
    export WORK WRKTALK OUT ERR agent pod password config
    unshare --mount bash -euo pipefail -c "$*"
}

in_secret() { secret_volume 0440; read_only; shows 'password .*\*\*\*' "$pod" "$password"; }
check 'a Secret with fsGroup is read in a pod' mounted in_secret
in_config() { config_volume; read_only; shows 'host .*from-the-volume' "$pod" "$config"; }
check 'so is a ConfigMap' mounted in_config
in_empty_dir() {
    mount -t tmpfs -o mode=0777 tmpfs "$WORK/mnt"
    printf 'PGHOST=from-vault\n' >"$WORK/mnt/pg_env.sh"
    chown $agent:$agent "$WORK/mnt/pg_env.sh"
    chmod 600 "$WORK/mnt/pg_env.sh"
    expect_output from-vault as_agent "$pod" "$WRKTALK" config show --pg-env "$WORK/mnt/pg_env.sh"
    expect_exit 5 as_agent "$WRKTALK" config show --pg-env "$WORK/mnt/pg_env.sh"
    grep -q "$WORK/mnt is writable by everybody" "$ERR"
}
check 'an emptyDir is the pod'"'"'s own, and the same folder of a host is refused' mounted in_empty_dir
on_host() {
    config_volume
    refuses "$WORK/mnt is writable by everybody" "$config"
    chmod 1777 "$WORK/mnt"
    refuses 'is a link in a folder where everybody may make one' "$config"
    read_only
    shows 'host .*from-the-volume' "$config"
}
check 'a host believes such a folder only when it is mounted read-only' mounted on_host

# ---------------------------------------------------------------- users of one machine

install -d -o $agent -g $agent -m 755 "$WORK/agent" "$WORK/other"
printf '[db]\nhost = "h"\nssl_mode = "verify-full"\n' >"$WORK/agent/wrktalk.toml"
chown 12345 "$WORK/agent/wrktalk.toml"
check 'a config file of another user is refused' refuses 'belongs to the user 12345' "WRKTALK_AGENT_CONFIG=$WORK/agent/wrktalk.toml"
chown $agent "$WORK/agent/wrktalk.toml"
check 'one of its own is not' shows 'host .* h ' "WRKTALK_AGENT_CONFIG=$WORK/agent/wrktalk.toml"
chown root "$WORK/agent/wrktalk.toml"
check 'nor is one of root' shows 'host .* h ' "WRKTALK_AGENT_CONFIG=$WORK/agent/wrktalk.toml"
as_root() { expect_exit 5 env "WRKTALK_AGENT_CONFIG=$WORK/agent/wrktalk.toml" "$WRKTALK" config show && grep -q "$WORK/agent belongs to the user" "$ERR"; }
check 'root does not believe what another user could exchange' as_root
