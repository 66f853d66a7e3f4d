# shellcheck shell=bash
# Sourced by suites that look at mails, after lib.bash and agent.bash: a mail server of this suite's own, and a host to deploy to.

export TESTBED_STATE=$WORK/testbed
# shellcheck source=testbed/lib.bash
. "$SUPPORT/testbed/lib.bash"

# mail_server aiosmtpd|exim: start it; MAIL is the folder with what it kept.
mail_server() {
    export SMTP_BASE
    SMTP_BASE=${SMTP_BASE:-$(free_port)}
    "$SUPPORT/testbed/smtp-up" "$@" >"$WORK/smtp.env" 2>"$WORK/smtp.log" || {
        [[ ,${WRKTALK_TEST_REQUIRE:-}, != *,all,* && ,${WRKTALK_TEST_REQUIRE:-}, != *,smtp,* ]] || { cat "$WORK/smtp.log"; exit 1; }
        skip_suite "no mail server: $(tail -n 1 "$WORK/smtp.log")"
    }
    at_exit "$SUPPORT/testbed/smtp-down" --purge
    # shellcheck disable=SC1091  # export lines made by the testbed
    . "$WORK/smtp.env"
    MAIL=$SMTP_STATE/mail
    export MAIL WRKTALK_AGENT_SMTP_CA_FILE=$SMTP_CA
    chmod 711 "$TESTBED_STATE" "$TESTBED_STATE"/*
}

# mail_host PORT [USER PASSWORD [HOST]]: what deployment_config says.
mail_host() {
    sql "delete from deployment_config" >/dev/null
    sql "insert into deployment_config (deployment_type, smtp_host, smtp_port, smtp_user, smtp_password, smtp_from)
         values ('host', '${4:-127.0.0.1}', $1, nullif('${2:-}', ''), nullif('${3:-}', ''), 'WrkTalk <noreply@example.org>')" >/dev/null
}

# admins ADDRESS...: these and no others.
admins() {
    sql 'delete from admin' >/dev/null
    local address
    for address; do sql "insert into admin (email) values ('$address')" >/dev/null; done
}
# fresh: nothing was ever sent, and nothing waits.
fresh() {
    rm -f "$MAIL"/*
    sql 'delete from notification' >/dev/null
}
mails() { python3 "$SUPPORT/mails.py" "$MAIL" "$@"; }

# A host target with releases 1.0.0 and 2.0.0.
host_target() {
    export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
        WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag TMPDIR=$WORK/tmp
    mkdir "$TMPDIR" "$WORK/tree"
    "$WRKTALK" migrate up --set agent >/dev/null
    local version
    for version in 1.0.0 2.0.0; do
        echo "$version" >"$WORK/tree/VERSION"
        tar -czf "$WORK/$version.tar.gz" -C "$WORK/tree" .
        "$WRKTALK" release add "$WORK/$version.tar.gz" --version "$version" --type host >/dev/null 2>&1
    done
}
