# shellcheck shell=bash
# Sourced: private PostgreSQL clusters on a unix socket, for tests and demonstrations.
# Nothing listens on the network, nothing outside the cluster's directory is touched.

# unprivileged DIR: set as_server to the words that run a server program on DIR. The server refuses
# to run as root. In a user namespace that maps root to an ordinary id it sees no root, yet every file
# stays ours. Where there are no such namespaces (a chroot, some containers) another user runs it, and must
# be able to reach DIR.
unprivileged() {
    local user=postgres
    as_server=()
    [ "$(id -u)" -eq 0 ] || return 0
    as_server=(unshare --user --map-user=1000 --map-group=1000)
    "${as_server[@]}" true 2>/dev/null && return
    id "$user" >/dev/null 2>&1 || user=nobody
    as_server=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
    chown -R "$user" "$1"
}

# pg_bin: the directory of Debian's newest server programs; fails without one.
pg_bin() {
    local found
    found=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
    [ -x "$found" ] && printf '%s\n' "${found%/postgres}"
}

# pg_start DIR [SETTING=VALUE...]: make a cluster in DIR (short: the socket lies in it) or start the one
# that is there. Superuser "postgres", no password asked on the socket.
pg_start() {
    local dir=$1 bin setting options=()
    shift
    bin=$(pg_bin) || { echo "no PostgreSQL server is installed" >&2; return 1; }
    for setting in listen_addresses= "unix_socket_directories=$dir" fsync=off full_page_writes=off \
        max_connections=100 shared_buffers=32MB "$@"; do
        options+=("-c $setting")
    done
    mkdir -p "$dir"
    unprivileged "$dir"
    if [ ! -f "$dir/data/PG_VERSION" ]; then
        "${as_server[@]}" "$bin/initdb" -D "$dir/data" -U postgres --auth=trust --encoding=UTF8 --locale=C \
            --no-sync >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; return 1; }
    fi
    "${as_server[@]}" "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -s -o "${options[*]}" start </dev/null ||
        { tail -n 20 "$dir/log" >&2; return 1; }
}

# pg_stop DIR [SIGNAL]: end the cluster in DIR; INT (the default) breaks its connections, QUIT crashes it.
pg_stop() {
    local pid end=$((SECONDS + 20))
    [ -s "$1/data/postmaster.pid" ] || return 0
    read -r pid <"$1/data/postmaster.pid"
    # The server's folder tells it from a later process with the same pid.
    [ "/proc/$pid/cwd" -ef "$1/data" ] || return 0
    kill -s "${2:-INT}" "$pid" 2>/dev/null || return 0
    while [ "/proc/$pid/cwd" -ef "$1/data" ]; do
        [ "$SECONDS" -lt "$end" ] || kill -s KILL "$pid" 2>/dev/null || true
        sleep 0.05
    done
}
