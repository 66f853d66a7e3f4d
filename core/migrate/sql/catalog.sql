-- What tables are made of: the table's oid; kind; name, of a table the one it was asked for by; definition.
-- $1 text: schema of the names without one, empty: as the search path finds them   $2 text[]: names of tables
-- NOT NULL is a column's matter here; from version 18 on it is a constraint too. One catalog a branch and no joins: planning those in a fresh
-- session takes twice as long as all the rest.
{tables_and_parts}
