# shellcheck shell=bash
# Sourced by suites that need nginx and haproxy, after lib.bash.

# proxies: start them before a small backend, with the configurations of docs/maintenance; sets NGINX_URL, NGINX_FLAG and the
# like (testbed/proxy-up).
proxies() {
    # Four ports in a row, below those that the kernel gives to others.
    ports_free() { local port; for port in "$1" $(($1 + 1)) $(($1 + 2)) $(($1 + 3)); do ! (exec 3<>"/dev/tcp/127.0.0.1/$port") || return 1; done 2>/dev/null; }
    PROXY_BASE=$((20000 + RANDOM % 3000 * 4))
    until ports_free "$PROXY_BASE"; do PROXY_BASE=$((PROXY_BASE + 4)); done
    export PROXY_BASE
    at_exit env TESTBED_STATE="$WORK/proxies" "$SUPPORT/testbed/proxy-down"
    # shellcheck disable=SC1090  # export lines made by the testbed
    . <(TESTBED_STATE=$WORK/proxies "$SUPPORT/testbed/proxy-up")
}
