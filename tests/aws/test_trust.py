"""The CA certificates that our sessions trust, over TLS on loopback."""

from __future__ import annotations

import base64
import json
import os
import platform
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore import httpsession

from ecr_credhelper.aws import client, threads, trust
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.registry import parse
from ecr_credhelper.settings.rules import NO_RULE, Rule
from tests.aws import certificates
from tests.aws.causes import ROLE, World, http
from tests.conftest import HOST, run
from tests.systems import linux_store

HINT = "add the CA's certificate to the system's store, or set AWS_CA_BUNDLE to a file with it"
UNKNOWN = "the TLS certificate of 127.0.0.1 is from an unknown CA"

KEYS = {"accessKeyId": "ASIA", "secretAccessKey": "s", "sessionToken": "t", "expiration": 4102444800000}
SSO_REPLY = json.dumps({"roleCredentials": KEYS, "accessToken": "a", "expiresIn": 3600})
STS_REPLY = (
    "<{0}Response><{0}Result><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    "<SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>"
    "</{0}Result></{0}Response>"
)


def token_reply() -> bytes:
    data = {
        "authorizationToken": base64.b64encode(b"AWS:password").decode(),
        "expiresAt": time.time() + 3600,
    }
    return http(200, json.dumps({"authorizationData": [data]}))


def fetch(rule: Rule = NO_RULE, session: Any = None) -> str:
    """Return the password, or the error without the registry."""
    registry = parse(HOST)
    assert registry
    try:
        return client.fetch(registry, time.time, rule, session).token.password
    except CredentialHelperError as error:
        return str(error).removeprefix(f"{HOST}: ")


class System:
    """The machine with its store, whose files a test writes. The API has the certificate ``VALID``."""

    def __init__(self, world: World, store: Path) -> None:
        self.world = world
        self.directory = store / "certs"
        self.file = store / "all.pem"
        self.right = str(self.write(store / "right.pem"))
        self.wrong = str(self.write(store / "wrong.pem", certificates.OTHER_NAME))
        url = f"https://{world.serve(token_reply(), certificate=certificates.VALID)}"
        world.env(AWS_ENDPOINT_URL=url, AWS_ENDPOINT_URL_STS=None, AWS_ENDPOINT_URL_SSO=None)

    @staticmethod
    def write(path: Path, content: str = certificates.VALID) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def hashed(self, directory: Path | None = None, content: str = certificates.VALID) -> str:
        """Write a certificate into a directory in OpenSSL's form."""
        return str(self.write((directory or self.directory) / certificates.HASHED_NAME, content).parent)


