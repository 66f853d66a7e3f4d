-- Finished tasks keep the version of a release that goes.
-- $1 uuid: artifact
UPDATE agent_task t SET release_artifact_id = NULL, result = jsonb_build_object('version', a.release_version)
    || coalesce(CASE jsonb_typeof(t.result) WHEN 'object' THEN t.result END, '{}')
FROM release_artifact a
WHERE a.id = $1::uuid AND t.release_artifact_id = a.id AND t.status NOT IN ('pending', 'inProgress')
