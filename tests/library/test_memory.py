"""Tokens in memory: of sessions whose keys change by themselves, and without a cache on disk."""

from __future__ import annotations

import errno
import gc
import logging
import os
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.credentials import RefreshableCredentials

from ecr_credhelper import AccessDeniedError, CredentialProvider, get_credentials, records
from ecr_credhelper.fetch.resolver import Resolver
from ecr_credhelper.fingerprint import Fingerprint
from ecr_credhelper.library import memory
from ecr_credhelper.library.memory import MAX_RECORDS, MemoryStore
from ecr_credhelper.settings.loader import Settings
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests import systems
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION
from tests.fake_sts import FakeSTS

HOUR = 3600
ROLE = "arn:aws:iam::111122223333:role/puller"


def refreshable(aws: FakeECR) -> botocore.session.Session:
    """Return a session whose keys change by themselves, as those of roles and SSO do."""
    expiry = datetime.now(UTC) + timedelta(hours=1)
    session = botocore.session.Session()
    inner: Any = session
    inner._credentials = RefreshableCredentials(  # noqa: SLF001 - set_credentials takes static keys only
        aws.access_key, aws.secret_key, "", expiry, dict, "assume-role"
    )
    return session


def test_a_refreshable_session_calls_aws_once_for_each_token(aws: FakeECR) -> None:
    session = refreshable(aws)
    passwords = {
        host: {get_credentials(host, session=session).password for _ in range(3)}
        for host in (HOST, OTHER_ACCOUNT, OTHER_REGION)
    }
    assert len(aws.calls) == 2
    assert passwords[HOST] == passwords[OTHER_ACCOUNT] != passwords[OTHER_REGION]
    assert not (Path.home() / ".cache").exists()


def test_sessions_share_no_token(aws: FakeECR) -> None:
    first, second = (get_credentials(HOST, session=refreshable(aws)).password for _ in range(2))
    assert first != second


