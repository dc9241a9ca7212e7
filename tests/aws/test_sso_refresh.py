"""An expired SSO session is refreshed once, whoever needs it: SSO-OIDC accepts each refresh token once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import HOST, OTHER_ACCOUNT, Result, run
from tests.fake_sts import FakeSTS

CONFIG = """
[sso-session s]
sso_start_url = https://example.invalid/start
sso_region = us-east-1
sso_registration_scopes = sso:account:access
[profile dev]
sso_session = s
sso_account_id = 111122223333
sso_role_name = dev
[profile ops]
sso_session = s
sso_account_id = 444455556666
sso_role_name = ops
[profile chain]
role_arn = arn:aws:iam::444455556666:role/push
source_profile = dev
"""


def get(profile: str, host: str) -> Result:
    return run("get", stdin=host, env={**os.environ, "AWS_PROFILE": profile})


@pytest.fixture
def session(home: Path, api: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSTS]:
    """Log in to SSO, and let the session expire."""
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(CONFIG)
    with FakeSTS(api.identities, delay=0.3) as sts:
        for name, value in {**sts.environment, "AWS_ENDPOINT_URL_SSO_OIDC": sts.url}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", api.url)
        sts.log_in(home, "s")
        sts.let_expire(home)
        yield sts


def test_concurrent_processes_refresh_a_session_once(session: FakeSTS) -> None:
    """Also those of several profiles, which wait for different tokens, and of a role with an SSO source."""
    needs = [("dev", HOST), ("ops", OTHER_ACCOUNT), ("chain", OTHER_ACCOUNT), ("ops", HOST)]
    with ThreadPoolExecutor(len(needs)) as pool:
        results = list(pool.map(get, *zip(*needs, strict=True)))
    assert [result.reply["Username"] for result in results] == ["AWS"] * len(needs)
    assert session.refreshes == 1


def test_a_session_that_another_program_refreshes_meanwhile_is_used(session: FakeSTS, home: Path) -> None:
    """For example the AWS CLI, which does not know our lock."""
    session.refresh_token = "another"
    session.on_rejection = lambda: session.log_in(home, "s")
    assert get("dev", HOST).reply["Username"] == "AWS"


def test_a_session_that_cannot_be_refreshed_has_expired(session: FakeSTS) -> None:
    session.refresh_token = "another"
    assert "the SSO session of profile dev is missing or has expired" in get("dev", HOST).error


def test_without_a_cache_directory_a_session_is_refreshed_too(
    session: FakeSTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    assert get("dev", HOST).reply["Username"] == "AWS"
    assert session.refreshes == 1
