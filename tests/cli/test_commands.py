"""The commands for users: help, password, header, login, cache and status."""

from __future__ import annotations

import base64
import errno
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest

from ecr_credhelper import __main__ as program
from ecr_credhelper import cli
from ecr_credhelper.cache import open_cache
from ecr_credhelper.cli import identities, inventory, password
from ecr_credhelper.console import wording
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from ecr_credhelper.token import Token
from tests import systems
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT, OTHER_REGION, PUBLIC, Result, Run, login, run
from tests.console.test_terminal import Broken, Screen
from tests.doctor_findings import write
from tests.terminals import lines_of, run_in_terminal

THIRD = OTHER_ACCOUNT.replace("us-west-2", "eu-west-1")
SETTINGS = """
[registry.444455556666]
profile = "prod"
[registry."images.example.com"]
region = "eu-west-1"
[registry."*.dkr.ecr.sa-east-1.amazonaws.com"]
profile = "any"
"""


@pytest.fixture(params=["in this process", "as a process"])
def call(
    request: pytest.FixtureRequest,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Return a function that runs a command as a separate process or in this process."""

    def here(*argv: str, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        status = program.main(argv)
        output = capfdbinary.readouterr()
        return Result(status, output.out, output.err)

    return run if request.param == "as a process" else here


def error_of(result: Result) -> str:
    """Return the one-line error of a failed command; check that standard output is empty."""
    assert result.status == 1, result
    assert result.stdout == b""
    line = result.stderr.decode()
    assert line.startswith("docker-credential-ecr-py: ")
    assert line.count("\n") == 1
    return line


def test_wrong_arguments_are_reported_with_a_hint(call: Run) -> None:
    result = call("login", "--tool")
    assert (result.status, result.stdout) == (2, b"")
    why = "argument --tool: expected one argument; run: docker-credential-ecr-py login --help"
    assert result.stderr.decode() == f"docker-credential-ecr-py login: {why}\n"


def test_internal_errors_are_one_line_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> int:
        raise KeyError("a secret")

    monkeypatch.setattr("ecr_credhelper.cli.status.run", fail)
    assert cli.run(["status"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("docker-credential-ecr-py: internal error (KeyError)")
    assert "a secret" not in output.err


LIMITED = """
import resource, sys
from ecr_credhelper import __main__
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = used + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.exit(__main__.main(["get"]))
"""
NO_MEMORY = b"docker-credential-ecr-py: there is not enough memory; raise the memory limit\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_a_memory_limit_is_not_a_bug() -> None:
    """How much memory suffices to load botocore, or to print the error, differs between Pythons."""
    outputs = []
    for kibibytes in (0, 256, 512, 1024, 2048, 4096, 8192):
        command = [sys.executable, "-c", LIMITED, str(kibibytes * 1024)]
        done = subprocess.run(command, input=HOST.encode(), capture_output=True, check=False)
        assert b"Traceback" not in done.stdout
        outputs.append(done.stdout)
    assert NO_MEMORY in outputs


def test_a_broken_pipe_is_not_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(errno.EPIPE))
    assert program.main(["status"]) == 1
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe that breaks so")
def test_a_reader_that_exits_causes_no_traceback() -> None:
    line = f"{shutil.which('sh')} -c '\"$0\" status; echo $? >&2' {EXECUTABLE} | true"
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert b"internal error" not in done.stderr


# -- password and header


@pytest.mark.parametrize("host", [HOST, f"https://{HOST}", f"{HOST}/team/app:1"])
def test_password_prints_only_the_password(call: Run, host: str, aws: FakeECR) -> None:
    result = call("password", host)
    assert (result.status, result.stderr) == (0, b"")
    assert result.stdout.decode() == f"{aws.password('us-west-2', serial=1)}\n"


def test_header_prints_an_authorization_header(call: Run, aws: FakeECR) -> None:
    result = call("header", HOST)
    assert (result.status, result.stderr) == (0, b"")
    basic = base64.b64encode(f"AWS:{aws.password('us-west-2', serial=1)}".encode()).decode()
    assert result.stdout.decode() == f"Authorization: Basic {basic}\n"


@pytest.mark.parametrize("name", ["password", "header"])
def test_a_secret_on_a_terminal_comes_with_a_warning(name: str, aws: FakeECR) -> None:
    session = run_in_terminal(name, HOST)
    assert session.status == 0
    assert lines_of(session.screen)[0].startswith("warning: the "), "progress is cleared"
    assert len(aws.calls) == 1


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("name", ["password", "header"])
def test_the_warning_about_a_secret_goes_to_standard_error(name: str) -> None:
    screen = Screen()
    options = Namespace(command=name, host=HOST, profile=None, role_arn=None, region=None)
    assert password.run(options, screen.terminal) == 0
    assert len(screen.stdout.getvalue().splitlines()) == 1
    assert lines_of(screen.stderr.getvalue())[0].startswith("warning: ")


def test_commands_and_docker_share_the_cache(call: Run, aws: FakeECR) -> None:
    password = call("password", HOST).stdout.decode().strip()
    assert call("get", stdin=HOST).reply["Secret"] == password
    call("header", OTHER_ACCOUNT)
    assert len(aws.calls) == 1


def test_profile_option_selects_the_profile(call: Run, aws: FakeECR, home: Path) -> None:
    write(home / ".aws/credentials", "[dev]\naws_access_key_id = AKIADEV\naws_secret_access_key = of-dev\n")
    aws.identities["AKIADEV"] = "of-dev"
    assert call("password", HOST, "--profile", "dev").status == 0
    assert [call.access_key for call in aws.calls] == ["AKIADEV"]


@pytest.mark.parametrize("name", ["password", "header"])
def test_failures_are_reported_only_on_standard_error(call: Run, name: str, aws: FakeECR) -> None:
    aws.faults.append(Fault.aws("AccessDeniedException"))
    assert "AWS denies GetAuthorizationToken" in error_of(call(name, HOST))
    assert "not an Amazon ECR registry" in error_of(call(name, "ghcr.io"))


# -- login

RECORDER = """#!{python}
import json, os, sys
with open(os.path.join(os.path.dirname(__file__), "calls"), "a") as file:
    secrets = [value for value in os.environ.values() if len(value) > 100 and value.endswith("=")]
    print(json.dumps([sys.argv, sys.stdin.read(), secrets]), file=file)
sys.exit("444455556666" in sys.argv[-1])
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put clients on PATH that record their calls and reject one registry."""
    for name in ("docker", "helm"):
        write(tmp_path / name, RECORDER.format(python=sys.executable))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@systems.scripts
def test_login_passes_the_password_only_on_standard_input(call: Run, aws: FakeECR, tools: Path) -> None:
    result = call("login", HOST, f"{OTHER_REGION}/app")
    assert (result.status, result.stderr) == (0, b"")
    lines = result.stdout.decode().splitlines()
    assert [line.partition(":")[0] for line in lines] == [HOST, OTHER_REGION]
    calls = [json.loads(line) for line in (tools / "calls").read_text().splitlines()]
    for (argv, typed, secrets), region, host in zip(
        calls, ("us-west-2", "eu-central-1"), (HOST, OTHER_REGION), strict=True
    ):
        assert argv[1:] == ["login", "--username", "AWS", "--password-stdin", host]
        assert typed in {aws.password(region, serial=serial) for serial in (1, 2)}
        assert not secrets


@systems.scripts
@pytest.mark.usefixtures("aws")
def test_login_uses_the_syntax_of_the_selected_client(call: Run, tools: Path) -> None:
    assert call("login", HOST, "--tool", "helm").status == 0
    assert json.loads((tools / "calls").read_text())[0][1:3] == ["registry", "login"]


@pytest.mark.usefixtures("aws", "tools")
@systems.scripts
def test_login_reports_a_stored_login_that_overrides_the_identity(call: Run, home: Path) -> None:
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text(json.dumps({"credsStore": "ecr-py"}))
    stored = json.dumps({"ServerURL": HOST, "Username": "AWS", "Secret": "a-password"})
    assert run("store", stdin=stored).status == 0
    _, until, remedy = call("login", HOST).stdout.decode().splitlines()
    assert re.fullmatch(r"Until 2\d{3}-.*, a stored docker login overrides your AWS identity\.", until)
    assert remedy == f"To remove it, run: docker-credential-ecr-py cache clear {HOST}"
    run("cache", "clear", HOST)
    assert len(call("login", HOST).stdout.splitlines()) == 1


@systems.scripts
@pytest.mark.parametrize("config", [{"credHelpers": {HOST: "ecr-py"}}, {"credsStore": "ecr-py"}])
def test_login_stores_nothing_if_docker_already_uses_this_helper(
    config: dict[str, object], call: Run, aws: FakeECR, tools: Path, home: Path
) -> None:
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text(json.dumps(config))
    for _ in range(2):
        result = call("login", HOST)
        assert (result.status, result.stderr) == (0, b"")
        assert result.stdout.decode().startswith(f"{HOST}: Docker already uses this helper")
    assert not (tools / "calls").exists()
    assert len(aws.calls) == 1
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(
        f"[prod]\naws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
    )
    first, second, third = call("login", "--profile", "prod", HOST).stdout.decode().splitlines()
    assert first.startswith(f"{HOST}: logged in until 2")
    assert f"overrides your AWS identity (key {aws.access_key}) for this registry" in second
    assert third == f"To remove it, run: docker-credential-ecr-py cache clear {HOST}"
    assert json.loads((tools / "calls").read_text())[1] == aws.password("us-west-2", serial=2)


@pytest.mark.usefixtures("aws")
def test_status_shows_a_stored_login_and_how_to_remove_it(call: Run) -> None:
    call("store", stdin=login())
    shown = call("status").stdout.decode()
    assert re.search(f"{HOST}: a stored docker login overrides your AWS identity for 1[12] h", shown)
    assert f"to remove it, run: docker-credential-ecr-py cache clear {HOST}" in shown


@pytest.mark.parametrize(
    ("name", "content", "warns"),
    [
        ("role.json", {"Credentials": {"Expiration": "2099-01-01T00:00:00UTC"}}, True),
        ("sso.json", {"Credentials": {"Expiration": "2099-01-01T00:00:00Z"}}, True),
        ("old.json", {"Credentials": {"Expiration": "2020-01-01T00:00:00Z"}}, False),
        ("odd.json", {"Credentials": {"Expiration": 1}}, False),
        ("list.json", [], False),
        ("other.txt", {"Credentials": {"Expiration": "2099-01-01T00:00:00Z"}}, False),
    ],
)
@pytest.mark.parametrize("host", [(), (HOST,)])
def test_cache_clear_warns_of_credentials_in_the_aws_cli_cache(
    name: str, content: object, warns: bool, host: tuple[str, ...], call: Run, home: Path
) -> None:
    (home / ".aws/cli/cache").mkdir(parents=True)
    (home / ".aws/cli/cache" / name).write_text(json.dumps(content))
    result = call("cache", "clear", *host)
    assert result.status == 0
    assert ("~/.aws/cli/cache still has temporary AWS credentials (1)" in result.stderr.decode()) == warns
    assert ("aws sso logout" in result.stderr.decode()) == warns


@pytest.mark.usefixtures("aws")
def test_paths_that_look_like_python_literals_break_no_command(
    call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("(x)", "('a', 'b')", "a\tb=c"):
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / name))
        monkeypatch.setenv("AWS_ROLE_SESSION_NAME", name)
        call("get", stdin=HOST)
        assert HOST in call("cache").stdout.decode()
        assert HOST in call("status").stdout.decode()


@systems.scripts
@pytest.mark.usefixtures("aws", "tools")
def test_login_continues_after_a_registry_that_fails(call: Run) -> None:
    result = call("login", OTHER_ACCOUNT, HOST)
    assert result.status == 1
    assert [line.split(":")[:2] for line in result.stderr.decode().splitlines()] == [
        ["docker-credential-ecr-py", f" {OTHER_ACCOUNT}"],
    ]
    assert result.stdout.decode().startswith(f"{HOST}: logged in until 2")


@systems.scripts
@pytest.mark.usefixtures("aws")
def test_login_uses_the_host_that_clients_look_up_without_duplicates(call: Run, tools: Path) -> None:
    result = call("login", f"{HOST}:443", f"https://{HOST}:443/app", HOST)
    assert [line.rpartition(": ")[0] for line in result.stdout.decode().splitlines()] == [f"{HOST}:443", HOST]
    calls = [json.loads(line) for line in (tools / "calls").read_text().splitlines()]
    assert [argv[-1] for argv, *_ in calls] == [f"{HOST}:443", HOST]


@systems.scripts
@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(("content", "output"), [
    ("no program", "docker cannot be started (Exec format error)"),
    ("#!/bin/sh\nkill -9 $$\n", "docker login failed (killed by signal 9)"),
    ("#!/bin/sh\nexit 3\n", "docker login failed (exit status 3)"),
])  # fmt: skip
def test_a_failing_client_is_reported_for_each_registry(
    call: Run, tools: Path, content: str, output: str
) -> None:
    (tools / "docker").write_text(content)
    result = call("login", HOST, OTHER_REGION)
    assert (result.status, result.stdout) == (1, b"")
    lines = (f"docker-credential-ecr-py: {host}: {output}" for host in (HOST, OTHER_REGION))
    assert result.stderr.decode().splitlines() == [*lines]


@pytest.mark.usefixtures("tools")
def test_a_missing_client_is_reported_before_calling_aws(call: Run, aws: FakeECR) -> None:
    assert "oras: is not on PATH" in error_of(call("login", HOST, "--tool", "oras"))
    assert not aws.calls


# -- cache


@pytest.mark.usefixtures("aws")
def test_cache_lists_entries_and_identities_without_secrets(call: Run, home: Path) -> None:
    call("get", stdin=HOST)
    call("store", stdin=login(OTHER_ACCOUNT, secret="a-stored-password"))
    call("store", stdin=login(PUBLIC))
    write(home / ".config/ecr-credhelper/config.toml", SETTINGS)
    call("store", stdin=login("images.example.com"))
    result = call("cache")
    text = result.stdout.decode()
    rows = {line.split()[0]: line for line in text.splitlines()[1:]}
    assert set(rows) == {HOST, OTHER_ACCOUNT, PUBLIC, "images.example.com"}
    assert "  key AKIAFAKEFAKEFAKEFAKE  11 h 59 min  other identity" in rows[HOST]
    assert "docker login" in rows[OTHER_ACCOUNT]
    assert "a-stored-password" not in text
    assert rows[HOST] == call("cache", "show", HOST).stdout.decode().splitlines()[1]
    assert call("cache", "show", HOST) == call("cache", HOST)


def test_tokens_with_equal_columns_are_listed_once(
    call: Run, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "three"):
        monkeypatch.setenv("AWS_ROLE_SESSION_NAME", name)
        call("get", stdin=HOST)
    assert len(aws.calls) == 3
    output = call("cache").stdout.decode().splitlines()[1:]
    assert sorted(line.endswith("other identity") for line in output) == [False, True]


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (["frob"], "unknown action 'frob'; use show or clear, or specify a registry host"),
        (["clr"], "unknown action 'clr'; did you mean clear?"),
        (["claer", HOST], "unknown action 'claer'; did you mean clear?"),
        (["list"], "unknown action 'list'; did you mean show?"),
        (["prune"], "unknown action 'prune'; did you mean clear?"),
        ([HOST, "clear"], f"unknown action '{HOST}'; use show or clear, or specify a registry host"),
        (["clear", "--json"], "clear has no --json; run: docker-credential-ecr-py cache clear"),
    ],
)
def test_an_unknown_cache_action_is_a_usage_error(call: Run, argv: list[str], error: str) -> None:
    line = f"docker-credential-ecr-py cache: {error}\n".encode()
    assert call("cache", *argv) == Result(2, b"", line)


@pytest.mark.parametrize("host", [HOST, f"{HOST}/app:1", f"https://{HOST}/", "custom", "localhost:5000"])
def test_cache_accepts_a_registry_in_place_of_an_action(call: Run, home: Path, host: str) -> None:
    rules = '[registry.custom]\nregion = "us-west-2"\n[registry."localhost:5000"]\nregion = "us-west-2"\n'
    write(home / ".config/ecr-credhelper/config.toml", rules)
    result = call("cache", host)
    assert (result.status, result.stdout[:20]) == (0, b"No cached tokens for")
    assert "ghcr.io: not an Amazon ECR registry" in error_of(call("cache", "ghcr.io"))


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("host", [(), (HOST,)])
def test_cache_clear_fails_if_an_entry_cannot_be_removed(
    host: tuple[str, ...],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    def denied(_: str) -> None:
        raise PermissionError

    run("get", stdin=HOST)
    monkeypatch.setattr("os.unlink", denied)
    status = program.main(["cache", "clear", *host])
    line = error_of(Result(status, *capfdbinary.readouterr()))
    cache = home / ".cache/ecr-credhelper"
    assert f"{cache}: its entries cannot be removed; check its owner and mode" in line


@systems.owners
def test_cache_clear_does_not_touch_a_directory_that_is_not_private(call: Run, home: Path) -> None:
    (home / ".cache/ecr-credhelper").mkdir(parents=True, mode=0o755)
    assert "cannot be removed" in error_of(call("cache", "clear"))


@pytest.mark.usefixtures("aws")
def test_cache_clear_removes_tokens_and_keeps_stored_logins(call: Run) -> None:
    call("get", stdin=HOST)
    call("store", stdin=login(OTHER_ACCOUNT))
    output = call("cache", "clear").stdout.decode()
    assert f"cache clear {OTHER_ACCOUNT}" in output
    assert set(json.loads(call("list").stdout)) == {OTHER_ACCOUNT}


@pytest.mark.usefixtures("aws")
def test_cache_clear_names_the_registries_that_share_the_token(call: Run) -> None:
    assert call("cache", "clear", HOST).stdout.decode() == f"No cached logins for {HOST}.\n"
    hosts = [HOST, OTHER_ACCOUNT, *(f"{number:012}{HOST[12:]}" for number in range(3))]
    for number in (2, 5):
        for host in hosts[:number]:
            call("get", stdin=host)
        names = OTHER_ACCOUNT if number == 2 else "4 other registries"
        assert call("cache", "clear", HOST).stdout.decode() == (
            f"Removed all cached logins for {HOST}.\nThe token was also used for {names}.\n"
        )


@pytest.mark.usefixtures("aws")
def test_cache_says_that_a_stored_login_overrides_a_token(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    call("get", stdin=HOST)
    call("store", stdin=login(HOST))
    text = call("cache").stdout.decode()
    assert text.count("overridden by docker login") == 1
    assert "other identity" not in text
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    assert call("cache").stdout.decode().count("other identity") == 1


def test_cache_clear_of_one_registry_keeps_the_others(call: Run, aws: FakeECR) -> None:
    for host in (HOST, OTHER_REGION):
        call("get", stdin=host)
    call("store", stdin=login(HOST))
    assert (
        call("cache", "clear", f"https://{HOST}/").stdout.decode()
        == f"Removed all cached logins for {HOST}.\n"
    )
    assert set(json.loads(call("list").stdout)) == {OTHER_REGION}
    assert call("cache", "show", HOST).stdout.decode().startswith(f"No cached tokens for {HOST} in ")
    assert len(aws.calls) == 2


@pytest.mark.usefixtures("aws")
def test_cache_shows_the_region_of_custom_hosts(call: Run, home: Path) -> None:
    rules = '[registry."a.example.com"]\nregion = "us-west-2"\n[registry."b.example.com"]\npublic = true\n'
    write(home / ".config/ecr-credhelper/config.toml", rules)
    for host in ("a.example.com", "b.example.com"):
        call("get", stdin=host)
    entries = json.loads(call("cache", "--json").stdout)["entries"]
    rows = [(entry["host"], entry["region"]) for entry in entries]
    assert rows == [("a.example.com", "us-west-2"), ("b.example.com", "us-east-1")]


def test_an_empty_cache_and_a_disabled_cache_are_reported(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("cache").stdout.decode().startswith("No cached tokens in ")
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    assert call("cache").stdout.decode().startswith("No cache: ")


def test_cache_clear_rejects_other_registries(call: Run) -> None:
    assert "ghcr.io: not an Amazon ECR registry; for a custom host" in error_of(
        call("cache", "clear", "ghcr.io")
    )


@pytest.mark.parametrize(("profile", "role", "environ", "words"), [
    ("", "", {}, "default"),
    ("", "", {"AWS_PROFILE": "p", "AWS_ACCESS_KEY_ID": "AKIA"}, "key AKIA"),
    ("", "", {"AWS_PROFILE": "p", "AWS_DEFAULT_PROFILE": "d"}, "profile d"),
    ("dev", "", {"AWS_ACCESS_KEY_ID": "AKIA"}, "profile dev"),
    ("", "", {"AWS_PROFILE": "p"}, "profile p"),
    ("", "", {"AWS_DEFAULT_PROFILE": "p"}, "profile p"),
    ("", "arn:r", {}, "arn:r"),
    ("dev", "arn:r", {}, "arn:r, from profile dev"),
    ("", "", {"AWS_ROLE_ARN": "arn:w"}, "default"),
    ("", "", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/t"}, "default"),
    ("", "", {"AWS_ROLE_ARN": "arn:w", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t"}, "web identity role arn:w"),
    ("", "arn:r", {"AWS_ROLE_ARN": "arn:w", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t"},
     "arn:r, from web identity role arn:w"),
    ("", "", {"AWS_ROLE_ARN": "arn:w", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ACCESS_KEY_ID": "AKIA"},
     "key AKIA"),
    ("", "", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://x"}, "container role"),
])  # fmt: skip
def test_identities_are_described_in_order_of_precedence(
    profile: str, role: str, environ: dict[str, str], words: str
) -> None:
    assert identities.describe_identity(profile, role, environ) == words


def test_the_identity_of_a_token_is_read_from_its_key(aws: FakeECR, home: Path) -> None:
    import boto3

    from ecr_credhelper import get_credentials

    write(home / ".aws/config", "[profile prod]\naws_access_key_id = AKIAPROD\naws_secret_access_key = s\n")
    aws.identities["AKIAPROD"] = "s"
    get_credentials(HOST, profile="prod")
    get_credentials(HOST, session=boto3.Session(profile_name="prod"))
    found = inventory.entries(open_cache(os.environ), fingerprint(os.environ).full, time.time())
    assert {entry.identity for entry in found} == {"profile prod", "boto3 session, key AKIAPROD"}
    assert not any(entry.is_current for entry in found)


def test_expired_tokens_are_not_listed(aws: FakeECR) -> None:
    run("get", stdin=HOST)
    cache, route = open_cache(os.environ), fingerprint(os.environ).full
    assert len(inventory.entries(cache, route, time.time())) == len(aws.calls) == 1
    assert not inventory.entries(cache, route, time.time() + 13 * 3600)


def test_registries_that_share_a_token_are_all_listed(aws: FakeECR) -> None:
    for host in (HOST, OTHER_ACCOUNT):
        run("get", stdin=host)
    cache, mine = open_cache(os.environ), fingerprint(os.environ).full
    for only_current in (True, False):
        found = inventory.entries(cache, mine, time.time(), only_current=only_current)
        assert [entry.host for entry in found if entry.is_current] == [HOST, OTHER_ACCOUNT]
    assert not inventory.entries(cache, "another identity", time.time(), only_current=True)
    assert len(aws.calls) == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(59, "0 min"), (3599, "59 min"), (43140, "11 h 59 min"), (3660, "1 h 01 min")]
)
def test_durations_are_formatted_in_hours_and_minutes(seconds: float, text: str) -> None:
    assert wording.format_duration(seconds) == text


# -- status


def rows_of(result: Result) -> dict[str, list[str]]:
    """Return host -> cells of the table of status."""
    lines = result.stdout.decode().split("\n\n")[1].splitlines()[1:]
    return {
        line.split()[0]: [cell.strip() for cell in line.split("  ") if cell.strip()][1:] for line in lines
    }


def test_status_without_any_configuration_shows_how_to_start(call: Run, home: Path) -> None:
    text = call("status").stdout.decode()
    assert f"{home / '.docker/config.json'} (not found)" in text
    assert text.endswith("No registries configured yet. Run: docker-credential-ecr-py configure\n")


def test_status_lists_everything_without_calling_aws(call: Run, aws: FakeECR, home: Path) -> None:
    helpers = {HOST: "ecr-py", OTHER_ACCOUNT: "ecr-py", THIRD: "ecr-py", OTHER_REGION: "pass"}
    write(home / ".docker/config.json", json.dumps({"credHelpers": helpers, "credsStore": "desktop"}))
    write(home / ".config/ecr-credhelper/config.toml", SETTINGS)
    call("get", stdin=HOST)
    call("store", stdin=login(OTHER_ACCOUNT))
    calls = len(aws.calls)
    result = call("status")
    assert (result.status, result.stderr) == (0, b"")
    assert "config.json, 3 registries, credsStore desktop\n" in result.stdout.decode()
    assert rows_of(result) == {
        HOST: ["key AKIAFAKEFAKEFAKEFAKE", "11 h 59 min", "Docker"],
        OTHER_ACCOUNT: ["docker login", "11 h 59 min", "Docker"],
        THIRD: ["profile prod", "none", "Docker"],
        "images.example.com": ["key AKIAFAKEFAKEFAKEFAKE", "none", "Docker uses desktop"],
    }
    assert len(aws.calls) == calls


def test_status_shows_other_helpers_and_the_creds_store(call: Run, home: Path, aws: FakeECR) -> None:
    write(home / ".docker/config.json", json.dumps({"credHelpers": {HOST: "pass"}, "credsStore": "ecr-py"}))
    for host in (HOST, PUBLIC):
        call("get", stdin=host)
    rows = rows_of(call("status"))
    assert (rows[HOST][-1], rows[PUBLIC][-1]) == ("Docker uses pass", "Docker")
    assert len(aws.calls) == 2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("oops", b"line 1: not valid TOML: "),
        ("[registry.111122223333]\nprofil = 1\n", b"did you mean profile?"),
    ],
)
def test_status_reports_invalid_settings(call: Run, text: str, error: bytes, home: Path) -> None:
    write(home / ".docker/config.json", json.dumps({"credHelpers": {HOST: "ecr-py", OTHER_REGION: "ecr-py"}}))
    write(home / ".config/ecr-credhelper/config.toml", text)
    result = call("status")
    assert rows_of(result)[HOST] == ["?", "none"]
    assert (result.status, result.stderr, result.stdout.count(b"config.toml: ")) == (1, b"", 1)
    assert error in result.stdout


def test_status_reports_an_invalid_global_setting(call: Run, home: Path) -> None:
    write(home / ".docker/config.json", '{"credsStore": "ecr-py"}')
    result = call("status")
    assert (result.status, result.stdout.decode().rstrip().endswith("(not found)")) == (0, False)
    assert b"No registries configured" not in result.stdout
    write(home / ".config/ecr-credhelper/config.toml", 'fallbak = "pass"\n')
    result = call("status")
    assert (result.status, b"did you mean fallback?" in result.stdout) == (1, True)


def test_status_reports_an_unreadable_docker_configuration(call: Run, home: Path) -> None:
    write(home / ".docker/config.json", "{")
    result = call("status")
    problem = "is not valid: Expecting property name enclosed in double quotes, line 1"
    assert result.stdout.decode().endswith(f"✗ {home / '.docker/config.json'}: {problem}\n  correct it\n")
    assert (result.status, result.stderr) == (1, b"")
    assert b"No registries configured" not in result.stdout
    write(home / ".docker/config.json", " \n")
    assert call("status").status == 0


@systems.terminals
def test_texts_from_files_cannot_control_the_terminal(home: Path) -> None:
    helpers = {HOST: "ecr-py", OTHER_ACCOUNT: "x\x1b[2J", f"\x1b]0;t\x07{OTHER_REGION}": "ecr-py"}
    write(home / ".docker/config.json", json.dumps({"credHelpers": helpers, "credsStore": "\x1b[2J"}))
    write(home / ".config/ecr-credhelper/config.toml", f'[registry."{OTHER_ACCOUNT}"]\nprofile = "p"\n')
    seen = run_in_terminal("status").screen
    assert "Docker uses x [2J" in seen
    assert re.sub(r"\x1b\[(0|1|33)m", "", seen).replace("\n", "").isprintable()


def test_status_uses_colour_only_on_a_terminal_without_no_color(call: Run, home: Path) -> None:
    write(home / ".docker/config.json", json.dumps({"credHelpers": {HOST: "ecr-py"}}))
    assert "\x1b[1m" in run_in_terminal("status").screen
    assert "\x1b" not in run_in_terminal("status", env={"NO_COLOR": "1"}).screen
    assert b"\x1b" not in call("status").stdout


def test_printing_an_entry_shows_no_password() -> None:
    token = Token("AWS", "a-password", fetched_at=0, expires_at=1)
    assert "a-password" not in repr(inventory.Entry(HOST, "us-west-2", "default", token, is_current=True))
