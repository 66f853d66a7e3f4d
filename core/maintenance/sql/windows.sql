-- Every window, ended ones too. over: it holds no more. noted: and expires_at says so. abandoned: its agent was not heard of for 10 minutes.
-- forgotten: it ended so long ago that no proxy is asked any more.
SELECT owner, agent_id, coalesce(proxy, '') AS proxy, reason, opened_by, opened_at, ends_at,
    coalesce(ends_at <= now(), false) AS over, coalesce(expires_at <= now(), false) AS noted, was_shown,
    NOT EXISTS (SELECT FROM agent_instance i WHERE i.agent_id = w.agent_id AND i.last_seen > now() - interval '10 minutes') AS abandoned,
    coalesce(ends_at < now() - interval '7 days', false) AS forgotten
FROM maintenance_window_now w ORDER BY opened_at, agent_id
