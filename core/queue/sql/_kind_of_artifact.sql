-- The kind of target for the release a; null for a chart_type that nobody knows.
CASE a.chart_type WHEN 'helm' THEN 'kubernetes' WHEN 'compose' THEN 'docker' WHEN 'host' THEN 'host' END
