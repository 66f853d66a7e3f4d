-- Whether no task is in progress on target d. In a SELECT of its own, so that the server asks once for a target, not once for each task
-- that waits there.
(SELECT NOT EXISTS (SELECT FROM agent_task r WHERE r.status = 'inProgress'
    AND (r.target = d.name OR (r.target IS NULL AND d.is_default
        AND (r.release_artifact_id IS NULL
            OR EXISTS (SELECT FROM release_artifact a WHERE a.id = r.release_artifact_id AND {belongs_to_default}))))))
