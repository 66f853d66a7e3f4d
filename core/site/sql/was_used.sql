-- $1 text: target
SELECT {was_used} AS was_used
