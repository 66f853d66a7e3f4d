DROP INDEX notification_event_key_idx;
ALTER TABLE notification ADD UNIQUE (event_key, recipient);
DROP VIEW maintenance_window_now;
ALTER TABLE maintenance_window DROP COLUMN proxy;
