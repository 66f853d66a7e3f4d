-- The same of email.
lower(rtrim(btrim(coalesce(substring(email FROM '<([^<>]+)>[[:space:]]*$'), email), E' \t\r\n'), '.'))
