"""The checks that call the registry, over TLS."""

from __future__ import annotations

import http.client
import json
import ssl
from socket import gaierror
from typing import TYPE_CHECKING
from urllib.error import URLError

import pytest

from ecr_credhelper.doctor import pulls
from ecr_credhelper.testing.fake_ecr import Fault
from tests.conftest import HOST, PUBLIC
from tests.doctor_findings import Doctor, settings
from tests.fake_registry import BEARER

if TYPE_CHECKING:
    from pathlib import Path

    from ecr_credhelper.testing.fake_ecr import FakeECR
    from tests.fake_registry import FakeRegistry


pytest_plugins = ("tests.doctor_fixtures",)

CALLER = "arn:aws:sts::111122223333:assumed-role/dev/me"
REPOSITORY = "arn:aws:ecr:us-west-2:111122223333:repository/team/app"
DENIED = f"User: {CALLER} is not authorized to perform: ecr:BatchGetImage on resource: {REPOSITORY}"
DIGEST = f"sha256:{'0' * 64}"


def error(message: str) -> bytes:
    return json.dumps({"errors": [{"code": "DENIED", "message": message}]}).encode()


@pytest.mark.parametrize(
    ("image", "path", "name"),
    [
        ("team/app:1", "team/app/manifests/1", "team/app:1"),
        ("app", "app/manifests/latest", "app:latest"),
        (f"app:1@{DIGEST}", f"app/manifests/{DIGEST}", f"app@{DIGEST}"),
    ],
)
def test_an_image_that_can_be_pulled(
    image: str, path: str, name: str, well: str, registry: FakeRegistry, doctor: Doctor
) -> None:
    registry.images[f"/v2/{path}"] = 200, b"{}"
    for scheme in ("", "docker://"):
        assert doctor(f"{scheme}{well}/{image}").finding("pull") == ("ok", f"{well}/{name} can be pulled", "")


@pytest.mark.parametrize(
    ("status", "body", "text", "hint"),
    [
        (404, b"", "{host}/team/app:1 does not exist", "check the name"),
        (
            403,
            error(DENIED),
            f"denied: {CALLER} is not authorized to perform ecr:BatchGetImage on {REPOSITORY}",
            "allow ecr:BatchGetImage in a policy of that identity; the policy of a repository in another",
        ),
        (
            403,
            error("Your Authorization Token has expired."),
            "the registry rejected the login (HTTP status 403)",
            "run: docker-credential-ecr-py cache clear {host}; then",
        ),
        (403, b"<html>", "the registry rejected the login (HTTP status 403)", "run: docker-cred"),
        (500, b'{"errors": []}', "the registry returned HTTP status 500", "try again"),
        (307, b"", "the registry returned HTTP status 307", "try again"),
    ],
)
def test_an_image_that_cannot_be_pulled(
    status: int, body: bytes, text: str, hint: str, well: str, registry: FakeRegistry, doctor: Doctor
) -> None:
    registry.images["/v2/team/app/manifests/1"] = status, body
    found = doctor(f"{well}/team/app:1")
    assert found.status == 1
    result, actual, actual_hint = found.finding("pull")
    assert (result, actual) == ("failure", text.format(host=well))
    assert actual_hint.startswith(hint.format(host=well))
    assert "/elsewhere" not in {path for path, _ in registry.requests}


MISSING = json.dumps({"errors": [{"code": "NAME_UNKNOWN", "message": "The repository … does not exist"}]})
UNKNOWN = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "Requested image not found"}]}'


def test_a_repository_that_does_not_exist(well: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.images["/v2/team/app/manifests/1"] = 404, MISSING.encode()
    found = doctor(f"{well}/team/app:1")
    assert found.finding("pull") == (
        "failure",
        'repository "team/app" does not exist in us-west-2',
        "create it, or check the account and region; a push creates it only with a creation template",
    )


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ([{"imageStatus": "ARCHIVED"}], "{} is archived, and archived images cannot be pulled"),
        ([{"imageStatus": "ACTIVE"}], "{} does not exist"),
        ([{}], "{} does not exist"),
        (None, "{} does not exist"),
    ],
)
@pytest.mark.parametrize("reference", [":1", f"@{DIGEST}"])
def test_an_archived_image_is_recognized(
    details: list[dict[str, str]] | None, text: str, reference: str, well: str, registry: FakeRegistry,
    aws: FakeECR, doctor: Doctor,
) -> None:  # fmt: skip
    registry.images[f"/v2/app/manifests/{reference[1:]}"] = 404, UNKNOWN
    aws.operations["DescribeImages"] = (
        Fault.aws("AccessDeniedException")
        if details is None
        else Fault(200, json.dumps({"imageDetails": details}).encode())
    )
    result, actual, hint = doctor(f"{well}/app{reference}").finding("pull")
    assert (result, actual) == ("failure", text.format(f"{well}/app{reference}"))
    assert ("aws ecr update-image-storage-class" in hint) == ("archived" in actual)


