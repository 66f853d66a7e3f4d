-- Whether task t says which revision was made of which release, and somebody may still ask; `asked` are the revisions that tasks name.
(t.status = 'completed' AND t.result->>'revision' IS NOT NULL AND (
    EXISTS (SELECT FROM deployment_target d WHERE d.name = t.target
        AND t.result->>'revision' IN (d.revision::text, d.previous_revision::text))
    OR (t.target, t.result->>'revision') IN (SELECT target, revision FROM asked)
    OR (EXISTS (SELECT FROM release_artifact a WHERE a.id::text = t.result->>'artifact_id')
        AND NOT EXISTS (SELECT FROM agent_task newer WHERE newer.target = t.target AND newer.status = 'completed'
            AND newer.result->>'artifact_id' = t.result->>'artifact_id' AND newer.result->>'revision' IS NOT NULL
            AND newer.completed_at > t.completed_at))))
