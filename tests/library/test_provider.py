"""CredentialProvider: threads, token lifetimes, memory limits, and close()."""

from __future__ import annotations

import asyncio
import errno
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper import (
    AccessDeniedError,
    CredentialHelperError,
    CredentialProvider,
    Credentials,
    UnsupportedRegistryError,
    get_credentials,
)
from ecr_credhelper.cache import open_cache
from ecr_credhelper.library import provider as provider_module
from ecr_credhelper.library.provider import MAX_NAME_LENGTH, MAX_NAMES
from ecr_credhelper.registry import SCHEMES, parse
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests import systems
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION, PUBLIC, run, until
from tests.docker_files import write_settings

# ruff: noqa: SLF001 - memory and threads are private

HOUR = 3600


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(api: FakeECR) -> Clock:
    """Return the clock of the program and of AWS."""
    api.clock = Clock()
    return api.clock


def serial(aws: FakeECR, login: Credentials) -> int:
    """Return the number of the AWS call that returned the credentials."""
    return next(n for n in range(1, 99) if aws.password(login.region, serial=n) == login.password)


def test_a_second_call_is_served_from_memory(aws: FakeECR) -> None:
    with CredentialProvider(disk_cache=False) as provider:
        first = provider.get_credentials(HOST)
        assert provider.get_credentials(f"https://{HOST}/app:1") == first
    assert len(aws.calls) == 1


def test_one_token_serves_all_accounts_of_a_region(aws: FakeECR) -> None:
    with CredentialProvider(disk_cache=False) as provider:
        first, other = (provider.get_credentials(host) for host in (HOST, OTHER_ACCOUNT))
    assert first.password == other.password
    assert (first.account, other.account) == ("111122223333", "444455556666")
    assert len(aws.calls) == 1


def test_the_cache_on_disk_is_used_before_aws(aws: FakeECR) -> None:
    password = get_credentials(HOST).password
    with CredentialProvider() as provider, CredentialProvider() as second:
        assert provider.get_credentials(HOST).password == password
        assert second.get_credentials(HOST).password == password
    assert len(aws.calls) == 1


def test_without_disk_cache_nothing_is_read_from_or_written_to_disk(aws: FakeECR) -> None:
    get_credentials(HOST)
    with CredentialProvider(disk_cache=False) as provider:
        provider.get_credentials(OTHER_REGION)
        provider.get_credentials(HOST)
    assert len(aws.calls) == 3
    assert len(open_cache(os.environ).store.names("tokens")) == 1


def test_threads_share_one_fetch_per_region(aws: FakeECR) -> None:
    hosts = [f"{number:012}.dkr.ecr.{region}.amazonaws.com"
             for number in range(10) for region in ("us-west-2", "eu-central-1")]  # fmt: skip
    aws.delay = 0.2
    gate = threading.Barrier(64)

    def ask(number: int) -> str:
        gate.wait()
        return provider.get_credentials(hosts[number % len(hosts)]).registry

    with CredentialProvider(disk_cache=False) as provider, ThreadPoolExecutor(64) as pool:
        assert set(pool.map(ask, range(64))) == set(hosts)
    assert sorted(call.region for call in aws.calls) == ["eu-central-1", "us-west-2"]


