(SELECT max(n.revision) FROM site_revision n WHERE n.target = $1)
