"""Logins for images: of the node, of service accounts, and without either."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from pathlib import Path

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.httpsession import URLLib3Session
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.cache import open_cache
from ecr_credhelper.cli import kubelet as command
from ecr_credhelper.cli.arguments import parse
from ecr_credhelper.console.terminal import Terminal
from ecr_credhelper.helper import REFRESH, Helper
from ecr_credhelper.kubelet import provider
from ecr_credhelper.kubelet.protocol import parse_request
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests.commands import with_limit
from tests.conftest import HOST, OTHER_ACCOUNT, PUBLIC, Run, run
from tests.docker_files import write_settings
from tests.fake_sts import FakeSTS, error_xml
from tests.kubelet.go_types import GROUP, Response, decode_response
from tests.kubelet.node import ServiceAccount, request

ANNOTATION = "eks.amazonaws.com/ecr-role-arn"
ROLE_A, ROLE_B, ROLE_C = (f"arn:aws:iam::111122223333:role/{name}" for name in "abc")
TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.YS1zaWduYXR1cmU"
HALF_A_DAY = 12 * 3600


def account(role: str = "", name: str = "app") -> ServiceAccount:
    return ServiceAccount(name, f"{TOKEN}-{name}", {ANNOTATION: role} if role else {})


def ask(
    image: str, of: ServiceAccount | None = None, clock: float | None = None, version: str = "v1"
) -> Response:
    """Return the response to a request, in this process."""
    helper = Helper(os.environ, time.time if clock is None else lambda: clock, print)
    helper.deadline = provider.DEADLINE
    return decode_response(provider.provide(parse_request(request(image, of, version)), helper).encode())


def password(response: Response) -> str:
    ((_, word),) = response.auth.values()
    return word


def files_with(text: str, *directories: Path) -> list[Path]:
    return [
        path
        for directory in directories
        for path in directory.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes()
    ]


# -- the node


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_the_response_has_the_version_of_the_request(kubelet: Run, aws: FakeECR, version: str) -> None:
    result = kubelet(stdin=request(f"{HOST}/team/app", version=version))
    assert (result.status, result.stderr) == (0, b"")
    response = decode_response(result.stdout)
    assert response.api_version == f"{GROUP}/{version}"
    assert response.cache_key_type == "Registry"
    assert response.auth == {HOST: ("AWS", aws.password("us-west-2", serial=1))}
    assert response.cache_duration is not None
    assert 0 < response.cache_duration <= HALF_A_DAY - 15 * 60


def test_get_and_the_kubelet_share_the_token(kubelet: Run, aws: FakeECR) -> None:
    reply = run("get", stdin=HOST).reply
    for host in (HOST, OTHER_ACCOUNT):
        response = decode_response(kubelet(stdin=request(f"{host}/app")).stdout)
        assert response.auth == {host: ("AWS", reply["Secret"])}
    assert len(aws.calls) == 1


@pytest.mark.parametrize(
    "image", ["ghcr.io/app", "app", "localhost:5000/app", "https://ghcr.io/app", "a b/c", "Ä/b"]
)
def test_a_host_that_is_not_ecr_has_no_login(kubelet: Run, aws: FakeECR, image: str) -> None:
    for of in (None, account(ROLE_A)):
        result = kubelet(stdin=request(image, of))
        assert (result.status, result.stderr) == (0, b"")
        assert json.loads(result.stdout)["auth"] is None
        assert decode_response(result.stdout).cache_duration == 0
    assert aws.requests == 0


@pytest.mark.usefixtures("aws")
def test_the_key_is_the_host_of_the_image_as_it_is_written(home: Path) -> None:
    write_settings(home, '[registry."images.example.com:5000"]\nregion = "eu-west-1"\n')
    for authority in ("images.example.com:5000", f"{HOST}:443", HOST.upper()):
        assert list(ask(f"{authority}/app").auth) == [authority]


def test_the_settings_select_the_identity(home: Path, aws: FakeECR) -> None:
    write_settings(home, f'[registry."111122223333"]\nrole_arn = "{ROLE_A}"\n')
    assert ask(f"{HOST}/app").auth
    assert aws.roles == [ROLE_A]


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("remaining", "seconds"), [(HALF_A_DAY, HALF_A_DAY - 900), (901, 1), (900.5, 0), (20, 0)]
)
def test_the_kubelet_caches_until_15_minutes_before_the_end(
    aws: FakeECR, remaining: float, seconds: float
) -> None:
    start = float(int(time.time()))
    aws.clock = lambda: start
    aws.lifetime = remaining
    assert ask(f"{HOST}/app", clock=start).cache_duration == seconds


def test_the_public_registry_without_credentials_has_no_login(
    kubelet: Run, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for of in (None, account()):
        result = kubelet(stdin=request(f"{PUBLIC}/nginx/nginx", of))
        assert (result.status, result.stderr) == (0, b"")
        assert json.loads(result.stdout)["auth"] is None
    assert aws.requests == 0


@pytest.mark.usefixtures("aws")
def test_the_public_registry_with_credentials_has_a_login() -> None:
    assert list(ask(f"{PUBLIC}/nginx/nginx").auth) == [PUBLIC]


def test_a_failure_is_one_line_on_standard_error(kubelet: Run, aws: FakeECR) -> None:
    aws.faults.append(Fault.aws("AccessDeniedException", "User: u is not authorized to perform: a"))
    result = kubelet(stdin=request(f"{HOST}/app"))
    assert (result.status, result.stdout) == (1, b"")
    assert result.stderr.startswith(f"docker-credential-ecr-py: {HOST}: ".encode())
    assert result.stderr.count(b"\n") == 1


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b" " * 70000, request("a").replace(b"/v1", b"/v2")])
def test_a_malformed_request_is_one_line_on_standard_error(kubelet: Run, data: bytes) -> None:
    result = kubelet(stdin=data)
    assert (result.status, result.stdout) == (1, b"")
    assert result.stderr.startswith(b"docker-credential-ecr-py: ")
    assert result.stderr.count(b"\n") == 1


@pytest.mark.usefixtures("aws")
def test_a_password_on_the_screen_has_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(request(f"{HOST}/app"))))
    screen, errors = Screen(), io.StringIO()
    assert command.run(parse(["kubelet"]), Terminal({}, stdout=screen, stderr=errors)) == 0
    assert decode_response(screen.getvalue().encode()).auth
    assert errors.getvalue().startswith("warning: ")


@pytest.mark.skipif(os.name == "nt", reason="the home directory comes from the user database")
def test_without_a_home_directory_nothing_is_cached(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert open_cache(os.environ).store.directory == ""
    assert password(ask(f"{HOST}/app")) != password(ask(f"{HOST}/app"))
    assert len(aws.calls) == 2


def test_with_a_cache_that_cannot_be_written_the_login_comes_from_aws(
    kubelet: Run, aws: FakeECR, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(tmp_path / "file/cache"))
    for _ in range(2):
        result = kubelet(stdin=request(f"{HOST}/app"))
        assert (result.status, result.stderr) == (0, b"")
    assert len(aws.calls) == 2


@pytest.mark.parametrize("setting", ["", "deadline = 600"])
@pytest.mark.parametrize("of", [None, account(ROLE_A)], ids=["node", "service account"])
def test_the_deadline_is_shorter_than_that_of_the_kubelet(
    of: ServiceAccount | None, setting: str, aws: FakeECR, sts: FakeSTS, home: Path
) -> None:
    write_settings(home, setting)
    aws.gate.clear()
    command = with_limit("kubelet.provider", "DEADLINE", 0.2)
    result = run("kubelet", stdin=request(f"{HOST}/app", of), program=command)
    assert (result.status, result.stdout) == (1, b"")
    assert b" 0.2 s" in result.stderr
    assert len(sts.calls) <= 1
    assert provider.DEADLINE == 50


BEFORE_THE_DEADLINE = """
import sys
from ecr_credhelper.fetch import deadline
def stop(*_, **__):
    print("SDK" if "botocore" in sys.modules else "no SDK")
    sys.exit(0)
