-- $1 text: target   $2 integer: revision
SELECT name, value, is_secret, set_in FROM site_setting WHERE target = $1 AND revision = $2::integer ORDER BY name
