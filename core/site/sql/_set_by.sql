r.made_at, r.made_by || coalesce(' (' || r.requested_by || ')', '') AS set_by