def test_a_role_of_a_refreshable_session_has_its_own_token(
    aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = refreshable(aws)
    with FakeSTS(aws.identities) as sts:
        for name, value in sts.environment.items():
            monkeypatch.setenv(name, value)
        logins = [get_credentials(HOST, session=session, role_arn=role) for role in (None, ROLE, None, ROLE)]
    assert len({login.password for login in logins}) == len(aws.calls) == 2


def test_threads_with_one_session_make_one_call(aws: FakeECR) -> None:
    session = refreshable(aws)
    aws.delay = 0.2
    with ThreadPoolExecutor(8) as pool:
        logins = [*pool.map(lambda _: get_credentials(HOST, session=session), range(8))]
    assert len({login.password for login in logins}) == len(aws.calls) == 1


def test_the_tokens_of_a_session_end_with_it(aws: FakeECR) -> None:
    session = refreshable(aws)
    get_credentials(HOST, session=session)
    store = weakref.ref(memory.session_cache(session).store)
    del session
    gc.collect()
    assert store() is None


def test_a_failure_is_not_kept(aws: FakeECR) -> None:
    session = refreshable(aws)
    aws.faults.append(Fault.aws("AccessDeniedException", "User x is not authorized"))
    with pytest.raises(AccessDeniedError):
        get_credentials(HOST, session=session)
    assert get_credentials(HOST, session=session).username == "AWS"


@pytest.fixture(params=["a file in its place", "a full disk"])
def unwritable(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache directory that cannot be written; as root, modes do not matter."""
    monkeypatch.setattr(memory, "_process_store", MemoryStore())
    monkeypatch.setattr(memory, "_unwritable", set())
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(home / "cache"))
    if request.param == "a full disk":

        def fail(path: str, _: bytes) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

        monkeypatch.setattr(records, "write_private", fail)
    else:
        (home / "cache").write_text("")
    return home / "cache"


def test_without_a_writable_cache_a_process_calls_aws_once_and_warns_once(
    unwritable: Path, aws: FakeECR, caplog: pytest.LogCaptureFixture
) -> None:
    passwords = {get_credentials(host).password for host in (HOST, HOST, OTHER_ACCOUNT)}
    passwords |= {get_credentials(region="us-west-2").password for _ in range(2)}
    assert len(passwords) == len(aws.calls) == 1
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert f"the cache {unwritable}" in warnings[0]
    assert "tokens are kept in the memory of this process; set AWS_ECR_CACHE_DIR" in warnings[0]


@pytest.mark.usefixtures("unwritable")
def test_threads_without_a_writable_cache_make_one_call_once_that_is_known(aws: FakeECR) -> None:
    get_credentials(HOST)
    aws.delay = 0.2
    with ThreadPoolExecutor(8) as pool:
        logins = [*pool.map(get_credentials, [OTHER_REGION] * 8)]
    assert len({login.password for login in logins}) == 1
    assert len(aws.calls) == 2


@pytest.mark.usefixtures("unwritable")
def test_a_token_in_memory_can_be_removed(aws: FakeECR) -> None:
    with CredentialProvider() as provider:
        first = provider.get_credentials(HOST)
        provider.invalidate(first)
        assert provider.get_credentials(HOST).password != first.password
    assert len(aws.calls) == 2


def test_a_thousand_registries_of_a_session_do_not_displace_its_tokens(aws: FakeECR) -> None:
    session = refreshable(aws)
    get_credentials(session=session, region="us-west-2")
    for number in range(300):
        get_credentials(HOST.replace("111122223333", f"{number:012}"), session=session)
    get_credentials(session=session, region="us-west-2")
    assert len(aws.calls) == 1


def test_the_own_registry_and_its_host_share_one_fetch(aws: FakeECR) -> None:
    session = refreshable(aws)
    aws.delay = 0.2
    with ThreadPoolExecutor(2) as pool:
        own = pool.submit(get_credentials, session=session, region="us-west-2")
        by_host = pool.submit(get_credentials, HOST, session=session)
    assert own.result() == by_host.result()
    assert len(aws.calls) == 1


def test_other_credentials_in_a_session_get_their_own_token(aws: FakeECR) -> None:
    session: Any = refreshable(aws)
    first = get_credentials(HOST, session=session).password
    session._credentials = refreshable(aws).get_credentials()  # noqa: SLF001 - as some programs do
    assert get_credentials(HOST, session=session).password != first


@pytest.mark.usefixtures("unwritable")
def test_without_a_writable_cache_identities_stay_apart(
    aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = get_credentials(HOST).password
    aws.identities["AKIAOTHER"] = "other"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    assert get_credentials(HOST).password != first
    assert [call.access_key for call in aws.calls] == [aws.access_key, "AKIAOTHER"]


@pytest.mark.usefixtures("unwritable")
def test_a_disabled_cache_keeps_nothing_in_memory(
    aws: FakeECR, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    assert len({get_credentials(HOST).password for _ in range(2)}) == len(aws.calls) == 2
    assert not caplog.records


@systems.forks
@pytest.mark.usefixtures("unwritable")
def test_a_forked_child_serves_the_tokens_of_its_parent_and_holds_no_lock(aws: FakeECR) -> None:
    program = (
        "import os\n"
        "from ecr_credhelper import get_credentials\n"
        "from ecr_credhelper.library import memory\n"
        f"password = get_credentials({HOST!r}).password\n"
        "lock = memory._process_store._lock\n"
        "lock.acquire()\n"
        "child = os.fork()\n"
        f"if not child: os._exit(get_credentials({HOST!r}).password != password)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=False, timeout=300)
    assert done.returncode == 0
    assert len(aws.calls) == 1


def test_locks_are_replaced_after_a_fork(aws: FakeECR) -> None:
    store = memory.session_cache(session := refreshable(aws)).store
    assert isinstance(store, MemoryStore)
    with memory._process_store._lock, store.fetch_lock("key"):  # noqa: SLF001 - as another thread would
        memory._restart_after_fork()  # noqa: SLF001 - the system calls it
        assert get_credentials(HOST, session=session).username == "AWS"


def test_a_token_ends_with_its_lifetime_and_other_records_after_half_a_day() -> None:
    now = 1_000_000.0
    store = MemoryStore(lambda: now)
    store.write("tokens", "t", "key", repr(now), repr(now + HOUR), "AWS", "password")
    store.write("own-registries", "r", "owner", "key", repr(now))
    now += HOUR - 1
    assert store.names("tokens") == ["t"]
    now += 1
    assert store.names("tokens") == []
    assert store.names("own-registries") == ["r"]
    now += 12 * HOUR
    assert store.names("own-registries") == []


def test_a_store_is_bounded() -> None:
    store = MemoryStore()
    for number in range(2 * MAX_RECORDS):
        store.write("own-registries", f"{number:04}", "key")
    assert len(store.names("own-registries")) == MAX_RECORDS


def test_records_are_read_with_their_key_only() -> None:
    store = MemoryStore()
    store.write("own-registries", "name", "key", "line")
    assert store.read("own-registries", "name") == ["key", "line"]
    assert store.read("own-registries", "name", "key") == ["line"]
    assert store.read("own-registries", "name", "other") is None
    assert store.read("own-registries", "other", "key") is None
    store.discard("own-registries", "name")
    store.discard("own-registries", "name")
    assert store.names("own-registries") == []


def test_records_for_other_processes_are_not_kept() -> None:
    store = MemoryStore()
    store.write("routes", "name", "key", "line")
    assert store.read("routes", "name") is None
    assert store.names("routes") == []
    store.discard("routes", "name")


def test_a_thread_that_waits_too_long_fetches_the_token_itself(aws: FakeECR) -> None:
    session = refreshable(aws)
    cache = memory.session_cache(session)
    resolver = Resolver(Settings("", {}, {}), Fingerprint("", ""), cache, time.time)
    resolver.deadline = 0.02
    entered = threading.Event()

    def fetch() -> None:
        with memory.one_fetch(resolver, "key"):
            entered.set()

    with memory.one_fetch(resolver, "key"):
        threading.Thread(target=fetch).start()
        assert entered.wait(60)
