-- To wake agents is a convenience: a task is found by polling, too. pg_notify fails at the end of the transaction, where nothing can catch it,
-- when the server's queue is full (a session that listens and never ends its transaction fills it): so nobody is woken
-- while it is nearly so.
CREATE OR REPLACE FUNCTION wrktalk_notify_task() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_catalog.pg_notification_queue_usage() < 0.8 THEN
        PERFORM pg_catalog.pg_notify('wrktalk_task', '');
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION wrktalk_notify_added() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_catalog.pg_notification_queue_usage() < 0.8 AND
       EXISTS (SELECT FROM added WHERE status = 'pending' AND execute_after < now() + interval '1 day') THEN
        PERFORM pg_catalog.pg_notify('wrktalk_task', '');
    END IF;
    RETURN NULL;
END
$$;
