"""Real causes of failures for test_causes.py: files, processes and servers on loopback."""

from __future__ import annotations

import os
import re
import shlex
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest

from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests.aws import certificates
from tests.fake_sts import FakeSTS, error_xml

ROLE = "arn:aws:iam::444455556666:role/push"
SSO = "sso_session = s\nsso_account_id = 111122223333\nsso_role_name = dev-role\n"
SSO_SESSION = "[sso-session s]\nsso_start_url = https://example.invalid/start\nsso_region = us-east-1\n"


class Cause(NamedTuple):
    """A cause: how it is created, and the error without the registry, ``reason; hint``."""

    name: str
    create: Callable[[World], World]
    error: str


class World:
    """The machine of a user: a home, variables, and the APIs of AWS."""

    def __init__(
        self, home: Path, api: FakeECR, sts: FakeSTS, monkeypatch: pytest.MonkeyPatch, stack: ExitStack
    ) -> None:
        self.home = home
        self.api = api
        self.sts = sts
        self.stack = stack
        self._monkeypatch = monkeypatch
        (home / ".aws").mkdir()
        self.env(**api.environment, **sts.environment, AWS_MAX_ATTEMPTS="1")

    def env(self, **variables: str | None) -> Self:
        """Set variables, or remove those that are None."""
        for name, value in variables.items():
            if value is None:
                self._monkeypatch.delenv(name, raising=False)
            else:
                self._monkeypatch.setenv(name, value)
        return self

    def without_keys(self, **variables: str | None) -> Self:
        """Remove the keys from the environment."""
        self.env(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, **variables)
        return self

    def profile(self, settings: str, more: str = "", name: str = "dev") -> Self:
        """Configure a profile and select it."""
        self.config(f"[profile {name}]\n{settings}\n{more}")
        self.without_keys(AWS_PROFILE=name)
        return self

    def config(self, content: str | bytes, name: str = "config") -> Self:
        """Write a file of the AWS configuration."""
        data = content.encode() if isinstance(content, str) else content
        (self.home / ".aws" / name).write_bytes(data)
        return self

    @property
    def keys(self) -> str:
        """The settings of a profile with valid keys."""
        return f"aws_access_key_id = {self.api.access_key}\naws_secret_access_key = {self.api.secret_key}\n"

    def role(self, fault: Fault | None = None, settings: str = "") -> Self:
        """Select a profile with a role, and let STS fail."""
        self.profile(f"role_arn = {ROLE}\nsource_profile = base\n{settings}", f"[profile base]\n{self.keys}")
        if fault:
            self.sts.faults.append(fault)
        return self

    def web_identity(self, fault: Fault | None = None, token: str | None = "a-web-identity") -> Self:
        """Select a role with a web identity, and let STS fail."""
        file = self.home / "token"
        if token is not None:
            file.write_text(token)
        self.without_keys(AWS_WEB_IDENTITY_TOKEN_FILE=str(file), AWS_ROLE_ARN=ROLE)
        if fault:
            self.sts.faults.append(fault)
        return self

    def binary_web_identity(self) -> Self:
        """Select a role whose web identity is not text."""
        self.web_identity()
        (self.home / "token").write_bytes(b"\x81\xff\x00")  # not text in the encodings of Windows either
        return self

    def sso(self, fault: Fault | None = None, session_file: str | None = None) -> Self:
        """Select a profile of SSO, and let the portal fail; ``session_file`` replaces the cached session."""
        self.profile(SSO, SSO_SESSION)
        self.sts.log_in(self.home, "s")
        if session_file is not None:
            (file,) = (self.home / ".aws/sso/cache").iterdir()
            file.write_text(session_file)
        if fault:
            self.sts.faults.append(fault)
        return self

    def process(self, code: str) -> Self:
        """Select a profile whose ``credential_process`` is a Python program."""
        script = self.home / "tool.py"
        script.write_text(code)
        command = [sys.executable, "-SE", str(script)]
        join = subprocess.list2cmdline if os.name == "nt" else shlex.join
        self.profile(f"credential_process = {join(command)}")
        return self

    def program(self, content: str, mode: int = 0o755) -> str:
        """Write a program, and return its path."""
        file = self.home / "tool"
        file.write_text(content)
        file.chmod(mode)
        return str(file)

    def ecr(self, code: str, message: str = "", status: int = 400) -> Self:
        """Let ECR fail."""
        self.api.faults.append(Fault.aws(code, message, status))
        return self

    def reply(self, fault: Fault) -> Self:
        """Let ECR send a response."""
        self.api.faults.append(fault)
        return self

    def serve(self, reply: bytes = b"", *, certificate: str = "", delay_put: float = 0) -> str:
        """Start a server that sends one reply to every request, and return its host and port."""
        context = None
        if certificate:
            files = self.home / "certificate.pem", self.home / "key.pem"
            for file, content in zip(files, (certificate, certificates.KEY), strict=True):
                file.write_text(content)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*files)
        server = _Server(("127.0.0.1", 0), _handler(reply, context, delay_put))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.stack.callback(thread.join)
        self.stack.callback(server.server_close)
        self.stack.callback(server.shutdown)
        return f"127.0.0.1:{server.server_address[1]}"

    def tls(self, certificate: str, *, trust: bool = True) -> Self:
        """Serve the API with a certificate, and trust it."""
        url = f"https://{self.serve(certificate=certificate)}"
        bundle = str(self.home / "certificate.pem") if trust else None
        self.env(AWS_ENDPOINT_URL=url, AWS_CA_BUNDLE=bundle)
        return self

    def proxy(self, reply: bytes) -> Self:
        """Put a proxy before the API, which sends one reply to every request."""
        url = f"http://user:a-secret@{self.serve(reply)}"
        self.env(AWS_ENDPOINT_URL="https://api.example.invalid", HTTPS_PROXY=url)
        return self

    def instance(self, reply: bytes) -> Self:
        """Serve the EC2 instance metadata, whose responses to PUT get lost."""
        url = f"http://{self.serve(reply, delay_put=1.5)}"
        self.without_keys(AWS_EC2_METADATA_DISABLED=None, AWS_EC2_METADATA_SERVICE_ENDPOINT=url)
        return self

    def container(self, reply: bytes) -> Self:
        """Serve the credentials of a container."""
        self._monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
        self.without_keys(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"http://{self.serve(reply)}/")
        return self


def sts_error(code: str, message: str = "", status: int = 403) -> Fault:
    return error_xml(code, message.replace("'", "&apos;"), status)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that close the connection."""


def _handler(reply: bytes, context: ssl.SSLContext | None, delay_put: float) -> type:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            connection = self.request
            if context:  # the handshake follows in recv: if it fails, the socket is closed all the same
                connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            with connection:
                request = _read(connection)
                if request.startswith(b"PUT"):
                    time.sleep(delay_put)
                connection.sendall(reply)

    return Handler


def _read(connection: socket.socket) -> bytes:
    """Return a request. Read all of it: otherwise, the reply can get lost when the socket is closed."""
    request = connection.recv(65536)
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    missing = int(length[1]) - len(body) if length else 0
    while missing > 0 and (more := connection.recv(missing)):
        missing -= len(more)
    return request


def http(status: int, body: str = "") -> bytes:
    """Return an HTTP response."""
    return f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
