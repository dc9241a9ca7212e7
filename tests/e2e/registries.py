"""Registry servers, under Amazon ECR host names and others, each with the one login that it accepts."""

import base64
import hashlib
import json
import socket
import ssl
import time
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.e2e import programs, tokens
from tests.e2e.certificates import CA, CERTIFICATE, KEY
from tests.e2e.sandbox import ROOT

PROGRAMS = ("docker-registry", "htpasswd", "openssl")

_BCRYPT_BYTES = 72
"""Length that bcrypt reads of a password, in bytes. The passwords of the fake API differ in this part."""

_ANY_TOKEN = {"silly": {"realm": tokens.REALM, "service": "public"}}
"""The server's name of this authentication: it sends clients to a token server, and accepts any token."""

_START_SECONDS = 20.0

_MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


@dataclass(frozen=True)
class Registry:
    """A registry server with a login of its own; one without a user is public, its tokens are for all.

    Addresses are from 192.0.2.0/24, which is set aside for examples. On 127.0.0.0/8 the engine would not
    check certificates.
    """

    host: str
    address: str
    user: str = ""
    secret: str = ""

    @property
    def kind(self) -> str:
        """The name of the kind in the report."""
        return "ordinary" if self.user else "public"

    def password(self, api: FakeECR) -> str:  # noqa: ARG002 - some passwords come from there
        """Return the password that the server accepts."""
        return self.secret

    def other_password(self, api: FakeECR) -> str:
        """Return a password that the server accepts too, and that a get of the helper does not return."""
        return self.password(api)

    def start(self, api: FakeECR) -> None:
        """Start the server and wait until it can be reached."""
        folder = ROOT / "registries" / self.host
        folder.mkdir(parents=True)
        (folder / "config.yml").write_text(json.dumps(self._settings(folder, api)))  # YAML holds JSON
        log = folder / "log"
        command = ["docker-registry", "serve", str(folder / "config.yml")]
        server = programs.start(command, log=log, environment={})
        give_up = time.monotonic() + _START_SECONDS
        # The server does not report that it is ready, so try until it accepts a connection.
        while not _listens(self.address):
            if server.poll() is not None or time.monotonic() > give_up:
                raise programs.ProgramError(f"{self.host} did not start:\n{log.read_text()}")
            time.sleep(0.02)  # The server does not report that it is ready.

    def _settings(self, folder: Path, api: FakeECR) -> dict[str, object]:
        certificate = {"certificate": str(CERTIFICATE), "key": str(KEY)}
        return {
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
            "http": {"addr": f"{self.address}:443", "secret": "none", "tls": certificate},
            "auth": self._htpasswd(folder / "htpasswd", api) if self.user else _ANY_TOKEN,
        }

    def _htpasswd(self, file: Path, api: FakeECR) -> dict[str, object]:
        """Write the login to ``file`` and return the server's settings of it."""
        # Four is the minimum cost of bcrypt. It applies to every request.
        hashing = ["htpasswd", "-niBC", "4", self.user]
        login = programs.run(hashing, stdin=self.password(api).encode()[:_BCRYPT_BYTES])
        file.write_text(login.stdout)
        return {"htpasswd": {"realm": f"https://{self.host}/", "path": str(file)}}

    def digest(self, api: FakeECR, repository: str, tag: str) -> str:
        """Return the digest of the manifest that a plain HTTPS request finds under ``tag``."""
        manifest = self.get(f"{repository}/manifests/{tag}", self.password(api))
        return f"sha256:{hashlib.sha256(manifest).hexdigest()}"

    def status(self, password: str) -> int:
        """Return the HTTP status of a request with this password."""
        try:
            self.get("", password)
        except HTTPError as error:
            return error.code
        return HTTPStatus.OK

    def get(self, path: str, password: str) -> bytes:
        """Return the response to an HTTPS request with this password; raise HTTPError if it is rejected."""
        request = urllib.request.Request(
            f"https://{self.host}/v2/{path}",
            headers={"Authorization": f"Basic {basic(self, password)}", "Accept": ", ".join(_MANIFEST_TYPES)},
        )
        trust = ssl.create_default_context(cafile=CA)
        with urllib.request.urlopen(request, timeout=10, context=trust) as response:
            body: bytes = response.read()
        return body


@dataclass(frozen=True)
class PrivateECR(Registry):
    """A private ECR registry: its account and region are in its host name."""

    user: str = "AWS"
    kind = "ECR"

    @property
    def region(self) -> str:
        return self.host.split(".")[3]

    def password(self, api: FakeECR) -> str:
        """Return the password of this region's token; another region's is refused, as at AWS."""
        return api.password(self.region)

    def other_password(self, api: FakeECR) -> str:
        """Return a token of another identity: it differs in its expiry, beyond what bcrypt reads."""
        claims = json.loads(base64.b64decode(self.password(api)))
        claims["expiration"] += 1
        return base64.b64encode(json.dumps(claims).encode()).decode()


WEST = PrivateECR("111122223333.dkr.ecr.us-west-2.amazonaws.com", "192.0.2.1")
EUROPE = PrivateECR("444455556666.dkr.ecr.eu-central-1.amazonaws.com", "192.0.2.2")
CHINA = PrivateECR("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn", "192.0.2.3")
ORDINARY = Registry("registry.example.test", "192.0.2.4", "somebody", "of-registry-example-test")
PUBLIC = Registry("public.example.test", "192.0.2.5")

ECR = (WEST, EUROPE, CHINA)
REGISTRIES = (*ECR, ORDINARY, PUBLIC)
"""All running servers, except ``tokens``."""

ADDRESSES = {**{registry.host: registry.address for registry in REGISTRIES}, tokens.HOST: tokens.ADDRESS}


def basic(registry: Registry, password: str) -> str:
    """Return a login in the form of HTTP Basic authentication and Docker's files."""
    return base64.b64encode(f"{registry.user}:{password}".encode()).decode()


def _listens(address: str) -> bool:
    try:
        socket.create_connection((address, 443), timeout=1).close()
    except OSError:
        return False
    return True
