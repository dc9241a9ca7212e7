"""What ``doctor`` tells of a registry's answers, over TLS."""

from __future__ import annotations

import http.client
import json
import ssl
from socket import gaierror
from typing import TYPE_CHECKING
from urllib.error import URLError

import pytest

from ecr_credhelper.doctor import pulls
from tests.conftest import HOST, PUBLIC
from tests.doctor_findings import Doctor, settings
from tests.fake_registry import BEARER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_ecr import FakeECR
    from tests.fake_registry import FakeRegistry


pytest_plugins = ("tests.doctor_fixtures",)

WHO = "arn:aws:sts::111122223333:assumed-role/dev/me"
REPOSITORY = "arn:aws:ecr:us-west-2:111122223333:repository/team/app"
DENIED = f"User: {WHO} is not authorized to perform: ecr:BatchGetImage on resource: {REPOSITORY}"
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
        assert doctor(f"{scheme}{well}/{image}").one("pull") == ("ok", f"{well}/{name} can be pulled", "")


@pytest.mark.parametrize(
    ("status", "body", "text", "hint"),
    [
        (404, b"", "{host}/team/app:1 is not there", "check the name"),
        (
            403,
            error(DENIED),
            f"denied: {WHO} is not authorized to perform ecr:BatchGetImage on {REPOSITORY}",
            "allow ecr:BatchGetImage in a policy of that identity; a repository of another account must",
        ),
        (
            403,
            error("Your Authorization Token has expired."),
            "the registry does not take the login (HTTP status 403)",
            "run: docker-credential-ecr-py cache clear {host}; then",
        ),
        (403, b"<html>", "the registry does not take the login (HTTP status 403)", "run: docker-cred"),
        (500, b'{"errors": []}', "the registry answers with HTTP status 500", "try again"),
        (307, b"", "the registry answers with HTTP status 307", "try again"),
    ],
)
def test_an_image_that_cannot_be_pulled(
    status: int, body: bytes, text: str, hint: str, well: str, registry: FakeRegistry, doctor: Doctor
) -> None:
    registry.images["/v2/team/app/manifests/1"] = status, body
    found = doctor(f"{well}/team/app:1")
    assert found.status == 1
    result, told, what_to_do = found.one("pull")
    assert (result, told) == ("failure", text.format(host=well))
    assert what_to_do.startswith(hint.format(host=well))
    assert "/elsewhere" not in {path for path, _ in registry.requests}


def test_what_is_no_image(well: str, doctor: Doctor) -> None:
    assert doctor(f"{well}/Team").one("pull")[:2] == (
        "failure",
        "what follows the host is not an image's name",
    )
    assert doctor(f"https://{well}/v2/").one("pull")[0] == "ok"


