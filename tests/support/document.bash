# shellcheck shell=bash
# Sourced by suites that walk through a document, after lib.bash: its fenced blocks are run in order, as one reader
# types them, and what they print is compared with the block "output" that follows.
#
#   document FILE        take this one
#   walk [TAG]           run the blocks "bash" (or "bash TAG"), a check each, named by its heading; ends at the first failure
#   chapter NAME         the headings below it whose commands were compared with what is shown
#
# A block starts in the folder and with the variables that the one before left, and must not fail. What runs on in the
# background is ended with the suite. The suite may define
#
#   before HEADING       called before the first block under each heading
#   REAL                 a list of "REAL=SHOWN": what this run has in place of what the document shows, a longer one before a
#                        shorter one that is part of it; blocks are run with the former
#   TYPED                a file with what the reader types when a program asks

REAL=() TYPED=/dev/null

document() {
    [ -e "$WORK/jobs" ] || at_exit end_jobs
    touch "$WORK/jobs"
    export LC_ALL=C.UTF-8
    DOCUMENT=$(cd "$SUPPORT/../../docs" && pwd)/$1
    BLOCKS=$WORK/$1
    mkdir -p "$BLOCKS" "$WORK/session"
    python3 "$SUPPORT/document.py" split "$DOCUMENT" "$BLOCKS"
    (cd "$WORK/session" && export -p >"$WORK/variables")
}

# shellcheck disable=SC2120  # not every suite has a tag
walk() {
    local tag=${1:-} number language its heading last='' chapter next index
    local -a lines
    mapfile -t lines <"$BLOCKS/blocks"
    for index in "${!lines[@]}"; do
        IFS='|' read -r number language its heading chapter <<<"${lines[index]}"
        [ "$language $its" = "bash $tag" ] || continue
        [ "$heading" = "$last" ] || ! declare -F before >/dev/null || before "$heading"
        last=$heading
        IFS='|' read -r next language _ <<<"${lines[index + 1]:-}"
        [ "$language" = output ] || next=''
        check "$chapter: $heading${next:+, as shown}" run_block "$number" "$next"
        # shellcheck disable=SC2154  # check counts
        [ "$_failed" -eq 0 ] || { echo "$DOCUMENT: the rest is not walked"; return; }
    done
}

# run_block NUMBER [OUTPUT-NUMBER]
run_block() {
    local status name ours
    set +e
    (
        set -eo pipefail
        ours=$(compgen -v | sort)
        # shellcheck disable=SC1091  # what the block before left
        . "$WORK/variables"
        cd "$PWD"
        # shellcheck disable=SC1090
        . <(as_here <"$BLOCKS/$1.bash") <"$TYPED"
        {
            export -p
            # Its own, exported or not: a program sees only what the page exports.
            for name in $(compgen -v | sort | comm -13 <(echo "$ours") -); do declare -p "$name"; done
        } >"$WORK/variables"
        for pid in $(jobs -p); do echo "$pid $(_started "$pid")" >>"$WORK/jobs"; done
    ) >"$WORK/came" 2>&1
    status=$?
    set -e
    if [ "$status" -ne 0 ]; then
        echo "ended with $status:"
        cat "$BLOCKS/$1.bash" "$WORK/came"
        return 1
    fi
    [ -z "${2:-}" ] || python3 "$SUPPORT/document.py" compare "$BLOCKS/$2.output" "$WORK/came" "${REAL[@]}"
}

# as_here: standard input with what this run has in place of what the document shows.
as_here() {
    local text pair
    IFS= read -rd '' text || true
    for pair in "${REAL[@]}"; do text=${text//"${pair#*=}"/"${pair%%=*}"}; done
    printf '%s' "$text"
}

chapter() {
    awk -F'|' -v chapter="$1" '
        $2 == "output" && $5 == chapter && !($4 in seen) { print $4; seen[$4] }' "$BLOCKS/blocks"
}

end_jobs() {
    local pid started
    while read -r pid started; do
        [ "$(_started "$pid")" != "$started" ] || kill "$pid" 2>/dev/null || true
    done <"$WORK/jobs"
    return 0
}
