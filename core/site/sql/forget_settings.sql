-- $1 text: target   $2 integer: of this revision and older ones
DELETE FROM site_setting WHERE target = $1 AND revision <= $2::integer
