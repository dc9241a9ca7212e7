"""Logins for programs that live long: threads, times, bounds, and an end."""

from __future__ import annotations

import errno
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecr_credhelper import (
    AccessDeniedError,
    CredentialHelperError,
    CredentialProvider,
    Credentials,
    UnsupportedRegistryError,
    get_credentials,
)
from ecr_credhelper.cache import open_cache
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION, run, until
from tests.fake_ecr import FakeECR, Fault

# ruff: noqa: SLF001 - what is bounded and what has ended shows inside only

HOUR = 3600


class Clock:
    """Says what it is told, from now on."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(api: FakeECR) -> Clock:
    """One clock for the program and for AWS."""
    api.clock = Clock()
    return api.clock


def serial(aws: FakeECR, login: Credentials) -> int:
    """Return the number of the call that brought a login."""
    return next(n for n in range(1, 99) if aws.password(login.region, serial=n) == login.password)


def test_a_second_ask_is_answered_from_memory(aws: FakeECR) -> None:
    with CredentialProvider(disk_cache=False) as provider:
        first = provider.get_credentials(HOST)
        assert provider.get_credentials(f"https://{HOST}/app:1") == first
    assert len(aws.calls) == 1


def test_one_token_serves_the_accounts_of_a_region(aws: FakeECR) -> None:
    with CredentialProvider(disk_cache=False) as provider:
        first, other = (provider.get_credentials(host) for host in (HOST, OTHER_ACCOUNT))
    assert first.password == other.password
    assert (first.account, other.account) == ("111122223333", "444455556666")
    assert len(aws.calls) == 1


def test_the_disk_is_behind_the_memory(aws: FakeECR) -> None:
    password = get_credentials(HOST).password
    with CredentialProvider() as provider, CredentialProvider() as second:
        assert provider.get_credentials(HOST).password == password
        assert second.get_credentials(HOST).password == password
    assert len(aws.calls) == 1


def test_without_the_disk_nothing_is_kept_and_nothing_is_found_there(aws: FakeECR) -> None:
    get_credentials(HOST)
    with CredentialProvider(disk_cache=False) as provider:
        provider.get_credentials(OTHER_REGION)
        provider.get_credentials(HOST)
    assert len(aws.calls) == 3
    assert len(open_cache(os.environ).store.names("tokens")) == 1


def test_any_number_of_threads_share_one_fetch_of_each_region(aws: FakeECR) -> None:
    hosts = [f"{number:012}.dkr.ecr.{region}.amazonaws.com"
             for number in range(10) for region in ("us-west-2", "eu-central-1")]  # fmt: skip
    aws.slow = 0.2
    gate = threading.Barrier(64)

    def ask(number: int) -> str:
        gate.wait()
        return provider.get_credentials(hosts[number % len(hosts)]).registry

    with CredentialProvider(disk_cache=False) as provider, ThreadPoolExecutor(64) as pool:
        assert set(pool.map(ask, range(64))) == set(hosts)
    assert sorted(call.region for call in aws.calls) == ["eu-central-1", "us-west-2"]


def test_a_registry_that_hangs_holds_up_no_other() -> None:
    gate = threading.Event()

    def fetch(host: str) -> Credentials:
        if host == HOST:
            gate.wait()
        return canned(host)

    with CredentialProvider(fetch=fetch) as provider, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(provider.get_credentials, HOST)
        assert provider.get_credentials(OTHER_ACCOUNT).registry == OTHER_ACCOUNT
        assert not waiting.done()
        gate.set()
        assert waiting.result().registry == HOST


@pytest.mark.parametrize("disk_cache", [True, False])
def test_an_ageing_login_serves_while_the_next_one_is_fetched(
    disk_cache: bool, aws: FakeECR, clock: Clock
) -> None:
    with CredentialProvider(disk_cache=disk_cache, timer=clock) as provider:
        first = provider.get_credentials(HOST)
        clock.now += 8 * HOUR
        assert provider.get_credentials(HOST) == first
        clock.now += 2 * HOUR
        aws.gate.clear()
        for _ in range(5):
            assert provider.get_credentials(HOST) == first
        aws.gate.set()
        until(lambda: provider.get_credentials(HOST) != first)
        assert serial(aws, provider.get_credentials(HOST)) == 2
    assert len(aws.calls) == 2


def test_a_refresh_that_fails_is_tried_again_minutes_later_and_not_at_once(
    aws: FakeECR, clock: Clock
) -> None:
    with CredentialProvider(disk_cache=False, timer=clock) as provider:
        first = provider.get_credentials(HOST)
        clock.now += 10 * HOUR
        aws.faults.append(Fault.aws("AccessDeniedException"))
        provider.get_credentials(HOST)
        until(lambda: len(aws.calls) == 2 and not provider._threads)
        for _ in range(5):
            assert provider.get_credentials(HOST) == first
        assert len(aws.calls) == 2
        clock.now += 300
        provider.get_credentials(HOST)
        until(lambda: provider.get_credentials(HOST) != first)
    assert len(aws.calls) == 3


def test_in_its_last_minutes_a_caller_waits_for_the_next(aws: FakeECR, clock: Clock) -> None:
    with CredentialProvider(disk_cache=False, timer=clock) as provider:
        provider.get_credentials(HOST)
        clock.now += 12 * HOUR - 600
        assert serial(aws, provider.get_credentials(HOST)) == 2


def test_in_its_last_minutes_it_is_given_when_aws_fails(aws: FakeECR, clock: Clock) -> None:
    with CredentialProvider(disk_cache=False, timer=clock) as provider:
        first = provider.get_credentials(HOST)
        clock.now += 12 * HOUR - 600
        aws.faults.append(Fault.aws("AccessDeniedException"))
        assert provider.get_credentials(HOST) == first


def test_an_expired_login_is_never_given(aws: FakeECR, clock: Clock) -> None:
    with CredentialProvider(disk_cache=False, timer=clock) as provider:
        provider.get_credentials(HOST)
        clock.now += 12 * HOUR + 1
        aws.faults.append(Fault.aws("AccessDeniedException"))
        with pytest.raises(AccessDeniedError):
            provider.get_credentials(HOST)


def test_one_that_expires_while_aws_fails_is_not_given(aws: FakeECR, clock: Clock) -> None:
    with CredentialProvider(disk_cache=False, timer=clock) as provider, ThreadPoolExecutor(1) as pool:
        provider.get_credentials(HOST)
        clock.now += 12 * HOUR - 600
        aws.faults.append(Fault.aws("AccessDeniedException"))
        aws.gate.clear()
        asked = aws.requests
        waiting = pool.submit(provider.get_credentials, HOST)
        until(lambda: aws.requests > asked)
        clock.now += 601
        aws.gate.set()
        with pytest.raises(AccessDeniedError):
            waiting.result()


def test_a_clock_that_jumps_back_is_a_new_login(aws: FakeECR, clock: Clock) -> None:
    with CredentialProvider(disk_cache=False, timer=clock) as provider:
        provider.get_credentials(HOST)
        clock.now -= HOUR
        assert serial(aws, provider.get_credentials(HOST)) == 2


def test_a_failure_is_told_to_everybody_who_waits_and_not_remembered(aws: FakeECR) -> None:
    aws.faults.append(Fault.aws("AccessDeniedException"))
    aws.gate.clear()
    with CredentialProvider(disk_cache=False) as provider, ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(provider.get_credentials, HOST)]
        until(lambda: aws.requests == 1)
        waiting += [pool.submit(provider.get_credentials, HOST) for _ in range(3)]
        aws.gate.set()
        assert {type(future.exception()) for future in waiting} <= {AccessDeniedError, type(None)}
        assert isinstance(waiting[0].exception(), AccessDeniedError)
        assert provider.get_credentials(HOST).username == "AWS"


def test_another_registry_is_refused_without_a_fetch(aws: FakeECR) -> None:
    with CredentialProvider() as provider:
        for act in (provider.get_credentials, provider.invalidate):
            with pytest.raises(UnsupportedRegistryError):
                act("ghcr.io")
    assert not aws.calls


def test_an_invalidated_login_is_forgotten_in_memory_and_on_disk(aws: FakeECR) -> None:
    with CredentialProvider() as provider:
        provider.get_credentials(HOST)
        provider.get_credentials(OTHER_REGION)
        provider.invalidate(f"{HOST}/app:1")
        assert serial(aws, provider.get_credentials(HOST)) == 3
        assert serial(aws, provider.get_credentials(OTHER_REGION)) == 2
    assert run("get", stdin=HOST).reply["Secret"] == aws.password("us-west-2", serial=3)


def test_what_was_under_way_when_a_login_was_invalidated_is_not_kept(aws: FakeECR) -> None:
    aws.gate.clear()
    with CredentialProvider(disk_cache=False) as provider, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(provider.get_credentials, HOST)
        until(lambda: aws.requests == 1)
        provider.invalidate(HOST)
        aws.gate.set()
        assert serial(aws, waiting.result()) == 1
        assert serial(aws, provider.get_credentials(HOST)) == 2


def test_memory_is_bounded(aws: FakeECR) -> None:
    with CredentialProvider(disk_cache=False, max_entries=1) as provider:
        for host in (HOST, OTHER_REGION, HOST):
            provider.get_credentials(host)
        assert len(provider._entries) == 1
    assert len(aws.calls) == 3


def test_a_closed_provider_has_no_thread_and_gives_nothing(aws: FakeECR, clock: Clock) -> None:
    provider = CredentialProvider(timer=clock)
    provider.get_credentials(HOST)
    clock.now += 10 * HOUR
    aws.slow = 0.2
    provider.get_credentials(HOST)
    provider.close()
    provider.close()
    assert len(aws.calls) == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ecr ")]
    with pytest.raises(RuntimeError, match="closed"):
        provider.get_credentials(HOST)


def test_whoever_waits_while_it_closes_is_answered(aws: FakeECR) -> None:
    aws.gate.clear()
    provider = CredentialProvider(disk_cache=False)
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(provider.get_credentials, HOST)
        until(lambda: aws.requests == 1)
        closing = pool.submit(provider.close)
        aws.gate.set()
        assert waiting.result().registry == HOST
        closing.result()
    assert not provider._entries


def test_an_identity_is_asked_for_as_in_get_credentials(aws: FakeECR) -> None:
    refused = pytest.raises(CredentialHelperError, match="AWS profile 'none' does not exist")
    with CredentialProvider(profile="none") as provider, refused:
        provider.get_credentials(HOST)
    assert not aws.calls


def canned(host: str, age: float = 0) -> Credentials:
    fetched_at = datetime.now(UTC) - timedelta(seconds=age)
    return Credentials(
        registry=host, account="111122223333", region="us-west-2", username="AWS", password=f"of {host}",
        fetched_at=fetched_at, expires_at=fetched_at + timedelta(hours=12),
    )  # fmt: skip


def test_a_test_can_give_its_own_logins() -> None:
    asked: list[str] = []

    def fetch(host: str) -> Credentials:
        asked.append(host)
        return canned(host)

    with CredentialProvider(fetch=fetch) as provider:
        for _ in range(2):
            assert provider.get_credentials(f"{HOST}/app").password == f"of {HOST}"
        assert provider.get_credentials(OTHER_ACCOUNT).password == f"of {OTHER_ACCOUNT}"
        provider.invalidate(HOST)
        provider.get_credentials(HOST)
    assert asked == [HOST, OTHER_ACCOUNT, HOST]


def test_an_expired_login_of_a_test_is_not_kept() -> None:
    with CredentialProvider(fetch=lambda host: canned(host, age=13 * HOUR)) as provider:
        provider.get_credentials(HOST)
        assert not provider._entries


def test_a_fault_of_a_tests_own_function_is_raised_as_it_is() -> None:
    def fail(host: str) -> Credentials:
        raise KeyError(host)

    with CredentialProvider(fetch=fail) as provider, pytest.raises(KeyError):
        provider.get_credentials(HOST)


@pytest.mark.parametrize("arguments", [
    {"max_entries": 0}, {"fetch": canned, "profile": "p"}, {"fetch": canned, "role_arn": "r"},
], ids=["no room", "a profile", "a role"])  # fmt: skip
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"max_entries|in place of"):
        CredentialProvider(**arguments)


def test_a_fault_after_the_fetch_leaves_nobody_waiting() -> None:
    calls: list[int] = []

    def timer() -> float:
        calls.append(1)
        if len(calls) == 3:  # after the look at memory comes the one that keeps the login
            raise OSError("no clock")
        return time.time()

    with CredentialProvider(fetch=canned, timer=timer) as provider, pytest.raises(OSError, match="no clock"):
        provider.get_credentials(HOST)


def test_a_provider_can_be_closed_while_its_own_thread_holds_it() -> None:
    provider = CredentialProvider(fetch=canned)
    with provider._lock:  # as when a signal's handler runs in the middle of it
        provider.close()


def test_a_provider_can_be_closed_by_what_it_waits_for() -> None:
    def fetch(host: str) -> Credentials:
        provider.close()
        return canned(host)

    provider = CredentialProvider(fetch=fetch)
    assert provider.get_credentials(HOST).registry == HOST


def test_to_close_takes_no_longer_than_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecr_credhelper.library.provider.DEADLINE", 0.1)
    gate, begun = threading.Event(), threading.Event()

    def fetch(host: str) -> Credentials:
        begun.set()
        gate.wait(30)
        return canned(host)

    provider = CredentialProvider(fetch=fetch)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(provider.get_credentials, HOST)
        begun.wait()
        provider.close()
        assert not waiting.done()
        gate.set()
    assert waiting.result().registry == HOST
    assert not provider._entries


def test_each_who_waited_in_vain_has_an_error_of_its_own_registry(aws: FakeECR) -> None:
    aws.faults.extend([Fault.aws("AccessDeniedException")] * 2)  # whether they meet or not
    aws.gate.clear()
    hosts = [HOST, OTHER_ACCOUNT]
    with CredentialProvider(disk_cache=False) as provider, ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(provider.get_credentials, host) for host in hosts]
        time.sleep(0.1)
        aws.gate.set()
        errors = [future.exception() for future in waiting]
    assert [error.subject for error in errors if isinstance(error, AccessDeniedError)] == hosts
    assert errors[0] is not errors[1]


def test_an_error_of_a_file_keeps_its_subject(home: Path, aws: FakeECR) -> None:
    file = home / ".config/ecr-credhelper/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[registry.444455556666]\nprofil = "x"\n')
    with CredentialProvider() as provider, pytest.raises(CredentialHelperError) as raised:
        provider.get_credentials(OTHER_ACCOUNT)
    assert raised.value.subject == str(file)
    assert not aws.calls


def disk_full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("disk", ["on", "off", "full"])
def test_while_aws_fails_a_login_that_is_valid_still_is_given_at_once(
    disk: str, aws: FakeECR, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CredentialProvider(disk_cache=disk != "off", timer=clock) as provider:
        first = provider.get_credentials(HOST)
        if disk == "full":
            monkeypatch.setattr("ecr_credhelper.records.write_private", disk_full)
        clock.now += 12 * HOUR - 600
        aws.faults.extend([Fault.aws("AccessDeniedException")] * 2)
        for _ in range(5):
            assert provider.get_credentials(HOST) == first
        assert len(aws.calls) == 2
        clock.now += 61
        assert provider.get_credentials(HOST) == first
        assert len(aws.calls) == 3
        clock.now += 61
        assert provider.get_credentials(HOST) != first


def test_the_minute_begins_when_an_attempt_has_failed(clock: Clock) -> None:
    attempts: list[str] = []

    def fetch(host: str) -> Credentials:
        attempts.append(host)
        if len(attempts) > 1:
            clock.now += 100  # as where the deadline is a long one
            raise AccessDeniedError(host, "denied", "")
        return canned(host)

    with CredentialProvider(fetch=fetch, timer=clock) as provider:
        first = provider.get_credentials(HOST)
        clock.now = first.expires_at.timestamp() - 600
        for _ in range(3):
            assert provider.get_credentials(HOST) == first
    assert len(attempts) == 2


@pytest.mark.parametrize("where", ["__init__", "start"])
def test_ctrl_c_where_a_fetch_begins_leaves_nobody_waiting(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with CredentialProvider(fetch=canned) as provider:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, where, interrupt)
            with pytest.raises(KeyboardInterrupt):
                provider.get_credentials(HOST)
        assert provider.get_credentials(HOST).registry == HOST


def test_where_no_thread_can_be_had_a_caller_fetches(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """With real limits: test_thread_limit.py."""

    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    with CredentialProvider(fetch=canned, timer=clock) as provider:
        first = provider.get_credentials(HOST)
        assert provider.get_credentials(HOST) is not first
        assert provider.get_credentials(HOST) == first
        assert not provider._fetches
        assert not provider._threads


def test_ctrl_c_in_such_a_fetch_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    attempts = iter([KeyboardInterrupt])

    def fetch(host: str) -> Credentials:
        for interrupt in attempts:
            raise interrupt
        return canned(host)

    monkeypatch.setattr(threading.Thread, "start", no_more)
    with CredentialProvider(fetch=fetch) as provider:
        with pytest.raises(KeyboardInterrupt):
            provider.get_credentials(HOST)
        assert provider.get_credentials(HOST).registry == HOST


def test_many_who_were_refused_one_login_make_one_fetch(aws: FakeECR) -> None:
    with CredentialProvider() as provider:
        refused = provider.get_credentials(HOST)
        for _ in range(3):
            provider.invalidate(refused)
            assert serial(aws, provider.get_credentials(HOST)) == 2
        aws.gate.clear()
        with ThreadPoolExecutor(1) as pool:
            second = provider.get_credentials(HOST)
            provider.invalidate(second)
            waiting = pool.submit(provider.get_credentials, HOST)
            until(lambda: aws.requests == 3)
            provider.invalidate(second)
            aws.gate.set()
            assert serial(aws, waiting.result()) == serial(aws, provider.get_credentials(HOST)) == 3
    assert len(aws.calls) == 3


def test_the_log_tells_why_a_refresh_failed(
    aws: FakeECR, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="ecr_credhelper")
    with CredentialProvider(disk_cache=False, timer=clock) as provider:
        provider.get_credentials(HOST)
        clock.now += 10 * HOUR
        aws.faults.append(Fault.aws("AccessDeniedException"))
        provider.get_credentials(HOST)
    assert f"fetching ahead failed: {HOST}: AWS denies GetAuthorizationToken" in caplog.text
