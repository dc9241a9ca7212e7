"""The token server of a public registry: it hands a token to whoever comes without a login.

Docker Hub and others send their clients to one. Whoever comes with a login is refused: nobody has one.
"""

import ssl
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.e2e.certificates import CERTIFICATE, KEY

HOST = "tokens.example.test"
ADDRESS = "192.0.2.6"
REALM = f"https://{HOST}/token"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        refused = "Authorization" in self.headers
        body = b"{}" if refused else b'{"token": "anonymous"}'
        self.send_response(HTTPStatus.UNAUTHORIZED if refused else HTTPStatus.OK)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing: standard output is for the report."""


def start() -> None:
    """Serve in threads of this process, until it ends."""
    server = ThreadingHTTPServer((ADDRESS, 443), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
