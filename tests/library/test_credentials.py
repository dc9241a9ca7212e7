"""get_credentials: the credentials of the executable as a value for Python programs."""

from __future__ import annotations

import base64
import json
import logging
import os
import platform
import subprocess
import sys
import threading
import time
import traceback
import typing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest

import ecr_credhelper
from ecr_credhelper import (
    ConfigurationError,
    CredentialHelperError,
    CredentialProvider,
    Credentials,
    get_credentials,
)
from ecr_credhelper.aws import threads
from ecr_credhelper.cache import Cache, open_cache
from ecr_credhelper.errors import NO_CREDENTIALS, NoCredentialsError
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.library.source import TokenSource
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests import systems
from tests.conftest import HOST, OTHER_ACCOUNT, PUBLIC, run, until
from tests.docker_files import write_settings
from tests.fake_sts import FakeSTS, error_xml

PROFILES = """
[profile a]
aws_access_key_id = AKIAPROFILEA
aws_secret_access_key = secret-a
[profile b]
aws_access_key_id = AKIAPROFILEB
aws_secret_access_key = secret-b
"""
ROLE = "arn:aws:iam::111122223333:role/pull"


@pytest.fixture
def profiles(home: Path, aws: FakeECR) -> FakeECR:
    """Add two profiles to the AWS configuration; the environment has keys too."""
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(PROFILES)
    aws.identities |= {"AKIAPROFILEA": "secret-a", "AKIAPROFILEB": "secret-b"}
    return aws


def used_keys(aws: FakeECR) -> list[str]:
    return [call.access_key for call in aws.calls]


