-- A window names the proxy that shows it, so that another agent at the same proxy can take it down; and it ends with its task, also when
-- nobody could write that.

ALTER TABLE maintenance_window
    ADD COLUMN proxy text;                               -- which proxy shows it, for whoever compares; null: cannot be told

CREATE VIEW maintenance_window_now AS
    SELECT w.*, least(w.expires_at, CASE
               WHEN t.status IN ('completed', 'cancelled') OR (t.status = 'failed' AND t.result->>'state' <> 'not_put_back')
               THEN coalesce(t.completed_at, t.updated_at, now())
           END) AS ends_at                               -- null: until it is closed
      FROM maintenance_window w
      LEFT JOIN agent_task t ON t.id = CASE WHEN w.owner <> 'operator' THEN w.owner::uuid END;

-- One admin in two spellings is told once.
ALTER TABLE notification DROP CONSTRAINT notification_event_key_recipient_key;
CREATE UNIQUE INDEX notification_event_key_idx ON notification (event_key, lower(recipient));
