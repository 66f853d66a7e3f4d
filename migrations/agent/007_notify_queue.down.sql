CREATE OR REPLACE FUNCTION wrktalk_notify_task() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('wrktalk_task', '');
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION wrktalk_notify_added() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE status = 'pending' AND execute_after < now() + interval '1 day') THEN
        PERFORM pg_catalog.pg_notify('wrktalk_task', '');
    END IF;
    RETURN NULL;
END
$$;
