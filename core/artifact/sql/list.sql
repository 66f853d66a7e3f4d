SELECT {columns} FROM release_artifact ORDER BY created_at DESC, id
