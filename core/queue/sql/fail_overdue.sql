-- Fails what nobody will run any more, and returns it as it ended. The condition stands here twice: once for the indexes, and once for rows
-- that another agent changes meanwhile.
-- $1 text: kMissedMessage   $2 interval: kSilence   $3 text: kTimeoutMessage
WITH ended AS (
    UPDATE agent_task t SET status = 'failed', error_message = CASE t.status WHEN 'pending' THEN $1 ELSE $3 END,
        completed_at = now(), updated_at = now()
    WHERE t.id IN (SELECT t.id FROM agent_task t WHERE {has_missed} UNION ALL SELECT t.id FROM agent_task t WHERE {is_orphan})
        AND ({has_missed} OR {is_orphan}) RETURNING *),
told AS (
    INSERT INTO task_event (task_id, attempt, phase, message) SELECT id, attempt, 'record', error_message FROM ended)
SELECT {task_columns} FROM ended t LEFT JOIN release_artifact a ON a.id = t.release_artifact_id
