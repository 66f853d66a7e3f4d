-- What runs on the target from now on. Previous is what ran before; that nothing runs any more does not change it.
-- $1 text: target   $2 uuid: artifact, or null   $3 bigint: revision, or null   $4 boolean: it was applied now
UPDATE deployment_target SET
    previous_artifact_id = CASE WHEN {is_replaced}
        THEN nullif(coalesce(current_artifact_id, previous_artifact_id), $2::uuid) ELSE previous_artifact_id END,
    previous_revision = CASE WHEN {is_replaced} THEN coalesce(revision, previous_revision) ELSE previous_revision END,
    current_artifact_id = $2::uuid, revision = $3::bigint,
    applied_at = CASE WHEN $4::boolean OR current_artifact_id IS DISTINCT FROM $2::uuid THEN clock_timestamp() ELSE applied_at END
WHERE name = $1
RETURNING is_default, current_artifact_id, previous_artifact_id, chart_type
