-- Whether task t may begin now: one that missed its schedule may not, nor one whose target is busy (held_until).
({has_come} AND (t.held_until IS NULL OR t.held_until <= now()))
