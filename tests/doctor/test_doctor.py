"""``doctor``: the list of findings, as a process and on a terminal, its JSON, and what it must not tell."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from botocore.session import Session

from ecr_credhelper import cli
from ecr_credhelper.cli.doctor import CHECKS
from ecr_credhelper.doctor import Context, Finding, aws
from ecr_credhelper.settings.rules import IdentityOverride
from tests.commands import with_limit
from tests.conftest import HOST, run
from tests.doctor_findings import Doctor, settings, write
from tests.terminals import read_to_end

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_ecr import FakeECR
    from tests.fake_registry import FakeRegistry

pytest_plugins = ("tests.doctor_fixtures",)

ALL = [
    "executable", "path", "docker", "registry", "settings", "cache",
    "credentials", "credentials", "identity", "token", "anonymous", "pull", "clock",
]  # fmt: skip


def test_all_is_well(well: str, doctor: Doctor) -> None:
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
    assert found.of("credentials")[0][1] == "profile default, botocore's kind env"
    assert found.one("identity")[1] == "arn:aws:iam::111122223333:user/me"
    assert found.one("token")[1].startswith("a new one, good for 1")
    assert found.one("pull")[1] == "the registry takes the login"
    assert doctor(well).one("token")[1].startswith("from the cache, 0 min old, good for 1")


def test_without_a_host(well: str, doctor: Doctor) -> None:
    found = doctor()
    assert found.status == 0
    assert (found.content["host"], found.content["registry"]) == (None, None)
    checks = ["executable", "path", "docker", "settings", "cache", "credentials", "identity", "clock"]
    assert [one["check"] for one in found.content["findings"]] == checks
    assert found.one("docker")[1].endswith(f"config.json sends here: {well}")


def test_no_secret_is_told(well: str, aws: FakeECR, registry: FakeRegistry) -> None:
    password = aws.password("us-west-2", serial=1)
    denial = (
        f"User: arn:aws:iam::111122223333:user/me is not authorized to perform: ecr:BatchGetImage {password}"
    )
    registry.images["/v2/app/manifests/1"] = 403, b'{"errors": [{"message": "%s"}]}' % denial.encode()
    said = b"".join(
        run("doctor", f"{well}/app:1", *options, program=PATIENT).stdout for options in ([], ["--json"])
    )
    assert b"may not perform ecr:BatchGetImage" in said
    (_, header), *_ = [one for one in registry.requests if one[1]]
    for secret in (aws.secret_key, password, header.partition(" ")[2]):
        assert secret.encode() not in said
    assert run("get", stdin=well).reply["Secret"] == password


def test_the_list_is_for_people(well: str, doctor: Doctor, capfd: pytest.CaptureFixture[str]) -> None:
    """The same findings as lines: a mark, the check, the text; below it, what to do."""
    assert cli.run(["doctor", well]) == 0
    *lines, blank, last = capfd.readouterr().out.splitlines()
    findings = doctor(well).content["findings"]
    assert [line for line in lines if line.startswith("✓ ")] == [line for line in lines if line[0] != " "]
    assert len(lines) == sum(2 if one["hint"] else 1 for one in findings)
    assert f"✓ pull         {findings[-2]['text']}\n               {findings[-2]['hint']}" in "\n".join(lines)
    assert (blank, last) == ("", "failures: 0, warnings: 0")


# As a process, without a terminal and with one.

PATIENT = with_limit("cli.doctor", "SECONDS", 600)


@pytest.mark.usefixtures("bin_folder")
def test_a_pipe_gets_plain_text(well: str) -> None:
    done = run("doctor", well, program=PATIENT)
    text = done.stdout.decode()
    assert (done.status, done.stderr) == (0, b"")
    assert "✓ token        a new one" in text
    assert "\n\nfailures: 0, warnings: " in text
    assert "\x1b" not in text


@pytest.mark.usefixtures("bin_folder")
def test_where_utf8_cannot_be_shown() -> None:
    done = run("doctor", program=PATIENT, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.status == 1
    assert done.stdout.decode("ascii").startswith("ok executable ")
    assert "\nXX credentials  no AWS credentials were found\n" in done.stdout.decode("ascii")


def on_a_terminal(*argv: str) -> tuple[int, str]:
    """Run the executable with all its standard streams on a terminal; return what is shown."""
    pty = pytest.importorskip("pty")  # Windows has none
    terminal, other_end = pty.openpty()
    with subprocess.Popen([*PATIENT, *argv], stdin=other_end, stdout=other_end, stderr=other_end) as process:
        os.close(other_end)
        shown = read_to_end(terminal)
    os.close(terminal)
    return process.returncode, shown.decode()


@pytest.mark.usefixtures("bin_folder")
def test_a_terminal_gets_colour_and_progress(well: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("PYTHONUTF8", "1")
    status, shown = on_a_terminal("doctor", well)
    assert status == 0
    assert "\x1b[32m✓\x1b[0m token" in shown
    assert "checking " in shown
    assert shown.index("checking ") < shown.index("executable  ")
    assert "\r\x1b[K" in shown


@pytest.mark.usefixtures("bin_folder")
def test_no_color_is_no_colour(well: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    status, shown = on_a_terminal("doctor", well)
    assert status == 0
    assert "\x1b" not in shown


def test_failures_are_the_exit_status(doctor: Doctor) -> None:
    found = doctor()
    assert found.status == 1
    assert found.content["failures"] == 1
    assert found.one("credentials")[0] == "failure"


# What joins the findings.


def test_the_list_is_told_once(well: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials, so no token: one finding tells it, and what could be done without is not tried."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    found = doctor(well)
    assert found.one("credentials") == (
        "failure",
        "no AWS credentials were found",
        "set AWS_PROFILE to a profile that has some, or run: aws configure, or aws sso login",
    )
    assert (found.of("token"), found.of("identity"), found.of("pull")) == ([], [], [])
    assert found.one("anonymous")[0] == "ok"


def test_the_same_of_two_checks_that_do_not_depend_on_each_other_is_told_twice(
    well: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Context) -> list[Finding]:
        return [Finding("failure", "the same"), Finding("failure", "the same")]

    checks = [one._replace(run=fail) if one.name in {"identity", "token"} else one for one in CHECKS]
    monkeypatch.setattr("ecr_credhelper.cli.doctor.CHECKS", checks)
    found = doctor(well)
    assert found.one("token") == found.one("identity") == ("failure", "the same", "")


def test_what_a_pull_does_not_need_is_a_warning(well: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.sts_error = "AccessDenied"
    found = doctor(well)
    assert found.status == 0
    assert found.one("identity")[:2] == ("warning", "AWS denies GetCallerIdentity")


def test_nobody_answers_who_it_is(well: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    found = doctor(well)
    assert found.one("identity")[:2] == ("warning", "127.0.0.1 cannot be reached")
    assert found.one("pull")[0] == "ok"
    assert found.one("pull")[0] == "ok"


def test_wrong_settings_leave_the_rest(home: Path, well: str, doctor: Doctor) -> None:
    settings(home, f'[registry."{well}"]\nregio = "us-west-2"\n')
    found = doctor(well)
    assert found.status == 1
    result, text, hint = found.one("settings")
    assert result == "failure"
    assert "regio: no such setting, did you mean region?" in text
    assert hint.startswith("correct it")
    assert found.of("credentials") == found.of("token") == []


def test_a_profile_that_is_named(well: str, doctor: Doctor) -> None:
    found = doctor(well, "--profile", "missing")
    assert found.one("credentials")[1] == "there is no AWS profile named 'missing'"
    assert "profile = missing" in found.one("settings")[1]
    assert (
        doctor(well, "--profile", "auto").one("credentials")[1] == "no AWS profile is in account 111122223333"
    )
    found = doctor("--role-arn", "nobody")
    assert "role_arn: found 'nobody', expected a role" in found.one("settings")[1]


def test_another_account_is_told(well: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.account = "444455556666"
    (_, first, _), (result, text, hint) = doctor(well).of("identity")
    assert first == "arn:aws:iam::444455556666:user/me"
    assert (result, hint) == ("ok", "if that is not meant, name another profile in the settings file")
    assert "444455556666" in text


@pytest.mark.parametrize(
    ("skew", "result", "text"),
    [(100, "warning", "s behind"), (-200, "warning", "s ahead of"), (4000, "failure", "s behind")],
)
def test_a_clock_that_is_wrong(
    skew: int, result: str, text: str, well: str, registry: FakeRegistry, doctor: Doctor
) -> None:
    registry.skew = skew
    registry.sts_error = "SignatureDoesNotMatch"
    found = doctor(well)
    assert found.one("clock")[0] == result
    assert text in found.one("clock")[1]
    assert found.one("clock")[2] == "set it: beyond 300 s AWS refuses what this machine signs"
    assert "(SignatureDoesNotMatch)" in found.one("identity")[1]


def test_a_clock_that_nobody_tells(well: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.dated = False
    assert doctor(well).of("clock") == []


def test_a_role_and_its_api(well: str, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Context(well, os.environ, IdentityOverride(role_arn="arn:aws:iam::444455556666:role/r"))
    monkeypatch.setattr(aws, "session_for", lambda *_: Session())
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://user:secret@127.0.0.1:9")
    first, second = aws.credentials(subject)
    assert first.text == "profile default, role arn:aws:iam::444455556666:role/r, botocore's kind env"
    assert second.text == "they are for http://…@127.0.0.1:9 in us-west-2"


def test_without_credentials_the_token_is_what_is_cached_and_nobody_is_asked_again(
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
    assert doctor(well).one("token")[1].startswith("a new one")
    source.unlink()
    found = doctor(well)
    assert (found.one("credentials")[0], found.one("token")[0]) == ("warning", "ok")
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    count.unlink()
    found = doctor(well)
    assert (found.one("credentials")[0], found.of("token"), count.read_text()) == ("failure", [], "\n")


def test_a_login_that_was_given_comes_first(well: str, doctor: Doctor) -> None:
    run("store", stdin=f'{{"ServerURL": "{well}", "Username": "AWS", "Secret": "given"}}')
    found = doctor(well)
    assert found.one("token")[1].startswith("the stored docker login, good for 11 h")
    assert found.one("token")[2] == f"to remove it: docker-credential-ecr-py cache clear {well}"
    assert found.one("pull")[1] == "the registry does not take the login (HTTP status 401)"
    assert doctor(well, "--role-arn", "arn:aws:iam::444455556666:role/r").of("token") == []


def test_it_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "--help"]) == 0
    assert "--json" in capsys.readouterr().out
    assert HOST in run("doctor", "--help").stdout.decode()
