"""The fake of Amazon ECR for the tests of programs, as these programs use it."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from ecr_credhelper import ThrottledError, get_credentials
from ecr_credhelper.testing import FakeECR, Fault, isolated
from ecr_credhelper.testing.plugin import fake_ecr  # noqa: F401 - a fixture
from tests.conftest import HOST, PUBLIC

MODERN = """
import pytest
from ecr_credhelper import AccessDeniedError, InvalidResponseError, get_credentials
from ecr_credhelper.testing import Fault

HOST = "111122223333.dkr.ecr.us-west-2.amazonaws.com"

def test_one_call_is_made(fake_ecr):
    passwords = {get_credentials(HOST).password for _ in range(3)}
    assert passwords == {fake_ecr.password("us-west-2", serial=1)}
    assert [(call.region, call.service) for call in fake_ecr.calls] == [("us-west-2", "ecr")]

def test_tests_do_not_share_a_cache(fake_ecr):
    get_credentials(HOST)
    assert len(fake_ecr.calls) == 1

def test_the_expiry_is_chosen(fake_ecr):
    fake_ecr.lifetime = 3600
    login = get_credentials(HOST)
    assert (login.expires_at - login.fetched_at).total_seconds() == pytest.approx(3600, abs=60)

def test_a_fault(fake_ecr):
    fake_ecr.faults.append(Fault.aws("AccessDeniedException", "User x is not authorized"))
    with pytest.raises(AccessDeniedError):
        get_credentials(HOST)
    assert get_credentials(HOST).username == "AWS"

def test_moto(fake_ecr):
    fake_ecr.faults.append(Fault.response(authorizationToken="QVdTOnA=", expiresAt=1420070400))
    with pytest.raises(InvalidResponseError, match="if this is moto, use the fixture fake_ecr"):
        get_credentials(HOST)
"""
PLAIN = """
import os, sys
from ecr_credhelper import get_credentials
from ecr_credhelper.testing import FakeECR, isolated

before = dict(os.environ)
with FakeECR() as api, isolated(api, sys.argv[1]):
    assert "AWS_PROFILE" not in os.environ
    print(get_credentials("111122223333.dkr.ecr.us-west-2.amazonaws.com").username, len(api.calls))
assert dict(os.environ) == before
assert "pytest" not in sys.modules
"""
POLLUTED = {
    "AWS_PROFILE": "prod",
    "AWS_CONFIG_FILE": "/nonexistent",
    "ECR_CREDHELPER_PROFILE_111122223333": "prod",
    "https_proxy": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


@pytest.fixture
def polluted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set variables of a developer that must not affect the tests of a program."""
    for name, value in POLLUTED.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("polluted")
def test_a_suite_adopts_the_fixture_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["ecr_credhelper.testing.plugin"]\n')
    (tmp_path / "test_program.py").write_text(MODERN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert "5 passed" in done.stdout, done.stdout


@pytest.mark.usefixtures("polluted")
def test_a_program_without_pytest_uses_the_fake(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PLAIN, str(tmp_path)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "AWS 1\n"


@pytest.mark.usefixtures("polluted")
def test_the_environment_is_restored(tmp_path: Path) -> None:
    before = dict(os.environ)
    with FakeECR() as api, isolated(api, tmp_path):
        assert not [name for name in POLLUTED if name in os.environ]
        assert os.path.expanduser("~") == str(tmp_path)
        assert get_credentials(HOST).password == api.password("us-west-2", serial=1)
        assert list(tmp_path.rglob("ecr-credhelper")), "the cache"
    assert dict(os.environ) == before


def test_the_fixture_serves_an_empty_home(fake_ecr: FakeECR) -> None:  # noqa: F811 - the fixture
    assert get_credentials(HOST).username == "AWS"
    assert len(fake_ecr.calls) == 1


def test_passwords_can_be_known_in_advance(tmp_path: Path) -> None:
    with FakeECR(unique=False) as api, isolated(api, tmp_path):
        assert get_credentials(HOST).password == api.password("us-west-2")
        assert get_credentials(PUBLIC).password == api.public_password()


@pytest.mark.parametrize(("region", "host"), [
    ("us-west-2", "444455556666.dkr.ecr.us-west-2.amazonaws.com"),
    ("cn-north-1", "444455556666.dkr.ecr.cn-north-1.amazonaws.com.cn"),
    ("eusc-de-east-1", "444455556666.dkr.ecr.eusc-de-east-1.amazonaws.eu"),
])  # fmt: skip
def test_the_own_registry_is_that_of_the_account(region: str, host: str, tmp_path: Path) -> None:
    with FakeECR(account="444455556666") as api, isolated(api, tmp_path):
        assert get_credentials(region=region).registry == host


def test_roles_can_be_assumed(fake_ecr: FakeECR) -> None:  # noqa: F811 - the fixture
    role = "arn:aws:iam::111122223333:role/puller"
    assert get_credentials(HOST, role_arn=role).username == "AWS"
    assert fake_ecr.roles == [role]
    assert fake_ecr.calls[0].access_key != fake_ecr.access_key


def test_one_fault_is_one_failure(fake_ecr: FakeECR) -> None:  # noqa: F811 - the fixture
    fake_ecr.faults.append(Fault.aws("ThrottlingException"))
    with pytest.raises(ThrottledError):
        get_credentials(HOST)
    assert get_credentials(HOST).username == "AWS"


def test_the_keys_of_moto_are_accepted_and_other_services_are_not_redirected(
    fake_ecr: FakeECR,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "FOOBARKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "FOOBARSECRET")
    assert get_credentials(HOST).username == "AWS"
    assert boto3.client("s3").meta.endpoint_url != fake_ecr.url


def test_a_client_that_goes_away_causes_no_output(capfd: pytest.CaptureFixture[str]) -> None:
    with FakeECR() as api:
        address, _, port = api.url.removeprefix("http://").partition(":")
        with socket.create_connection((address, int(port))) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
    assert capfd.readouterr() == ("", "")
