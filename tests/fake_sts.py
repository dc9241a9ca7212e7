"""Fakes of the AWS APIs for temporary credentials, on loopback: STS, the SSO portal and SSO-OIDC.

It answers ``AssumeRole`` and ``AssumeRoleWithWebIdentity`` (query protocol, XML), the portal's
``GetRoleCredentials`` and ``CreateToken`` of SSO-OIDC (REST, JSON). Every answer is a new key, which is put
into ``identities`` as it goes out, so a ``FakeECR`` that shares the mapping accepts it:

    with FakeECR() as api, FakeSTS(api.identities) as sts:
        subprocess.run([...], env={**api.environment, **sts.environment})

Signatures are not checked here: ``FakeECR`` checks them with the keys that come from here.
``sts.faults`` is a queue, as ``FakeECR.faults`` is.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from ecr_credhelper.testing.fake_ecr import POLL_INTERVAL, Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIFETIME = 3600
"""Default lifetime of temporary credentials in seconds, as at AWS."""

ROLE_ACTIONS = ("AssumeRole", "AssumeRoleWithWebIdentity")
PORTAL_PATH = "/federation/credentials"
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


class Call(NamedTuple):
    """One request that was received: its action, its parameters by name, and the key that signed it."""

    action: str
    parameters: dict[str, str]
    access_key: str = ""


class Keys(NamedTuple):
    """Temporary keys."""

    access_key: str
    secret_key: str
    session_token: str
    expires_at: float


class FakeSTS:
    """The APIs, served by threads of this process from ``with`` to its end.

    ``identities`` receives access key id -> secret of each answer. ``delay`` seconds pass before it.
    """

    sso_token = "a-fake-sso-access-token"

    def __init__(
        self,
        identities: dict[str, str] | None = None,
        *,
        lifetime: float = LIFETIME,
        delay: float = 0,
        clock: Callable[[], float] = time.time,
        host: str = "127.0.0.1",
    ) -> None:
        self.identities = {} if identities is None else identities
        self.lifetime = lifetime
        self.delay = delay
        self.clock = clock
        self.calls: list[Call] = []
        self.faults: deque[Fault] = deque()
        self.refresh_token = "a-refresh-token"
        self.refreshes = 0
        self.on_rejection: Callable[[], object] = int
        self._lock = threading.Lock()
        self._server = _Server((host, 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_INTERVAL,))

    @property
    def url(self) -> str:
        """The value for ``AWS_ENDPOINT_URL_`` and ``STS``, ``SSO`` or ``SSO_OIDC``."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that set these endpoints for any AWS SDK."""
        return {"AWS_ENDPOINT_URL_STS": self.url, "AWS_ENDPOINT_URL_SSO": self.url}

    def log_in(self, home: Path, session: str) -> None:
        """Write the file that ``aws sso login`` writes for this ``sso-session``."""
        expires_at = dt.datetime.fromtimestamp(self.clock() + self.lifetime, dt.UTC)
        token = {"accessToken": self.sso_token, "expiresAt": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}"}
        cache = home / ".aws/sso/cache"
        cache.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha1(session.encode(), usedforsecurity=False).hexdigest()
        (cache / f"{name}.json").write_text(json.dumps(token))

    def let_expire(self, home: Path) -> None:
        """Replace all sessions of ``log_in`` by expired ones, which can be refreshed once."""
        for file in (home / ".aws/sso/cache").iterdir():
            token = {
                "accessToken": "an-old-token",
                "expiresAt": "2020-01-01T00:00:00Z",
                "refreshToken": self.refresh_token,
                "clientId": "a-client",
                "clientSecret": "a-client-secret",
                "registrationExpiresAt": "2099-01-01T00:00:00Z",
            }
            file.write_text(json.dumps(token))

    def refresh(self, refresh_token: str) -> Fault:
        """Return a new session for a refresh token, which is accepted only once."""
        with self._lock:
            self.refreshes += 1
            if refresh_token != self.refresh_token:
                self.on_rejection()
                return Fault.aws("InvalidGrantException", "Invalid refresh token")
            self.refresh_token += "+"
        time.sleep(self.delay)
        token = {"accessToken": self.sso_token, "refreshToken": self.refresh_token, "expiresIn": 3600}
        return Fault(200, json.dumps(token).encode())

    def issue(self, call: Call) -> Keys:
        """Record the call and return new credentials, which are valid from now on."""
        with self._lock:
            self.calls.append(call)
            access_key = f"ASIAFAKE{len(self.calls):012}"
        keys = Keys(access_key, f"secret-of-{access_key}", f"session-of-{access_key}", self._end())
        self.identities[keys.access_key] = keys.secret_key
        return keys

    def _end(self) -> float:
        return self.clock() + self.lifetime

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def error_xml(code: str, message: str = "", status: int = 403) -> Fault:
    """Return an error of the query protocol, for ``FakeSTS.faults``."""
    body = (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{message}</Message></Error></ErrorResponse>"
    )
    return Fault(status, body.encode())


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # the standard five drop the last of forty callers that come at once


