-- For whoever may not read values.   $1 text: target
SELECT s.name, s.is_secret, s.set_in, {set_by} FROM site_setting s
JOIN site_revision r ON r.target = s.target AND r.revision = s.set_in
WHERE s.target = $1 AND s.revision = {newest} ORDER BY s.name
