"""``list``: the logins that are available now. It is limited in time and never fails."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.fetch import listing
from ecr_credhelper.helper import FETCH_LATE, Helper
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests import systems
from tests.commands import with_limit
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT, OTHER_REGION, PUBLIC, login, run, until
from tests.fake_sts import FakeSTS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLE = "arn:aws:iam::111122223333:role/puller"
MFA = "arn:aws:iam::111122223333:mfa/me"
CUSTOM = "images.example.com:5000"
posix = systems.scripts


def configure(home: Path, **content: Any) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker/config.json").write_text(json.dumps(content))


def send_here(home: Path, *hosts: str) -> None:
    configure(home, credHelpers=dict.fromkeys(hosts, "ecr-py"))


def settings(home: Path, text: str) -> None:
    file = home / ".config/ecr-credhelper/config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a list in this process wait for AWS, however busy the machine is."""
    monkeypatch.setattr(listing, "LIST_SECONDS", 600)


def listed(seconds: float = 600) -> dict[str, str]:
    """Return what a client gets from a list in a process, which waits for AWS as long as it must."""
    return run("list", stdin="unused", program=with_limit("fetch.listing", "LIST_SECONDS", seconds)).reply


def listed_here(now: float | None = None, spawned: list[str] | None = None) -> dict[str, str]:
    """Return the result of ``list`` in this process, at a time. Record the background commands."""
    found: list[str] = [] if spawned is None else spawned
    clock = time.time if now is None else lambda: now
    helper = Helper(os.environ, clock, found.append)
    reply = helper.run("list", io.BytesIO())
    assert (reply.status, reply.stderr) == (0, b"")
    hosts: dict[str, str] = json.loads(reply.stdout)
    return hosts


def get_here(host: str) -> str:
    """Return the user name that ``get`` returns in this process."""
    reply = Helper(os.environ, time.time, print).run("get", io.BytesIO(host.encode()))
    username: str = json.loads(reply.stdout)["Username"]
    return username


def regions(api: FakeECR) -> list[str]:
    return sorted(call.region for call in api.calls)


# Which registries.


def test_every_cred_helpers_entry_is_listed_with_one_fetch_per_token(aws: FakeECR, home: Path) -> None:
    configure(home, credHelpers={
        HOST: "ecr-py", OTHER_ACCOUNT: "ecr-py", OTHER_REGION: "ecr-py", PUBLIC: "ecr-py", "gcr.io": "gcr",
        HOST.replace("us-west-2", "sa-east-1"): "ecr-login",
    }, auths={HOST.replace("us-west-2", "ap-south-1"): {}})  # fmt: skip
    expected = dict.fromkeys((HOST, OTHER_ACCOUNT, OTHER_REGION, PUBLIC), "AWS")
    assert listed() == expected
    assert regions(aws) == ["eu-central-1", "us-east-1", "us-west-2"]
    aws.gate.clear()  # the second list, and a get of each, need no API
    assert listed() == expected
    for host in expected:
        assert run("get", stdin=host).reply["Username"] == "AWS"
    assert len(aws.calls) == 3


@pytest.mark.parametrize("content", [{"credHelpers": {HOST: "ecr-login"}}, {"credsStore": "ecr-login"}])
@posix
def test_a_link_to_this_helper_is_this_helper(
    content: dict[str, Any], aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "bin").mkdir()
    (home / "bin/docker-credential-ecr-login").symlink_to(EXECUTABLE)
    monkeypatch.setenv("PATH", str(home / "bin"))
    configure(home, **content, auths={HOST: {}})
    assert listed_here() == {HOST: "AWS"}
    assert len(aws.calls) == 1


def test_with_creds_store_the_marks_of_docker_login_the_settings_and_earlier_registries_are_listed(
    aws: FakeECR, home: Path
) -> None:
    settings(home, f'[registry."{CUSTOM}"]\nregion = "eu-west-1"\n[registry."*.dkr.ecr.*.amazonaws.com"]\n')
    configure(home, credsStore="ecr-py", auths={HOST: {}, f"https://{OTHER_REGION}/v1/": {}, "ghcr.io": {}})
    assert listed_here() == dict.fromkeys((HOST, OTHER_REGION, CUSTOM), "AWS")
    assert regions(aws) == ["eu-central-1", "eu-west-1", "us-west-2"]
    assert listed_here() == dict.fromkeys((HOST, OTHER_REGION, CUSTOM), "AWS")  # one of them by another name
    assert len(aws.calls) == 3


