-- What a task intends and what it found is written to its row before anything is touched: whoever takes it over reads this.
ALTER TABLE agent_task
    ADD COLUMN goal    jsonb,   -- {"artifact_id", "version", "revision"}: fixed when the task is queued, or by its first holder
    ADD COLUMN before  jsonb,   -- {"state", "version", "artifact_id", "revision", "way_back", "detail"}: what ran on the target
    ADD COLUMN reached text,    -- the furthest step that any holder has begun
    ADD COLUMN held_until timestamptz; -- the target was busy with somebody else's operation: not claimed before then
