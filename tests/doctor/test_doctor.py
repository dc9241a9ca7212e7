"""The ``doctor`` command: findings as JSON, as a process, on a terminal, and without secrets."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from botocore.session import Session

from ecr_credhelper import cli
from ecr_credhelper.cli.doctor import CHECKS
from ecr_credhelper.doctor import Context, Finding, aws
from ecr_credhelper.settings.rules import IdentityOverride
from tests import systems
from tests.commands import with_limit
from tests.conftest import run
from tests.doctor_findings import Doctor, settings, write
from tests.terminals import run_in_terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ecr_credhelper.testing.fake_ecr import FakeECR
    from tests.fake_registry import FakeRegistry

pytest_plugins = ("tests.doctor_fixtures",)

ALL = [
    "executable", "path", "docker", "settings", "cache", "tls",
    "credentials", "credentials", "identity", "token", "clock", "registry", "network", "pull",
]  # fmt: skip


def test_all_checks_succeed(well: str, doctor: Doctor) -> None:
    found = doctor(well)
    assert found.content["findings"] == [{**one, "result": "ok"} for one in found.content["findings"]]
    assert [one["check"] for one in found.content["findings"]] == ALL
    assert found.status == 0
    assert {name: value for name, value in found.content.items() if name != "findings"} == {
        "version": 1,
        "host": well,
        "registry": {
            "account": "111122223333",
            "region": "us-west-2",
            "partition": "",
            "fips": False,
            "dualstack": False,
            "public": False,
        },
        "failures": 0,
        "warnings": 0,
    }
    assert found.findings("credentials")[0][1] == "environment variables (AWS_ACCESS_KEY_ID)"
    assert found.finding("identity")[1] == "arn:aws:iam::111122223333:user/me"
    assert found.finding("token")[1].startswith("new, valid for 1")
    assert found.finding("pull")[1] == "login accepted"
    assert doctor(well).finding("token")[1].startswith("cached 0 min ago, valid for 1")


def test_doctor_without_a_host_checks_only_this_machine(well: str, doctor: Doctor) -> None:
    found = doctor()
    assert found.status == 0
    assert (found.content["host"], found.content["registry"]) == (None, None)
    checks = ["executable", "path", "docker", "settings", "cache", "tls", "credentials", "identity", "clock"]
    assert [one["check"] for one in found.content["findings"]] == checks
    assert found.finding("docker")[1].endswith(f"config.json for: {well}")


def test_doctor_shows_no_secret(well: str, aws: FakeECR, registry: FakeRegistry) -> None:
    password = aws.password("us-west-2", serial=1)
    denial = (
        f"User: arn:aws:iam::111122223333:user/me is not authorized to perform: ecr:BatchGetImage {password}"
    )
    registry.images["/v2/app/manifests/1"] = 403, b'{"errors": [{"message": "%s"}]}' % denial.encode()
    output = b"".join(
        run("doctor", f"{well}/app:1", *options, program=PATIENT).stdout for options in ([], ["--json"])
    )
    assert b"is not authorized to perform ecr:BatchGetImage" in output
    (_, header), *_ = [one for one in registry.requests if one[1]]
    for secret in (aws.secret_key, password, header.partition(" ")[2]):
        assert secret.encode() not in output
    assert run("get", stdin=well).reply["Secret"] == password


def test_findings_are_printed_as_lines_with_marks(
    well: str, doctor: Doctor, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each finding is a line with mark, check and text; a hint follows on its own line."""
    assert cli.run(["doctor", well]) == 0
    output = capfd.readouterr().out
    findings = doctor(well).content["findings"]
    *groups, last = [block.splitlines() for block in output.split("\n\n")]
    assert [lines[0] for lines in groups] == ["Setup", "AWS", "Registry"]
    assert sum(len(lines) - 1 for lines in groups) == sum(2 if one["hint"] else 1 for one in findings)
    assert all(line.startswith(("✓ ", " ")) for lines in groups for line in lines[1:])
    assert f"✓ pull         {findings[-1]['text']}\n               {findings[-1]['hint']}" in output
    assert last == ["No problems found"]


