-- What is worth to know of a server and this database.
-- $1 double precision: this machine's clock, in seconds since 1970
SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
    current_user::text AS role, current_database()::text AS database_name,
    coalesce((SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS is_encrypted,
    pg_is_in_recovery() AS is_standby, current_setting('default_transaction_read_only') = 'on' AS is_read_only,
    extract(epoch FROM clock_timestamp()) - $1::double precision AS clock_ahead,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend') AS connections_left,
    (SELECT string_agg(s.name || ' = ' || s.reset_val || s.unit, ', ' ORDER BY s.name) FROM pg_catalog.pg_settings s
        WHERE s.name IN ('idle_session_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
            AND s.reset_val <> '0') AS limits
