"""Failures of AWS: shared with callers that waited, remembered for a moment, reported with their cause."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper import fork_lock
from ecr_credhelper.aws import lock
from ecr_credhelper.aws.progress import Stage
from ecr_credhelper.cache import Cache
from ecr_credhelper.errors import (
    AccessDeniedError,
    ConfigurationError,
    CredentialHelperError,
    ThrottledError,
    UnreachableError,
)
from ecr_credhelper.fetch import attempt, deadline, eviction, resolver
from ecr_credhelper.fetch.failures import Failures
from ecr_credhelper.fingerprint import Fingerprint
from ecr_credhelper.library.credentials import get_credentials
from ecr_credhelper.records import FileStore
from ecr_credhelper.registry import Registry, parse
from ecr_credhelper.settings.loader import Settings
from ecr_credhelper.settings.rules import NO_RULE
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT, run, until
from tests.docker_files import write_settings

ME = Fingerprint("profile=me", "")
DENIED, THROTTLED = Fault.aws("AccessDeniedException"), Fault.aws("ThrottlingException")
WAITS = "waiting for another process"


def registry(host: str = HOST) -> Registry:
    found = parse(host)
    assert found
    return found


class Caller(threading.Thread):
    """A caller in a thread, with its error and the lines that it logs."""

    def __init__(self, cache: Cache, host: str = HOST, fingerprint: Fingerprint = ME) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.error: CredentialHelperError | None = None
        self._resolver = resolver.Resolver(
            Settings("", {}, {}), fingerprint, cache, time.time, self.lines.append
        )
        self._request = self._resolver.request(registry(host))

    def run(self) -> None:
        self.error = None
        try:
            self._resolver.resolve(self._request)
        except CredentialHelperError as error:
            self.error = error

    def is_waiting(self) -> bool:
        return any(WAITS in line for line in self.lines)


def failed(aws: FakeECR, callers: list[Caller]) -> list[CredentialHelperError]:
    """Run callers while the API does not respond yet, and return the errors after its response."""
    aws.gate.clear()
    callers[0].start()
    until(lambda: aws.requests == 1)
    for caller in callers[1:]:
        caller.start()
    until(lambda: all(caller.is_waiting() for caller in callers[1:]))
    aws.gate.set()
    for caller in callers:
        caller.join()
    errors = [caller.error for caller in callers]
    assert all(errors)
    return [error for error in errors if error]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch, aws: FakeECR) -> Iterator[None]:
    """Give every caller as much time as a busy machine needs, and wait for the abandoned threads."""
    monkeypatch.setattr(deadline, "DEADLINE", 600)
    yield
    aws.gate.set()
    until(lambda: not any(thread.name == deadline.THREAD_NAME for thread in threading.enumerate()))


# -- callers that wait


def test_callers_that_waited_for_a_token_share_the_failure(cache: Cache, aws: FakeECR) -> None:
    aws.faults.append(DENIED)  # only once: another call would succeed
    errors = failed(aws, [Caller(cache) for _ in range(12)])
    assert len(aws.calls) == 1
    assert len({str(error) for error in errors}) == 1
    assert all(isinstance(error, AccessDeniedError) for error in errors)


def test_each_caller_gets_its_own_host_in_the_error(cache: Cache, aws: FakeECR) -> None:
    aws.faults.append(DENIED)
    errors = failed(aws, [Caller(cache), Caller(cache, OTHER_ACCOUNT)])
    assert [error.subject for error in errors] == [HOST, OTHER_ACCOUNT]
    assert errors[0].reason == errors[1].reason


def test_a_later_caller_calls_aws_again(cache: Cache, aws: FakeECR) -> None:
    aws.faults.append(DENIED)
    for is_failure in (True, False):
        caller = Caller(cache)
        caller.run()
        assert bool(caller.error) == is_failure


def test_a_failure_is_not_shared_if_the_configuration_changed(cache: Cache, aws: FakeECR) -> None:
    aws.faults.append(DENIED)
    changed = Fingerprint("profile=me", "", lambda: (Fingerprint("profile=you", ""), ""))
    first, second = Caller(cache), Caller(cache, fingerprint=changed)
    aws.gate.clear()
    first.start()
    until(lambda: aws.requests == 1)
    second.start()
    until(second.is_waiting)
    aws.gate.set()
    for caller in (first, second):
        caller.join()
    assert first.error
    assert second.error is None
    assert len(aws.calls) == 2


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HTTPS_PROXY", "AWS_CA_BUNDLE"]
)
def test_a_failure_is_not_shared_with_other_secrets_or_another_network(
    name: str, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    Failures(cache.store, "key").save(ThrottledError(HOST, "reason", "hint"), HOST, 9, 100)
    assert Failures(cache.store, "key").find(HOST)
    monkeypatch.setenv(name, "another")
    assert Failures(cache.store, "key").find(HOST) is None


def test_failures_of_local_files_are_not_saved(
    cache: Cache, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "missing")
    caller = Caller(cache)
    caller.run()
    assert isinstance(caller.error, ConfigurationError)
    assert cache.store.names("failures") == []
    assert not (home / ".aws").exists()


def test_processes_share_a_failure(aws: FakeECR, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home_settings := tmp_path / "settings.toml").write_text("deadline = 600\n")
    monkeypatch.setenv("ECR_CREDHELPER_CONFIG", str(home_settings))
    aws.faults.append(DENIED)
    aws.gate.clear()

    def start(number: int) -> subprocess.Popen[bytes]:
        monkeypatch.setenv("ECR_CREDHELPER_LOG", str(tmp_path / f"{number}.log"))
        pipe = subprocess.PIPE
        process = subprocess.Popen([EXECUTABLE, "get"], stdin=pipe, stdout=pipe, stderr=pipe)
        assert process.stdin
        process.stdin.write(HOST.encode())
        process.stdin.close()
        return process

    processes = [start(0)]
    until(lambda: aws.requests == 1)
    processes += [start(number) for number in range(1, 4)]
    logs = [tmp_path / f"{number}.log" for number in range(1, 4)]
    until(lambda: all(log.exists() and WAITS in log.read_text() for log in logs))
    aws.gate.set()
    outputs = {process.stdout.read() for process in processes if process.stdout}
    for process in processes:
        with process:
            assert process.wait() == 1
    assert len(aws.calls) == len(outputs) == 1
    assert b"AWS denies" in outputs.pop()


# -- slow failures


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat every failure as a slow one."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(attempt, "SLOW", 0)


def ask(cache: Cache, at: float, *, remembers: bool = True) -> CredentialHelperError | None:
    """Return the error of a get at a time."""
    one = resolver.Resolver(Settings("", {}, {}), ME, cache, lambda: at, remembers_failures=remembers)
    try:
        one.resolve(one.request(registry()))
    except CredentialHelperError as error:
        return error
    return None


@pytest.mark.usefixtures("slow")
def test_a_slow_failure_is_reported_again_with_its_age(cache: Cache, aws: FakeECR) -> None:
    aws.faults.append(THROTTLED)
    now = time.time()
    first, second = ask(cache, now), ask(cache, now + 14)
    assert first
    assert second
    assert type(second) is ThrottledError
    assert (second.reason, second.hint) == (f"{first.reason} (14 s ago, not tried again since)", first.hint)
    assert len(aws.calls) == 1
    assert ask(cache, now + 15) is None


def test_a_fast_failure_is_not_remembered(
    cache: Cache, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(attempt, "SLOW", 600)
    aws.faults.append(THROTTLED)
    now = time.time()
    assert ask(cache, now)
    assert ask(cache, now + 1) is None


def test_a_fast_failure_does_not_replace_a_slow_one(cache: Cache) -> None:
    saved = Failures(cache.store, "key")
    for seconds in (9, 0.1):
        saved.save(ThrottledError(HOST, "reason", "hint"), HOST, seconds, 100)
    found = saved.find(HOST)
    assert found
    assert found.seconds == 9


@pytest.mark.usefixtures("slow")
def test_a_slow_denial_is_not_remembered(cache: Cache, aws: FakeECR) -> None:
    """The user can have corrected it, for example with another login to the tool of a credential process."""
    aws.faults.append(DENIED)
    now = time.time()
    assert ask(cache, now)
    assert ask(cache, now + 1) is None


@pytest.mark.usefixtures("slow")
def test_the_library_does_not_remember_failures(aws: FakeECR) -> None:
    aws.faults.append(THROTTLED)
    with pytest.raises(ThrottledError):
        get_credentials(HOST)
    assert get_credentials(HOST).username == "AWS"


def test_a_get_after_a_slow_failure_fails_at_once(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first get waits for two seconds, so that it counts as slow on any machine."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    aws.faults.extend([Fault(THROTTLED.status, THROTTLED.body, delay=2), THROTTLED, THROTTLED])
    first = run("get", stdin=HOST).error
    again = run("get", stdin=HOST).error
    reason, _, hint = first.partition("; ")
    assert again.startswith(f"{reason} (")
    assert again.endswith(f" s ago, not tried again since); {hint}")
    assert len(aws.calls) == 1
    assert "AWS throttled" in run("password", HOST).stderr.decode()  # typed by a user, so AWS is called
    assert len(aws.calls) == 2


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=9), max_size=7
    )
)
def test_any_record_is_a_failure_or_ignored(lines: list[str]) -> None:
    class Records(FileStore):
        def read(self, kind: str, name: str, key: str | None = None) -> list[str] | None:  # noqa: ARG002
            return lines

    assert Failures(Records(), "key").find(HOST) is None


@pytest.mark.parametrize("name", ["internal_error", "PROG", "__name__", "NoSuchError", "TYPE_CHECKING"])
def test_a_record_of_another_version_is_ignored(name: str, cache: Cache) -> None:
    class OtherError(CredentialHelperError):
        pass

    OtherError.__name__ = name
    Failures(cache.store, "key").save(OtherError(HOST, "reason", "hint"), HOST, 9, 100)
    assert Failures(cache.store, "key").find(HOST) is None


# -- the deadline


def error_at_deadline(cache: Cache, monkeypatch: pytest.MonkeyPatch, expected: str) -> CredentialHelperError:
    """Return the error with a reason at the first deadline that is long enough for this machine."""
    for seconds in (0.2, 1, 5, 25, 125):
        monkeypatch.setattr(deadline, "DEADLINE", seconds)
        caller = Caller(cache)
        caller.run()
        if caller.error and expected in caller.error.reason:
            return caller.error
    raise AssertionError(f"never: {expected}")


def test_a_silent_api_is_the_reason_at_the_deadline(
    cache: Cache, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.gate.clear()
    error = error_at_deadline(cache, monkeypatch, "the request to 127.0.0.1 timed out after ")
    assert isinstance(error, UnreachableError)
    assert len(cache.store.names("failures")) == 1, "callers that wait share it"


@pytest.mark.parametrize(("fault", "reason"), [
    (Fault.aws("ThrottlingException"), "AWS throttled GetAuthorizationToken"),
    (Fault.aws("InternalFailure", status=500), "GetAuthorizationToken failed (InternalFailure, "),
])  # fmt: skip
def test_the_last_failed_attempt_is_the_reason_at_the_deadline(
    fault: Fault, reason: str, cache: Cache, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline comes while botocore waits before it tries again."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "100")
    aws.faults.extend([fault] * 1000)
    error = error_at_deadline(cache, monkeypatch, reason)
    assert "attempts: 0" not in error.reason
    assert len(cache.store.names("failures")) == 1
    aws.faults.clear()  # so that the abandoned threads end


def test_silent_sts_is_the_reason_at_the_deadline(
    cache: Cache, aws: FakeECR, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    (tmp_path / "token").write_text("a token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/pull")
    aws.gate.clear()
    error_at_deadline(cache, monkeypatch, "the request to 127.0.0.1 timed out after ")
    assert len(cache.store.names("failures")) == 1


def test_another_process_is_the_reason_at_the_deadline(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "LOCK_SHARE", 100)
    key = resolver.token_key(registry(), NO_RULE, ME.identity)
    with lock.ProcessLock(cache.store.directory, lock.lock_name(key), seconds=60) as is_locked:
        assert is_locked
        error_at_deadline(cache, monkeypatch, "another process was still fetching this token after ")


def test_the_failure_of_another_process_is_the_reason_at_the_deadline(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process has saved its failure, and this one had no time to fetch the token itself."""
    key = resolver.token_key(registry(), NO_RULE, ME.identity)
    monkeypatch.setattr(deadline, "DEADLINE", 2)
    monkeypatch.setattr(attempt, "LOCK_SHARE", 100)
    caller = Caller(cache)
    with lock.ProcessLock(cache.store.directory, lock.lock_name(key), seconds=60):
        caller.start()
        until(lambda: caller.is_waiting() or caller.error)
        Failures(cache.store, key).save(
            ThrottledError(OTHER_ACCOUNT, "slow down", ""), OTHER_ACCOUNT, 9, time.time()
        )
        caller.join()
    assert caller.error
    assert (caller.error.subject, caller.error.reason) == (HOST, "slow down")


