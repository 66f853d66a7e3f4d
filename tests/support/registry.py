"""A registry of one image, read only, as far as an engine asks one.

usage: registry.py IMAGE.tar        IMAGE.tar is what `docker save` wrote

Prints "PORT DIGEST", the image's digest as `docker pull` shows it, and serves on 127.0.0.1 until it is ended: under whatever name, by
whatever tag, or by that digest.
"""

import gzip
import hashlib
import http.server
import json
import sys
import tarfile

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
PREFIX = "application/vnd.docker."


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def contents(path):
    """The blobs and the manifest of the image in that file."""
    with tarfile.open(path) as saved:
        described = json.load(saved.extractfile("manifest.json"))[0]
        config = saved.extractfile(described["Config"]).read()
        layers = [gzip.compress(saved.extractfile(name).read(), mtime=0) for name in described["Layers"]]

    def part(kind, data):
        return {"mediaType": PREFIX + kind, "size": len(data), "digest": digest(data)}

    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": part("container.image.v1+json", config),
        "layers": [part("image.rootfs.diff.tar.gzip", layer) for layer in layers],
    }
    return {digest(data): data for data in [config, *layers]}, json.dumps(manifest).encode()


class Registry(http.server.BaseHTTPRequestHandler):
    blobs, manifest = {}, b""

    def find(self):
        """The bytes and their type; None when there are none."""
        *_, kind, name = self.path.split("/")
        if self.path == "/v2/":
            return b"{}", "application/json"
        if kind == "manifests" and (not name.startswith("sha256:") or name == digest(self.manifest)):
            return self.manifest, MANIFEST
        if kind == "blobs" and name in self.blobs:
            return self.blobs[name], "application/octet-stream"
        return None

    def answer(self, with_body):
        found = self.find()
        body, media = found or (b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}', "application/json")
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        if media == MANIFEST:
            self.send_header("Docker-Content-Digest", digest(body))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def do_GET(self):
        self.answer(True)

    def do_HEAD(self):
        self.answer(False)


Registry.blobs, Registry.manifest = contents(sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
print(server.server_port, digest(Registry.manifest), flush=True)
server.serve_forever()
