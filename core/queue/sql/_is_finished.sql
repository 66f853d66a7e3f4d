-- In the words of agent_task_ended_idx.
t.status IN ('completed', 'failed', 'cancelled')