def test_a_caller_that_waited_does_not_blame_its_own_short_request(cache: Cache) -> None:
    """It sent a request only because the other caller took so long."""
    one = resolver.Resolver(Settings("", {}, {}), ME, cache, time.time)
    request = one.request(registry())
    late = attempt.Attempt(one, request, lambda token, now: False)
    late._has_waited, late.progress.stage = True, Stage.REQUEST  # noqa: SLF001
    assert "timed out" in late.timeout_error().reason
    Failures(cache.store, request.key).save(ThrottledError(HOST, "slow down", ""), HOST, 9, time.time())
    assert late.timeout_error().reason == "slow down"


def test_the_deadline_ends_a_wait_for_the_name_of_the_system(
    home: Path, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows, ``platform.uname`` asks a service, which can hang."""
    gate = threading.Event()
    monkeypatch.setattr("platform.uname", lambda: gate.wait(60))
    write_settings(home, "deadline = 1\n")
    with pytest.raises(CredentialHelperError, match=r"(after|within) 1 s"):
        get_credentials(HOST)
    gate.set()
    assert aws.calls == []


@pytest.mark.parametrize("module", [None, ModuleType("half imported")])
def test_the_deadline_does_not_wait_for_a_thread_that_imports(
    module: ModuleType | None, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    if module:
        monkeypatch.setitem(sys.modules, "ecr_credhelper.console.prompts", module)
    else:
        monkeypatch.delitem(sys.modules, "ecr_credhelper.console.prompts", raising=False)
    one = resolver.Resolver(Settings("", {}, {}), ME, cache, time.time)
    late = attempt.Attempt(one, one.request(registry()), lambda token, now: False)
    with ThreadPoolExecutor(1) as pool, fork_lock():
        assert pool.submit(late.timeout_error).result(60).reason


def test_a_token_that_arrives_at_the_deadline_is_not_a_failure(
    cache: Cache, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is saved, and then the thread does not return in time."""
    gate = threading.Event()
    is_swept = threading.Event()

    def sweep(*_: object) -> None:
        is_swept.set()
        gate.wait()

    monkeypatch.setattr(eviction, "evict_if_due", sweep)
    caller = Caller(cache)
    caller._resolver.deadline = 0.2  # noqa: SLF001
    while not is_swept.is_set():
        caller.run()
        caller._resolver.deadline *= 2  # noqa: SLF001
    gate.set()
    assert caller.error is None
    assert cache.token_key(HOST, ME.full)
    assert cache.store.names("failures") == []
    assert len(aws.calls) >= 1


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_has_a_reason(stage: Stage) -> None:
    error = deadline.timeout_error(stage, HOST, 25)
    assert str(error).startswith(f"{HOST}: ")
    assert "25 s" in error.reason
    assert "{" not in str(error)
    is_busy = stage in {Stage.PREPARING, Stage.RESPONSE}
    assert ("too busy" in error.reason) == is_busy, "a slow machine is not the fault of AWS"