@pytest.mark.usefixtures("doctor")
def test_headings_without_findings_are_omitted(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor"]) == 1
    blocks = capfd.readouterr().out.split("\n\n")
    assert [block.splitlines()[0] for block in blocks[:-1]] == ["Setup", "AWS"]


# As a process, with and without a terminal.

PATIENT = with_limit("cli.doctor", "DOCTOR_SECONDS", 600)


@pytest.mark.usefixtures("bin_directory")
def test_a_pipe_gets_plain_text(well: str) -> None:
    done = run("doctor", well, program=PATIENT)
    text = done.stdout.decode()
    assert (done.status, done.stderr) == (0, b"")
    assert "✓ token        new, valid for " in text
    assert text.endswith("\n\nNo problems found\n")
    assert "\x1b" not in text


@pytest.mark.usefixtures("bin_directory")
def test_marks_are_ascii_if_the_output_cannot_show_utf8() -> None:
    done = run("doctor", program=PATIENT, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.status == 1
    shown = done.stdout.decode("ascii").replace(os.linesep, "\n")
    assert shown.startswith("Setup\nok executable   ")
    assert "\nXX credentials  no AWS credentials found\n                set AWS_PROFILE" in shown
    assert "\n\n1 problem, 1 warning\n" in shown


@systems.terminals
@pytest.mark.usefixtures("bin_directory")
def test_a_terminal_gets_colour_and_progress(well: str) -> None:
    status, shown = run_in_terminal("doctor", well, program=PATIENT)
    assert status == 0
    assert "\x1b[32m✓\x1b[0m token" in shown
    assert "checking " in shown
    assert shown.index("checking ") < shown.index("executable  ")
    assert "\r\x1b[K" in shown


@systems.terminals
@pytest.mark.usefixtures("bin_directory")
def test_no_color_disables_colour(well: str) -> None:
    status, shown = run_in_terminal("doctor", well, env={"NO_COLOR": "1"}, program=PATIENT)
    assert status == 0
    assert "\x1b" not in shown


def test_a_failure_sets_the_exit_status(doctor: Doctor) -> None:
    found = doctor()
    assert found.status == 1
    assert found.content["failures"] == 1
    assert found.finding("credentials")[0] == "failure"


# How findings are combined.


def test_a_problem_is_reported_only_once(well: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials there is one finding, and the checks that need them are skipped."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    found = doctor(well)
    assert found.finding("credentials") == (
        "failure",
        "no AWS credentials found",
        "set AWS_PROFILE to a profile with credentials, or run: aws configure, or aws sso login",
    )
    assert (found.findings("token"), found.findings("identity"), found.findings("pull")) == ([], [], [])
    assert found.finding("network")[0] == "ok"


def test_independent_checks_can_report_the_same_problem(
    well: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Context) -> list[Finding]:
        return [Finding("failure", "the same"), Finding("failure", "the same")]

    checks = [one._replace(run=fail) if one.name in {"identity", "token"} else one for one in CHECKS]
    monkeypatch.setattr("ecr_credhelper.cli.doctor.CHECKS", checks)
    found = doctor(well)
    assert found.finding("token") == found.finding("identity") == ("failure", "the same", "")


def test_failures_that_do_not_prevent_a_pull_are_warnings(
    well: str, registry: FakeRegistry, doctor: Doctor
) -> None:
    registry.sts_error = "AccessDenied"
    found = doctor(well)
    assert found.status == 0
    assert found.finding("identity")[:2] == ("warning", "AWS denies GetCallerIdentity")
    assert doctor().findings("identity") == found.findings("identity")


def test_an_unreachable_sts_is_a_warning(well: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    found = doctor(well)
    assert found.finding("identity")[:2] == ("warning", "127.0.0.1 cannot be reached")
    assert found.finding("pull")[0] == "ok"


def test_invalid_settings_do_not_stop_the_other_checks(home: Path, well: str, doctor: Doctor) -> None:
    settings(home, f'[registry."{well}"]\nregio = "us-west-2"\n')
    found = doctor(well)
    assert found.status == 1
    result, text, hint = found.finding("settings")
    assert result == "failure"
    assert "regio: unknown setting; did you mean region?" in text
    assert hint.startswith("correct it")
    assert found.findings("credentials") == found.findings("token") == []


def test_profile_and_role_options_override_the_settings(well: str, doctor: Doctor) -> None:
    found = doctor(well, "--profile", "missing")
    assert found.finding("credentials")[1] == "AWS profile 'missing' does not exist"
    assert "profile = missing" in found.finding("settings")[1]
    assert (
        doctor(well, "--profile", "auto").finding("credentials")[1]
        == "no AWS profile belongs to account 111122223333"
    )
    role = "arn:aws:iam::444455556666:role/r"
    assert role in doctor(well, "--role-arn", role).finding("settings")[1]


def test_identity_reports_a_registry_in_another_account(
    well: str, registry: FakeRegistry, doctor: Doctor
) -> None:
    registry.account = "444455556666"
    (_, first, _), (result, text, hint) = doctor(well).findings("identity")
    assert first == "arn:aws:iam::444455556666:user/me"
    assert (result, hint) == ("ok", "if this is not intended, set another profile in the settings file")
    assert "444455556666" in text


@pytest.mark.parametrize(
    ("skew", "result", "text"),
    [(100, "warning", "s behind"), (-200, "warning", "s ahead of"), (4000, "failure", "s behind")],
)
def test_clock_reports_skew(
    skew: int, result: str, text: str, well: str, registry: FakeRegistry, doctor: Doctor
) -> None:
    registry.skew = skew
    registry.sts_error = "SignatureDoesNotMatch"
    found = doctor(well)
    assert found.finding("clock")[0] == result
    assert text in found.finding("clock")[1]
    assert found.finding("clock")[2] == "set the clock: AWS rejects requests if it is off by more than 300 s"
    assert "(SignatureDoesNotMatch)" in found.finding("identity")[1]


def test_clock_reports_nothing_without_dates(well: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.dated = False
    assert doctor(well).findings("clock") == []


def test_credentials_reports_the_role_and_the_endpoint_without_secrets(
    well: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = Context(well, os.environ, IdentityOverride(role_arn="arn:aws:iam::444455556666:role/r"))

    def session_for(*_: object, on_session: Callable[[Session], object]) -> Session:
        on_session(session := Session())
        return session

    monkeypatch.setattr(aws, "session_for", session_for)
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://user:secret@127.0.0.1:9")
    first, second = aws.credentials(context)
    assert first.text == "environment variables (AWS_ACCESS_KEY_ID), role arn:aws:iam::444455556666:role/r"
    assert second.text == "endpoint http://…@127.0.0.1:9 (us-west-2)"


def test_without_credentials_only_a_cached_token_is_used(
    well: str, home: Path, aws: FakeECR, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"Version": 1, "AccessKeyId": aws.access_key, "SecretAccessKey": aws.secret_key}
    source, count = home / "keys", home / "count"
    write(source, json.dumps(keys))
    process = f"sh -c 'echo >>{count}; cat {source}'"
    write(home / ".aws/config", f"[default]\ncredential_process = {process}\n")
    monkeypatch.setenv("PATH", os.defpath)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert doctor(well).finding("token")[1].startswith("new, ")
    source.unlink()
    found = doctor(well)
    assert (found.finding("credentials")[0], found.finding("token")[0]) == ("warning", "ok")
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    count.unlink()
    found = doctor(well)
    assert (found.finding("credentials")[0], found.findings("token"), count.read_text()) == (
        "failure",
        [],
        "\n",
    )


def test_a_stored_login_takes_precedence(well: str, doctor: Doctor) -> None:
    run("store", stdin=f'{{"ServerURL": "{well}", "Username": "AWS", "Secret": "stored"}}')
    found = doctor(well)
    assert found.finding("token")[0] == "warning"
    assert found.finding("token")[1].startswith(
        "using the stored docker login (overrides your AWS identity), valid for 11 h"
    )
    assert found.finding("token")[2] == f"to remove it, run: docker-credential-ecr-py cache clear {well}"
    assert found.finding("pull")[1] == "the registry rejected the login (HTTP status 401)"
    assert doctor(well, "--role-arn", "arn:aws:iam::444455556666:role/r").findings("token") == []


def test_doctor_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "--help"]) == 0
    assert "--json" in capsys.readouterr().out
    assert "doctor HOST/REPOSITORY:TAG" in run("doctor", "--help").stdout.decode()