@pytest.fixture
def system(world: World, home: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    found = System(world, home / "store")
    monkeypatch.setattr(trust, "DIRECTORIES", ("/nonexistent", str(found.directory)))
    monkeypatch.setattr(trust, "FILES", ("/nonexistent.pem", str(found.file)))
    nowhere = ssl.DefaultVerifyPaths("", "", "", "/nonexistent.pem", "", "/nonexistent")
    monkeypatch.setattr("ssl.get_default_verify_paths", lambda: nowhere)
    return found


# The order.


def set_rule(_: World, bundle: str) -> Rule:
    return Rule(ca_bundle=bundle)


def set_variable(world: World, bundle: str) -> Rule:
    world.env(AWS_CA_BUNDLE=bundle)
    return NO_RULE


def set_configuration(world: World, bundle: str) -> Rule:
    world.config(f"[default]\nca_bundle = {bundle}\n")
    return NO_RULE


def set_variable_of_requests(world: World, bundle: str) -> Rule:
    world.env(REQUESTS_CA_BUNDLE=bundle)
    return NO_RULE


BUNDLES = (set_rule, set_variable, set_configuration, set_variable_of_requests)
"""What selects a CA bundle, in order; each returns the rule."""


@pytest.mark.parametrize("step", range(len(BUNDLES)))
def test_a_bundle_overrides_the_later_ones_and_the_system(step: int, system: System) -> None:
    chosen, *later = BUNDLES[step:]
    for configure in later:
        configure(system.world, system.wrong)
    assert fetch(chosen(system.world, system.right)) == "password"
    for configure in later:
        configure(system.world, system.right)
    system.hashed()
    assert fetch(chosen(system.world, system.wrong)).startswith(
        f"{UNKNOWN}; add the CA's certificate to {system.wrong}"
    )


@linux_store
@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_an_empty_variable_does_not_select_a_bundle(name: str, system: System) -> None:
    """With an empty REQUESTS_CA_BUNDLE, botocore 1.42 does not verify certificates."""
    system.world.env(**{name: ""})
    assert fetch() == f"{UNKNOWN}; {HINT}"
    system.hashed()
    assert fetch() == "password"


@linux_store
def test_the_variables_of_openssl_precede_the_system(system: System) -> None:
    system.world.env(SSL_CERT_FILE=system.wrong, SSL_CERT_DIR=system.hashed(system.directory / "own"))
    system.write(system.file)
    system.hashed()
    assert trust.system_store(os.environ) == ("", f"{system.directory}/own", system.wrong)


@linux_store
@pytest.mark.parametrize(
    "configure",
    [
        lambda s: s.world.env(SSL_CERT_FILE=s.right),
        lambda s: s.world.env(SSL_CERT_FILE=s.right, SSL_CERT_DIR="/nonexistent"),
        lambda s: s.world.env(SSL_CERT_DIR=s.hashed(s.directory / "own")),
        lambda s: s.world.env(SSL_CERT_DIR=os.pathsep.join(("/nonexistent", s.hashed(s.directory / "own")))),
        lambda s: (
            s.write(s.directory / "own" / "README", "no certificate"),
            s.world.env(SSL_CERT_DIR=str(s.write(s.directory / "own" / "ca.pem").parent)),
        ),
        lambda s: s.world.env(SSL_CERT_FILE=s.wrong, SSL_CERT_DIR=s.hashed(s.directory / "own")),
        lambda s: s.hashed(),
        lambda s: s.write(s.file),
        lambda s: (s.hashed(content=certificates.OTHER_NAME), s.write(s.file)),
        lambda s: (s.write(s.directory / "not-hashed.pem"), s.write(s.file)),
        lambda s: (s.world.env(SSL_CERT_FILE=s.wrong), s.hashed()),
        lambda s: (s.world.env(SSL_CERT_FILE="/nonexistent.pem", SSL_CERT_DIR="/nonexistent"), s.hashed()),
        lambda s: (s.world.env(SSL_CERT_FILE=str(s.directory), SSL_CERT_DIR=""), s.hashed()),
        lambda s: (s.write(s.file, ""), s.hashed()),
        lambda s: (s.world.env(SSL_CERT_FILE=s.right), s.hashed(content=certificates.OTHER_NAME)),
    ],
    ids=[
        "SSL_CERT_FILE", "SSL_CERT_FILE and no directory", "SSL_CERT_DIR", "two directories",
        "SSL_CERT_DIR without hashes",
        "both variables", "directory", "file", "a CA in the file only", "a directory without hashes",
        "another SSL_CERT_FILE", "missing paths", "a directory as a file", "an empty file",
        "SSL_CERT_FILE in addition to the directory",
    ],
)  # fmt: skip
def test_a_ca_of_the_system_is_trusted(configure: Callable[[System], object], system: System) -> None:
    assert fetch() == f"{UNKNOWN}; {HINT}"
    configure(system)
    assert fetch() == "password"


@linux_store
def test_an_openssl_directory_of_this_python_is_used(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = ssl.DefaultVerifyPaths("", "", "", "", "", system.hashed(system.directory / "python"))
    monkeypatch.setattr("ssl.get_default_verify_paths", lambda: paths)
    assert fetch() == "password"


@linux_store
def test_a_system_without_certificates_keeps_botocores_bundle(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trust.system_store(os.environ) is None
    monkeypatch.setattr(httpsession, "where", lambda: system.right)
    assert fetch() == "password"
    system.write(system.file, certificates.OTHER_NAME)
    assert fetch() == f"{UNKNOWN}; {HINT}"


@linux_store
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", ""])
def test_a_broken_file_is_an_error_if_the_directory_is_not_enough(variable: str, system: System) -> None:
    broken = system.write(system.file, "-----BEGIN CERTIFICATE-----\nbroken")
    if variable:
        system.world.env(**{variable: str(broken)})
    source = variable or "the system's CA certificates"
    error = f"{broken} is not a CA bundle: it contains no certificate; check {source}"
    assert fetch() == error
    system.hashed(content=certificates.OTHER_NAME)
    assert fetch() == error
    system.hashed()
    assert fetch() == "password"


@linux_store
def test_other_failures_of_tls_are_not_repeated(system: System) -> None:
    system.hashed()
    system.write(system.file)
    system.world.tls(certificates.EXPIRED, trust=False)
    system.hashed(content=certificates.EXPIRED)
    assert fetch().startswith("the TLS certificate of 127.0.0.1 has expired; ")


# Credentials.


def role(world: World, url: str) -> None:
    world.role().env(AWS_ENDPOINT_URL_STS=url)


def web_identity(world: World, url: str) -> None:
    world.web_identity().env(AWS_ENDPOINT_URL_STS=url)


def sso(world: World, url: str) -> None:
    world.sso().env(AWS_ENDPOINT_URL_SSO=url)


def sso_oidc(world: World, url: str) -> None:
    world.sso()
    world.sts.let_expire(world.home)
    world.env(AWS_ENDPOINT_URL_SSO=url, AWS_ENDPOINT_URL_SSO_OIDC=url)


@pytest.mark.parametrize("has_bundle", [True, pytest.param(False, marks=linux_store)])
@pytest.mark.parametrize(
    ("configure", "reply"),
    [
        (role, STS_REPLY.format("AssumeRole")),
        (web_identity, STS_REPLY.format("AssumeRoleWithWebIdentity")),
        (sso, SSO_REPLY),
        (sso_oidc, SSO_REPLY),
    ],
)
def test_the_sources_of_credentials_trust_the_same(
    configure: Callable[[World, str], None], reply: str, has_bundle: bool, system: System
) -> None:
    url = f"https://{system.world.serve(http(200, reply), certificate=certificates.VALID)}"
    configure(system.world, url)
    if not has_bundle:
        system.hashed()
    assert fetch(Rule(ca_bundle=system.right if has_bundle else "")) == "password"


@pytest.mark.parametrize("has_own", [True, False])
def test_the_role_of_a_rule_is_assumed_with_its_bundle(has_own: bool, system: System) -> None:
    reply = http(200, STS_REPLY.format("AssumeRole"))
    url = f"https://{system.world.serve(reply, certificate=certificates.VALID)}"
    system.world.env(AWS_ENDPOINT_URL_STS=url)
    session = botocore.session.Session() if has_own else None
    assert fetch(Rule(role_arn=ROLE, ca_bundle=system.right), session) == "password"


# Programs.


@linux_store
def test_a_session_of_a_program_keeps_botocores_bundle(system: System) -> None:
    system.hashed()
    session: Any = botocore.session.Session()
    assert fetch(session=session) == f"{UNKNOWN}; set AWS_CA_BUNDLE to a file with the CA's certificate"
    assert fetch() == "password"
    assert "create_client" not in vars(session)
    assert "_setup_ssl_cert" not in vars(session.create_client("ecr", "us-east-1")._endpoint.http_session)  # noqa: SLF001 - what trust_system changes
    assert ssl.SSLContext.__module__ == "ssl"


@linux_store
def test_the_executable_trusts_the_variables_of_openssl(system: System) -> None:
    assert UNKNOWN in run("get", stdin=HOST).error
    system.world.env(SSL_CERT_DIR=system.hashed(system.directory / "own"))
    assert run("get", stdin=HOST).reply["Secret"] == "password"


# macOS and Windows. On Linux, the library truststore reads OpenSSL's files.


@pytest.fixture
def native(world: World, home: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    monkeypatch.setitem(trust.NATIVE, sys.platform, "this system")
    monkeypatch.setattr(trust, "is_executable", True)
    return System(world, home / "store")


@pytest.mark.usefixtures("native")
def test_the_executable_asks_the_store_of_macos_and_windows() -> None:
    assert fetch() == f"{UNKNOWN}; {HINT}"


@linux_store
def test_the_executable_uses_the_store_of_macos_and_windows(native: System) -> None:
    native.world.env(SSL_CERT_DIR=native.hashed())
    assert trust.system_store(os.environ) == ("this system", "", "")
    assert fetch() == "password"
    assert ssl.SSLContext.__module__ == "ssl"


@pytest.mark.parametrize(("file", "result"), [("right", "password"), ("wrong", f"{UNKNOWN}; {HINT}")])
def test_a_file_is_read_if_the_store_of_macos_and_windows_lacks_the_ca(
    file: str, result: str, native: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL reads the variable on Linux, so truststore must not see it here."""
    store = trust.Store("this system", file=getattr(native, file))
    monkeypatch.setattr(trust, "system_store", lambda _: store)
    assert fetch() == result


@pytest.mark.usefixtures("native")
@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (0x800B0109, "is from an unknown CA"),
        (0x800B010A, "is from an unknown CA"),
        (0x800B010F, "is for another name"),
        (0x800B0112, "is from an unknown CA"),
        (0x800B0101, "has expired or is not yet valid"),
        (-67843, "is from an unknown CA"),
        (-67602, "is for another name"),
        (-67818, "has expired"),
        (-67819, "is not yet valid"),
    ],
)
def test_an_error_of_the_store_is_recognized_in_every_language(
    number: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Store(ssl.SSLContext):
        def wrap_socket(self, *_: object, **__: object) -> ssl.SSLSocket:
            error = ssl.SSLCertVerificationError("Ein erforderliches Zertifikat ist nicht gültig.")
            error.verify_code = number
            raise error

    monkeypatch.setattr(trust, "_native_context", lambda: Store(ssl.PROTOCOL_TLS_CLIENT))
    assert fetch().startswith(f"the TLS certificate of 127.0.0.1 {reason}; ")


@pytest.mark.usefixtures("native")
def test_truststore_does_not_ask_for_the_name_of_the_system_beside_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, lock = platform.uname(), threads.named_lock("platform.uname")
    is_locked: list[bool] = []

    def uname() -> platform.uname_result:
        is_locked.append(lock.locked())
        return name

    monkeypatch.setattr(platform, "uname", uname)
    assert trust.system_store(os.environ)
    assert is_locked == [True]


def test_the_library_does_not_load_truststore(native: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "is_executable", False)
    native.world.env(SSL_CERT_DIR=native.hashed())
    assert trust.system_store(os.environ) is None
    assert fetch() == f"{UNKNOWN}; {HINT}"


def test_without_truststore_botocores_bundle_is_used(native: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "truststore", None)
    native.world.env(SSL_CERT_DIR=native.hashed())
    assert trust.system_store(os.environ) is None


# Other versions of botocore and urllib3.


@linux_store
def test_a_botocore_without_the_method_keeps_its_bundle(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.hashed()
    assert trust.system_store(os.environ)
    trust.trust_system(SimpleNamespace())  # no _endpoint
    monkeypatch.delattr(httpsession.URLLib3Session, "_setup_ssl_cert")
    assert trust.system_store(os.environ) is None


@linux_store
def test_a_pool_without_a_directory_keeps_botocores_bundle(system: System) -> None:
    system.hashed()
    http = SimpleNamespace(
        send=None, _get_ssl_context=None, _setup_ssl_cert=lambda pool, *_: setattr(pool, "ca_certs", "own")
    )
    trust.trust_system(SimpleNamespace(_endpoint=SimpleNamespace(http_session=http)))
    pool = SimpleNamespace()
    http._setup_ssl_cert(pool, "https://localhost", verify := True)  # noqa: SLF001 - likewise
    assert (pool.ca_certs, verify) == ("own", True)
