"""Refresh in the background, with real processes."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ecr_credhelper.cache import Cache, open_cache
from ecr_credhelper.fetch import background
from ecr_credhelper.fetch.resolver import token_key
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.helper import REFRESH
from ecr_credhelper.registry import parse
from ecr_credhelper.settings.rules import NO_RULE
from ecr_credhelper.testing.fake_ecr import FakeECR
from ecr_credhelper.token import Token
from tests.conftest import EXECUTABLE, HOST, run, until

HOUR = 3600

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither sessions nor these signals")


@pytest.fixture
def ageing(aws: FakeECR) -> Cache:  # noqa: ARG001 - the environment is part of the identity
    """Save a token that expires in two hours."""
    cache = open_cache(os.environ)
    registry = parse(HOST)
    assert registry
    lines, now = fingerprint(os.environ), time.time()
    key = token_key(registry, NO_RULE, lines.identity)
    old = Token("AWS", "old", fetched_at=now - 10 * HOUR, expires_at=now + 2 * HOUR)
    cache.save_token(key, old)
    cache.save_route(HOST, lines.full, key, now)
    return cache


def cached(cache: Cache) -> str:
    key = cache.token_key(HOST, fingerprint(os.environ).full)
    token = cache.token(key, time.time()) if key else None
    return token.password if token else ""


def test_a_get_does_not_wait_for_the_refresh_and_the_next_get_has_its_token(
    ageing: Cache, aws: FakeECR
) -> None:
    aws.gate.clear()  # AWS responds only after the get has ended
    assert run("get", stdin=HOST).reply["Secret"] == "old"
    assert aws.calls == []
    aws.gate.set()
    until(lambda: cached(ageing) != "old")
    assert run("get", stdin=HOST).reply["Secret"] == aws.password("us-west-2", serial=1)
    assert len(aws.calls) == 1


def test_concurrent_gets_start_one_refresh(ageing: Cache, aws: FakeECR) -> None:
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        results = list(pool.map(lambda _: run("get", stdin=HOST), range(20)))
    assert all(result.status == 0 for result in results)
    until(lambda: cached(ageing) != "old")
    assert len(ageing.store.names("claims")) == 1
    assert len(aws.calls) == aws.requests == 1


@posix
def test_a_refresh_outlives_its_parent_and_the_parents_group(ageing: Cache, aws: FakeECR) -> None:
    aws.gate.clear()
    with subprocess.Popen(
        [EXECUTABLE, "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdin
        process.stdin.write(HOST.encode())
        process.stdin.close()
        until(lambda: aws.requests == 1)
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            assert process.wait() == 0  # it has already ended, with its whole process group
    aws.gate.set()
    until(lambda: cached(ageing) != "old")


@posix
def test_a_refresh_that_needs_an_mfa_code_ends(aws: FakeECR, home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(
        f"[profile mfa]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = keys\n"
        f"mfa_serial = arn:aws:iam::111122223333:mfa/m\n[profile keys]\n"
        f"aws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
    )
    environ = {**os.environ, "AWS_PROFILE": "mfa"}
    del environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]
    done = subprocess.run(
        [EXECUTABLE, REFRESH, HOST],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env=environ,
        start_new_session=True,
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert aws.calls == []


@pytest.mark.filterwarnings("ignore:subprocess .* is still running")
@pytest.mark.parametrize("python", [sys.executable, "/nonexistent"])
def test_spawning_never_fails_and_does_not_wait(
    python: str, ageing: Cache, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", python)
    background.spawn(REFRESH, HOST)
    if python != "/nonexistent":
        until(lambda: cached(ageing) != "old")
        assert len(aws.calls) == 1


def test_on_windows_the_process_has_no_console(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, object]] = []
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "DETACHED_PROCESS", 8, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 512, raising=False)
    monkeypatch.setattr(subprocess, "Popen", lambda _, **options: started.append(options))
    background.spawn(REFRESH, HOST)
    assert started[0]["creationflags"] == 520


@pytest.mark.parametrize(("variables", "is_needed", "flags"), [
    ({}, False, "-P"), ({"PYTHONPATH": "/given"}, False, "-EP"), ({"PYTHONPATH": "/given"}, True, "-P"),
])  # fmt: skip
def test_a_parents_pythonpath_is_ignored_and_stays_set(
    variables: dict[str, str], is_needed: bool, flags: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[list[str], dict[str, Any]]] = []
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: started.append((command, options)))
    background.spawn(REFRESH, HOST, needs_pythonpath=is_needed)
    ((command, options),) = started
    assert command[1:] == [flags, "-m", "ecr_credhelper", "refresh-in-background", HOST]
    assert "env" not in options