def test_pull_rejects_an_invalid_image_name(well: str, doctor: Doctor) -> None:
    assert doctor(f"{well}/Team").finding("pull")[:2] == (
        "failure",
        "the part after the host is not a valid image name",
    )
    assert doctor(f"https://{well}/v2/").finding("pull")[0] == "ok"


def test_a_registry_that_requires_no_login(well: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.ping = 200
    assert doctor(well).finding("network")[:2] == (
        "warning",
        f"{well} does not require a login (HTTP status 200)",
    )


def test_a_certificate_that_is_not_trusted(
    well: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    found = doctor(well)
    result, text, hint = found.finding("network")
    assert result == "failure"
    assert text.startswith(f"{well}: the certificate is not trusted by this system (")
    assert hint == "add its CA to the certificates that the system trusts, which Docker also uses"
    assert found.findings("pull") == []


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (URLError(gaierror(-2, "a secret")), "cannot resolve the host name (or the proxy's)"),
        (TimeoutError("a secret"), "timed out after 8 s"),
        (URLError(ConnectionRefusedError("a secret")), "cannot be reached (ConnectionRefusedError)"),
        (http.client.BadStatusLine("a secret"), "cannot be reached (BadStatusLine)"),
        (URLError("a secret"), "cannot be reached (str)"),
        (UnicodeError("a secret"), "cannot be reached (UnicodeError)"),
        (ssl.SSLError(1, "a secret"), "cannot be reached (SSLError)"),
    ],
)
def test_a_registry_that_cannot_be_reached(
    raised: Exception, text: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(*_: str) -> pulls.Response:
        raise raised

    monkeypatch.setattr(pulls, "_get", get)
    result, actual, hint = doctor(HOST).finding("network")
    assert (result, actual) == ("failure", f"{HOST}: {text}")
    endpoint = "in a VPC, check the endpoint com.amazonaws.us-west-2.ecr.dkr"
    assert hint == f"check the network and HTTPS_PROXY; {endpoint}"


@pytest.mark.parametrize(
    ("host", "hint"),
    [
        (PUBLIC, "check the network and HTTPS_PROXY"),
        ("images.example.com", "check the network and HTTPS_PROXY; check the host name"),
        ("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn", "check the network and HTTPS_PROXY"),
        ("111122223333.dkr.ecr-fips.us-west-2.amazonaws.com", "check the network and HTTPS_PROXY"),
        ("111122223333.dkr-ecr.us-west-2.on.aws", "check the network and HTTPS_PROXY"),
    ],
)
def test_only_hosts_with_a_known_vpc_endpoint_lead_to_it(
    host: str, hint: str, home: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(home, '[registry."images.example.com"]\nregion = "us-west-2"\n')

    def get(*_: str) -> pulls.Response:
        raise ConnectionRefusedError

    monkeypatch.setattr(pulls, "_get", get)
    assert doctor(host).finding("network")[2] == hint


def test_a_registry_that_stops_answering(well: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    real = pulls._get  # noqa: SLF001 - what the test is about

    def get(url: str, authorization: str = "") -> pulls.Response:
        if authorization:
            raise TimeoutError
        return real(url)

    monkeypatch.setattr(pulls, "_get", get)
    assert doctor(well).finding("pull")[1] == f"{well}: timed out after 8 s"


# The public registry exchanges the login for a bearer token, and allows pulls without a login.


@pytest.fixture
def public(home: Path, well: str, registry: FakeRegistry, aws: FakeECR) -> str:
    settings(home, f'[registry."{well}"]\npublic = true\n')
    registry.public = True
    registry.logins.add(f"AWS:{aws.password('us-east-1', service='ecr-public', serial=1)}")
    registry.images["/v2/app/manifests/1"] = 200, b"{}"
    return well


def test_a_public_image(public: str, registry: FakeRegistry, doctor: Doctor) -> None:
    found = doctor(f"{public}/app:1")
    assert found.status == 0
    assert found.finding("pull")[1] == f"{public}/app:1 can be pulled"
    (_, first), (path, login), (_, bearer) = registry.requests
    assert first == ""
    assert path.startswith("/token/?service=localhost")
    assert path.endswith("&scope=repository%3Aapp%3Apull")
    assert login.startswith("Basic ")
    assert bearer == f"Bearer {BEARER}"


def test_a_public_repository_that_does_not_exist(public: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.images["/v2/app/manifests/1"] = 404, MISSING.encode()
    assert doctor(f"{public}/app:1").finding("pull")[1] == f'repository "app" does not exist in {public}'
    registry.images["/v2/app/manifests/1"] = 404, UNKNOWN
    assert doctor(f"{public}/app:1").finding("pull")[1] == f"{public}/app:1 does not exist"


def test_without_credentials_a_public_image_can_be_pulled(
    public: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    found = doctor(f"{public}/app:1")
    assert found.status == 0
    assert found.finding("credentials")[:2] == ("warning", "no AWS credentials found")
    assert found.finding("pull")[0] == "ok"


def test_a_login_never_goes_to_another_host(public: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.realm = "https://127.0.0.1:9/token/"
    assert doctor(public).finding("pull")[1] == "the registry rejected the login (HTTP status 401)"
    assert {path for path, _ in registry.requests} == {"/v2/"}


def test_an_invalid_bearer_token(public: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.token_body = b"rubbish"
    assert doctor(public).finding("pull")[0] == "failure"


def test_the_hosts_of_the_public_registry_share_a_realm(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls: list[str] = []

    def get(url: str, _: str = "") -> pulls.Response:
        urls.append(url)
        challenge = f'Bearer realm="https://{PUBLIC}/token/",service="{PUBLIC}"'
        return pulls.Response(401, {"www-authenticate": challenge}, b"")

    monkeypatch.setattr(pulls, "_get", get)
    doctor("ecr-public.aws.com")
    assert f"https://{PUBLIC}/token/?service={PUBLIC}" in urls


# Responses of a hostile server.


@pytest.mark.parametrize("realm", [
    "https://[x", "https://{host}/\u00e9", "https://{host}/\\ x", f"x\",{'a' * 60000},y=\"",
])  # fmt: skip
def test_invalid_realms(realm: str, public: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.realm = realm.format(host=public)
    assert doctor(f"{public}/app:1").finding("pull")[1] in {
        "the registry rejected the login (HTTP status 401)",
        f"{public}: cannot be reached (ValueError)",
        f"{public}: cannot be reached (str)",
        f"{public}: cannot be reached (InvalidURL)",
    }


def test_endless_responses(public: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.token_body = registry.images["/v2/app/manifests/1"][1]
    registry.images["/v2/app/manifests/1"] = 403, b"[" * 60000
    actual = "the registry rejected the login (HTTP status 40"
    assert doctor(f"{public}/app:1").finding("pull")[1].startswith(actual)
    registry.token_body = b"[" * 60000
    assert doctor(f"{public}/app:1").finding("pull")[1].startswith(actual)
    registry.public = False
    assert doctor(f"{public}/app:1").finding("pull")[1].startswith(actual)


def test_an_endless_message_is_ignored() -> None:
    assert pulls._error(b"[" * 60000, "message") == ""  # noqa: SLF001 - what the test is about


def test_a_challenge_is_parsed_in_linear_time() -> None:
    """An expression that backtracks at each character would need hours."""
    assert pulls.CHALLENGE.findall(f'{"a" * 2_000_000} Bearer realm="r",service="s"') == [
        ("realm", "r"), ("service", "s"),
    ]  # fmt: skip


def test_an_impossible_host_name_is_reported(home: Path, doctor: Doctor) -> None:
    host = f"{'a' * 70}.example.com"
    settings(home, f'[registry."{host}"]\nregion = "us-west-2"\n')
    assert doctor(host).finding("network")[1].startswith(f"{host}: cannot be reached (")


def test_pull_uses_the_port_of_the_registry(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    urls: list[str] = []

    def get(url: str, _: str = "") -> pulls.Response:
        urls.append(url)
        return pulls.Response(401, {"www-authenticate": f'Bearer realm="https://{PUBLIC}:444/token"'}, b"")

    monkeypatch.setattr(pulls, "_get", get)
    found = doctor(f"{PUBLIC}:444/app:1")
    assert "cache clear public.ecr.aws:444;" in found.finding("pull")[2]
    assert urls == [
        f"https://{PUBLIC}:444/v2/",
        f"https://{PUBLIC}:444/token?scope=repository%3Aapp%3Apull",
        f"https://{PUBLIC}:444/v2/app/manifests/1",
    ]
