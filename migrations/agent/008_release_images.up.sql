-- Releases carry their container images: OCI blobs (manifests, indexes, configurations, layers) by digest, each stored once
-- whatever number of releases need it. A row is committed together with all its chunks, after its digest was checked.
CREATE TABLE image_blob (
    digest     text PRIMARY KEY CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- 256 KiB each, the last one shorter. Layers are compressed already.
CREATE TABLE image_blob_chunk (
    digest text NOT NULL REFERENCES image_blob (digest) ON DELETE CASCADE,
    seq    integer NOT NULL CHECK (seq >= 0),
    data   bytea NOT NULL,
    PRIMARY KEY (digest, seq)
);
ALTER TABLE image_blob_chunk ALTER COLUMN data SET STORAGE EXTERNAL;

-- One row a reference of a release, as the bundle writes it.
CREATE TABLE release_image (
    artifact_id uuid NOT NULL REFERENCES release_artifact (id) ON DELETE CASCADE,
    reference   text NOT NULL,
    digest      text NOT NULL REFERENCES image_blob (digest),  -- of the manifest or the index
    media_type  text NOT NULL,
    platforms   text[] NOT NULL,
    size_bytes  bigint NOT NULL CHECK (size_bytes >= 0),       -- of all its blobs
    PRIMARY KEY (artifact_id, reference)
);
CREATE INDEX idx_release_image_digest ON release_image (digest);

-- Every blob that a release needs: what a blob may not be removed for.
CREATE TABLE release_image_blob (
    artifact_id uuid NOT NULL REFERENCES release_artifact (id) ON DELETE CASCADE,
    digest      text NOT NULL REFERENCES image_blob (digest),
    media_type  text NOT NULL,
    PRIMARY KEY (artifact_id, digest)
);
CREATE INDEX idx_release_image_blob_digest ON release_image_blob (digest);

-- They belong to whom the agent's other tables belong.
DO $do$
DECLARE
    base record;
    relation regclass;
BEGIN
    SELECT relowner, relnamespace INTO base FROM pg_catalog.pg_class WHERE oid = 'release_artifact'::regclass;
    FOR relation IN SELECT oid::regclass FROM pg_catalog.pg_class
        WHERE relnamespace = base.relnamespace AND relkind = 'r' AND relowner <> base.relowner
          AND relname IN ('image_blob', 'image_blob_chunk', 'release_image', 'release_image_blob')
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s OWNER TO %s', relation, base.relowner::regrole);
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'not all of the tables for images belong to %: %', base.relowner::regrole, SQLERRM;
END
$do$;
