#!/usr/bin/env bash
# Releases into the database and out of it, as an operator does it.
# shellcheck source=../support/lib.bash
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk

"$WRKTALK" migrate up --set agent >/dev/null 2>&1

mkdir -p "$WORK/chart/app/templates" "$WORK/bundle/conf" "$WORK/tree"
printf 'apiVersion: v2\nname: app\nversion: 1.0.0\n' >"$WORK/chart/app/Chart.yaml"
echo 'kind: ConfigMap' >"$WORK/chart/app/templates/map.yaml"
echo 'services: {}' >"$WORK/bundle/docker-compose.yml"
echo 'events {}' >"$WORK/bundle/conf/nginx.conf"
head -c 3000000 /dev/urandom >"$WORK/tree/data"
ln -s data "$WORK/tree/current"
chmod 4755 "$WORK/tree/data"
echo 'SECRET=hunter22' >"$WORK/env"
echo 'replicas: 2' >"$WORK/values.yaml"

tar -czf "$WORK/app.tgz" -C "$WORK/chart" app
tar -czf "$WORK/bundle.tar.gz" -C "$WORK/bundle" .
tar -czf "$WORK/suid.tar.gz" -C "$WORK/tree" .
chmod 755 "$WORK/tree/data"
tar --zstd -cf "$WORK/tree.tar.zst" -C "$WORK/tree" .
tar -cf "$WORK/tree.tar" -C "$WORK/tree" .
xz -k "$WORK/tree.tar"

check 'a chart is recognised' expect_output 'stored release 1.0.0 \(helm\)' \
    "$WRKTALK" release add "$WORK/app.tgz" --version 1.0.0 --values "$WORK/values.yaml"
check 'again changes nothing' expect_output 'there already, nothing changed' \
    "$WRKTALK" release add "$WORK/app.tgz" --version 1.0.0 --values "$WORK/values.yaml"
check 'with other values it is refused' expect_exit 1 "$WRKTALK" release add "$WORK/app.tgz" --version 1.0.0
check 'a compose bundle is recognised' expect_output '\(compose\)' \
    "$WRKTALK" release add "$WORK/bundle.tar.gz" --version 1.0.0 --env-file "$WORK/env"
check 'any tree is a host release when it is said to be one' expect_output '\(host\)' \
    "$WRKTALK" release add "$WORK/tree.tar.zst" --version 2.0.0 --type host

check 'a tree is not guessed: 7' expect_exit 7 "$WRKTALK" release add "$WORK/tree.tar.zst" --version 3
check 'with what was found and what to do' expect_output 'found [0-9]+ entries'
check 'hinting at the type' expect_output '--type host'
check 'setuid is refused: 7' expect_exit 7 "$WRKTALK" release add "$WORK/suid.tar.gz" --version 3 --type host
check 'by name' expect_output 'data.*setuid'
check 'xz is refused: 7' expect_exit 7 "$WRKTALK" release add "$WORK/tree.tar.xz" --version 3 --type host
check 'by name, too' expect_output 'xz'
check 'a version that could be an option is refused: 2' \
    expect_exit 2 "$WRKTALK" release add "$WORK/app.tgz" --version=--force
check 'other bytes under a known version are refused' \
    expect_exit 1 "$WRKTALK" release add "$WORK/tree.tar" --version 2.0.0 --type host
check 'a file that is not there: 1' expect_exit 1 "$WRKTALK" release add "$WORK/none.tgz" --version 3
check 'nothing of it was stored' expect_equal 3 sql 'SELECT count(*) FROM release_artifact'

check 'the list has them' expect_output '^2\.0\.0 +host +3\.0 MB' "$WRKTALK" release list
check 'two of one version need a type' expect_exit 1 "$WRKTALK" release show 1.0.0
check 'which tells them apart' expect_output 'values: +stored, not shown' "$WRKTALK" release show 1.0.0 --type helm
check 'secrets are not shown' refuse grep -rq hunter22 "$OUT" "$ERR"
"$WRKTALK" release list -o json >"$WORK/list.json"
check 'JSON stands alone on stdout' python3 - "$WORK/list.json" "$(sha256sum <"$WORK/app.tgz" | cut -d' ' -f1)" <<'END'
import json, sys
found = {(one["version"], one["type"]): one for one in json.load(open(sys.argv[1]))}
assert found["1.0.0", "helm"]["sha256"] == sys.argv[2], found
END

check 'export gives the same bytes' expect_exit 0 "$WRKTALK" release export 2.0.0 "$WORK/out.tar.zst"
check 'to the last' cmp "$WORK/tree.tar.zst" "$WORK/out.tar.zst"
check 'it does not overwrite: 2' expect_exit 2 "$WRKTALK" release export 2.0.0 "$WORK/out.tar.zst"
check 'unless it is told to' expect_exit 0 "$WRKTALK" release export 2.0.0 "$WORK/out.tar.zst" --yes
check 'export unpacks' expect_exit 0 "$WRKTALK" release export 2.0.0 "$WORK/unpacked" --unpack
check 'to the same tree' diff -r "$WORK/tree" "$WORK/unpacked"

check 'all are good' expect_exit 0 "$WRKTALK" release verify --all
sql "UPDATE release_artifact SET artifact_data = set_byte(artifact_data, 100, get_byte(artifact_data, 100) # 1)
     WHERE release_version = '2.0.0'" >/dev/null
check 'a flipped bit is found: 7' expect_exit 7 "$WRKTALK" release verify --all
check 'and where' expect_output '^REFUSED +2\.0\.0 \(host\): sha256 does not match'
check 'it is not exported: 7' expect_exit 7 "$WRKTALK" release export 2.0.0 "$WORK/broken" --unpack
check 'and leaves nothing' refuse compgen -G "$WORK/*broken*"
check 'nor hidden' refuse compgen -G "$WORK/.broken*"

# A process that dies in the middle leaves a part that the next one removes.
sql "UPDATE release_artifact SET artifact_data = set_byte(artifact_data, 100, get_byte(artifact_data, 100) # 1)
     WHERE release_version = '2.0.0'" >/dev/null
mkdir "$WORK/.9.part-abcdef"
check 'left-overs go with the next one' expect_exit 0 "$WRKTALK" release export 2.0.0 "$WORK/unpacked" --unpack --yes
check 'for good' refuse compgen -G "$WORK/.*.part-*"

# /dev/full's big brother: a file system that ends.
if mkdir "$WORK/small" && mount -t tmpfs -o size=1m tmpfs "$WORK/small" 2>/dev/null; then
    at_exit umount "$WORK/small"
    check 'a full disk: 1' expect_exit 1 "$WRKTALK" release export 2.0.0 "$WORK/small/tree" --unpack
    check 'is named' expect_output 'No space left on device'
    check 'and left empty' expect_equal '' ls -A "$WORK/small"
else
    echo 'left out, cannot mount a tmpfs here'
fi
