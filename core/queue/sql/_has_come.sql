-- Whether the time of task t has come and it has not missed its schedule. In a form whose share of the rows the server can guess: it would
-- not use the order of the indexes otherwise.
t.status = 'pending' AND t.execute_after <= now() AND (t.missed_after IS NULL OR {waited} <= t.missed_after)
