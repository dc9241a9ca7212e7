"""A registry of another account that gives lists of tags in pages: ECR does, docker-registry does not.

It is a front of a real one in the same region, which sees the login, and says who comes in.
"""

import json
import ssl
import threading
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import parse_qs

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.e2e.certificates import CA, CERTIFICATE, KEY
from tests.e2e.registries import WEST, PrivateECR

TAGS_PER_PAGE = 2
"""The maximum size of a page: a server may return fewer than were requested."""


@dataclass(frozen=True)
class PagedECR(PrivateECR):
    """A front of ``WEST``."""

    def start(self, api: FakeECR) -> None:  # noqa: ARG002 - the real one knows the login
        """Serve in threads of this process, until it ends."""
        server = ThreadingHTTPServer((self.address, 443), _Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, KEY)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()


PAGED = PagedECR("444455556666.dkr.ecr.us-west-2.amazonaws.com", "192.0.2.7")


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        status, body = self._ask(path)
        link = ""
        if path.endswith("/tags/list") and status == HTTPStatus.OK:
            content = json.loads(body)
            (last,) = parse_qs(query).get("last", [""])
            rest = [tag for tag in sorted(content["tags"]) if tag > last]
            page = rest[:TAGS_PER_PAGE]
            body = json.dumps({**content, "tags": page}).encode()
            link = f'<{path}?last={page[-1]}>; rel="next"' if rest != page else ""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if link:
            self.send_header("Link", link)
        self.end_headers()
        self.wfile.write(body)

    def _ask(self, path: str) -> tuple[int, bytes]:
        """Return the response of the real registry to a request."""
        headers = {"Authorization": self.headers.get("Authorization", "")}
        request = urllib.request.Request(f"https://{WEST.host}{path}", headers=headers)
        trust = ssl.create_default_context(cafile=CA)
        try:
            with urllib.request.urlopen(request, timeout=10, context=trust) as response:
                return response.status, response.read()
        except HTTPError as error:
            return error.code, error.read()

    def log_message(self, *_: object) -> None:
        """Print nothing: standard output is for the report."""
