"""The four verbs, in this process, against the fake API."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ecr_credhelper.aws import trust
from ecr_credhelper.helper import REFRESH, Helper
from ecr_credhelper.protocol import Reply
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests.conftest import HOST, NOT_FOUND, OTHER_ACCOUNT, PUBLIC, login

HOUR = 3600


class Clock:
    """A clock that a test sets, in whole seconds, like the expiry in a password."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(aws: FakeECR) -> Clock:
    aws.clock = clock = Clock()
    return clock


def ask(
    verb: str,
    stdin: str = HOST,
    clock: Callable[[], float] = time.time,
    spawn: Callable[..., None] = lambda *_: None,
) -> Reply:
    sent = io.BytesIO(stdin.encode("utf-8", "surrogateescape"))
    return Helper(os.environ, clock, spawn).run(verb, sent)


def note(spawned: list[str]) -> Callable[..., None]:
    """Return a spawner that only records the hosts."""
    return lambda command, host: spawned.append(host) if command == REFRESH else None


def refresh(clock: Callable[[], float], host: str = HOST) -> int:
    """Run the command of the background process."""
    return Helper(os.environ, clock, print).refresh(host).status


def secret(reply: Reply) -> str:
    assert reply.status == 0, reply.stdout
    assert reply.stderr == b""
    return str(json.loads(reply.stdout)["Secret"])


def listed(clock: Callable[[], float] = time.time) -> dict[str, str]:
    reply = ask("list", "unused", clock)
    assert (reply.status, reply.stderr) == (0, b"")
    hosts: dict[str, str] = json.loads(reply.stdout)
    return hosts


def test_get_returns_the_token_and_the_clients_server_string(aws: FakeECR) -> None:
    reply = json.loads(ask("get", f"https://{HOST}:443/team/web").stdout)
    assert reply == {
        "ServerURL": f"https://{HOST}:443/team/web",
        "Username": "AWS",
        "Secret": aws.password("us-west-2", serial=1),
    }


@pytest.mark.parametrize("server", ["index.docker.io", "https://not.a.real.registry/url", "a\0b", "\udcff"])
def test_other_registries_are_not_found(server: str, aws: FakeECR) -> None:
    reply = ask("get", server)
    assert (reply.stdout, reply.stderr, reply.status) == (NOT_FOUND, b"", 1)
    assert aws.calls == []


def test_a_token_is_served_until_shortly_before_its_end(aws: FakeECR, clock: Clock) -> None:
    first = secret(ask("get", clock=clock))
    clock.now += 11 * HOUR
    assert secret(ask("get", clock=clock)) == first
    clock.now += 0.8 * HOUR
    assert secret(ask("get", clock=clock)) != first
    assert len(aws.calls) == 2


def test_a_token_is_served_until_it_expires_while_aws_fails(aws: FakeECR, clock: Clock) -> None:
    first = secret(ask("get", clock=clock))
    clock.now += 12 * HOUR - 1
    aws.faults.append(Fault.aws("AccessDeniedException"))
    assert secret(ask("get", clock=clock)) == first
    clock.now += 1
    aws.faults.append(Fault.aws("AccessDeniedException"))
    reply = ask("get", clock=clock)
    assert reply.status == 1
    assert reply.stdout == reply.stderr
    assert b"AWS denies GetAuthorizationToken" in reply.stdout