def test_registries_of_the_last_week_are_listed_also_when_their_token_has_expired(
    aws: FakeECR, home: Path
) -> None:
    configure(home, credsStore="ecr-py")
    now = time.time()
    aws.clock = lambda: now
    Helper(os.environ, aws.clock, print).run("get", io.BytesIO(HOST.encode()))
    now += 24 * 3600
    assert listed_here(now) == {HOST: "AWS"}
    assert len(aws.calls) == 2
    Helper(os.environ, aws.clock, print).run("erase", io.BytesIO(HOST.encode()))
    assert listed_here(now) == {}  # after docker logout, and no region is configured


@pytest.mark.parametrize("source", ["AWS_REGION", "AWS_DEFAULT_REGION", "profile"])
def test_without_configured_registries_the_callers_registry_is_listed(
    source: str, aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, credsStore="ecr-py")
    assert listed_here() == {}
    if source == "profile":
        (home / ".aws").mkdir()
        (home / ".aws/config").write_text("[default]\nregion = us-west-2\n")
    else:
        monkeypatch.setenv(source, "us-west-2")
    assert listed_here() == {HOST: "AWS"}
    assert listed_here() == {HOST: "AWS"}
    assert get_here(HOST) == "AWS"
    assert len(aws.calls) == 1


def test_the_callers_registry_is_fetched_with_its_rule(
    aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.identities["AKIAOTHER"] = "other"
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(
        "[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other\n"
    )
    configure(home, credsStore="ecr-py")
    settings(home, '[registry.111122223333]\nprofile = "other"\n')
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert listed_here() == {HOST: "AWS"}
    assert [call.access_key for call in aws.calls] == [aws.access_key, "AKIAOTHER"]
    assert listed_here() == {HOST: "AWS"}
    assert len(aws.calls) == 2


@pytest.mark.parametrize("endpoint", [None, 1, "https://registry.example.com"])
def test_no_registry_is_listed_if_aws_does_not_report_the_callers(
    endpoint: object, aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, credsStore="ecr-py")
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    respond = aws.respond

    def respond_otherwise(call: Any) -> bytes:
        body = json.loads(respond(call))
        body["authorizationData"][0]["proxyEndpoint"] = endpoint
        return json.dumps(body).encode()

    monkeypatch.setattr(aws, "respond", respond_otherwise)
    assert listed_here() == {}


def test_without_creds_store_the_callers_registry_is_not_listed(
    aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    configure(home, auths={HOST: {}})
    assert listed_here() == {}
    assert aws.calls == []


def test_with_list_cached_only_cached_logins_are_listed(aws: FakeECR, home: Path) -> None:
    send_here(home, HOST, OTHER_REGION)
    settings(home, 'list = "cached"\n')
    get_here(HOST)
    assert listed_here() == {HOST: "AWS"}
    assert len(aws.calls) == 1


def test_an_ecr_login_of_the_fallback_is_not_listed_since_a_get_would_not_return_it(home: Path) -> None:
    login_of_me = {"auth": "bWU6cHc="}
    configure(home, credsStore="ecr-py", auths={HOST: login_of_me, "ghcr.io": login_of_me})
    assert listed_here() == {"ghcr.io": "me"}  # without AWS credentials


# Only working logins, without repeated failures.


def test_failed_registries_are_not_listed_and_not_retried_for_a_minute(aws: FakeECR, home: Path) -> None:
    send_here(home, HOST, OTHER_REGION)
    now = time.time()
    aws.faults.append(Fault.aws("AccessDeniedException"))
    first = listed_here(now)
    assert len(first) == 1
    assert listed_here(now + 59) == first
    assert len(aws.calls) == 2
    assert listed_here(now + 60) == dict.fromkeys((HOST, OTHER_REGION), "AWS")
    assert len(aws.calls) == 3


def test_a_failure_of_list_does_not_stop_a_get(aws: FakeECR, home: Path) -> None:
    send_here(home, HOST)
    aws.faults.append(Fault.aws("AccessDeniedException"))
    assert listed_here() == {}
    assert get_here(HOST) == "AWS"
    assert listed_here() == {HOST: "AWS"}
    assert len(aws.calls) == 2


def test_registries_with_a_wrong_rule_are_not_listed(aws: FakeECR, home: Path) -> None:
    send_here(home, HOST, OTHER_ACCOUNT)
    settings(home, "[registry.111122223333]\nregion = 1\n")
    assert listed_here() == {OTHER_ACCOUNT: "AWS"}
    assert len(aws.calls) == 1


# Bounded in time.


def test_tokens_that_arrive_too_late_are_fetched_in_the_background(
    aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_here(home, HOST, OTHER_ACCOUNT, OTHER_REGION)
    monkeypatch.setattr(listing, "LIST_SECONDS", 0)
    aws.gate.clear()
    spawned: list[str] = []
    assert listed_here(spawned=spawned) == {}
    assert spawned == [FETCH_LATE]
    assert listed_here(spawned=spawned) == {}
    assert spawned == [FETCH_LATE]  # only once within a minute
    aws.gate.set()
    assert Helper(os.environ, time.time, print).fetch_late().status == 0
    assert listed_here() == dict.fromkeys((HOST, OTHER_ACCOUNT, OTHER_REGION), "AWS")
    assert len(aws.calls) == 2


def test_a_real_list_ends_in_time_and_its_tokens_follow(aws: FakeECR, home: Path) -> None:
    send_here(home, HOST)
    aws.gate.clear()
    assert listed(seconds=0.1) == {}
    aws.gate.set()
    until(lambda: listed() == {HOST: "AWS"})


def test_registries_that_do_not_respond_do_not_starve_the_others(
    aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [HOST.replace("us-west-2", f"aa-place-{number}") for number in range(9)]
    send_here(home, *silent, HOST)
    aws.gate.clear()
    monkeypatch.setattr(listing, "LIST_SECONDS", 0.3)
    spawned: list[str] = []
    assert listed_here(spawned=spawned) == {}
    assert listed_here(spawned=spawned) == {}
    assert spawned == [FETCH_LATE]  # also for those that were not started
    aws.gate.set()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name.endswith("(work)")])
    requests = len(aws.calls)
    monkeypatch.setattr(listing, "MAX_FETCHES", 1)
    assert Helper(os.environ, time.time, print).fetch_late().status == 0
    assert HOST in listed_here()
    assert aws.calls[requests].region == "us-west-2"  # the background process starts with these


def test_a_registry_whose_token_is_cached_is_listed_also_after_a_failure(aws: FakeECR, home: Path) -> None:
    send_here(home, HOST, OTHER_ACCOUNT)
    aws.faults.append(Fault.aws("AccessDeniedException"))
    assert listed_here() == {}
    run("get", stdin=HOST)
    assert listed_here() == dict.fromkeys((HOST, OTHER_ACCOUNT), "AWS")
    assert len(aws.calls) == 2


def test_a_login_for_a_host_that_is_no_longer_mapped_is_not_listed(home: Path) -> None:
    settings(home, f'[registry."{CUSTOM}"]\nregion = "eu-west-1"\n')
    configure(home, credsStore="ecr-py")
    run("store", stdin=login(CUSTOM))
    assert listed_here() == {CUSTOM: "AWS"}
    (home / ".config/ecr-credhelper/config.toml").unlink()
    assert listed_here() == {}


def test_at_most_eight_tokens_are_fetched_at_once(aws: FakeECR, home: Path) -> None:
    hosts = [HOST.replace("us-west-2", f"eu-place-{number}") for number in range(12)]
    send_here(home, *hosts)
    most, running, lock = 0, 0, threading.Lock()
    respond = aws.respond

    def count(call: Any) -> bytes:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        try:
            return respond(call)
        finally:
            with lock:
                running -= 1

    aws.respond = count  # type: ignore[method-assign] # it counts and hands on
    listed()
    until(lambda: len(aws.calls) == len(hosts))  # the background process fetches the rest
    assert most <= listing.MAX_FETCHES


# No prompts and no programs.


@pytest.fixture
def sts(api: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSTS]:
    with FakeSTS(api.identities) as fake:
        for name, value in {"AWS_ENDPOINT_URL": api.url, **fake.environment}.items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
def person(home: Path, api: FakeECR) -> Path:
    """Configure a profile with MFA and two profiles with a credential process."""
    keys = {"Version": 1, "AccessKeyId": api.access_key, "SecretAccessKey": api.secret_key}
    (home / "keys.json").write_text(json.dumps(keys))
    (home / "program").write_text(f"echo >>{home}/started\ncat {home}/keys.json\n")
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(
        f"[profile keys]\naws_access_key_id = {api.access_key}\naws_secret_access_key = {api.secret_key}\n"
        f"[profile mfa]\nrole_arn = {ROLE}\nsource_profile = keys\nmfa_serial = {MFA}\n"
        f"[profile program]\ncredential_process = /bin/sh {home}/program\n"
        f"[profile role]\nrole_arn = {ROLE}-2\nsource_profile = program\n"
    )
    send_here(home, HOST)
    return home


@posix
@pytest.mark.parametrize("profile", ["mfa", "program", "role"])
def test_registries_that_need_a_prompt_or_a_program_are_not_listed(
    profile: str, person: Path, api: FakeECR, sts: FakeSTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", profile)
    assert listed_here() == {}
    assert not (person / "started").exists()
    assert (api.calls, sts.calls) == ([], [])


@posix
def test_a_role_whose_credentials_are_in_the_clis_cache_counts(
    person: Path, sts: FakeSTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "role")
    run("get", stdin=OTHER_REGION)
    (person / "started").unlink()
    assert listed() == dict.fromkeys((HOST, OTHER_REGION), "AWS")
    assert not (person / "started").exists()
    assert len(sts.calls) == 1


# It never fails.


FALLBACK = """\
#!{python} -I
import subprocess, sys, time
if "{how}" == "hangs":
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    time.sleep(600)
print("{how}")
"""


@posix
@pytest.mark.parametrize("how", ["hangs", "[1]", '{{\\"a\\":'])
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes there are")
def test_a_hanging_or_failing_fallback_is_ended_and_its_logins_are_not_listed(
    how: str, aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = home / "bin/docker-credential-strange"
    program.parent.mkdir()
    program.write_text(FALLBACK.format(python=sys.executable, how=how))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("A_MARK_OF_THIS_TEST", str(home))
    monkeypatch.setattr(listing, "FALLBACK_SECONDS", 0.5)
    settings(home, 'fallback = "strange"\n')
    send_here(home, HOST)
    assert listed_here() == {HOST: "AWS"}
    mark = f"A_MARK_OF_THIS_TEST={home}\0".encode()

    def running() -> list[str]:
        paths = [path for path in Path("/proc").glob("[0-9]*/environ") if mark in _content(path)]
        return [path.parent.name for path in paths if path.parent.name != str(os.getpid())]

    until(lambda: not running())  # killed processes can still be exiting
    assert len(aws.calls) == 1


@posix
def test_a_hanging_fallback_is_ended_even_without_process_groups(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = home / "bin/docker-credential-slow"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable} -I\nimport time\ntime.sleep(600)\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.delattr(os, "killpg")
    monkeypatch.setattr(listing, "FALLBACK_SECONDS", 0.1)
    settings(home, 'fallback = "slow"\n')
    assert listed_here() == {}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.usefixtures("aws")
@given(content=st.binary(max_size=200))
def test_any_configuration_makes_a_list(content: bytes, home: Path) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker/config.json").write_bytes(content)
    settings(home, 'list = "cached"\n')
    assert listed_here() == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["ecr-py", HOST, CUSTOM, "ghcr.io", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["credHelpers", "credsStore", "auths", HOST, CUSTOM, "ghcr.io"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(content=st.dictionaries(st.sampled_from(["credHelpers", "credsStore", "auths"]), JSON))
def test_any_json_makes_a_list(content: dict[str, Any], home: Path) -> None:
    configure(home, **content)
    assert listed_here() == {}  # without AWS credentials


@pytest.mark.parametrize("text", ["no TOML", "deadline = 0\n", "fallback = 1\n", "list = 1\n"])
def test_settings_that_are_wrong_cost_no_cached_login(text: str, aws: FakeECR, home: Path) -> None:
    settings(home, text)
    send_here(home, HOST)
    run("store", stdin=login())
    assert listed() == {HOST: "AWS"}
    assert aws.calls == []


def test_the_own_registry_is_fetched_once(aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    configure(home, credsStore="ecr-py")
    assert listed_here() == {HOST: "AWS"}
    assert listed_here() == {HOST: "AWS"}
    assert len(aws.calls) == 1
