-- Whether a task that names no target, of release a, belongs to the default target d: the one that takes such releases; any when none does,
-- where the task fails with a reason.
(a.chart_type = d.chart_type OR NOT EXISTS (SELECT FROM deployment_target o WHERE o.is_default AND o.chart_type = a.chart_type))