deadline.run_with_deadline = stop
from ecr_credhelper.cli import run
sys.exit(run(["kubelet"]))
"""


def test_the_deadline_includes_the_import_of_the_sdk() -> None:
    command = [sys.executable, "-P", "-c", BEFORE_THE_DEADLINE]
    result = run(stdin=request(f"{HOST}/app", account(ROLE_A)), program=command)
    assert (result.status, result.stdout.split(), result.stderr) == (0, [b"no", b"SDK"], b"")


def test_the_settings_can_shorten_the_deadline(home: Path, aws: FakeECR, sts: FakeSTS) -> None:
    write_settings(home, "deadline = 1")
    aws.gate.clear()
    for of in (None, account(ROLE_A)):
        result = run("kubelet", stdin=request(f"{HOST}/app", of))
        assert (result.status, result.stdout) == (1, b"")
        assert b" 1 s" in result.stderr
    assert len(sts.calls) <= 1


@pytest.mark.usefixtures("aws")
def test_a_token_in_its_last_quarter_is_served_and_refreshed_in_the_background() -> None:
    fetched = ask(f"{HOST}/app")
    started: list[tuple[str, ...]] = []
    helper = Helper(os.environ, lambda: time.time() + 10 * 3600, lambda *arguments: started.append(arguments))
    data = provider.provide(parse_request(request(f"{OTHER_ACCOUNT}/app")), helper)
    assert password(decode_response(data.encode())) == password(fetched)
    assert started == []
    data = provider.provide(parse_request(request(f"{HOST}/app")), helper)
    assert password(decode_response(data.encode())) == password(fetched)
    assert started == [(REFRESH, HOST)]


@given(st.text(min_size=1))
def test_any_other_image_has_no_login(text: str) -> None:
    response = ask(text)
    assert response.auth == {}
    assert response.cache_duration == 0


# -- service accounts


@pytest.mark.parametrize(("annotation", "variable", "setting", "used"), [
    (ROLE_A, ROLE_B, ROLE_C, ROLE_A), ("", ROLE_B, ROLE_C, ROLE_B), ("", "", ROLE_C, ROLE_C),
])  # fmt: skip
def test_the_role_is_that_of_the_annotation_the_variable_or_the_settings(
    annotation: str, variable: str, setting: str, used: str, aws: FakeECR, sts: FakeSTS, home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    write_settings(home, f'[registry."111122223333"]\nrole_arn = "{setting}"\nrole_session_name = "a-name"\n')
    monkeypatch.setenv("AWS_ECR_ROLE_ARN", variable)
    response = ask(f"{HOST}/app", account(annotation))
    (call,) = sts.calls
    assert call.action == "AssumeRoleWithWebIdentity"
    assert call.access_key == "", "the request has no signature of the node"
    assert call.parameters["RoleArn"] == used
    assert call.parameters["RoleSessionName"] == "a-name"
    assert call.parameters["WebIdentityToken"] == account().token
    assert [used_call.access_key for used_call in aws.calls] == ["ASIAFAKE000000000001"]
    assert response.auth == {HOST: ("AWS", aws.password("us-west-2", serial=1))}
    assert aws.roles == []


def test_the_role_is_assumed_in_the_region_of_the_image(
    aws: FakeECR, sts: FakeSTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls: list[str] = []

    def record(_: URLLib3Session, prepared: AWSPreparedRequest) -> None:
        urls.append(prepared.url)
        raise ConnectionError

    monkeypatch.setattr(URLLib3Session, "send", record)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.delenv("AWS_ENDPOINT_URL_STS")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    for host, region in ((HOST, "us-west-2"), (PUBLIC, "us-east-1")):
        for endpoints in ("regional", "legacy"):
            monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", endpoints)
            with pytest.raises(Exception, match=host):
                ask(f"{host}/app", account(ROLE_A))
            assert urls.pop() == f"https://sts.{region}.amazonaws.com/"
    assert not aws.calls
    assert not sts.calls


def test_without_a_role_the_node_is_used(aws: FakeECR, sts: FakeSTS) -> None:
    node = ask(f"{HOST}/app")
    assert ask(f"{HOST}/app", account()).auth == node.auth
    assert len(aws.calls) == 1
    assert sts.calls == []


@pytest.mark.parametrize(("fault", "reason"), [
    (error_xml("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        f"role {ROLE_A} does not trust this service account (AccessDenied)"),
    (error_xml("ExpiredTokenException", "Token expired", 400),
        "the token of the service account has expired (ExpiredTokenException)"),
    (error_xml("InvalidIdentityToken", "not valid", 400),
        "AWS does not accept the token of the service account (InvalidIdentityToken)"),
    (error_xml("IDPRejectedClaim", "", 400),
        "AWS does not accept the token of the service account (IDPRejectedClaim)"),
    (error_xml("InvalidIdentityToken", "Incorrect token audience", 400),
        "the web identity token has the wrong audience (Incorrect token audience)"),
    (error_xml("InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://a", 400),
        f"the account of the role {ROLE_A} has no OpenID Connect provider for https://a"),
])  # fmt: skip
@pytest.mark.parametrize("host", [HOST, PUBLIC])
def test_a_denied_role_is_an_error_and_never_the_node(
    here: Run,
    host: str,
    fault: Fault,
    reason: str,
    aws: FakeECR,
    sts: FakeSTS,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ask(f"{host}/app").auth, "the node has a login in its cache"
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    sts.faults.append(fault)
    result = here(stdin=request(f"{host}/app", account(ROLE_A)))
    assert (result.status, result.stdout) == (1, b"")
    line = result.stderr.decode()
    assert line.startswith(f"docker-credential-ecr-py: {host}: {reason}; ")
    assert line.count("\n") == 1
    assert TOKEN not in line
    assert len(aws.calls) == 1


@pytest.mark.parametrize(
    "role",
    ["", " ", "puller", "\ud800", "arn:aws:iam::1:role/a", f"{ROLE_A}\n", "arn:aws:iam::111122223333:user/a"],
)
def test_an_annotation_that_is_no_role_is_an_error(
    here: Run, role: str, aws: FakeECR, sts: FakeSTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ECR_ROLE_ARN", ROLE_B)
    of = account()._replace(annotations={ANNOTATION: role})
    result = here(stdin=request(f"{HOST}/app", of))
    assert (result.status, result.stdout) == (1, b"")
    assert result.stderr.startswith(
        f"docker-credential-ecr-py: annotation {ANNOTATION}: role_arn: found ".encode()
    )
    assert result.stderr.count(b"\n") == 1
    assert not aws.calls
    assert not sts.calls


def test_the_registry_can_deny_the_role_too(here: Run, aws: FakeECR, sts: FakeSTS) -> None:
    aws.faults.append(Fault.aws("AccessDeniedException", "User: u is not authorized to perform: a"))
    result = here(stdin=request(f"{PUBLIC}/app", account(ROLE_A)))
    assert (result.status, result.stdout) == (1, b"")
    assert len(sts.calls) == len(aws.calls) == 1


def test_neither_token_nor_login_of_a_service_account_is_on_disk(
    kubelet: Run, home: Path, tmp_path: Path, aws: FakeECR, sts: FakeSTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ECR_CREDHELPER_LOG", str(tmp_path / "log"))
    node = password(decode_response(kubelet(stdin=request(f"{HOST}/app")).stdout))
    login = password(decode_response(kubelet(stdin=request(f"{HOST}/app", account(ROLE_A))).stdout))
    assert node != login
    assert files_with(node, home, tmp_path), "the node's login is cached"
    for secret in (login, TOKEN, "secret-of-ASIA", "session-of-ASIA"):
        assert files_with(secret, home, tmp_path) == []
    assert f"service account: role {ROLE_A}" in (tmp_path / "log").read_text()
    assert len(aws.calls) == 2
    assert len(sts.calls) == 1


def test_a_service_account_then_another_then_the_node_get_separate_tokens(aws: FakeECR, sts: FakeSTS) -> None:
    identities = [account(ROLE_A, "a"), account(ROLE_B, "b"), None]
    found = [password(ask(f"{HOST}/app", identity)) for identity in [*identities, *identities]]
    assert found[5] == found[2], "the node's login is cached"
    assert len(set(found)) == 5
    roles = [call.parameters["RoleArn"] for call in sts.calls]
    assert roles == [ROLE_A, ROLE_B, ROLE_A, ROLE_B]
    keys = [call.access_key for call in aws.calls]
    assert keys == [
        "ASIAFAKE000000000001",
        "ASIAFAKE000000000002",
        aws.access_key,
        "ASIAFAKE000000000003",
        "ASIAFAKE000000000004",
    ]
