-- Whether task t was not begun within missed_after. No value of its columns is an error.
(t.status = 'pending' AND t.missed_after IS NOT NULL AND t.execute_after <= now() AND {waited} > t.missed_after)
