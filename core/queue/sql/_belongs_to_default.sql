-- Whether a task that names no target, of release a, belongs to the default target d: that of the release's kind; any when the kind
-- cannot be told or has no default target, where the task fails with a reason.
({kind_of_artifact} IS NULL OR {kind_of_artifact} = d.kind
    OR NOT EXISTS (SELECT FROM deployment_target o WHERE o.is_default AND o.kind = {kind_of_artifact}))
