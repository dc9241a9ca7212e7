"""``login``, ``password``, ``header`` and ``doctor`` with every form of a registry, or with none."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import pytest

from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests import systems
from tests.cli.test_commands import RECORDER, error_of
from tests.commands import SUFFIX
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION, PUBLIC, Run, run
from tests.docker_files import write, write_settings

ARN = "arn:aws:ecr:us-west-2:111122223333:repository/team/app"
ACCOUNT = "111122223333"
PROFILES = """
[profile dev]
region = eu-central-1
aws_access_key_id = AKIADEV
aws_secret_access_key = of-dev
"""
PROG = "docker-credential-ecr-py"
OWN = f"Using the registry of your AWS account: {HOST}\n"

posix = systems.scripts


@pytest.fixture
def call(ask: Run) -> Run:
    return ask


@pytest.fixture
def logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a docker on PATH that records its calls; return the path of the record."""
    file = write(tmp_path / "bin/docker", RECORDER.format(python=sys.executable))
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(file.parent))
    return file.parent / "calls"


@pytest.fixture
def dev(aws: FakeECR, home: Path) -> FakeECR:
    """Add the profile ``dev``, which has a region."""
    write(home / ".aws/config", PROFILES)
    aws.identities["AKIADEV"] = "of-dev"
    return aws


def hosts_of(logins: Path) -> list[str]:
    return [json.loads(line)[0][-1] for line in logins.read_text().splitlines()]


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("argv", [
    [HOST], [f"https://{HOST}/v2/"], [f"{HOST}/team/app:1"], [ARN], [ACCOUNT, "--region", "us-west-2"],
    ["1111-2222-3333", "--region", "us-west-2"],
])  # fmt: skip
def test_password_accepts_every_form_of_a_registry(call: Run, argv: list[str], aws: FakeECR) -> None:
    result = call("password", *argv)
    assert (result.status, result.stderr) == (0, b"")
    assert result.stdout.decode() == f"{aws.password('us-west-2', serial=1)}\n"


