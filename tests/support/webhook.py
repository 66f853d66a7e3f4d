"""A webhook for tests: keeps the last request's body, signature and time, and answers 204 or what FOLDER/answer says.

usage: webhook.py FOLDER     writes its port to FOLDER/port
"""

import http.server
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        (folder / "body").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        (folder / "signature").write_text(self.headers.get("X-WrkTalk-Signature-256", ""))
        (folder / "timestamp").write_text(self.headers.get("X-WrkTalk-Timestamp", ""))
        answer = folder / "answer"
        self.send_response(int(answer.read_text()) if answer.exists() else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()


server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
(folder / "port").write_text(str(server.server_port))
server.serve_forever()
