"""Images in PostgreSQL as `release add --images` stores them, for suites that test what reads them.

usage: stored_image.py VERSION SIZE SEED REFERENCE... | psql

Prints the SQL of a release VERSION with one image for each REFERENCE: an index with a manifest for this platform, one for a platform that is
not stored, and an attestation; three layers of SIZE random bytes. The first layer is SEED's, the others are VERSION's. On stderr a line for
each: REFERENCE INDEX-DIGEST MANIFEST-DIGEST LAYER-DIGEST.
"""

import gzip
import hashlib
import io
import json
import random
import sys
import tarfile

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CHUNK = 256 << 10


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(media_type, data, **more):
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}


def layer(name, size):
    """A gzip of a tar with one file of noise, and the tar's digest."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = size
        tar.addfile(entry, io.BytesIO(random.Random(name).randbytes(size)))
    return gzip.compress(out.getvalue(), 1, mtime=0), digest(out.getvalue())


def image(reference, version, size, seed):
    layers = [layer(f"base-{seed}", size)] + [layer(f"{reference.replace('/', '-')}-{version}-{i}", size) for i in (1, 2)]
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/true"]},
                         "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in layers]}}).encode()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, config),
                           "layers": [descriptor(LAYER, data) for data, _ in layers]}).encode()
    absent = {"mediaType": MANIFEST, "digest": "sha256:" + "5" * 64, "size": 500,
              "platform": {"architecture": "s390x", "os": "linux"}}
    proof = {"mediaType": MANIFEST, "digest": "sha256:" + "6" * 64, "size": 500,
             "platform": {"architecture": "unknown", "os": "unknown"}}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        descriptor(MANIFEST, manifest, platform={"architecture": "amd64", "os": "linux"}), absent, proof]}).encode()
    blobs = [(INDEX, index), (MANIFEST, manifest), (CONFIG, config)] + [(LAYER, data) for data, _ in layers]
    print(reference, digest(index), digest(manifest), digest(layers[2][0]), file=sys.stderr)
    return index, blobs


def main():
    version, size, seed, *references = sys.argv[1:]
    print("BEGIN; INSERT INTO release_artifact (release_version, chart_type, artifact_data, sha256) "
          f"VALUES ('{version}', 'compose', '', repeat('0', 64));")
    this = f"(SELECT id FROM release_artifact WHERE release_version = '{version}')"
    for reference in references:
        index, blobs = image(reference, version, int(size), seed)
        for media_type, data in blobs:
            name = digest(data)
            print(f"INSERT INTO image_blob (digest, size_bytes) VALUES ('{name}', {len(data)}) ON CONFLICT DO NOTHING;")
            for seq in range(0, (len(data) + CHUNK - 1) // CHUNK):
                part = data[seq * CHUNK:(seq + 1) * CHUNK].hex()
                print(f"INSERT INTO image_blob_chunk VALUES ('{name}', {seq}, '\\x{part}') ON CONFLICT DO NOTHING;")
            print(f"INSERT INTO release_image_blob VALUES ({this}, '{name}', '{media_type}') ON CONFLICT DO NOTHING;")
        print(f"INSERT INTO release_image VALUES ({this}, '{reference}', '{digest(index)}', '{INDEX}', "
              f"'{{linux/amd64}}', {sum(len(data) for _, data in blobs)});")
    print("COMMIT;")


main()
