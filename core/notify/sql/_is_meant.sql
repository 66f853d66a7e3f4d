-- A message that waits or was given up, whose id begins with $1; every one that waits when $1 is null.
CASE WHEN $1::text IS NULL THEN status = 'pending' ELSE starts_with(id::text, $1) AND status IN ('pending', 'failed') END
