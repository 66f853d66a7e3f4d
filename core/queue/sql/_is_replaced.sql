-- Whether another release runs on the target than before.
$2::uuid IS NOT NULL AND current_artifact_id IS DISTINCT FROM $2::uuid
