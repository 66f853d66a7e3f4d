-- The figures alone, while a task runs.
SELECT {figures} AS figures
