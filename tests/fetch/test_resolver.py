"""A cache miss: one fetch for all callers, the deadline, and failures of AWS."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecr_credhelper.aws import client, lock
from ecr_credhelper.cache import Cache
from ecr_credhelper.errors import CredentialHelperError, UnreachableError
from ecr_credhelper.fetch import attempt, deadline, resolver
from ecr_credhelper.fingerprint import Fingerprint
from ecr_credhelper.records import FileStore
from ecr_credhelper.registry import Registry, parse
from ecr_credhelper.settings.loader import Settings
from ecr_credhelper.settings.rules import NO_RULE
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from ecr_credhelper.token import Token
from tests import systems
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION, PUBLIC

ME, YOU = Fingerprint("profile=me", ""), Fingerprint("profile=you", "")
HOUR = 3600


def registry(host: str = HOST) -> Registry:
    found = parse(host)
    assert found
    return found


def key(wanted: Registry) -> str:
    return resolver.token_key(wanted, NO_RULE, ME.identity)


def resolve(wanted: Registry, cache: Cache, as_: Fingerprint = ME, *, at: float | None = None) -> Token:
    clock = time.time if at is None else lambda: at
    one = resolver.Resolver(Settings("", {}, {}), as_, cache, clock)
    return one.resolve(one.request(wanted))


def test_a_fetched_token_is_saved(cache: Cache, aws: FakeECR) -> None:
    token = resolve(registry(), cache)
    found = cache.token(str(cache.token_key(HOST, ME.full)), time.time())
    assert found
    assert found.password == token.password == aws.password("us-west-2", serial=1)


def test_registries_of_one_region_share_one_call(cache: Cache, aws: FakeECR) -> None:
    for host in (HOST, OTHER_ACCOUNT, HOST):
        resolve(registry(host), cache)
    assert len(aws.calls) == 1
    assert set(cache.hosts(ME.full, time.time())) == {HOST, OTHER_ACCOUNT}


@pytest.mark.parametrize("host", [
    OTHER_REGION, PUBLIC, HOST.replace("ecr", "ecr-fips"), "111122223333.dkr-ecr.us-west-2.on.aws",
    "111122223333.dkr-ecr-fips.us-west-2.on.aws",
])  # fmt: skip
def test_another_region_api_or_variant_is_another_token(host: str) -> None:
    assert key(registry(host)) != key(registry())


def test_another_identity_is_another_call(cache: Cache, aws: FakeECR) -> None:
    resolve(registry(), cache)
    resolve(registry(), cache, as_=YOU)
    assert len(aws.calls) == 2


def test_without_a_cache_every_get_calls_aws(aws: FakeECR) -> None:
    for _ in range(2):
        resolve(registry(), Cache(FileStore()))
    assert len(aws.calls) == 2


def test_a_token_about_to_expire_is_replaced(cache: Cache, aws: FakeECR) -> None:
    now = time.time()
    old = Token("AWS", "old", fetched_at=now - 12 * HOUR, expires_at=now + 60)
    cache.save_token(key(registry()), old)
    assert resolve(registry(), cache).password != "old"
    assert len(aws.calls) == 1


def test_a_token_about_to_expire_is_served_when_aws_fails(cache: Cache, aws: FakeECR) -> None:
    aws.faults.append(Fault.aws("AccessDeniedException"))
    now = time.time()
    old = Token("AWS", "old", fetched_at=now - 12 * HOUR, expires_at=now + 60)
    cache.save_token(key(registry()), old)
    assert resolve(registry(), cache).password == "old"


def test_a_failed_refresh_is_not_repeated_for_a_minute(cache: Cache, aws: FakeECR) -> None:
    aws.faults.extend([Fault.aws("AccessDeniedException")] * 2)
    now = time.time()
    old = Token("AWS", "old", fetched_at=now - 12 * HOUR, expires_at=now + 600)
    cache.save_token(key(registry()), old)
    for seconds, calls in ((0, 1), (59, 1), (60, 2), (61, 2)):
        assert resolve(registry(), cache, at=now + seconds).password == "old"
        assert len(aws.calls) == calls
    assert resolve(registry(), cache, at=now + 120).password != "old"


def test_an_expired_token_is_never_served(cache: Cache, aws: FakeECR) -> None:
    aws.faults.append(Fault.aws("AccessDeniedException"))
    now = time.time()
    old = Token("AWS", "old", fetched_at=now - 12 * HOUR, expires_at=now - 1)
    cache.save_token(key(registry()), old)
    with pytest.raises(CredentialHelperError, match="AWS denies"):
        resolve(registry(), cache)


def test_concurrent_callers_share_one_call(cache: Cache, aws: FakeECR) -> None:
    aws.delay = 0.2
    passwords: list[str] = []
    gate = threading.Barrier(8)

    def ask() -> None:
        gate.wait()
        passwords.append(resolve(registry(), cache).password)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passwords) == 8
    assert len(set(passwords)) == len(aws.calls) == 1


HOLDER = """
import sys, time
from ecr_credhelper.aws.lock import ProcessLock, lock_name
with ProcessLock(sys.argv[1], lock_name(sys.argv[2]), seconds=60):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(folder: Path) -> subprocess.Popen[bytes]:
    """Start another process that holds the token's lock."""
    command = [sys.executable, "-c", HOLDER, str(folder), key(registry())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline().strip() == b"held"
    return process


def test_a_lock_that_is_held_too_long_is_ignored(
    cache: Cache, aws: FakeECR, holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "LOCK_SHARE", 0.004)
    with holder:
        try:
            assert resolve(registry(), cache).username == "AWS"
        finally:
            holder.kill()
    assert len(aws.calls) == 1


@pytest.mark.usefixtures("aws")
def test_the_lock_of_a_killed_process_is_released(
    cache: Cache, holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "LOCK_SHARE", 100)
    with holder:
        holder.kill()
    assert resolve(registry(), cache).username == "AWS"


def test_the_regions_of_one_identity_do_not_share_a_lock() -> None:
    hosts = [HOST.replace("us-west-2", f"eu-place-{number}") for number in range(1, 10)]
    locks = {lock.lock_name(key(registry(host))) for host in hosts}
    assert len(locks) > len(hosts) // 2


def test_a_get_succeeds_if_the_lock_directory_cannot_be_created(
    cache: Cache, folder: Path, aws: FakeECR
) -> None:
    folder.mkdir(mode=0o700)
    (folder / "locks").write_text("in the way")
    assert resolve(registry(), cache).username == "AWS"
    assert len(aws.calls) == 1


def test_a_get_succeeds_if_the_lock_file_cannot_be_opened(cache: Cache, folder: Path, aws: FakeECR) -> None:
    for number in range(lock.LOCKS):
        (folder / "locks" / f"{number:04}").mkdir(parents=True, mode=0o700)
    assert resolve(registry(), cache).username == "AWS"
    assert len(aws.calls) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks otherwise")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_get_succeeds_on_a_file_system_without_locks(
    number: int, cache: Cache, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    assert resolve(registry(), cache).username == "AWS"
    assert len(aws.calls) == 1


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EACCES, 0])
def test_a_lock_that_another_process_holds_is_awaited(
    number: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers are those of POSIX, of Windows, and of Wine, whose C library sets none."""
    system_call = "msvcrt.locking" if sys.platform == "win32" else "fcntl.flock"
    waits: list[bool] = []

    def refuse(*_: object) -> None:
        raise OSError(number, "locked")

    monkeypatch.setattr(system_call, refuse)
    with lock.ProcessLock(str(folder), "name", seconds=0.1, on_wait=lambda: waits.append(True)) as is_locked:
        assert (is_locked, waits) == (False, [True])


class Hanging:
    """Replaces the call to AWS and hangs until the end of the test."""

    def __init__(self) -> None:
        self.begun, self.gate = threading.Event(), threading.Event()

    def __call__(self, *_: object, **__: object) -> None:
        self.begun.set()
        self.gate.wait()


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    fetch = Hanging()
    monkeypatch.setattr(client, "fetch", fetch)
    yield fetch
    assert fetch.begun.wait(60)  # its thread must not call AWS during the next test
    fetch.gate.set()


def late() -> CredentialHelperError:
    raise AssertionError("the work was not late")


def test_an_error_in_the_work_is_raised_in_the_callers_thread() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        deadline.run_with_deadline(5, fail, on_timeout=late)


def no_more(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_without_a_thread_the_work_runs_in_the_callers_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise KeyError("x")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    assert deadline.run_with_deadline(5, lambda: 7, on_timeout=late) == 7
    with pytest.raises(KeyError) as caught:
        deadline.run_with_deadline(5, fail, on_timeout=late)
    assert caught.value.__context__ is None


@pytest.mark.usefixtures("aws")
def test_the_lock_is_released_when_the_work_is_abandoned(
    cache: Cache, folder: Path, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "DEADLINE", 0.1)
    with pytest.raises(UnreachableError):
        resolve(registry(), cache)
    assert hanging.begun.wait(60)  # it has acquired the lock
    monkeypatch.setattr(attempt, "LOCK_SHARE", 0)
    with lock.ProcessLock(str(folder), lock.lock_name(key(registry())), seconds=60) as is_locked:
        assert is_locked


def test_an_abandoned_thread_that_waits_for_a_lock_does_not_hold_it(folder: Path) -> None:
    first, second = (lock.ProcessLock(str(folder), "key", seconds=60) for _ in range(2))
    with first:
        thread = threading.Thread(target=second.__enter__)
        thread.start()
        second.release()
    thread.join()
    with lock.ProcessLock(str(folder), "key", seconds=60) as is_locked:
        assert is_locked


class Msvcrt(types.ModuleType):
    """Replaces the module of Windows that locks the first byte of a file, which one descriptor can hold."""

    LK_NBLCK, LK_UNLCK = 2, 0

    def __init__(self) -> None:
        super().__init__("msvcrt")
        self.holder: int | None = None

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        assert count == 1
        if self.holder != (descriptor if mode == self.LK_UNLCK else None):
            raise PermissionError(errno.EACCES, "Permission denied")
        self.holder = descriptor if mode == self.LK_NBLCK else None


def test_on_windows_the_first_byte_is_locked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = Msvcrt()
    monkeypatch.setitem(sys.modules, "msvcrt", system)
    monkeypatch.setattr(sys, "platform", "win32")
    waits: list[bool] = []
    first = lock.ProcessLock(str(folder), "name", seconds=60)
    second = lock.ProcessLock(str(folder), "name", seconds=0.1, on_wait=lambda: waits.append(True))
    with first as is_locked, second as is_locked_twice:
        assert (is_locked, is_locked_twice, waits) == (True, False, [True])
    assert system.holder is None


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # other threads exist, idle
@systems.forks
def test_a_forked_child_does_not_keep_the_lock_of_its_parent(folder: Path) -> None:
    reader, writer = os.pipe()
    with lock.ProcessLock(str(folder), "name", seconds=60):
        child = os.fork()
        if child == 0:
            os.close(writer)
            os.read(reader, 1)  # until the end of the test
            os._exit(0)
    with lock.ProcessLock(str(folder), "name", seconds=60) as is_locked:
        assert is_locked
    os.close(writer)
    os.close(reader)
    os.waitpid(child, 0)


PARENT = """
import os, sys, time
from ecr_credhelper.aws.lock import ProcessLock
ProcessLock(sys.argv[1], "name", seconds=60).__enter__()
if os.fork():
    os._exit(0)
sys.stdin.read()
"""


@systems.forks
def test_a_forked_child_closes_the_lock_files_of_its_parent(folder: Path) -> None:
    with lock.ProcessLock(str(folder), "name", seconds=60):
        lock._close_inherited()  # noqa: SLF001 - the system calls it


@systems.forks
def test_a_forked_child_does_not_hold_the_lock_after_the_end_of_its_parent(folder: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", PARENT, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as parent:
        parent.wait()
        with lock.ProcessLock(str(folder), "name", seconds=60) as is_locked:
            assert is_locked
