"""Pipes and devices instead of files are rejected without waiting for them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ecr_credhelper.aws.files import MORE_FILES
from ecr_credhelper.console.log import open_log
from ecr_credhelper.docker.config import read
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import is_special
from ecr_credhelper.fingerprint import FILES
from ecr_credhelper.settings.loader import load_settings
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import HOST, NOT_FOUND, PUBLIC, Result, Run, run
from tests.docker_files import write
from tests.doctor_findings import Doctor, docker, settings

pytest_plugins = ("tests.doctor_fixtures",)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")

NEITHER = 'set it to "debug" or the absolute path of a file'


def pipe(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    return path


def test_pipes_and_devices_are_special_files(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(pipe(tmp_path / "pipe"))
    (tmp_path / "null").symlink_to(os.devnull)
    (tmp_path / "file").touch()
    special = ["pipe", "link", "null", "file", "missing", "", "/dev/zero", "a\0b", os.devnull]
    found = [name for name in special if is_special(os.path.join(tmp_path, name))]
    assert found == ["pipe", "link", "/dev/zero"]


# Docker's and podman's files.


def test_a_pipe_as_dockers_configuration(home: Path, ask: Run) -> None:
    path = pipe(home / ".docker/config.json")
    assert ask("get", stdin="ghcr.io") == Result(1, NOT_FOUND, b"")
    assert ask("list").reply == {}
    told = run("status")
    assert (told.status, f"{path}: is not a file" in told.stdout.decode()) == (1, True)
    told = run("configure", HOST, "--yes")
    assert (told.status, f"{path}: is not a file" in told.stderr.decode()) == (1, True)


def test_devices_as_files_of_podman(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", "/dev/zero")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", "/dev/zero")
    told = doctor(HOST).findings("podman")
    assert [text for _, text, _ in told] == ["/dev/zero is not a file"]
    assert read(os.devnull, "{}").problem == ""


# The AWS configuration.


@pytest.mark.parametrize(
    ("variable", "default"),
    [
        *((variable, default) for _, variable, default, _ in FILES if variable),
        *((name, "") for name in MORE_FILES),
    ],
)
def test_a_pipe_as_a_file_of_aws(
    variable: str, default: str, aws: FakeECR, home: Path, ask: Run, doctor: Doctor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    path = pipe(home / (default.removeprefix("~/") or "pipe"))
    if not default:
        monkeypatch.setenv(variable, str(path))
    told = f"{path} is not a file", f"correct it, or check {variable}"
    assert ask("get", stdin=HOST).error == f"{HOST}: {told[0]}; {told[1]}"
    assert ask("get", stdin=PUBLIC) == Result(1, NOT_FOUND, b"")
    assert doctor(HOST).finding("credentials") == ("failure", *told)
    assert aws.calls == []


@pytest.mark.parametrize(
    ("profile", "rule", "source"),
    [
        ("ca_bundle = {pipe}\n", "", "ca_bundle of profile default"),
        ("role_arn = r\nweb_identity_token_file = {pipe}\n", "",
            "web_identity_token_file of profile default"),
        ("role_arn = r\nsource_profile = s\n[profile s]\nrole_arn = r\nweb_identity_token_file = {pipe}\n",
            "", "web_identity_token_file of profile s"),
        ("", 'ca_bundle = "{pipe}"\n', "ca_bundle in the settings"),
    ],
)  # fmt: skip
def test_a_pipe_in_a_setting(
    profile: str, rule: str, source: str, aws: FakeECR, home: Path, ask: Run, doctor: Doctor
) -> None:
    path = pipe(home / "pipe")
    write(home / ".aws/config", f"[default]\n{profile.format(pipe=path)}")
    settings(home, f"[registry.111122223333]\n{rule.format(pipe=path)}")
    told = f"{path} is not a file", f"correct it, or check {source}"
    assert ask("get", stdin=HOST).error == f"{HOST}: {told[0]}; {told[1]}"
    assert doctor(HOST).finding("credentials") == ("failure", *told)
    assert aws.calls == []


def test_clearing_the_cache_opens_no_pipe_in_the_cache_of_the_aws_cli(home: Path, ask: Run) -> None:
    pipe(home / ".aws/cli/cache/a.json")
    assert ask("cache", "clear").status == 0


def test_the_null_device_is_an_empty_file(aws: FakeECR, ask: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "ECR_CREDHELPER_CONFIG"):
        monkeypatch.setenv(variable, os.devnull)
    assert ask("get", stdin=HOST).reply["Username"] == "AWS"
    assert len(aws.calls) == 1


# The log.


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    "value",
    [
        "info",
        "0",
        "1",
        "log.txt",
        "./log",
        "DEBUG",
        " debug",
        "/a\nb",
        "/dev/stderr",
        "/dev/zero",
        "~/pipe",
        "~",
        "/",
    ],
)
def test_a_wrong_log_variable_fails_only_a_get_for_ecr(
    value: str, home: Path, ask: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(home, {"auths": {"quay.io": {"username": "me", "password": "p"}}})
    pipe(home / "pipe")
    assert ask("get", stdin=HOST).reply["Username"] == "AWS"
    monkeypatch.setenv("ECR_CREDHELPER_LOG", value)
    told = f"ECR_CREDHELPER_LOG: {value!r} is not a log destination; {NEITHER}".replace(r"\\n", r"\n")
    assert ask("get", stdin=HOST).error == told
    assert ask("get", stdin="ghcr.io") == Result(1, NOT_FOUND, b"")
    assert ask("get", stdin="quay.io").reply["Secret"] == "p"
    assert ask("list").reply == {HOST: "AWS"}
    assert ask("store", stdin=json.dumps({"ServerURL": HOST, "Username": "AWS", "Secret": "p"})).status == 0
    assert ask("erase", stdin=HOST) == Result(0, b"", b"")


def test_a_wrong_log_variable_fails_a_get_for_a_custom_host(
    home: Path, ask: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(home, '[registry."images.example.com"]\nregion = "eu-west-1"\n')
    monkeypatch.setenv("ECR_CREDHELPER_LOG", "info")
    assert ask("get", stdin="images.example.com").error.startswith("ECR_CREDHELPER_LOG: 'info'")
    assert ask("get", stdin="example.com") == Result(1, NOT_FOUND, b"")


def test_doctor_reports_a_wrong_log_setting(
    doctor: Doctor, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECR_CREDHELPER_LOG", "info")
    settings(home, "fallback = 7\n")
    first, *others = doctor(HOST).findings("settings")
    assert first == ("failure", "ECR_CREDHELPER_LOG: 'info' is not a log destination", NEITHER)
    assert [kind for kind, *_ in others] == ["warning"]
    monkeypatch.setenv("ECR_CREDHELPER_LOG", "debug")
    assert doctor(HOST).findings("settings") == others


def test_a_device_is_not_a_valid_log_in_the_settings(home: Path) -> None:
    settings(home, 'log = "/dev/zero"\n')
    with pytest.raises(ConfigurationError, match='log: found "/dev/zero", expected "debug"'):
        load_settings(os.environ).fallback()


def test_a_log_that_becomes_a_pipe_does_not_block(tmp_path: Path) -> None:
    log = open_log(str(tmp_path / "log"))
    os.mkfifo(tmp_path / "log")
    log("a line")


def test_a_log_in_an_unknown_home_directory_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    open_log("~/log")("a line")
    assert [*tmp_path.iterdir()] == []
    assert capsys.readouterr().err == ""
