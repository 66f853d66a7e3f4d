-- Whether release a may not go: it runs, ran before, or a task that has not ended names it or its revision.
(coalesce(a.is_current, false) OR coalesce(a.is_previous, false)
    OR EXISTS (SELECT FROM deployment_target d WHERE a.id IN (d.current_artifact_id, d.previous_artifact_id))
    OR EXISTS (SELECT FROM agent_task t WHERE t.status IN ('pending', 'inProgress')
        AND (t.release_artifact_id = a.id OR a.id::text IN (t.goal->>'artifact_id', t.before->>'artifact_id')
            OR t.payload->>'target_version' IN (a.release_version, a.id::text)
            OR EXISTS (SELECT FROM agent_task made WHERE made.target = t.target AND made.status = 'completed'
                AND made.result->>'revision' = t.payload->>'target_revision' AND made.result->>'artifact_id' = a.id::text))))
