"""The metadata service of an EC2 instance, version 2, at its own address: the source of an instance role."""

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ecr_credhelper.testing.fake_ecr import FakeECR

HOST = "instance-metadata.example.test"
ADDRESS = "169.254.169.254"

_ROLES = "/latest/meta-data/iam/security-credentials/"


def start(api: FakeECR) -> None:
    """Serve the keys of ``api`` in threads of this process, until it ends."""
    keys = {"AccessKeyId": api.access_key, "SecretAccessKey": api.secret_key, "Token": "session"}
    keys |= {"Code": "Success", "Expiration": "2099-01-01T00:00:00Z"}
    contents = {"/latest/api/token": "token", _ROLES: "role", f"{_ROLES}role": json.dumps(keys)}
    server = ThreadingHTTPServer((ADDRESS, 80), _handler_for(contents))
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _handler_for(contents: dict[str, str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path in contents
            self.send_response(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)
            self.end_headers()
            self.wfile.write(contents.get(self.path, "").encode())

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Print nothing: standard output is for the report."""

    return Handler
