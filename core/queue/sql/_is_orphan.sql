-- Whether task t is a v4.2 agent's, which has no token, that has been silent for $2.
(t.status = 'inProgress' AND t.claim_token IS NULL
    AND greatest(t.picked_up_at, t.last_heartbeat, t.updated_at) < now() - $2::interval)