def test_a_registry_that_hangs_does_not_block_others() -> None:
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
def test_an_old_token_is_served_while_it_is_refreshed_in_the_background(
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


def test_a_failed_refresh_is_retried_after_five_minutes(aws: FakeECR, clock: Clock) -> None:
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


def test_in_the_last_15_minutes_callers_wait_for_a_new_token(aws: FakeECR, clock: Clock) -> None:
    with CredentialProvider(disk_cache=False, timer=clock) as provider:
        provider.get_credentials(HOST)
        clock.now += 12 * HOUR - 600
        assert serial(aws, provider.get_credentials(HOST)) == 2


def test_in_the_last_15_minutes_the_old_token_is_returned_if_aws_fails(aws: FakeECR, clock: Clock) -> None:
    with CredentialProvider(disk_cache=False, timer=clock) as provider:
        first = provider.get_credentials(HOST)
        clock.now += 12 * HOUR - 600
        aws.faults.append(Fault.aws("AccessDeniedException"))
        assert provider.get_credentials(HOST) == first


def test_an_expired_token_is_never_returned(aws: FakeECR, clock: Clock) -> None:
    with CredentialProvider(disk_cache=False, timer=clock) as provider:
        provider.get_credentials(HOST)
        clock.now += 12 * HOUR + 1
        aws.faults.append(Fault.aws("AccessDeniedException"))
        with pytest.raises(AccessDeniedError):
            provider.get_credentials(HOST)


def test_a_token_that_expires_during_a_failed_refresh_is_not_returned(aws: FakeECR, clock: Clock) -> None:
    with CredentialProvider(disk_cache=False, timer=clock) as provider, ThreadPoolExecutor(1) as pool:
        provider.get_credentials(HOST)
        clock.now += 12 * HOUR - 600
        aws.faults.append(Fault.aws("AccessDeniedException"))
        aws.gate.clear()
        requests = aws.requests
        waiting = pool.submit(provider.get_credentials, HOST)
        until(lambda: aws.requests > requests)
        clock.now += 601
        aws.gate.set()
        with pytest.raises(AccessDeniedError):
            waiting.result()


def test_a_new_token_is_fetched_after_the_clock_jumps_back(aws: FakeECR, clock: Clock) -> None:
    with CredentialProvider(disk_cache=False, timer=clock) as provider:
        provider.get_credentials(HOST)
        clock.now -= HOUR
        assert serial(aws, provider.get_credentials(HOST)) == 2


def test_a_failure_reaches_all_waiting_callers_and_is_not_cached(aws: FakeECR) -> None:
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


def test_a_registry_that_is_not_ecr_is_rejected_without_a_fetch(aws: FakeECR) -> None:
    with CredentialProvider() as provider:
        for act in (provider.get_credentials, provider.invalidate):
            with pytest.raises(UnsupportedRegistryError):
                act("ghcr.io")
    assert not aws.calls


def test_invalidate_removes_the_token_from_memory_and_disk(aws: FakeECR) -> None:
    with CredentialProvider() as provider:
        provider.get_credentials(HOST)
        provider.get_credentials(OTHER_REGION)
        provider.invalidate(f"{HOST}/app:1")
        assert serial(aws, provider.get_credentials(HOST)) == 3
        assert serial(aws, provider.get_credentials(OTHER_REGION)) == 2
    assert run("get", stdin=HOST).reply["Secret"] == aws.password("us-west-2", serial=3)


def test_a_fetch_that_ran_during_invalidate_is_not_stored(aws: FakeECR) -> None:
    aws.gate.clear()
    with CredentialProvider(disk_cache=False) as provider, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(provider.get_credentials, HOST)
        until(lambda: aws.requests == 1)
        provider.invalidate(HOST)
        aws.gate.set()
        assert serial(aws, waiting.result()) == 1
        assert serial(aws, provider.get_credentials(HOST)) == 2


def test_max_entries_limits_the_memory(aws: FakeECR) -> None:
    with CredentialProvider(disk_cache=False, max_entries=1) as provider:
        for host in (HOST, OTHER_REGION, HOST):
            provider.get_credentials(host)
        assert len(provider._entries) == 1
    assert len(aws.calls) == 3
    with pytest.raises(KeyError):  # the sign by which clear() of older cachetools knows that it is done
        provider._entries.popitem()


def test_the_least_recently_used_token_is_removed_first(aws: FakeECR) -> None:
    with CredentialProvider(disk_cache=False, max_entries=2) as provider:
        for host in (HOST, OTHER_REGION, HOST, PUBLIC):  # the second HOST is served from memory
            provider.get_credentials(host)
        provider.get_credentials(HOST)
        assert len(aws.calls) == 3
        provider.get_credentials(OTHER_REGION)
        assert len(aws.calls) == 4


def test_a_fresh_token_is_returned_while_another_thread_holds_the_lock() -> None:
    with CredentialProvider(fetch=canned) as provider, ThreadPoolExecutor(1) as pool:
        first = provider.get_credentials(HOST)
        with provider._lock:
            assert pool.submit(provider.get_credentials, HOST).result(60) == first


def test_the_number_and_length_of_remembered_registry_strings_are_limited() -> None:
    with CredentialProvider(fetch=canned) as provider:
        for number in range(MAX_NAMES + 10):
            provider.get_credentials(f"{HOST}/app:{number}")
        assert provider._remembered.cache_info().currsize == MAX_NAMES
        lookups = provider._remembered.cache_info().misses
        assert provider.get_credentials(f"{HOST}/{'a' * MAX_NAME_LENGTH}").registry == HOST
        assert provider._remembered.cache_info().misses == lookups


def test_a_provider_is_freed_with_its_last_reference() -> None:
    """A reference cycle would keep its tokens in memory until the next garbage collection."""
    gc.disable()
    try:
        with CredentialProvider(fetch=canned) as provider:
            provider.get_credentials(HOST)
        reference = weakref.ref(provider)
        del provider
        until(lambda: reference() is None)  # the thread of the fetch can end a moment later
    finally:
        gc.enable()


@given(
    scheme=st.sampled_from(["", *SCHEMES]),
    host=st.sampled_from([HOST, HOST.upper(), f"{HOST}.", OTHER_ACCOUNT, PUBLIC]),
    rest=st.sampled_from(["", ":443", ":0", "/", "/app:1"]) | st.text(max_size=8),
)
def test_a_remembered_string_gives_the_same_result_as_a_new_one(scheme: str, host: str, rest: str) -> None:
    text = f"{scheme}{host}{rest}"
    registry = parse(text)
    expected = registry.host if registry else UnsupportedRegistryError
    with CredentialProvider(fetch=canned) as provider:
        for _ in range(3):
            assert outcome(provider, text) == expected


def outcome(provider: CredentialProvider, registry: str) -> object:
    """Return the host of the credentials for a registry, or the type of the error."""
    try:
        return provider.get_credentials(registry).registry
    except CredentialHelperError as error:
        return type(error)


@pytest.mark.parametrize("registry", ["ghcr.io", "", "user@host", f"{HOST}:0"])
def test_an_unsupported_registry_raises_the_same_error_each_time(registry: str) -> None:
    errors = []
    with CredentialProvider(fetch=canned) as provider:
        for _ in range(2):
            with pytest.raises(UnsupportedRegistryError) as raised:
                provider.get_credentials(registry)
            errors.append(raised.value)
    assert str(errors[0]) == str(errors[1])
    assert errors[0] is not errors[1]


def test_invalidate_applies_to_every_string_of_a_registry(aws: FakeECR) -> None:
    names = (HOST, f"https://{HOST}", f"{HOST}/app:1", OTHER_ACCOUNT)
    with CredentialProvider(disk_cache=False) as provider:
        for number, name in enumerate(names, 1):
            assert {serial(aws, provider.get_credentials(other)) for other in names} == {number}
            provider.invalidate(name)


def test_threads_get_the_right_credentials_while_others_invalidate_and_evict() -> None:
    hosts = [f"{number:012}.dkr.ecr.us-west-2.amazonaws.com" for number in range(8)]
    gate = threading.Barrier(64)

    def work(number: int) -> None:
        gate.wait()
        for step in range(20):
            host = hosts[(number + step) % len(hosts)]
            credentials = provider.get_credentials(host)
            assert (credentials.registry, credentials.password) == (host, f"of {host}")
            if number == step:
                provider.invalidate(credentials)

    with CredentialProvider(fetch=canned, max_entries=4) as provider, ThreadPoolExecutor(64) as pool:
        list(pool.map(work, range(64)))
        assert len(provider._entries) <= 4


def test_a_closed_provider_has_no_threads_and_rejects_calls(aws: FakeECR, clock: Clock) -> None:
    provider = CredentialProvider(timer=clock)
    provider.get_credentials(HOST)
    clock.now += 10 * HOUR
    aws.delay = 0.2
    provider.get_credentials(HOST)
    provider.close()
    provider.close()
    assert len(aws.calls) == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ecr ")]
    with pytest.raises(RuntimeError, match="closed"):
        provider.get_credentials(HOST)


def test_waiting_callers_get_credentials_during_close(aws: FakeECR) -> None:
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


def test_the_profile_argument_selects_the_identity(aws: FakeECR) -> None:
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


def test_a_test_can_pass_its_own_fetch_function() -> None:
    hosts: list[str] = []

    def fetch(host: str) -> Credentials:
        hosts.append(host)
        return canned(host)

    with CredentialProvider(fetch=fetch) as provider:
        for _ in range(2):
            assert provider.get_credentials(f"{HOST}/app").password == f"of {HOST}"
        assert provider.get_credentials(OTHER_ACCOUNT).password == f"of {OTHER_ACCOUNT}"
        provider.invalidate(HOST)
        provider.get_credentials(HOST)
    assert hosts == [HOST, OTHER_ACCOUNT, HOST]


def test_expired_credentials_of_a_fetch_function_are_not_stored() -> None:
    with CredentialProvider(fetch=lambda host: canned(host, age=13 * HOUR)) as provider:
        provider.get_credentials(HOST)
        assert not provider._entries


def test_an_exception_of_a_fetch_function_is_raised_unchanged() -> None:
    def fail(host: str) -> Credentials:
        raise KeyError(host)

    with CredentialProvider(fetch=fail) as provider, pytest.raises(KeyError):
        provider.get_credentials(HOST)


@pytest.mark.parametrize("arguments", [
    {"max_entries": 0}, {"fetch": canned, "profile": "p"}, {"fetch": canned, "role_arn": "r"},
], ids=["no entries", "profile", "role"])  # fmt: skip
def test_invalid_arguments_are_rejected(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be at least 1|cannot be combined"):
        CredentialProvider(**arguments)


def test_an_error_after_the_fetch_reaches_the_caller() -> None:
    calls: list[int] = []

    def timer() -> float:
        calls.append(1)
        if len(calls) == 2:  # the call that checks the fetched token
            raise OSError("no clock")
        return time.time()

    with CredentialProvider(fetch=canned, timer=timer) as provider, pytest.raises(OSError, match="no clock"):
        provider.get_credentials(HOST)


def test_a_thread_that_holds_the_lock_can_close_the_provider() -> None:
    provider = CredentialProvider(fetch=canned)
    with provider._lock:  # as in a signal handler
        provider.close()


def test_a_fetch_function_can_close_the_provider() -> None:
    def fetch(host: str) -> Credentials:
        provider.close()
        return canned(host)

    provider = CredentialProvider(fetch=fetch)
    assert provider.get_credentials(HOST).registry == HOST


CHILD = """
import os, sys, threading
from ecr_credhelper.library.provider import CredentialProvider
from tests.library.test_provider import canned, HOST
gate, started = threading.Event(), threading.Event()
parent = os.getpid()

def fetch(host):
    if os.getpid() == parent:
        started.set()
        gate.wait()
    return canned(host)

provider = CredentialProvider(fetch=fetch)
thread = threading.Thread(target=provider.get_credentials, args=(HOST,))
thread.start()
started.wait()
if sys.argv[1] == "locked":
    held = threading.Event()

    def hold():
        with provider._lock:
            held.set()
            gate.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
child = os.fork()
if child == 0:
    status = 0 if provider.get_credentials(HOST).username == "AWS" else 1
    provider.close()
    os._exit(status)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
gate.set()
thread.join()
raise SystemExit(status)
"""


@systems.forks
@pytest.mark.parametrize("lock", ["free", "locked"])
def test_a_child_that_was_forked_during_a_fetch_fetches_itself(lock: str) -> None:
    """The parent's fetch ends only after the child, so a child that waited for it would never end."""
    command = [sys.executable, "-W", "ignore", "-c", CHILD, lock]
    subprocess.run(command, check=True, timeout=300, cwd=Path(__file__).parents[2])


def test_a_child_clears_the_memory_if_a_thread_of_the_parent_was_changing_it() -> None:
    """The function runs in this process, as it does in a child after a fork."""
    with CredentialProvider(fetch=canned) as provider:
        provider.get_credentials(HOST)
        provider_module._restart_providers()
        assert len(provider._entries) == 1
        held, gate = threading.Event(), threading.Event()

        def hold(lock: Any) -> None:
            with lock:
                held.set()
                gate.wait()

        thread = threading.Thread(target=hold, args=(provider._lock,))
        thread.start()
        held.wait()
        provider_module._restart_providers()
        assert len(provider._entries) == 0
        assert provider.get_credentials(HOST).registry == HOST
        gate.set()
        thread.join()


def test_close_waits_no_longer_than_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecr_credhelper.library.source.DEADLINE", 0.1)
    gate, started = threading.Event(), threading.Event()

    def fetch(host: str) -> Credentials:
        started.set()
        gate.wait(30)
        return canned(host)

    provider = CredentialProvider(fetch=fetch)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(provider.get_credentials, HOST)
        started.wait()
        provider.close()
        assert not waiting.done()
        gate.set()
    assert waiting.result().registry == HOST
    assert not provider._entries


def test_each_waiting_caller_gets_an_error_for_its_own_registry(aws: FakeECR) -> None:
    aws.faults.extend([Fault.aws("AccessDeniedException")] * 2)  # for one shared fetch or two
    aws.gate.clear()
    hosts = [HOST, OTHER_ACCOUNT]
    with CredentialProvider(disk_cache=False) as provider, ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(provider.get_credentials, host) for host in hosts]
        time.sleep(0.1)
        aws.gate.set()
        errors = [future.exception() for future in waiting]
    assert [error.subject for error in errors if isinstance(error, AccessDeniedError)] == hosts
    assert errors[0] is not errors[1]


def test_an_error_about_a_file_keeps_its_subject(home: Path, aws: FakeECR) -> None:
    file = write_settings(home, '[registry.444455556666]\nprofil = "x"\n')
    with CredentialProvider() as provider, pytest.raises(CredentialHelperError) as raised:
        provider.get_credentials(OTHER_ACCOUNT)
    assert raised.value.subject == str(file)
    assert not aws.calls


def disk_full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("disk", ["on", "off", "full"])
def test_while_aws_fails_a_valid_token_is_returned_without_waiting(
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


def test_the_retry_pause_starts_when_an_attempt_fails(clock: Clock) -> None:
    attempts: list[str] = []

    def fetch(host: str) -> Credentials:
        attempts.append(host)
        if len(attempts) > 1:
            clock.now += 100  # as with a long deadline
            raise AccessDeniedError(host, "denied", "")
        return canned(host)

    with CredentialProvider(fetch=fetch, timer=clock) as provider:
        first = provider.get_credentials(HOST)
        clock.now = first.expires_at.timestamp() - 600
        for _ in range(3):
            assert provider.get_credentials(HOST) == first
    assert len(attempts) == 2


@pytest.mark.parametrize("method", ["__init__", "start"])
def test_ctrl_c_at_the_start_of_a_fetch_does_not_block_later_calls(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with CredentialProvider(fetch=canned) as provider:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, method, interrupt)
            with pytest.raises(KeyboardInterrupt):
                provider.get_credentials(HOST)
        assert provider.get_credentials(HOST).registry == HOST


def test_the_caller_fetches_if_no_thread_can_be_started(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """See also test_thread_limit.py, with real limits."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with CredentialProvider(fetch=canned, timer=clock) as provider:
        first = provider.get_credentials(HOST)
        assert provider.get_credentials(HOST) is not first
        assert provider.get_credentials(HOST) == first
        assert not provider._fetches
        assert not provider._threads


def test_ctrl_c_in_a_fetch_without_a_thread_does_not_block_later_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    attempts = iter([KeyboardInterrupt])

    def fetch(host: str) -> Credentials:
        for interrupt in attempts:
            raise interrupt
        return canned(host)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with CredentialProvider(fetch=fetch) as provider:
        with pytest.raises(KeyboardInterrupt):
            provider.get_credentials(HOST)
        assert provider.get_credentials(HOST).registry == HOST


def test_repeated_invalidate_of_the_same_credentials_causes_one_fetch(aws: FakeECR) -> None:
    with CredentialProvider() as provider:
        rejected = provider.get_credentials(HOST)
        for _ in range(3):
            provider.invalidate(rejected)
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


def test_the_reason_of_a_failed_refresh_is_logged(
    aws: FakeECR, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="ecr_credhelper")
    with CredentialProvider(disk_cache=False, timer=clock) as provider:
        provider.get_credentials(HOST)
        clock.now += 10 * HOUR
        aws.faults.append(Fault.aws("AccessDeniedException"))
        provider.get_credentials(HOST)
    assert f"prefetch failed: {HOST}: " in caplog.text


def test_a_pickled_provider_arrives_empty_with_the_same_arguments(aws: FakeECR) -> None:
    with CredentialProvider(disk_cache=False, max_entries=3) as provider:
        first = provider.get_credentials(HOST).password
        with pickle.loads(pickle.dumps(provider)) as copy:
            assert len(copy._entries) == 0
            assert copy._entries.maxsize == 3
            assert copy.get_credentials(HOST).password != first
    assert len(aws.calls) == 2


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # other threads exist, idle
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_the_processes_of_a_pool_use_a_provider(method: str, aws: FakeECR) -> None:
    with (
        CredentialProvider() as provider,
        multiprocessing.get_context(method).Pool(2) as pool,
    ):
        passwords = {login.password for login in pool.map(provider.get_credentials, [HOST] * 4)}
        assert passwords == {provider.get_credentials(HOST).password}
    assert len(aws.calls) == 1


class OwnProvider(CredentialProvider):
    """A provider of a program."""


@pytest.mark.usefixtures("aws")
def test_a_subclass_keeps_its_class_when_it_is_pickled() -> None:
    with OwnProvider() as provider, pickle.loads(pickle.dumps(provider)) as copy:
        assert type(copy) is OwnProvider


def test_a_provider_with_a_session_cannot_be_pickled() -> None:
    with (
        CredentialProvider(session=boto3.Session()) as provider,
        pytest.raises(TypeError, match="use profile or role_arn instead"),
    ):
        pickle.dumps(provider)


def test_the_fetch_of_a_cancelled_task_serves_the_next_caller(aws: FakeECR) -> None:
    async def main(provider: CredentialProvider) -> str:
        aws.gate.clear()
        task = asyncio.create_task(asyncio.to_thread(provider.get_credentials, HOST))
        await asyncio.to_thread(until, lambda: aws.requests == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        aws.gate.set()
        return (await asyncio.to_thread(provider.get_credentials, HOST)).password

    with CredentialProvider(disk_cache=False) as provider:
        assert asyncio.run(main(provider)) == provider.get_credentials(HOST).password
    assert len(aws.calls) == 1
