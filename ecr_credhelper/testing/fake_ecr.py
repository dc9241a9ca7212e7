"""A fake of the two Amazon ECR APIs on loopback.

It responds to ``GetAuthorizationToken`` like ``api.ecr`` and ``api.ecr-public``, over real sockets and to
real clients: ``AWS_ENDPOINT_URL`` leads AWS SDKs to it. It checks signatures (SigV4), so a wrong secret key,
region or service fails as it does at AWS.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import deque
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import parse_qs

from ecr_credhelper.registry import private_host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LIFETIME = 12 * 3600
"""The lifetime of a token in seconds, as at AWS."""

POLL_INTERVAL = 0.005
"""Seconds until the server notices that it must stop. Every test can stop one."""

MOTO = {"FOOBARKEY": "FOOBARSECRET"}
"""The keys that moto sets, so that both can be used in one test."""

ASSUMED = """\
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>AROAFAKE:session</AssumedRoleId></AssumedRoleUser>
<Credentials><AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>{secret_key}</SecretAccessKey>
<SessionToken>fake</SessionToken><Expiration>{expiration:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>
"""

FIXED_EXPIRATION = 4102444800
"""The expiry in passwords that must be known in advance, in seconds since the epoch: the year 2100."""

TARGETS = {
    "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken": "ecr",
    "SpencerFrontendService.GetAuthorizationToken": "ecr-public",
}


class Call(NamedTuple):
    """A request that the API received: its service and region, and the access key that signed it."""

    service: str
    region: str
    access_key: str
    host: str
    body: dict[str, Any]


class Fault(NamedTuple):
    """A response instead of a token: an HTTP status and a body, after ``delay`` seconds."""

    status: int
    body: bytes
    delay: float = 0

    @classmethod
    def aws(cls, code: str, message: str = "", status: int = 400) -> Self:
        """Return an error of the AWS JSON 1.1 protocol."""
        return cls(status, json.dumps({"__type": code, "message": message}).encode())

    @classmethod
    def response(cls, **data: Any) -> Self:
        """Return a well-formed response with this authorization data."""
        return cls(200, json.dumps({"authorizationData": [data]}).encode())


class FakeECR:
    """The API, served by threads of this process while the context is open.

    Args:
        account: the account of the identities, whose registry ``proxyEndpoint`` is.
        identities: access key ID -> secret key of further identities; ``access_key`` always exists.
        unique: if False, all tokens of a region have the same password, so that it is known in advance.
        lifetime: the lifetime of tokens in seconds. If it is negative, they have already expired.
        delay: seconds before each response.
        clock: returns the time of the API in seconds since the epoch.
        host: the loopback address to listen on.

    ``calls`` are the requests for tokens that were answered; ``requests`` counts all requests. ``roles`` are
    the ARNs of the roles that were assumed: STS's AssumeRole is answered too, without checking the signature.
    ``faults`` is a
    queue: each call takes its first entry, if there is one, instead of a token. ``operations`` maps the names
    of other operations to their responses. No response is sent while ``gate`` is cleared.

    """

    access_key = "AKIAFAKEFAKEFAKEFAKE"
    secret_key = "fakefakefakefakefakefakefakefakefakefake"  # noqa: S105 - valid only here

    def __init__(  # noqa: PLR0913 - all are optional keywords
        self,
        *,
        account: str = "111122223333",
        identities: Mapping[str, str] | None = None,
        unique: bool = True,
        lifetime: float = LIFETIME,
        delay: float = 0,
        clock: Callable[[], float] = time.time,
        host: str = "127.0.0.1",
    ) -> None:
        self.account = account
        self.identities = {self.access_key: self.secret_key, **MOTO, **(identities or {})}
        self.roles: list[str] = []
        self.unique = unique
        self.lifetime = lifetime
        self.delay = delay
        self.clock = clock
        self.requests = 0
        self._passwords: dict[str, str] = {}
        self.calls: list[Call] = []
        self.faults: deque[Fault] = deque()
        self.operations: dict[str, Fault] = {}
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()
        self._server = _Server((host, 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_INTERVAL,))

    @property
    def url(self) -> str:
        """The value for ``AWS_ENDPOINT_URL``."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which an AWS SDK calls this API as the default identity."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def password(self, region: str, *, service: str = "ecr", serial: int = 0) -> str:
        """Return the password in a token of ``region``: base64 of JSON, as at AWS.

        The part that differs comes first, because bcrypt, which registry servers use, reads only 72 bytes.
        """
        seed = f"{service} {region} {serial}"
        if seed not in self._passwords:  # the expiry of a password does not change
            claims = {
                "payload": hashlib.sha256(seed.encode()).hexdigest(),
                "version": "2",
                "type": "DATA_KEY",
                "expiration": int(self.clock() + self.lifetime) if self.unique else FIXED_EXPIRATION,
            }
            self._passwords[seed] = base64.b64encode(json.dumps(claims).encode()).decode()
        return self._passwords[seed]

    def public_password(self) -> str:
        """Return the password in a token of the public registry."""
        return self.password("us-east-1", service="ecr-public")

    def respond(self, call: Call) -> bytes:
        """Record the call and return the response body."""
        with self._lock:
            self.calls.append(call)
            serial = len(self.calls) if self.unique else 0
        password = self.password(call.region, service=call.service, serial=serial)
        data = {
            "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
            "expiresAt": self.clock() + self.lifetime,
        }
        if call.service == "ecr-public":
            return json.dumps({"authorizationData": data}).encode()
        data["proxyEndpoint"] = f"https://{private_host(self.account, call.region)}"
        return json.dumps({"authorizationData": [data]}).encode()

    def assume_role(self, arn: str) -> bytes:
        """Record a role and return the response body of AssumeRole, with new keys."""
        with self._lock:
            self.roles.append(arn)
            access_key = f"ASIAFAKE{len(self.roles):012}"
        self.identities[access_key] = f"secret-of-{access_key}"
        expiration = datetime.fromtimestamp(self.clock() + 3600, UTC)
        values = {"access_key": access_key, "secret_key": self.identities[access_key]}
        return ASSUMED.format(arn=arn, expiration=expiration, **values).encode()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # With the default of 5, some of 40 simultaneous callers are rejected.

    def handle_error(self, *_: object) -> None:
        """Print no traceback if a client goes away."""


def _handler_for(api: FakeECR) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            api.requests += 1
            parameters = parse_qs(body.decode(errors="replace"))
            if parameters.get("Action") == ["AssumeRole"]:
                self._send(Fault(200, api.assume_role(parameters["RoleArn"][0])))
                return
            target = self.headers.get("X-Amz-Target", "")
            if other := api.operations.get(target.rpartition(".")[2]):
                self._send(other)
                return
            service = TARGETS.get(target)
            time.sleep(api.delay)
            api.gate.wait()
            if service is None:
                self._send(Fault.aws("UnknownOperationException"))
                return
            signed = _Signature(self.headers["Authorization"])
            call = Call(
                service, signed.region, signed.access_key, self.headers["Host"], json.loads(body or b"{}")
            )
            if api.faults:
                api.calls.append(call)
                self._send(api.faults.popleft())
            elif call.access_key not in api.identities:
                message = "The security token included in the request is invalid."
                self._send(Fault.aws("UnrecognizedClientException", message))
            elif not signed.matches(
                dict(self.headers.items()), body, service, api.identities[call.access_key]
            ):
                message = "The request signature we calculated does not match."
                self._send(Fault.aws("InvalidSignatureException", message))
            else:
                self._send(Fault(200, api.respond(call)))

        def _send(self, fault: Fault) -> None:
            time.sleep(fault.delay)
            head = (
                f"HTTP/1.1 {fault.status} -\r\nContent-Type: application/x-amz-json-1.1\r\n"
                f"Content-Length: {len(fault.body)}\r\n\r\n"
            )
            # Send it at once: older Go clients expect one TLS record.
            self.wfile.write(head.encode() + fault.body)

        def log_message(self, *_: object) -> None:
            """Log nothing, because tests read standard error."""

    return Handler


class _Signature:
    """The ``Authorization`` header of a request signed with AWS Signature Version 4."""

    def __init__(self, header: str) -> None:
        fields = dict(part.strip().split("=", 1) for part in header.partition(" ")[2].split(","))
        self.access_key, self.date, self.region, self.service, _ = fields["Credential"].split("/")
        self.signed_headers = fields["SignedHeaders"]
        self.signature = fields["Signature"]

    def matches(self, headers: Mapping[str, str], body: bytes, service: str, secret: str) -> bool:
        """Return whether this request for ``service`` was signed with ``secret``.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
        """
        headers = {name.lower(): value for name, value in headers.items()}
        canonical = "\n".join(
            (
                "POST\n/\n",
                *(f"{name}:{headers[name].strip()}" for name in self.signed_headers.split(";")),
                f"\n{self.signed_headers}",
                hashlib.sha256(body).hexdigest(),
            )
        )
        scope = f"{self.date}/{self.region}/{self.service}/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}"
        key = f"AWS4{secret}".encode()
        for part in (self.date, self.region, self.service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        expected = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
        return self.service == service and hmac.compare_digest(expected, self.signature)