@pytest.mark.parametrize("change", ["profile", "key", "role", "file", "endpoint"])
def test_a_token_is_never_served_to_another_identity(
    change: str, aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret(ask("get"))
    match change:
        case "profile":
            monkeypatch.setenv("AWS_PROFILE", "other")
        case "key":
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHEROTHEROTHER")
        case "role":
            monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/other")
        case "file":
            (home / ".aws").mkdir()
            (home / ".aws" / "credentials").write_text("[default]\naws_access_key_id = x\n")
        case "endpoint":
            monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://127.0.0.1:9")
    assert listed() == {}
    aws.faults.append(Fault.aws("AccessDeniedException"))
    assert ask("get").status == 1


def test_public_ecr_is_not_found_if_aws_fails_so_that_anonymous_pulls_work(aws: FakeECR) -> None:
    aws.faults.append(Fault.aws("AccessDeniedException"))
    reply = ask("get", PUBLIC)
    assert (reply.stdout, reply.stderr, reply.status) == (NOT_FOUND, b"", 1)
    assert secret(ask("get", PUBLIC)) == aws.password("us-east-1", service="ecr-public", serial=2)


def test_a_login_is_stored_served_and_erased(aws: FakeECR, clock: Clock) -> None:
    assert ask("store", login(), clock).stdout == b""
    assert secret(ask("get", clock=clock)) == "a-password"
    assert listed(clock) == {HOST: "AWS"}
    clock.now += 12 * HOUR
    assert listed(clock) == {}
    assert ask("store", login(), clock).status == 0
    assert ask("erase", f"https://{HOST}", clock).stdout == b""
    assert listed(clock) == {}
    assert aws.calls == []
    assert secret(ask("get", clock=clock)) == aws.password("us-west-2", serial=1)


def test_a_login_is_served_until_it_expires_without_a_call_to_aws(aws: FakeECR, clock: Clock) -> None:
    ask("store", login(), clock)
    clock.now += 12 * HOUR - 1
    assert secret(ask("get", clock=clock)) == "a-password"
    assert aws.calls == []


def test_a_stored_token_expires_when_its_password_says(aws: FakeECR, clock: Clock) -> None:
    given = aws.password("us-west-2", serial=99)
    clock.now += 6 * HOUR
    ask("store", login(secret=given), clock)
    clock.now += 5 * HOUR
    assert secret(ask("get", clock=clock)) == given
    clock.now += HOUR
    assert secret(ask("get", clock=clock)) != given


def test_erase_deletes_the_token_that_served_the_host(aws: FakeECR) -> None:
    secret(ask("get"))
    secret(ask("get", OTHER_ACCOUNT))
    assert ask("erase").status == 0
    assert listed() == {}  # the two hosts had one token
    secret(ask("get"))
    assert len(aws.calls) == 2


@pytest.mark.parametrize("server", ["index.docker.io", f"{HOST}.evil.com"])
def test_erase_succeeds_for_another_registry(server: str) -> None:
    reply = ask("erase", server)
    assert (reply.stdout, reply.stderr, reply.status) == (b"", b"", 0)


@pytest.mark.parametrize("server", ["ghcr.io", "https://me:a-secret@ghcr.io"])
def test_store_for_another_registry_fails_with_a_hint(server: str) -> None:
    reply = ask("store", login(server))
    assert reply.status == 1
    assert reply.stdout == reply.stderr
    assert b"not an Amazon ECR registry, and no fallback" in reply.stdout
    assert b"credHelpers" in reply.stdout
    assert b"a-secret" not in reply.stdout
    assert b"a-password" not in reply.stdout


def test_store_saves_nothing_if_a_variable_disables_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ECR_IGNORE_CREDS_STORAGE", "true")
    assert ask("store", login()).status == 0
    assert listed() == {}
    monkeypatch.setenv("AWS_ECR_IGNORE_CREDS_STORAGE", "yes")  # only "true" counts, as in Amazon's helper
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    assert ask("store", login()).status == 0
    monkeypatch.delenv("AWS_ECR_DISABLE_CACHE")
    assert listed() == {}


@pytest.mark.parametrize("verb", ["get", "erase", "store"])
def test_a_request_without_a_server_is_an_error_on_stdout_only(verb: str) -> None:
    reply = ask(verb, "{}" if verb == "store" else "\n")
    assert (reply.stdout, reply.stderr, reply.status) == (b"no credentials server URL\n", b"", 1)


def test_list_needs_neither_input_nor_aws(aws: FakeECR) -> None:
    secret(ask("get"))
    aws.identities.clear()
    assert listed() == {HOST: "AWS"}
    assert len(aws.calls) == 1


# Refresh ahead.


def test_a_token_in_its_last_quarter_is_served_and_refreshed_in_the_background(
    aws: FakeECR, clock: Clock
) -> None:
    spawned: list[str] = []
    first = secret(ask("get", clock=clock, spawn=note(spawned)))
    clock.now += 9 * HOUR
    assert secret(ask("get", clock=clock, spawn=note(spawned))) == first
    assert spawned == []
    clock.now += 1
    for _ in range(3):
        assert secret(ask("get", clock=clock, spawn=note(spawned))) == first
    assert spawned == [HOST]  # only one of three gets starts a refresh
    assert refresh(clock) == 0
    assert secret(ask("get", clock=clock, spawn=note(spawned))) != first
    assert (len(aws.calls), spawned) == (2, [HOST])


def test_a_failed_refresh_is_retried_after_five_minutes(aws: FakeECR, clock: Clock) -> None:
    spawned: list[str] = []
    first = secret(ask("get", clock=clock))
    clock.now += 10 * HOUR
    for _ in range(10):
        assert secret(ask("get", clock=clock, spawn=note(spawned))) == first
        clock.now += 60
    assert spawned == [HOST, HOST]  # one for each five minutes
    aws.faults.append(Fault.aws("AccessDeniedException"))
    assert refresh(clock) == 1
    assert secret(ask("get", clock=clock)) == first


def test_registries_of_one_token_start_one_refresh(clock: Clock) -> None:
    spawned: list[str] = []
    for host in (HOST, OTHER_ACCOUNT):
        secret(ask("get", host, clock))
    clock.now += 10 * HOUR
    for host in (HOST, OTHER_ACCOUNT):
        secret(ask("get", host, clock, note(spawned)))
    assert spawned == [HOST]


def test_a_refresh_that_is_not_due_does_not_call_aws(aws: FakeECR, clock: Clock) -> None:
    secret(ask("get", clock=clock))
    assert refresh(clock) == 0
    assert len(aws.calls) == 1


def test_a_refresh_trusts_the_same_certificates_as_a_get(
    aws: FakeECR, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the executable uses the store of macOS and Windows, also in the background."""
    monkeypatch.setattr(trust, "is_executable", False)
    assert refresh(clock) == 0
    assert len(aws.calls) == 1
    assert trust.is_executable


def test_a_refresh_of_another_registry_fails(aws: FakeECR, clock: Clock) -> None:
    assert refresh(clock, "ghcr.io") == 1
    assert aws.calls == []


def test_in_a_week_of_a_get_every_five_minutes_one_get_waits_for_aws(aws: FakeECR, clock: Clock) -> None:
    """With Amazon's helper, 28 gets wait: it refreshes at half of a token's lifetime, in the foreground."""
    calls_while_waiting = refreshes = 0

    def in_background(_: str, host: str) -> None:
        nonlocal refreshes
        refreshes += 1
        assert refresh(clock, host) == 0

    # One helper for all: to read the environment again for each get is what takes the time.
    helper = Helper(os.environ, clock, in_background)
    for _ in range(7 * 24 * 12):
        before = len(aws.calls) - refreshes
        secret(helper.run("get", io.BytesIO(HOST.encode())))
        calls_while_waiting += len(aws.calls) - refreshes - before
        clock.now += 5 * 60
    assert calls_while_waiting == 1
    assert refreshes == 18
    assert len(aws.calls) == 19


def test_in_the_last_15_minutes_a_get_refreshes_by_itself_and_starts_no_process(
    aws: FakeECR, clock: Clock
) -> None:
    spawned: list[str] = []
    first = secret(ask("get", clock=clock, spawn=note(spawned)))
    clock.now += 12 * HOUR - 899
    aws.faults.append(Fault.aws("AccessDeniedException"))
    assert secret(ask("get", clock=clock, spawn=note(spawned))) == first
    clock.now += 61  # a failure is remembered for a minute
    assert secret(ask("get", clock=clock, spawn=note(spawned))) != first
    assert (len(aws.calls), spawned) == (3, [])
