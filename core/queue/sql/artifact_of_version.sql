-- $1 text: kind of target   $2 text: version
SELECT a.id FROM release_artifact a WHERE a.release_version = $2 AND $1 = {kind_of_artifact} ORDER BY a.created_at DESC LIMIT 1
