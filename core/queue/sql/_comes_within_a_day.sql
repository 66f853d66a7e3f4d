-- Whether pending task t will be due within a day: infinity and what an interval cannot reach are left out.
(t.status = 'pending' AND t.execute_after > now() AND t.execute_after < now() + interval '1 day')
