-- Windows that are over for another reason than their own end are noted as such.
UPDATE maintenance_window w SET expires_at = n.ends_at FROM maintenance_window_now n
WHERE (n.owner, n.agent_id) = (w.owner, w.agent_id) AND (w.expires_at IS NULL OR w.expires_at > now())
