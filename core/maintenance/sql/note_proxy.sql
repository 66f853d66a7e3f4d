-- This agent's windows are shown at that proxy.   $1 text: agent   $2 text: proxy, empty when it is not known
UPDATE maintenance_window SET proxy = nullif($2, '') WHERE agent_id = $1 AND proxy IS DISTINCT FROM nullif($2, '')
