"""A fake of every AWS API that a login needs, and of the metadata services, at one address on loopback.

It checks no signatures; ``FakeECR`` does. It records what is asked:

    with AWS() as aws:
        subprocess.run([...], env={"AWS_ENDPOINT_URL": aws.url, ...})
    assert aws.requests == ["ecr.amazonaws.com GetAuthorizationToken"]
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from ecr_credhelper.testing.fake_ecr import LIFETIME, POLL_INTERVAL

PASSWORD = "cGFzc3dvcmQ="
USER = "arn:aws:iam::111122223333:user/me"
LATER = "2099-01-01T00:00:00Z"
KEYS = {"AccessKeyId": "AKIAFAKE", "SecretAccessKey": "a-secret", "SessionToken": "t", "Expiration": LATER}
METADATA = {"AccessKeyId": "AKIAFAKE", "SecretAccessKey": "a-secret", "Token": "t", "Expiration": LATER}
CAMEL_KEYS = {"accessKeyId": "AKIAFAKE", "secretAccessKey": "a-secret", "sessionToken": "t"}
ROLES = "/latest/meta-data/iam/security-credentials/"

TARGETS = {
    "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken": "ecr.amazonaws.com",
    "SpencerFrontendService.GetAuthorizationToken": "ecr-public.amazonaws.com",
}
PATHS = {
    "/federation/credentials": "sso.amazonaws.com GetRoleCredentials",
    "/token": "sso-oauth.amazonaws.com CreateToken",
    "/v1/token": "signin.amazonaws.com CreateOAuth2Token",
}


RESPONSES: dict[str, object] = {
    "GetRoleCredentials": {"roleCredentials": {**CAMEL_KEYS, "expiration": 4070908800000}},
    "CreateToken": {"accessToken": "a", "refreshToken": "r", "expiresIn": 3600},
    "CreateOAuth2Token": {"accessToken": CAMEL_KEYS, "tokenType": "t", "expiresIn": 900, "refreshToken": "r"},
    "/latest/api/token": "a-token",
    ROLES: "ROLE",
    f"{ROLES}ROLE": {"Code": "Success", **METADATA},
    "/v1/credentials": METADATA,
}


class AWS:
    """The APIs, served by threads of this process from ``with`` to its end.

    ``requests`` are the CloudTrail event sources and names of what was asked, or methods and paths. A token
    expires after ``lifetime`` seconds.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.user_agents: set[str] = set()
        self.lifetime: float = LIFETIME
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_INTERVAL,))
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def answer(self, name: str) -> bytes:
        """Return the body of the response to a request."""
        operation = name.rpartition(" ")[2]
        if operation == "GetAuthorizationToken":
            token = base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()
            data: Any = {"authorizationToken": token, "expiresAt": time.time() + self.lifetime}
            return json.dumps({"authorizationData": data if "public" in name else [data]}).encode()
        if name.startswith("sts."):
            keys = "".join(f"<{key}>{value}</{key}>" for key, value in KEYS.items())
            result = f"<Arn>{USER}</Arn><Account>111122223333</Account><Credentials>{keys}</Credentials>"
            result = f"<{operation}Result>{result}</{operation}Result>"
            return f"<{operation}Response>{result}</{operation}Response>".encode()
        body = RESPONSES[operation]
        return body.encode() if isinstance(body, str) else json.dumps(body).encode()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler_for(aws: AWS) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            path = self.path.partition("?")[0]
            name = PATHS.get(path, f"{self.command} {path}")
            if target := self.headers.get("X-Amz-Target"):
                name = f"{TARGETS[target]} GetAuthorizationToken"
                assert json.loads(body) == {}, "the request says nothing about images"
            elif action := re.search(r"Action=(\w+)", body):
                name = f"sts.amazonaws.com {action[1]}"
            aws.requests.append(name)
            aws.user_agents.add(self.headers.get("User-Agent", ""))
            response = aws.answer(name)
            self.send_response(200)
            self.send_header("Content-Length", str(len(response)))
            self.send_header("x-aws-ec2-metadata-token-ttl-seconds", "21600")
            self.end_headers()
            self.wfile.write(response)

        def do_GET(self) -> None:
            self.do_POST()

        def do_PUT(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Log nothing: the tests read standard error."""

    return Handler
