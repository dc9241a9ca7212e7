"""The caches of AWS SDKs in another user's home: root reads them, and changes nothing there."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecr_credhelper.aws.sdk_caches import CLICache, LoginCache, SSOTokenCache
from ecr_credhelper.errors import CredentialsError
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.aws.test_sso_refresh import CONFIG
from tests.conftest import HOST, OTHER_REGION, run
from tests.docker_files import tree, write
from tests.fake_sts import FakeSTS

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="requires root")

USER = 1234

ROLES = """
[profile role]
role_arn = arn:aws:iam::111122223333:role/pull
source_profile = keys
[profile web]
role_arn = arn:aws:iam::111122223333:role/pull
web_identity_token_file = {home}/web-identity
[profile old]
sso_start_url = https://example.invalid/start
sso_region = us-east-1
sso_account_id = 111122223333
sso_role_name = r
"""


@pytest.fixture
def sts(home: Path, api: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSTS]:
    """Prepare a home directory with SSO sessions that belongs to another user."""
    write(home / ".aws/config", (CONFIG + ROLES.format(home=home)).encode())
    keys = f"[keys]\naws_access_key_id = {api.access_key}\naws_secret_access_key = {api.secret_key}\n"
    write(home / ".aws/credentials", keys.encode())
    write(home / "web-identity", b"a-web-identity-token")
    with FakeSTS(api.identities) as sts:
        for name, value in {**sts.environment, "AWS_ENDPOINT_URL_SSO_OIDC": sts.url}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", api.url)
        sts.log_in(home, "s")
        sts.log_in(home, "https://example.invalid/start")
        for path in (home, *home.rglob("*")):
            os.chown(path, USER, USER)
        yield sts


@pytest.mark.parametrize("profile", ["role", "web", "dev", "chain", "old"])
def test_root_writes_nothing_into_the_caches_of_another_user(
    profile: str, sts: FakeSTS, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", profile)
    before = tree(home)
    assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert run("get", stdin=OTHER_REGION).reply["Username"] == "AWS"
    assert tree(home) == before
    assert {path.stat().st_uid for path in home.rglob("*")} == {USER}
    assert sts.refreshes == 0


def test_root_uses_valid_credentials_of_another_user(
    sts: FakeSTS, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "role")
    os.chown(home, 0, 0)
    for path in (home / ".aws", *(home / ".aws").rglob("*")):
        os.chown(path, 0, 0)
    assert run("get", stdin=HOST).reply["Username"] == "AWS"
    os.chown(home, USER, USER)
    assert run("get", stdin=OTHER_REGION).reply["Username"] == "AWS"
    assert len(sts.calls) == 1


@pytest.mark.parametrize("profile", ["dev", "chain", "old"])
def test_root_does_not_refresh_the_session_of_another_user(
    profile: str, sts: FakeSTS, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user can then still refresh it."""
    sts.let_expire(home)
    before = tree(home)
    monkeypatch.setenv("AWS_PROFILE", profile)
    folder = home / ".aws/sso/cache"
    reason = f"the SSO session in {folder} has expired, and root does not refresh it for its owner"
    assert run("get", stdin=HOST).error == f"{HOST}: {reason}; run this as that user, or use sudo -H"
    assert (tree(home), sts.refreshes) == (before, 0)


def test_root_uses_a_session_until_its_end(sts: FakeSTS, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore would refresh it in its last quarter of an hour."""
    sts.let_expire(home)
    end = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=14)
    for file in (home / ".aws/sso/cache").iterdir():
        session = {"accessToken": sts.sso_token, "expiresAt": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        file.write_text(json.dumps(json.loads(file.read_text()) | session))
    before = tree(home)
    monkeypatch.setenv("AWS_PROFILE", "dev")
    assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert (tree(home), sts.refreshes) == (before, 0)


def test_root_uses_a_session_of_aws_login_while_it_needs_no_refresh(home: Path) -> None:
    def log_in(minutes: float) -> None:
        end = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
        names = ("accessKeyId", "secretAccessKey", "sessionToken", "accountId")
        keys = dict.fromkeys(names, "x") | {"expiresAt": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        session = {"accessToken": keys, "refreshToken": "r", "dpopKey": "d", "clientId": "c"}
        write(home / ".aws/login/cache/k.json", json.dumps(session).encode())

    log_in(1)
    assert LoginCache(HOST)["k"]["refreshToken"] == "r"
    os.chown(home, USER, USER)
    with pytest.raises(CredentialsError, match=r"the session of aws login in .* has expired"):
        LoginCache(HOST)["k"]
    log_in(10)
    assert LoginCache(HOST)["k"]["refreshToken"] == "r"


def test_entries_for_another_user_are_kept_in_memory(home: Path) -> None:
    os.chown(home, USER, USER)
    cache = CLICache()
    assert "k" not in cache
    cache["k"] = {"Credentials": {}}
    assert cache["k"] == {"Credentials": {}}
    assert "k" in cache
    assert not tree(home)


def test_a_session_of_another_user_comes_without_what_refreshes_it(home: Path) -> None:
    token = {"accessToken": "token", "expiresAt": "2099-01-01T00:00:00Z", "refreshToken": "again"}
    write(home / ".aws/sso/cache/session.json", json.dumps(token))
    assert SSOTokenCache(json.dumps)["session"] == token
    os.chown(home, USER, USER)
    assert SSOTokenCache(json.dumps)["session"] == {
        name: token[name] for name in ("accessToken", "expiresAt")
    }
    write(home / ".aws/sso/cache/session.json", json.dumps({**token, "expiresAt": "2020-01-01T00:00:00Z"}))
    with pytest.raises(CredentialsError, match="root does not refresh it for its owner"):
        _ = SSOTokenCache(json.dumps)["session"]
