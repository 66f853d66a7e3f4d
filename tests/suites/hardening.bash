#!/usr/bin/env bash
# What is shipped is hardened: the release binary's own headers say so. $WRKTALK_RELEASE names it, else build/release/wrktalk is looked at.
# And what holds for every build: a crash leaves no core dump with passwords in it.
. "$(dirname "$0")/../support/lib.bash"
need_service python3 readelf objdump
release=${WRKTALK_RELEASE:-$(dirname "$WRKTALK")/../release/wrktalk}

# dumps COMMAND...: whether the kernel says that it dumped core when the command got SIGABRT.
cat >"$WORK/dumps.py" <<'PY'
import os, resource, signal, subprocess, sys, time
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
child.stdout.read(1)  # it has begun
os.kill(child.pid, signal.SIGABRT)
_, status = os.waitpid(child.pid, 0)
print("dumped" if os.WCOREDUMP(status) else "not dumped" if os.WIFSIGNALED(status) else "ended by itself")
PY
dumps() { (cd "$WORK" && python3 "$WORK/dumps.py" "$@"); }
if [ "$(dumps sh -c 'echo x; exec sleep 60')" = dumped ]; then
    # It warns of the plain connection, and waits for a database that never answers.
    check 'a crash dumps no core' expect_equal 'not dumped' dumps \
        env WRKTALK_AGENT_DB_HOST=192.0.2.1 WRKTALK_AGENT_SECRETS_DIR="$WORK" "$WRKTALK" poll --loop
else
    echo "SKIP: a crash dumps no core: this machine dumps none of any program"
fi

if [ ! -x "$release" ]; then
    echo "SKIP: the release binary is hardened: $release is not there"
    [ $((_passed + _failed)) -gt 0 ] || skip_suite "nothing to look at"
else
    says() { expect_output "$1" readelf -W "$2" "$release"; }
    check 'it is a position-independent executable' says 'FLAGS_1.*PIE' -d
    check 'its relocations are read-only' says 'GNU_RELRO' -l
    check 'all of them, for they are made at the start' says 'FLAGS_1.*NOW' -d
    check 'its stack is not executable' says 'GNU_STACK.* RW  ' -l
    # The C++ runtime, which is linked into it, has a few such calls of its own.
    guarded() { [ "$(objdump -d --no-show-raw-insn "$release" | grep -c 'call.*__stack_chk_fail')" -ge 500 ]; }
    check 'overwritten stacks are found' guarded
    check 'overlong texts are found' says '__snprintf_chk' --dyn-syms
fi
