-- The env file and the values file of a release, and whether they are larger than may be read.
-- $1 uuid: the release   $2 int: kLargestText
SELECT CASE WHEN octet_length(env_data) <= $2::int THEN env_data END AS env, octet_length(env_data) > $2::int AS env_is_larger,
    CASE WHEN octet_length(values_data) <= $2::int THEN values_data END AS values, octet_length(values_data) > $2::int AS values_are_larger
FROM release_artifact WHERE id = $1::uuid
