"""A fake of a registry, over TLS on loopback, and of STS's GetCallerIdentity at the same address.

    with FakeRegistry(certificate) as registry:
        registry.logins.add("AWS:password")

The public registry's way, a token in return for the login, is taken with ``public``.
"""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple, Self

import pytest

from ecr_credhelper.testing.fake_ecr import POLL_INTERVAL
from tests.commands import checked

if TYPE_CHECKING:
    from pathlib import Path

BEARER = "a-token-of-the-public-registry"


class Certificate(NamedTuple):
    """An authority, and a server's certificate of its for ``localhost``."""

    ca: Path
    server: Path
    key: Path

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Let openssl make one; skip the test if there is no openssl."""
        if not shutil.which("openssl"):
            pytest.skip("no openssl")
        made = cls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
        request = ["openssl", "req", "-x509", "-days", "2", "-newkey", "ec", "-noenc"]
        request += ["-pkeyopt", "ec_paramgen_curve:P-256"]
        ca_key = str(folder / "ca.key")
        authority = ["-subj", "/CN=authority", "-addext", "keyUsage=critical,keyCertSign"]
        names = ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"]
        signed = ["-subj", "/CN=localhost", "-CA", str(made.ca), "-CAkey", ca_key, *names]
        for rest in (
            [*authority, "-keyout", ca_key, "-out", str(made.ca)],
            [*signed, "-keyout", str(made.key), "-out", str(made.server)],
        ):
            checked([*request, *rest])
        return made


class FakeRegistry:
    """The registry, served by threads of this process from ``with`` to its end.

    ``images`` maps the path of a manifest to a status and a body; ``logins`` are ``user:password``;
    ``skew`` seconds its clock is ahead; none of its answers leaves while ``gate`` is cleared.
    """

    def __init__(self, certificate: Certificate) -> None:
        self.images: dict[str, tuple[int, bytes]] = {}
        self.logins: set[str] = set()
        self.public = False
        self.realm = ""
        self.ping = 401
        self.token_body = json.dumps({"token": BEARER}).encode()
        self.account = "111122223333"
        self.sts_error = ""
        self.skew = 0
        self.dated = True
        self.gate = threading.Event()
        self.gate.set()
        self.requests: list[tuple[str, str]] = []
        self.user_agents: set[str] = set()
        self._server = ThreadingHTTPServer(("localhost", 0), _handler_for(self))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.server, certificate.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_INTERVAL,))

    @property
    def host(self) -> str:
        """Host and port, as in the name of an image."""
        return f"localhost:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, authorization: str) -> tuple[int, bytes]:
        """Return status and body for a GET."""
        kind, _, login = authorization.partition(" ")
        is_known = kind == "Basic" and base64.b64decode(login).decode() in self.logins
        if path.startswith("/token/"):
            return (200 if is_known or not login else 401), self.token_body
        if self.public:
            is_known = authorization == f"Bearer {BEARER}"
        if not is_known:
            return (401 if authorization else self.ping), b""
        return (200, b"{}") if path == "/v2/" else self.images.get(path, (404, b""))

    def identity(self) -> tuple[int, bytes]:
        """Return status and body for GetCallerIdentity."""
        if self.sts_error:
            body = f"<ErrorResponse><Error><Code>{self.sts_error}</Code></Error></ErrorResponse>"
            return 403, body.encode()
        arn = f"arn:aws:iam::{self.account}:user/me"
        result = f"<Arn>{arn}</Arn><UserId>AIDA</UserId><Account>{self.account}</Account>"
        result = f"<GetCallerIdentityResult>{result}</GetCallerIdentityResult>"
        return 200, f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>".encode()


def _handler_for(registry: FakeRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            authorization = self.headers.get("Authorization", "")
            registry.requests.append((self.path, authorization))
            registry.user_agents.add(self.headers.get("User-Agent", ""))
            registry.gate.wait()
            self._send(*registry.answer(self.path, authorization))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            registry.gate.wait()
            self._send(*registry.identity())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response_only(status)
            if registry.dated:
                self.send_header("Date", formatdate(time.time() + registry.skew, usegmt=True))
            if 300 <= status < 400:
                self.send_header("Location", f"https://{registry.host}/elsewhere")
            if status == 401:
                realm = registry.realm or f"https://{registry.host}/token/"
                bearer = f'Bearer realm="{realm}",service="{registry.host}"'
                self.send_header("WWW-Authenticate", bearer if registry.public else 'Basic realm="x"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet: the tests read standard error."""

    return Handler