def test_without_a_registry_that_of_the_account_is_used(
    call: Run, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    for _ in range(2):
        result = call("password")
        assert (result.status, result.stderr.decode()) == (0, OWN)
        assert result.stdout.decode() == f"{aws.password('us-west-2', serial=1)}\n"
    header = call("header").stdout.decode().split()[-1]
    assert base64.b64decode(header).decode() == f"AWS:{aws.password('us-west-2', serial=1)}"
    assert len(aws.calls) == 1
    assert call("get", stdin=HOST).reply["Secret"] == aws.password("us-west-2", serial=1)
    assert json.loads(call("list").stdout) == {HOST: "AWS"}
    assert len(aws.calls) == 1


def test_a_token_from_a_pull_is_used_without_a_registry(call: Run, aws: FakeECR) -> None:
    call("get", stdin=HOST)
    assert call("password", "--region", "us-west-2").status == 0
    assert len(aws.calls) == 1


def test_without_a_region_the_error_names_the_option(call: Run, aws: FakeECR) -> None:
    assert "no region is configured; use --region" in error_of(call("password"))
    assert f"{ACCOUNT}: no region is configured; use --region" in error_of(call("password", ACCOUNT))
    assert not aws.calls


@pytest.mark.parametrize("argv", [[], [ACCOUNT]])
@pytest.mark.parametrize("command", ["login", "password", "header"])
@pytest.mark.parametrize("is_variable", [False, True])
def test_a_misspelled_profile_is_the_error(
    call: Run,
    command: str,
    argv: list[str],
    *,
    is_variable: bool,
    home: Path,
    aws: FakeECR,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = write(home / f"bin/docker{SUFFIX}", "")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", str(client.parent))
    write(home / ".aws/config", "[profile dev]\nregion = us-west-2\n")
    if is_variable:
        monkeypatch.setenv("AWS_PROFILE", "devv")
    else:
        argv = [*argv, "--profile", "devv"]
    error = error_of(call(command, *argv))
    assert error.endswith(": AWS profile 'devv' does not exist; did you mean dev?\n")
    assert not aws.calls


def test_an_automatic_profile_is_not_a_missing_one(call: Run) -> None:
    assert f"{ACCOUNT}: no region is configured" in error_of(call("password", ACCOUNT, "--profile", "auto"))


@pytest.mark.parametrize("argv", [[], [ACCOUNT]])
def test_a_misspelled_region_is_an_error_before_calling_aws(call: Run, argv: list[str], aws: FakeECR) -> None:
    error = error_of(call("password", *argv, "--region", "us-wset-2"))
    assert error.endswith(": us-wset-2 is not a known region; did you mean us-west-2?\n")
    assert not aws.calls


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("argv", [[], [ACCOUNT], [HOST.replace("us-west-2", "us-west-9")]])
def test_a_region_that_can_be_new_is_a_warning(call: Run, argv: list[str]) -> None:
    result = call("password", *argv, "--region", "us-west-9")
    assert result.status == 0
    assert result.stderr.decode().splitlines()[0] == "warning: us-west-9 is not a known region"


def test_an_error_without_a_registry_has_no_subject(call: Run, aws: FakeECR) -> None:
    aws.faults.append(Fault.aws("AccessDeniedException"))
    error = error_of(call("password", "--region", "us-west-2"))
    assert error.startswith("docker-credential-ecr-py: AWS denies GetAuthorizationToken; ")


def test_the_profile_of_a_rule_selects_the_region_of_an_account(call: Run, dev: FakeECR, home: Path) -> None:
    write_settings(home, f'[registry.{ACCOUNT}]\nprofile = "dev"\n')
    assert call("password", ACCOUNT).status == 0
    assert [(one.access_key, one.region) for one in dev.calls] == [("AKIADEV", "eu-central-1")]


# -- login


@posix
def test_profile_region_and_account_replace_a_login_script(call: Run, dev: FakeECR, logins: Path) -> None:
    result = call("login", "--profile", "dev", "--region", "us-west-2", ACCOUNT, "444455556667")
    assert (result.status, result.stderr) == (0, b"")
    assert hosts_of(logins) == [HOST, OTHER_ACCOUNT.replace("6666", "6667")]
    assert [one.access_key for one in dev.calls] == ["AKIADEV"]
    assert call("login", "--profile", "dev", ACCOUNT).status == 0
    assert hosts_of(logins)[2:] == [OTHER_REGION]


@posix
@pytest.mark.usefixtures("aws")
def test_login_without_a_registry_uses_that_of_the_account(call: Run, logins: Path) -> None:
    result = call("login", "--region", "us-west-2")
    assert (result.status, result.stderr.decode()) == (0, OWN)
    assert result.stdout.decode().startswith(f"{HOST}: logged in until 2")
    assert hosts_of(logins) == [HOST]


@posix
@pytest.mark.usefixtures("aws")
def test_login_checks_all_registries_before_the_first_login(call: Run, logins: Path, aws: FakeECR) -> None:
    arguments = [ARN, f"{HOST}:443/app", PUBLIC, HOST]
    result = call("login", *arguments, "11112222333", "ghcr.io")
    first, second = result.stderr.decode().splitlines()
    assert first == f"{PROG}: 11112222333 has 11 digits; an AWS account ID has 12"
    assert second.startswith(f"{PROG}: ghcr.io: not an Amazon ECR registry")
    assert (result.status, result.stdout, logins.exists(), aws.calls) == (1, b"", False, [])
    assert call("login", *arguments).status == 0
    assert hosts_of(logins) == [HOST, f"{HOST}:443", PUBLIC]


@posix
@pytest.mark.usefixtures("logins")
@pytest.mark.parametrize("command", ["login", "password", "header"])
@pytest.mark.parametrize("profile", ["auto", "auto:*-dev"])
def test_auto_needs_a_registry(command: str, profile: str, call: Run, aws: FakeECR) -> None:
    error = error_of(call(command, "--profile", profile, "--region", "us-west-2"))
    hint = "name a registry, or another profile"
    assert error == f'{PROG}: profile "{profile}" needs the account of a registry; {hint}\n'
    assert not aws.calls


@pytest.mark.parametrize("argument", ["", " "])
@pytest.mark.parametrize("command", [
    ["login"], ["password"], ["header"], ["auth"], ["doctor"], ["configure"], ["unconfigure"], ["cache"],
    ["cache", "clear"],
], ids=" ".join)  # fmt: skip
def test_an_empty_registry_is_a_usage_error(command: list[str], argument: str, call: Run) -> None:
    result = call(*command, argument)
    assert (result.status, result.stdout) == (2, b"")
    assert ": no registry given; run: " in result.stderr.decode()


# -- doctor


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("argv", [[ARN], [f"{ACCOUNT}/team/app", "--region", "us-west-2"]])
def test_doctor_accepts_arns_and_account_ids(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    content = json.loads(run("doctor", *argv, "--json").stdout)
    assert (content["host"], content["registry"]["account"]) == (HOST, ACCOUNT)


@pytest.mark.parametrize(("argv", "error"), [
    (["11112222333.dkr.ecr.us-west-2.amazonaws.com"], "11112222333 has 11 digits; an AWS account ID has 12"),
    ([HOST.replace("west", "wset")], "us-wset-2 is not a known region; did you mean us-west-2?"),
    ([ACCOUNT], f"{ACCOUNT}: no region is configured; use --region"),
])  # fmt: skip
def test_doctor_reports_a_misspelled_registry_at_once(call: Run, argv: list[str], error: str) -> None:
    assert error in error_of(call("doctor", *argv))


def test_doctor_warns_of_a_region_that_can_be_new() -> None:
    result = run("doctor", HOST.replace("us-west-2", "us-west-9"))
    assert result.stderr.decode().startswith("warning: us-west-9 is not a known region\n")


# -- options


@pytest.mark.parametrize(("argv", "error"), [
    (["--role-arn", "foo"], 'argument --role-arn: found "foo", expected a role ARN: "arn:aws:iam::1111'),
    (["--profile", ""], 'argument --profile: found "", expected the name of an AWS profile'),
    (["--region", "us-west2"], 'argument --region: found "us-west2", expected a region such as'),
])  # fmt: skip
@pytest.mark.parametrize("command", ["login", "password", "header", "auth", "doctor"])
def test_a_wrong_value_of_an_option_is_a_usage_error(
    call: Run, command: str, argv: list[str], error: str
) -> None:
    result = call(command, HOST, *argv)
    assert (result.status, result.stdout) == (2, b"")
    assert result.stderr.decode().startswith(f"docker-credential-ecr-py {command}: {error}")
    assert result.stderr.decode().endswith(f"; run: docker-credential-ecr-py {command} --help\n")
    assert result.stderr.count(b"\n") == 1


def test_configure_warns_of_a_region_that_can_be_new(call: Run) -> None:
    result = call("configure", ACCOUNT, "--region", "us-west-9", "--dry-run")
    assert result.stderr.decode().startswith("warning: us-west-9 is not a known region\n")