@pytest.mark.parametrize("registry", [HOST, f"https://{HOST}/v2/", f"{HOST}/team/app:1.2", f"{HOST}:443"])
def test_credentials_have_registry_login_and_times(registry: str, aws: FakeECR) -> None:
    login = get_credentials(registry)
    assert (login.registry, login.account, login.region) == (HOST, "111122223333", "us-west-2")
    assert (login.username, login.password) == ("AWS", aws.password("us-west-2", serial=1))
    assert login.expires_at.tzinfo is UTC
    assert login.expires_at - login.fetched_at == pytest.approx(timedelta(hours=12), abs=timedelta(minutes=1))
    assert abs(login.fetched_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_public_registry_has_no_account(aws: FakeECR) -> None:
    login = get_credentials(PUBLIC)
    assert (login.registry, login.account, login.region) == (PUBLIC, "", "us-east-1")
    assert login.password == aws.password("us-east-1", service="ecr-public", serial=1)


def test_no_text_form_of_credentials_shows_the_password(aws: FakeECR) -> None:
    login = get_credentials(HOST)
    shown = f"{login} {login!r} {[login]} %s" % login
    assert aws.password("us-west-2", serial=1) not in shown
    assert HOST in shown


@pytest.mark.usefixtures("aws")
def test_authorization_is_the_header_for_the_http_api() -> None:
    login = get_credentials(HOST)
    scheme, value = login.authorization.split()
    assert (scheme, base64.b64decode(value).decode()) == ("Basic", f"AWS:{login.password}")


def test_program_and_executable_share_the_cache(aws: FakeECR) -> None:
    first = get_credentials(HOST).password
    assert run("get", stdin=HOST).reply["Secret"] == first
    assert get_credentials(OTHER_ACCOUNT).password == first
    assert len(aws.calls) == 1


def test_the_executable_erases_tokens_that_a_program_cached(aws: FakeECR) -> None:
    get_credentials(HOST)
    run("erase", stdin=HOST)
    get_credentials(HOST)
    assert len(aws.calls) == 2


def test_a_profile_overrides_the_keys_of_the_environment(profiles: FakeECR) -> None:
    passwords = {get_credentials(HOST, profile=name).password for name in ("a", "b", "a", "b")}
    assert len(passwords) == 2
    assert used_keys(profiles) == ["AKIAPROFILEA", "AKIAPROFILEB"]


def test_the_executable_does_not_serve_a_token_of_another_profile(profiles: FakeECR) -> None:
    other = get_credentials(HOST, profile="a").password
    assert run("get", stdin=HOST).reply["Secret"] != other
    assert used_keys(profiles) == ["AKIAPROFILEA", profiles.access_key]


def test_a_profile_in_the_settings_and_as_an_argument_shares_one_token(profiles: FakeECR, home: Path) -> None:
    write_settings(home, '[registry.111122223333]\nprofile = "a"\n')
    assert get_credentials(HOST).password == get_credentials(HOST, profile="a").password
    assert used_keys(profiles) == ["AKIAPROFILEA"]


def test_a_profile_argument_overrides_the_settings(profiles: FakeECR, home: Path) -> None:
    write_settings(home, f'[registry.111122223333]\nprofile = "a"\nrole_arn = "{ROLE}"\n')
    get_credentials(HOST, profile="b")
    assert used_keys(profiles) == ["AKIAPROFILEB"]


@pytest.mark.parametrize("source", [None, "a"])
def test_role_arn_is_assumed_before_the_token_is_fetched(
    source: str | None, profiles: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeSTS(profiles.identities) as sts:
        for name, value in sts.environment.items():
            monkeypatch.setenv(name, value)
        get_credentials(HOST, profile=source, role_arn=ROLE)
        get_credentials(OTHER_ACCOUNT, profile=source, role_arn=ROLE)
        assert [call.parameters["RoleArn"] for call in sts.calls] == [ROLE]
    assert len(profiles.calls) == 1
    assert used_keys(profiles)[0] not in {profiles.access_key, "AKIAPROFILEA"}


def test_a_custom_host_in_the_settings_is_a_registry(aws: FakeECR, home: Path) -> None:
    write_settings(home, '[registry."images.example.com"]\naccount = "111122223333"\nregion = "eu-west-1"\n')
    login = get_credentials("images.example.com/app:1")
    assert (login.registry, login.account, login.region) == (
        "images.example.com",
        "111122223333",
        "eu-west-1",
    )
    assert [call.region for call in aws.calls] == ["eu-west-1"]


@pytest.mark.parametrize("registry", ["ghcr.io", "https://index.docker.io/v1/", "", "\n"])
def test_a_registry_that_is_not_ecr_is_an_error(registry: str) -> None:
    with pytest.raises(
        ecr_credhelper.UnsupportedRegistryError, match="not an Amazon ECR registry; for a custom"
    ):
        get_credentials(registry)


def test_a_refusal_by_aws_raises_the_error_of_the_executable(aws: FakeECR) -> None:
    aws.faults.append(Fault.aws("AccessDeniedException"))
    with pytest.raises(ecr_credhelper.AccessDeniedError, match=f"^{HOST}: AWS denies GetAuthorizationToken"):
        get_credentials(HOST)


def test_a_failure_for_the_public_registry_is_an_error(aws: FakeECR) -> None:
    aws.faults.append(Fault.aws("AccessDeniedException"))
    with pytest.raises(CredentialHelperError):
        get_credentials(PUBLIC)


@pytest.mark.parametrize("arguments", [{"profile": "\n"}, {"role_arn": "pull"}, {"role_arn": f"{ROLE}\n"}])
def test_an_invalid_argument_is_an_error(arguments: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^(profile|role_arn): found .*, expected .*; correct the"):
        get_credentials(HOST, **arguments)  # type: ignore[arg-type] # a table of strings


def test_profile_and_session_cannot_be_combined() -> None:
    with pytest.raises(ValueError, match="either profile or session"):
        get_credentials(HOST, profile="a", session=boto3.Session())


@pytest.mark.parametrize("make", [boto3.Session, botocore.session.Session], ids=["boto3", "botocore"])
def test_a_session_uses_its_own_keys_and_cache_entries(
    make: type[boto3.Session | botocore.session.Session], profiles: FakeECR
) -> None:
    def session(name: str) -> boto3.Session | botocore.session.Session:
        if make is boto3.Session:
            return boto3.Session(profile_name=name)
        return botocore.session.Session(profile=name)

    passwords = [get_credentials(HOST, session=session(name)).password for name in ("a", "b", "a")]
    assert passwords[0] == passwords[2] != passwords[1]
    assert used_keys(profiles) == ["AKIAPROFILEA", "AKIAPROFILEB"]


def test_a_token_of_a_session_is_not_shared_with_other_identities(profiles: FakeECR) -> None:
    get_credentials(HOST, session=boto3.Session(profile_name="a"))
    run("get", stdin=HOST)
    get_credentials(HOST, profile="a")
    assert used_keys(profiles) == ["AKIAPROFILEA", profiles.access_key, "AKIAPROFILEA"]


def test_a_session_without_keys_is_an_error(monkeypatch: pytest.MonkeyPatch, aws: FakeECR) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(ecr_credhelper.CredentialsError, match="no AWS credentials found"):
        get_credentials(HOST, session=boto3.Session())
    assert not aws.calls


def test_a_session_with_an_unknown_profile_is_an_error(aws: FakeECR) -> None:
    with pytest.raises(ConfigurationError, match="AWS profile 'none' does not exist"):
        get_credentials(HOST, session=botocore.session.Session(profile="none"))
    assert not aws.calls


def test_assuming_a_role_does_not_change_the_session(
    profiles: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = boto3.Session(profile_name="a")
    with FakeSTS(profiles.identities) as sts:
        for name, value in sts.environment.items():
            monkeypatch.setenv(name, value)
        get_credentials(HOST, session=session, role_arn=ROLE)
    keys = session.get_credentials()
    assert keys
    assert keys.access_key == "AKIAPROFILEA"
    assert used_keys(profiles) != ["AKIAPROFILEA"]


def test_tokens_of_a_passed_identity_are_not_shared_between_machines() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKIA"}
    assert "machine=" not in fingerprint(environ).identity
    assert "machine=" in fingerprint(environ, has_override=True).identity


def test_a_login_from_docker_login_is_not_returned_to_programs(aws: FakeECR) -> None:
    request = json.dumps({"ServerURL": HOST, "Username": "AWS", "Secret": "given"})
    run("store", stdin=request)
    assert get_credentials(HOST).password == aws.password("us-west-2", serial=1)


def test_a_token_that_is_about_to_expire_is_returned_if_aws_fails(aws: FakeECR) -> None:
    start = time.time()
    TokenSource(clock=lambda: start).fetch(TokenSource().registry(HOST))
    aws.faults.append(Fault.aws("AccessDeniedException"))
    late = TokenSource(clock=lambda: start + 12 * 3600 - 60)
    assert late.fetch(late.registry(HOST)).password == aws.password("us-west-2", serial=1)


def test_decisions_are_logged_without_secrets(aws: FakeECR, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="ecr_credhelper"):
        login = get_credentials(HOST)
    assert "endpoint http" in caplog.text
    assert not [secret for secret in (login.password, aws.secret_key) if secret in caplog.text]


def test_dir_lists_the_public_names() -> None:
    assert dir(ecr_credhelper) == sorted(ecr_credhelper.__all__)
    for name in ecr_credhelper.__all__:
        assert getattr(ecr_credhelper, name)
    with pytest.raises(AttributeError, match="module 'ecr_credhelper' has no attribute 'get_credential'"):
        ecr_credhelper.get_credential  # type: ignore[attr-defined] # noqa: B018 - raises


def test_all_errors_share_one_base_class() -> None:
    errors = [getattr(ecr_credhelper, name) for name in ecr_credhelper.__all__ if name.endswith("Error")]
    assert len(errors) == 9
    assert all(issubclass(error, CredentialHelperError) for error in errors)


IMPORTS = """
import sys
import threading
before = set(sys.modules)
import ecr_credhelper
assert set(sys.modules) - before == {"ecr_credhelper"}, set(sys.modules) - before
ecr_credhelper.get_credentials, ecr_credhelper.CredentialProvider
assert not {name.partition(".")[0] for name in sys.modules} & {"boto3", "botocore", "filelock", "urllib3"}
try:
    ecr_credhelper.get_credentials("ghcr.io")
except ecr_credhelper.UnsupportedRegistryError:
    assert "botocore" not in sys.modules
"""


def test_boto3_is_imported_only_to_fetch_a_token(aws: FakeECR) -> None:
    path = os.pathsep.join([str(Path(ecr_credhelper.__file__).parents[1]), *sys.path])
    environ = {**os.environ, "PYTHONPATH": path}
    subprocess.run([sys.executable, "-S", "-c", IMPORTS], check=True, env=environ)
    assert not aws.calls


UNCHANGED = """
import gc, os, signal, sys, threading, warnings
import botocore.endpoint, botocore.session  # on import, these libraries add filters of warnings

def state():
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    collector = gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()
    return handlers, collector, [*warnings.filters], dict(os.environ), [*sys.path], threading.excepthook

before = state()
from ecr_credhelper import get_credentials
print(get_credentials(sys.argv[1]).username)
assert state() == before
assert not {"boto3", "s3transfer"} & set(sys.modules)
"""


def test_a_fetch_changes_no_global_state_of_the_program_and_imports_no_boto3(aws: FakeECR) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNCHANGED, HOST], check=True, capture_output=True, text=True, timeout=300
    )
    assert (done.stdout, done.stderr) == ("AWS\n", "")
    assert len(aws.calls) == 1


def test_credentials_are_compared_by_value(aws: FakeECR) -> None:
    first = get_credentials(HOST)
    assert (
        first
        == get_credentials(HOST)
        == Credentials(
            registry=first.registry,
            account=first.account,
            region=first.region,
            username=first.username,
            password=aws.password("us-west-2", serial=1),
            fetched_at=first.fetched_at,
            expires_at=first.expires_at,
        )
    )


def test_the_cache_on_disk_can_be_disabled(aws: FakeECR) -> None:
    for _ in range(2):
        source = TokenSource(on_disk=False)
        source.fetch(source.registry(HOST))
    assert len(aws.calls) == 2
    assert isinstance(open_cache(os.environ), Cache)


def test_the_executable_lists_a_token_of_a_program_without_a_call(aws: FakeECR) -> None:
    get_credentials(HOST)
    assert set(json.loads(run("list").stdout)) == {HOST}
    assert len(aws.calls) == 1


def test_a_token_for_outdated_settings_is_not_served_under_new_settings(
    profiles: FakeECR, home: Path
) -> None:
    write_settings(home, '[registry.111122223333]\nprofile = "a"\n')
    source = TokenSource()
    write_settings(home, '[registry.111122223333]\nprofile = "bb"\n')
    source.fetch(source.registry(HOST))
    assert run("get", stdin=HOST).error.startswith(f"{HOST}: AWS profile 'bb' does not exist")
    assert used_keys(profiles) == ["AKIAPROFILEA"]


def test_loading_the_keys_of_a_session_is_limited_by_the_deadline(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecr_credhelper.fetch.deadline.DEADLINE", 0.1)
    gate = threading.Event()

    class Slow(botocore.session.Session):
        def get_credentials(self) -> None:
            gate.wait(30)

    with pytest.raises(ecr_credhelper.UnreachableError, match=r"credentials did not respond within 0\.1 s"):
        get_credentials(HOST, session=Slow())
    gate.set()
    assert not (home / ".cache").exists()


def test_sessions_with_the_same_key_id_and_different_secrets_share_no_token(aws: FakeECR) -> None:
    aws.identities["AKIATENANT"] = "right"
    get_credentials(HOST, session=boto3.Session("AKIATENANT", "right"))
    with pytest.raises(ecr_credhelper.CredentialsError, match="AWS does not accept the credentials"):
        get_credentials(HOST, session=boto3.Session("AKIATENANT", "wrong"))


@pytest.fixture
def sts(profiles: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSTS]:
    with FakeSTS(profiles.identities) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        yield fake


def test_an_assumed_role_is_not_shared_between_sessions(sts: FakeSTS, home: Path) -> None:
    get_credentials(HOST, session=boto3.Session(profile_name="a"), role_arn=ROLE)
    sts.faults.append(error_xml("AccessDenied"))
    with pytest.raises(ecr_credhelper.AccessDeniedError):
        get_credentials(HOST, session=boto3.Session(profile_name="b"), role_arn=ROLE)
    assert not (home / ".aws/cli").exists()


@pytest.mark.parametrize("source", ["profile", "session"])
def test_a_role_is_assumed_once_per_region_for_a_profile_and_once_for_a_session(
    source: str, sts: FakeSTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "WAIT", 60)  # a busy machine can take long
    hosts = [HOST.replace("us-west-2", f"eu-place-{number}") for number in range(8)]
    sts.delay = 0.1
    arguments = {"profile": "a"} if source == "profile" else {"session": boto3.Session(profile_name="a")}
    with CredentialProvider(**arguments, role_arn=ROLE) as provider, ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(provider.get_credentials, hosts))) == 8
    assert len(sts.calls) == (8 if source == "profile" else 1)


def test_environment_variables_for_accounts_are_read_once(
    profiles: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "ECR_CREDHELPER_PROFILE_111122223333"
    monkeypatch.setenv(variable, "a")
    source = TokenSource()
    monkeypatch.setenv(variable, "b")
    source.fetch(source.registry(HOST))
    assert used_keys(profiles) == ["AKIAPROFILEA"]
    run("get", stdin=HOST)
    assert used_keys(profiles) == ["AKIAPROFILEA", "AKIAPROFILEB"]


@pytest.mark.parametrize("fault", [False, True])
def test_a_token_is_not_saved_if_the_environment_changed_during_the_fetch(
    fault: bool, profiles: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "a")
    profiles.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(get_credentials, HOST)
        until(lambda: profiles.requests)
        monkeypatch.setenv("AWS_PROFILE", "b")
        if fault:
            profiles.faults.append(Fault.aws("AccessDeniedException"))
        profiles.gate.set()
        assert bool(waiting.exception()) is fault
    assert not open_cache(os.environ).store.names("tokens")


def test_missing_credentials_are_not_recorded_if_the_environment_changed(
    aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = TokenSource()
    registry = source.registry(HOST)

    def fail(*_: object, **__: object) -> None:
        monkeypatch.setenv("AWS_PROFILE", "another")
        raise NoCredentialsError(HOST, *NO_CREDENTIALS)

    monkeypatch.setattr("ecr_credhelper.aws.client.fetch", fail)
    with pytest.raises(NoCredentialsError):
        source.fetch(registry)
    assert not open_cache(os.environ).store.names("failures")
    assert not aws.calls


def test_the_executable_erases_the_tokens_of_all_identities(profiles: FakeECR) -> None:
    for name in ("a", "b"):
        get_credentials(HOST, profile=name)
    run("erase", stdin=HOST)
    assert not open_cache(os.environ).store.names("tokens")
    assert len(profiles.calls) == 2


def test_a_traceback_contains_no_secret(home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(
        "[profile p]\ncredential_process = sh -c 'echo token=a-secret >&2; exit 1'\n"
    )
    with pytest.raises(ecr_credhelper.CredentialsError) as raised:
        get_credentials(HOST, profile="p")
    assert "a-secret" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove the working directory of a process")
def test_system_errors_become_credential_helper_errors(
    aws: FakeECR, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ECR_CACHE_DIR", "relative")
        assert get_credentials(HOST).username == "AWS"  # cache errors never fail a request
        CredentialProvider().invalidate(HOST)
    with monkeypatch.context() as patch:
        patch.setenv("ECR_CREDHELPER_CONFIG", "relative.toml")
        with pytest.raises(ecr_credhelper.ConfigurationError, match=r"relative\.toml: cannot be read"):
            get_credentials(HOST)
    assert len(aws.calls) == 1

    def broken() -> float:
        raise RuntimeError("a secret")

    source = TokenSource(clock=broken)
    with pytest.raises(CredentialHelperError, match=r"internal error \(RuntimeError\)"):
        source.fetch(source.registry(OTHER_ACCOUNT))


class Watched(botocore.session.Session):
    """A session that counts the threads that use it at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[int] = []
        self.most = 0

    @contextmanager
    def _count(self) -> Iterator[None]:
        self.inside.append(threading.get_ident())
        self.most = max(self.most, len({*self.inside}))
        time.sleep(0.02)  # gives other threads time to enter
        yield
        self.inside.remove(threading.get_ident())

    def get_credentials(self) -> Any:
        with self._count():
            return super().get_credentials()

    def create_client(self, *args: Any, **named: Any) -> Any:
        with self._count():
            return super().create_client(*args, **named)


def test_one_thread_at_a_time_uses_a_session(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "WAIT", 600)  # however busy the machine is
    session = Watched()
    hosts = [HOST.replace("us-west-2", f"eu-place-{number}") for number in range(4)]
    with CredentialProvider(session=session) as provider, ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(provider.get_credentials, hosts))) == len(aws.calls) == 4
    assert session.most == 1


@pytest.mark.parametrize("profile", ["a", "auto"])
def test_one_thread_at_a_time_asks_for_the_name_of_the_system(
    profile: str, home: Path, profiles: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".aws/config").write_text(
        PROFILES.replace("[profile b]", f"aws_account_id = {HOST[:12]}\n[profile b]")
    )
    write_settings(home, f'[registry.{HOST[:12]}]\nprofile = "{profile}"\n')
    monkeypatch.setattr(threads, "WAIT", 600)  # however busy the machine is
    name = platform.uname()
    asked: list[int] = []
    cached: list[platform.uname_result] = []

    def uname() -> platform.uname_result:
        if not cached:
            asked.append(threading.get_ident())
            time.sleep(0.1)  # gives other threads time to ask too
            cached.append(name)
        return name

    monkeypatch.setattr(platform, "uname", uname)
    hosts = [HOST.replace("us-west-2", f"eu-place-{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        logins = list(pool.map(get_credentials, hosts))
    assert len({login.password for login in logins}) == 4
    assert used_keys(profiles) == ["AKIAPROFILEA"] * 4
    assert len(asked) == 1


FORK = """
import os, threading
from ecr_credhelper.aws import sessions, threads
for locks, key in ((threads._LOCKS, "a role"), (sessions._SESSIONS, sessions.Session())):
    locks.setdefault(key, threading.Lock()).acquire()
child = os.fork()
if child == 0:
    os._exit(len(threads._LOCKS) + len(sessions._SESSIONS))
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@systems.forks
def test_a_forked_child_does_not_inherit_locks_of_its_parent() -> None:
    assert subprocess.run([sys.executable, "-c", FORK], check=False).returncode == 0


FORK_DURING_IMPORT = """
import os, threading, time
from ecr_credhelper import fork_lock
held, imported = threading.Event(), []

def hold():
    with fork_lock():
        held.set()
        time.sleep(0.2)  # until the main thread waits in fork
        imported.append(True)

threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if child == 0:
    with fork_lock():
        os._exit(0 if imported else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@systems.forks
def test_a_fork_waits_for_the_imports_of_a_fetch() -> None:
    """Otherwise, the child would have half a module, and every fetch there would fail."""
    command = [sys.executable, "-W", "ignore", "-c", FORK_DURING_IMPORT]
    assert subprocess.run(command, check=False, timeout=300).returncode == 0


def test_a_session_assumes_its_role_again_after_its_keys_changed(sts: FakeSTS, profiles: FakeECR) -> None:
    session = boto3.Session(profile_name="a")
    get_credentials(HOST, session=session, role_arn=ROLE)
    inner: Any = session._session  # noqa: SLF001 - boto3 has no public attribute
    inner.set_credentials("AKIAOTHER", "s")
    profiles.identities["AKIAOTHER"] = "s"
    get_credentials(HOST, session=session, role_arn=ROLE)
    assert len(sts.calls) == 2


def test_sessions_with_different_configuration_files_share_no_token(
    aws: FakeECR, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with FakeECR(identities=aws.identities) as other:
        for api in (aws, other):
            file = tmp_path / str(api.url).rpartition(":")[2]
            file.write_text(f"[default]\nendpoint_url = {api.url}\n")
            session = botocore.session.Session()
            session.set_config_variable("config_file", str(file))
            for _ in range(2):
                get_credentials(HOST, session=session)
        assert len(aws.calls) == len(other.calls) == 1


def test_a_valid_token_on_disk_is_returned_if_aws_hangs(
    aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.time()
    TokenSource(clock=lambda: start).fetch(TokenSource().registry(HOST))
    monkeypatch.setattr("ecr_credhelper.fetch.deadline.DEADLINE", 0.3)
    aws.gate.clear()
    late = TokenSource(clock=lambda: start + 12 * 3600 - 60)
    assert late.fetch(late.registry(HOST)).password == aws.password("us-west-2", serial=1)
    until(lambda: aws.requests == 2)  # the thread continues and must not call the API of the next test
    aws.gate.set()


@pytest.mark.parametrize("function", [
    get_credentials, CredentialProvider.__init__, CredentialProvider.get_credentials, Credentials,
])  # fmt: skip
def test_type_hints_can_be_resolved_at_runtime(function: object) -> None:
    assert typing.get_type_hints(function)


def test_a_thread_that_hangs_while_it_assumes_a_role_does_not_block_others(
    sts: FakeSTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "WAIT", 0.1)
    lock = threading.Lock()
    monkeypatch.setitem(threads._LOCKS, ROLE, lock)  # noqa: SLF001 - the lock of a thread that hangs
    with lock:
        assert get_credentials(HOST, profile="a", role_arn=ROLE).username == "AWS"
    assert len(sts.calls) == 1
