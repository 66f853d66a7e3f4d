-- $1 text: target   $2 integer: revision   $3 text: requested by
INSERT INTO site_revision (target, revision, requested_by) VALUES ($1, $2::integer, $3)
