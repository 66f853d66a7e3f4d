-- $1 text: target
SELECT a.id, a.release_version FROM deployment_target d JOIN release_artifact a ON a.id = d.previous_artifact_id WHERE d.name = $1
