-- The address in recipient as one writes it to compare it: without a name, blanks, a dot at its end, and in small letters.
lower(rtrim(btrim(coalesce(substring(recipient FROM '<([^<>]+)>[[:space:]]*$'), recipient), E' \t\r\n'), '.'))
