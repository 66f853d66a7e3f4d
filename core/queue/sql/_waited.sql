-- How long task t has been due. Neither a sum of time and interval nor a difference of times may leave their range or meet an infinity.
now() - least(greatest(t.execute_after, '0001-01-01Z'::timestamptz), now())
