-- The mail server as deployment_config says: of the row that has one, the oldest.
SELECT smtp_host, smtp_port, smtp_user, smtp_password, smtp_from FROM deployment_config ORDER BY smtp_host IS NULL, created_at LIMIT 1
