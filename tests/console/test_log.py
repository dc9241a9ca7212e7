"""The optional log: one line for each decision, and no secret."""

from __future__ import annotations

import base64
import io
import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.console.log import MAX_BYTES, open_log, redacted
from ecr_credhelper.helper import Helper
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests import systems
from tests.conftest import HOST, PUBLIC, Run, login, run
from tests.doctor_findings import settings
from tests.fake_sts import FakeSTS

ROLE = "arn:aws:iam::111122223333:role/puller"


def test_the_log_explains_why_a_token_was_not_refreshed(
    aws: FakeECR, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings(home, 'log = "~/ecr.log"\n')
    ends = time.time() + 12 * 3600

    def helper(*, left: int) -> Helper:
        return Helper(os.environ, lambda: ends - left, print)

    assert helper(left=12 * 3600).run("get", io.BytesIO(HOST.encode())).status == 0
    aws.faults.extend([Fault.aws("AccessDeniedException")] * 2)
    assert helper(left=7200).refresh(HOST).status == 1
    assert helper(left=600).run("get", io.BytesIO(HOST.encode())).status == 0
    lines = [line for line in (home / "ecr.log").read_text().splitlines() if "AWS denies" in line]
    assert ["serving the token" in line for line in lines] == [False, True]
    assert capfd.readouterr().err == ""


def test_the_log_has_every_decision_and_no_secret(
    aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeSTS(aws.identities) as sts:
        for name, value in {**sts.environment, "ECR_CREDHELPER_LOG": "debug"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a-container-secret")
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", "http://me:a-url-secret@127.0.0.1:9/?token=a-query-secret")
        settings(home, f'[registry.111122223333]\nrole_arn = "{ROLE}"\nexternal_id = "an-id"\n')
        logged, secrets = (
            "",
            {"an-id", aws.secret_key, "a-container-secret", "a-url-secret", "a-query-secret"},
        )
        for verb, stdin in (
            ("get", HOST), ("get", HOST), ("store", login()), ("get", HOST), ("list", ""), ("erase", HOST),
            ("get", PUBLIC), ("get", "https://me:a-url-secret@ghcr.io"),
        ):  # fmt: skip
            done = run(verb, stdin=stdin)
            logged += done.stderr.decode()
            if verb == "get" and done.status == 0:
                password = json.loads(done.stdout)["Secret"]
                secrets |= {password, base64.b64encode(f"AWS:{password}".encode()).decode()}
        secrets |= {f"{kind}-of-{key}" for key in aws.identities for kind in ("secret", "session")}
    for part in (
        f"get {HOST}",
        "ECR registry in region us-west-2",
        "identity: ",
        f"cache {home / '.cache/ecr-credhelper'}: no valid token",
        "rule: 111122223333",
        "looking in the cache again, with the token's lock",
        "profile default, credential provider ",
        f"endpoint {aws.url} (us-west-2)",
        "response: Token(username='AWS', expires_at=",
        "using the stored docker login, which overrides your AWS identity",
        "get ends with status 0",
        "erase ends with status 0",
    ):
        assert part in logged, part
    assert len(secrets) > 8
    assert [secret for secret in secrets if secret in logged] == []


def test_an_error_is_in_the_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ask: Run) -> None:
    monkeypatch.setenv("ECR_CREDHELPER_LOG", str(tmp_path / "log"))
    error = ask("get", stdin=HOST).error
    assert f"error: {error}" in (tmp_path / "log").read_text()


def test_the_settings_can_enable_the_log(home: Path, tmp_path: Path, ask: Run) -> None:
    settings(home, f'log = "{tmp_path.as_posix()}/log"\n')
    error = ask("get", stdin=HOST).error
    assert f"error: {error}" in (tmp_path / "log").read_text()


def test_the_log_is_off_by_default(aws: FakeECR) -> None:
    assert run("get", stdin=HOST).reply["Username"] == "AWS"  # This checks that standard error is empty.
    assert len(aws.calls) == 1


@systems.owners
def test_a_log_file_is_private_and_bounded(tmp_path: Path) -> None:
    file = tmp_path / "log"
    log = open_log(str(file))
    log("a line")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().endswith(" a line\n")
    with file.open("a") as grown:
        grown.write("x" * MAX_BYTES)
    log("another")
    assert file.read_text().endswith(" another\n")
    assert file.stat().st_size < 200
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1"]


@systems.links
def test_a_log_that_cannot_be_written_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_log(str(tmp_path / "missing" / "log"))("a line")
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to("target")
    open_log(str(tmp_path / "link"))("a line")
    assert (tmp_path / "target").read_text() == ""
    monkeypatch.setattr(sys, "stderr", None)
    open_log("debug")("a line")


def test_debug_writes_lines_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    open_log("debug")("one\ntwo")
    assert capsys.readouterr().err.endswith(" one two\n")


@given(st.text(), st.from_regex(r"[a-z0-9]{8,20}", fullmatch=True))
def test_users_and_queries_of_urls_are_removed(around: str, secret: str) -> None:
    secret = f"SECRET{secret}"
    text = f"{around} https://me:{secret}@{secret}@host/path?key={secret}&x={secret} {around}"
    assert secret not in redacted(text)


def test_the_log_on_standard_error_is_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the code page of Windows, it would differ from the errors beside it."""
    raw, text = io.BytesIO(), io.StringIO()
    for stream in (io.TextIOWrapper(raw, "cp1252"), text):
        monkeypatch.setattr("sys.stderr", stream)
        open_log("debug")("https://me:secret@host.example")
    assert raw.getvalue().decode().endswith(" https://…@host.example\n")
    assert text.getvalue().endswith(" https://…@host.example\n"), "a program can have replaced the stream"
