"""Registry servers under Amazon ECR host names, each with the one login that it accepts."""

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

from tests.e2e import programs
from tests.e2e.sandbox import ROOT
from tests.fake_ecr import FakeECR

PROGRAMS = ("docker-registry", "htpasswd", "openssl")

CA = ROOT / "ca.pem"
"""The authority that signed the registries' certificate."""

_BCRYPT_BYTES = 72
"""What bcrypt reads of a password. The fake API's passwords differ within."""

_START_SECONDS = 20.0

_MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


@dataclass(frozen=True)
class Registry:
    """A private ECR registry: its account and region are in its host name.

    Addresses are from 192.0.2.0/24, which is set aside for examples. On 127.0.0.0/8 the engine would not
    check certificates.
    """

    host: str
    address: str
    region: str
    user: str = "AWS"

    def password(self, api: FakeECR) -> str:
        """Return the password of this region's token; another region's is refused, as at AWS."""
        return api.password(self.region)

    def start(self, api: FakeECR) -> None:
        """Start the server and wait until it can be reached."""
        folder = ROOT / "registries" / self.host
        folder.mkdir(parents=True)
        # Four is the least cost that bcrypt knows. Every request pays it.
        hashing = ["htpasswd", "-niBC", "4", self.user]
        login = programs.run(hashing, stdin=self.password(api).encode()[:_BCRYPT_BYTES])
        (folder / "htpasswd").write_text(login.stdout)
        (folder / "config.yml").write_text(json.dumps(self._settings(folder)))  # YAML holds JSON
        log = folder / "log"
        command = ["docker-registry", "serve", str(folder / "config.yml")]
        server = programs.start(command, log=log, environment={})
        give_up = time.monotonic() + _START_SECONDS
        # The server does not tell when it is ready, so try until it takes a connection.
        while not _listens(self.address):
            if server.poll() is not None or time.monotonic() > give_up:
                raise programs.ProgramError(f"{self.host} did not start:\n{log.read_text()}")
            time.sleep(0.02)

    def _settings(self, folder: Path) -> dict[str, object]:
        certificate = {"certificate": str(ROOT / "server.pem"), "key": str(ROOT / "server.key")}
        htpasswd = {"realm": f"https://{self.host}/", "path": str(folder / "htpasswd")}
        return {
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
            "http": {"addr": f"{self.address}:443", "secret": "none", "tls": certificate},
            "auth": {"htpasswd": htpasswd},
        }

    def digest(self, api: FakeECR, repository: str, tag: str) -> str:
        """Return the digest of the manifest that a plain HTTPS request finds under ``tag``."""
        manifest = self._get(f"{repository}/manifests/{tag}", self.password(api))
        return f"sha256:{hashlib.sha256(manifest).hexdigest()}"

    def status(self, password: str) -> int:
        """Return the HTTP status with which the server greets this password."""
        try:
            self._get("", password)
        except HTTPError as error:
            return error.code
        return HTTPStatus.OK

    def _get(self, path: str, password: str) -> bytes:
        login = base64.b64encode(f"{self.user}:{password}".encode()).decode()
        request = urllib.request.Request(
            f"https://{self.host}/v2/{path}",
            headers={"Authorization": f"Basic {login}", "Accept": ", ".join(_MANIFEST_TYPES)},
        )
        trust = ssl.create_default_context(cafile=CA)
        with urllib.request.urlopen(request, timeout=10, context=trust) as response:
            body: bytes = response.read()
        return body


WEST = Registry("111122223333.dkr.ecr.us-west-2.amazonaws.com", "192.0.2.1", "us-west-2")
EUROPE = Registry("444455556666.dkr.ecr.eu-central-1.amazonaws.com", "192.0.2.2", "eu-central-1")
CHINA = Registry("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn", "192.0.2.3", "cn-north-1")

REGISTRIES = (WEST, EUROPE, CHINA)
"""Every server that runs. One that is not a private ECR registry is a subclass with another password."""


def secrets(api: FakeECR) -> list[str]:
    """Return what no output may show."""
    passwords = [registry.password(api) for registry in REGISTRIES]
    tokens = [base64.b64encode(f"AWS:{password}".encode()).decode() for password in passwords]
    return [api.secret_key, *passwords, *tokens]


def certify() -> None:
    """Make the authority, and one certificate for all of the registries' names."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    request = ("openssl", "req", "-x509", "-days", "2", *key)
    ca_key = str(ROOT / "ca.key")
    authority = ("-subj", "/CN=authority", "-addext", "keyUsage=critical,keyCertSign")
    programs.run([*request, *authority, "-keyout", ca_key, "-out", str(CA)])
    names = ",".join(f"DNS:{registry.host}" for registry in REGISTRIES)
    extensions = ("-addext", f"subjectAltName={names}", "-addext", "basicConstraints=CA:FALSE")
    server = ("-subj", "/CN=registries", "-CA", str(CA), "-CAkey", ca_key, *extensions)
    files = ("-keyout", str(ROOT / "server.key"), "-out", str(ROOT / "server.pem"))
    programs.run([*request, *server, *files])


def _listens(address: str) -> bool:
    try:
        socket.create_connection((address, 443), timeout=1).close()
    except OSError:
        return False
    return True