def _handler_for(sts: FakeSTS) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/token":  # CreateToken of SSO-OIDC
                self._send(sts.refresh(json.loads(body)["refreshToken"]))
                return
            parameters = _first_of_each(body.decode())
            action = parameters.pop("Action", "")
            if action in ROLE_ACTIONS:
                signed_by = (
                    self.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
                )
                self._issue(Call(action, parameters, signed_by), _role_answer)
            else:
                self._send(error_xml("InvalidAction", status=400), "text/xml")

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path != PORTAL_PATH:
                self._send(Fault.aws("ResourceNotFoundException", status=404))
            elif self.headers.get("x-amz-sso_bearer_token") != sts.sso_token:
                message = "Session token not found or invalid"
                self._send(Fault.aws("UnauthorizedException", message, status=401))
            else:
                self._issue(Call("GetRoleCredentials", _first_of_each(url.query)), _portal_answer)

        def _issue(self, call: Call, answer: Callable[[Call, Keys], tuple[str, str]]) -> None:
            time.sleep(sts.delay)  # an API far away
            content_type, body = answer(call, sts.issue(call))
            fault = sts.faults.popleft() if sts.faults else Fault(200, body.encode())
            self._send(fault, content_type)

        def _send(self, fault: Fault, content_type: str = "application/json") -> None:
            time.sleep(fault.delay)  # some faults are delays
            head = (
                f"HTTP/1.1 {fault.status} -\r\nContent-Type: {content_type}\r\n"
                f"Content-Length: {len(fault.body)}\r\n\r\n"
            )
            # One send: older Go clients trip over two TLS records.
            self.wfile.write(head.encode() + fault.body)

        def log_message(self, *_: object) -> None:
            """Log nothing: the tests read standard error."""

    return Handler


def _role_answer(call: Call, keys: Keys) -> tuple[str, str]:
    """Return content type and body: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html."""
    role = call.parameters.get("RoleArn", "").replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
    session = call.parameters.get("RoleSessionName", "")
    end = dt.datetime.fromtimestamp(keys.expires_at, dt.UTC)
    return "text/xml", (
        f'<{call.action}Response xmlns="{NAMESPACE}"><{call.action}Result>'
        f"<AssumedRoleUser><AssumedRoleId>AROAFAKE:{session}</AssumedRoleId>"
        f"<Arn>{role}/{session}</Arn></AssumedRoleUser>"
        f"<Credentials><AccessKeyId>{keys.access_key}</AccessKeyId>"
        f"<SecretAccessKey>{keys.secret_key}</SecretAccessKey>"
        f"<SessionToken>{keys.session_token}</SessionToken>"
        f"<Expiration>{end:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
        f"</{call.action}Result></{call.action}Response>"
    )


def _portal_answer(_: Call, keys: Keys) -> tuple[str, str]:
    """Return content type and body; the expiry is in milliseconds.

    https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
    """
    credentials = {
        "accessKeyId": keys.access_key,
        "secretAccessKey": keys.secret_key,
        "sessionToken": keys.session_token,
        "expiration": int(keys.expires_at * 1000),
    }
    return "application/json", json.dumps({"roleCredentials": credentials})


def _first_of_each(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
