-- $1 uuid: instance   $2 text: agent   $3 text: version   $4 text[]: targets   $5 text: host   $6 text: process
INSERT INTO agent_instance (id, agent_id, version, targets, host, process) VALUES ($1::uuid, $2, $3, $4::text[], $5, $6)
ON CONFLICT (id) DO UPDATE SET host = $5, process = $6, last_seen = now()