def test_a_registry_that_asks_for_no_login(well: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.ping = 200
    assert doctor(well).one("anonymous")[:2] == (
        "warning",
        f"{well} does not ask for a login, it answers with HTTP status 200",
    )


def test_a_certificate_that_is_not_trusted(
    well: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    found = doctor(well)
    result, text, hint = found.one("anonymous")
    assert result == "failure"
    assert text.startswith(f"{well} has a certificate that this system does not trust (")
    assert hint == "add the CA that signed it to the system's, which Docker trusts too"
    assert found.of("pull") == []


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (URLError(gaierror(-2, "a secret")), "cannot be reached, its name or that of the proxy is not known"),
        (TimeoutError("a secret"), "did not answer in time"),
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
    def get(*_: str) -> pulls.Answer:
        raise raised

    monkeypatch.setattr(pulls, "_get", get)
    result, told, hint = doctor(HOST).one("anonymous")
    assert (result, told) == ("failure", f"{HOST} {text}")
    assert hint.endswith("the endpoint com.amazonaws.us-west-2.ecr.dkr")


def test_a_registry_that_stops_answering(well: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    real = pulls._get  # noqa: SLF001 - what the test is about

    def get(url: str, authorization: str = "") -> pulls.Answer:
        if authorization:
            raise TimeoutError
        return real(url)

    monkeypatch.setattr(pulls, "_get", get)
    assert doctor(well).one("pull")[1] == f"{well} did not answer in time"


# The public registry: a token of its own in return for the login, and pulls without one.


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
    assert found.one("pull")[1] == f"{public}/app:1 can be pulled"
    (_, first), (path, login), (_, bearer) = registry.requests
    assert first == ""
    assert path.startswith("/token/?service=localhost")
    assert path.endswith("&scope=repository%3Aapp%3Apull")
    assert login.startswith("Basic ")
    assert bearer == f"Bearer {BEARER}"


def test_without_credentials_a_public_image_can_be_pulled(
    public: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    found = doctor(f"{public}/app:1")
    assert found.status == 0
    assert found.one("credentials")[:2] == ("warning", "no AWS credentials found")
    assert found.one("pull")[0] == "ok"


def test_a_login_never_goes_to_another_host(public: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.realm = "https://127.0.0.1:9/token/"
    assert doctor(public).one("pull")[1] == "the registry does not take the login (HTTP status 401)"
    assert {path for path, _ in registry.requests} == {"/v2/"}


def test_a_token_that_is_none(public: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.token_body = b"rubbish"
    assert doctor(public).one("pull")[0] == "failure"


def test_the_public_registrys_hosts_are_one(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def get(url: str, _: str = "") -> pulls.Answer:
        asked.append(url)
        challenge = f'Bearer realm="https://{PUBLIC}/token/",service="{PUBLIC}"'
        return pulls.Answer(401, {"www-authenticate": challenge}, b"")

    monkeypatch.setattr(pulls, "_get", get)
    doctor("ecr-public.aws.com")
    assert f"https://{PUBLIC}/token/?service={PUBLIC}" in asked


# What a hostile server answers.


@pytest.mark.parametrize("realm", [
    "https://[x", "https://{host}/\u00e9", "https://{host}/\\ x", f"x\",{'a' * 60000},y=\"",
])  # fmt: skip
def test_a_realm_that_is_none(realm: str, public: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.realm = realm.format(host=public)
    assert doctor(f"{public}/app:1").one("pull")[1] in {
        "the registry does not take the login (HTTP status 401)",
        f"{public} cannot be reached (ValueError)",
        f"{public} cannot be reached (str)",
        f"{public} cannot be reached (InvalidURL)",
    }


def test_answers_without_end(public: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.token_body = registry.images["/v2/app/manifests/1"][1]
    registry.images["/v2/app/manifests/1"] = 403, b"[" * 60000
    told = "the registry does not take the login (HTTP status 40"
    assert doctor(f"{public}/app:1").one("pull")[1].startswith(told)
    registry.token_body = b"[" * 60000
    assert doctor(f"{public}/app:1").one("pull")[1].startswith(told)
    registry.public = False
    assert doctor(f"{public}/app:1").one("pull")[1].startswith(told)


def test_a_message_without_end_is_none() -> None:
    assert pulls._message(b"[" * 60000) == ""  # noqa: SLF001 - what the test is about


def test_a_challenge_is_read_in_one_pass() -> None:
    """Whoever looks back at each letter of this needs hours."""
    assert pulls.CHALLENGE.findall(f'{"a" * 2_000_000} Bearer realm="r",service="s"') == [
        ("realm", "r"), ("service", "s"),
    ]  # fmt: skip


def test_a_name_that_no_server_can_have(home: Path, doctor: Doctor) -> None:
    host = f"{'a' * 70}.example.com"
    settings(home, f'[registry."{host}"]\nregion = "us-west-2"\n')
    assert doctor(host).one("anonymous")[1].startswith(f"{host} cannot be reached (")


def test_the_port_of_a_name_is_kept(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def get(url: str, _: str = "") -> pulls.Answer:
        asked.append(url)
        return pulls.Answer(401, {"www-authenticate": f'Bearer realm="https://{PUBLIC}:444/token"'}, b"")

    monkeypatch.setattr(pulls, "_get", get)
    found = doctor(f"{PUBLIC}:444/app:1")
    assert "cache clear public.ecr.aws:444;" in found.one("pull")[2]
    assert asked == [
        f"https://{PUBLIC}:444/v2/",
        f"https://{PUBLIC}:444/token?scope=repository%3Aapp%3Apull",
        f"https://{PUBLIC}:444/v2/app/manifests/1",
    ]
