"""``status`` and ``cache``: podman, profiles, warnings, and the JSON output."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecr_credhelper import cli
from ecr_credhelper.cli.report import Report
from ecr_credhelper.console.layout import GAP
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT, OTHER_REGION, Result, login, run
from tests.docker_files import write, write_settings
from tests.systems import links

PAGE = (Path(__file__).parents[2] / "docs/reference/json.md").read_text(encoding="utf-8")
PROG = "docker-credential-ecr-py"
THIRD = OTHER_ACCOUNT.replace("us-west-2", "eu-west-1")


def docker(home: Path, *hosts: str, **fields: object) -> None:
    write(home / ".docker/config.json", json.dumps({"credHelpers": dict.fromkeys(hosts, "ecr-py"), **fields}))


def here(*argv: str) -> Result:
    """Run a command in this process, with standard output in a pipe."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        status = cli.run(argv)
    return Result(status, *(stream.buffer.getvalue() for stream in (out, err)))


def status(*argv: str, expected: int = 0) -> str:
    """Return what ``status`` prints in a pipe."""
    result = here("status", *argv)
    assert result.status == expected, result
    return result.stdout.decode()


def content(name: str, *argv: str, expected: int = 0) -> dict[str, Any]:
    """Return the JSON object of a command."""
    result = here(name, "--json", *argv)
    assert (result.status, result.stderr) == (expected, b""), result
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def cells(text: str, host: str) -> list[str]:
    """Return the cells of a host's row, without the host."""
    (line,) = [line for line in text.splitlines() if line.startswith(host)]
    return [cell.strip() for cell in line.split(GAP) if cell.strip()][1:]


def test_status_counts_what_each_file_has(home: Path, aws: FakeECR) -> None:
    docker(home, HOST, OTHER_ACCOUNT)
    write_settings(home, '[registry.444455556666]\nregion = "us-west-2"\n')
    run("get", stdin=HOST)
    lines = status().splitlines()
    assert lines[:4] == [
        f"Docker    {home / '.docker/config.json'}, 2 registries",
        "podman    reads Docker's file",
        f"Settings  {home / '.config/ecr-credhelper/config.toml'}, 1 rule",
        f"Cache     {home / '.cache/ecr-credhelper'}, 1 token",
    ]
    assert lines[4:6] == ["", "REGISTRY                                      IDENTITY                  TOKEN"]
    assert len(aws.calls) == 1


@pytest.mark.parametrize("variable", ["", "REGISTRY_AUTH_FILE"])
def test_status_shows_the_registries_of_podman(
    variable: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / ("auth.json" if variable else ".config/containers/auth.json")
    if variable:
        monkeypatch.setenv(variable, str(file))
    docker(home, HOST, OTHER_ACCOUNT)
    assert ("podman    not configured" in status()) == bool(variable)
    write(file, json.dumps({"credHelpers": {HOST: "ecr-py", OTHER_REGION: "ecr-py", THIRD: "pass"}}))
    text = status()
    assert f"podman    {file}, 2 registries\n" in text
    assert [cells(text, host)[-1] for host in (HOST, OTHER_ACCOUNT, OTHER_REGION)] == [
        "Docker, podman",
        "Docker",
        "podman",
    ]
    write(file, "{")
    assert "podman    " in status(expected=1)
    assert f"✗ {file}: is not valid: Expecting property name" in status(expected=1)


def test_status_without_docker_says_so(home: Path) -> None:
    write(home / ".config/containers/auth.json", json.dumps({"credHelpers": {HOST: "ecr-py"}}))
    text = status()
    assert f"{home / '.docker/config.json'} (not found)\n" in text
    assert cells(text, HOST) == ["default", "none"]


CONFIG = """\
[default]
[profile prod]
sso_account_id = 444455556666
[profile one]
role_arn = arn:aws:iam::111122223333:role/one
[profile two]
aws_account_id = 111122223333
"""


def test_status_shows_which_profile_auto_means(home: Path) -> None:
    docker(home, HOST, OTHER_REGION, OTHER_ACCOUNT)
    write(home / ".aws/config", CONFIG)
    write_settings(home, '[registry."*.dkr.ecr.*.amazonaws.com"]\nprofile = "auto"\n')
    text = status()
    assert cells(text, OTHER_ACCOUNT) == ["profile prod (auto)", "none"]
    assert cells(text, HOST) == ["profile unknown (auto)", "none"]
    reason = "several AWS profiles belong to account 111122223333: one, two"
    assert text.count(reason) == 1
    profiles = [row["profile"] for row in content("status")["registries"]]
    assert profiles == [None, None, "prod"]


def test_status_shows_the_profile_of_a_cached_token(home: Path, aws: FakeECR) -> None:
    keys = f"aws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
    write(home / ".aws/config", f"[profile prod]\naws_account_id = 444455556666\n{keys}")
    write_settings(home, '[registry.444455556666]\nprofile = "auto"\n')
    run("get", stdin=OTHER_ACCOUNT)
    assert cells(status(), OTHER_ACCOUNT)[0] == "profile prod (auto)"
    run("store", stdin=login(OTHER_ACCOUNT))
    assert cells(status(), OTHER_ACCOUNT)[0] == "docker login"
    assert len(aws.calls) == 1


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"ECR_CREDHELPER_PROFILE_1": "x"}, "ECR_CREDHELPER_PROFILE_1"),
        ({"AWS_PROFILE": "x"}, "AWS_PROFILE"),
        ({"AWS_DEFAULT_PROFILE": "x", "AWS_PROFILE": "prod"}, "AWS_DEFAULT_PROFILE"),
    ],
)
def test_status_flags_profiles_that_do_not_exist(
    environ: dict[str, str], place: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(home, HOST)
    write(home / ".aws/config", CONFIG)
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    (problem,) = content("status")["problems"]
    assert problem["severity"] == "warning"
    assert (problem["subject"], problem["text"]) == (place, "AWS profile 'x' does not exist")
    assert problem["hint"].startswith("to see the profiles, run: aws")
    assert f"! {place}: " in status()


MISSING = '[registry.444455556666]\nprofile = "prdo"\n'


@pytest.mark.parametrize(
    ("text", "severity", "problem", "hint"),
    [
        (MISSING, "warning", "line 2: registry.444455556666.profile: AWS profile 'prdo' does not exist; "
            "did you mean prod?", "correct it, or set ECR_CREDHELPER_CONFIG to another file"),
        (f'{MISSING}role_arn = "{"x" * 500}"\n' * 1 + "[registry.dev]\n" + "".join(
            f"[registry.{n}]\n" for n in range(30)), "failure", "33 problems", f"run: {PROG} config check"),
        (f'{MISSING}[registry.111122223333]\nprofile = "y"\n', "warning", "2 problems",
            f"run: {PROG} config check"),
    ],
)  # fmt: skip
def test_status_has_one_line_for_the_settings_file(
    text: str, severity: str, problem: str, hint: str, home: Path
) -> None:
    docker(home, HOST, OTHER_ACCOUNT)
    write(home / ".aws/config", CONFIG)
    write_settings(home, text)
    found = content("status", expected=int(severity == "failure"))
    file = f"{home / '.config/ecr-credhelper/config.toml'}"
    assert found["problems"] == [{"severity": severity, "subject": file, "text": problem, "hint": hint}]
    assert [row["host"] for row in found["registries"]] == [HOST, OTHER_ACCOUNT]


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_PROFILE": "prod"},
        {"AWS_PROFILE": "x", "AWS_ACCESS_KEY_ID": "AKIA"},
        {"ECR_CREDHELPER_PROFILE_1": ""},
    ],
)
def test_status_flags_no_profile_that_is_not_used(
    environ: dict[str, str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / ".aws/config", CONFIG)
    write_settings(
        home, '[registry.111122223333]\nprofile = "one"\n[registry.444455556666]\nprofile = "auto:p*"\n'
    )
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    assert content("status")["problems"] == []


def test_status_flags_keys_that_docker_never_matches(home: Path) -> None:
    docker(home, HOST, f"https://{OTHER_REGION}", "*.dkr.ecr.us-west-2.amazonaws.com")
    found = content("status")
    assert [row["host"] for row in found["registries"]] == [HOST]
    assert found["docker"]["registries"] == 1
    text = 'Docker never matches "{}" in credHelpers'
    hints = {problem["text"]: problem["hint"] for problem in found["problems"]}
    assert hints == {
        text.format(f"https://{OTHER_REGION}"): f'write "{OTHER_REGION}"',
        text.format("*.dkr.ecr.us-west-2.amazonaws.com"): "Docker supports no wildcards: "
        "configure each registry, or use configure --creds-store",
    }


# -- speed


def opened(hosts: Sequence[str], home: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many files ``status`` opens with these registries."""
    import builtins
    import os

    docker(home, *hosts)
    count = 0

    def counting(real: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            return real(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", counting(open))
        patch.setattr(os, "open", counting(os.open))
        report = Report({**os.environ}, time.time()).content()
    assert len(report["registries"]) == len(hosts)
    return count


def test_a_thousand_registries_need_no_more_files_than_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / ".aws/config", CONFIG)
    rules = '[registry.444455556666]\nprofile = "auto"\n[registry.111122223333]\nprofile = "one"\n'
    write_settings(home, rules)
    hosts = [f"444455556666.dkr.ecr.us-west-{number}.amazonaws.com" for number in range(1, 1001)]
    assert opened(hosts, home, monkeypatch) == opened(hosts[:1], home, monkeypatch)


# -- JSON


def keys(value: object) -> set[str]:
    """Return the names of all fields of a JSON value."""
    if isinstance(value, list):
        return {name for part in value for name in keys(part)}
    if isinstance(value, dict):
        return set(value) | {name for part in value.values() for name in keys(part)}
    return set()


def documented(name: str) -> set[str]:
    """Return the field names of a command's example in the document."""
    example = re.search(rf"^## {name}\n.*?```text\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    assert example
    return keys(json.loads(example[1]))


def test_the_json_of_status_is_documented_and_stable(home: Path, aws: FakeECR) -> None:
    docker(home, HOST, OTHER_ACCOUNT, credsStore="desktop")
    write_settings(home, '[registry.444455556666]\nprofile = "prod"\n')
    run("get", stdin=HOST)
    found = content("status")
    assert keys(found) == documented("status")
    assert found["version"] == 1
    token = found["registries"][0].pop("token")
    assert found["registries"] == [
        {
            "host": HOST, "docker_helper": "ecr-py", "podman_helper": None, "rule": None, "profile": None,
            "identity": f"key {aws.access_key}",
        },
        {
            "host": OTHER_ACCOUNT, "docker_helper": "ecr-py", "podman_helper": None, "rule": "444455556666",
            "profile": "prod", "identity": "profile prod", "token": None,
        },
    ]  # fmt: skip
    assert_times(token)
    assert token["is_stored_login"] is False
    assert aws.password("us-west-2", serial=1) not in json.dumps(found)


def assert_times(token: dict[str, Any]) -> None:
    """Check that a token's times are in UTC and 12 hours apart."""
    fetched, expires = (datetime.fromisoformat(token[name]) for name in ("fetched_at", "expires_at"))
    assert token["expires_at"].endswith("Z")
    assert expires - fetched == timedelta(hours=12)
    assert abs((expires - datetime.now(UTC)).total_seconds() - token["expires_in"]) < 3600


def test_the_json_of_cache_is_documented_and_stable(aws: FakeECR) -> None:
    run("get", stdin=HOST)
    run("store", stdin=login(OTHER_REGION, secret="a-stored-password"))
    found = content("cache")
    assert keys(found) == documented("cache")
    first, second = found["entries"]
    assert (first["host"], first["is_stored_login"], first["is_current"]) == (OTHER_REGION, True, True)
    assert (second["host"], second["region"], second["identity"]) == (
        HOST,
        "us-west-2",
        f"key {aws.access_key}",
    )
    assert_times(second)
    assert "a-stored-password" not in json.dumps(found)
    assert [entry["host"] for entry in content("cache", HOST)["entries"]] == [HOST]


def test_the_json_of_an_empty_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = content("status")
    assert (found["registries"], found["problems"]) == ([], [])
    assert found["docker"] == {
        "file": f"{home / '.docker/config.json'}", "exists": False, "creds_store": None, "registries": 0,
        "handles_all": False,
    }  # fmt: skip
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    assert content("cache") == {"version": 1, "directory": None, "entries": []}
    assert content("status")["cache"] == {"directory": None, "unused_reason": None, "tokens": 0}


def test_the_json_reports_problems_instead_of_standard_error(home: Path) -> None:
    write(home / ".docker/config.json", "{")
    write_settings(home, "oops")
    found = content("status", expected=1)
    assert [problem["severity"] for problem in found["problems"]] == ["failure", "failure"]
    assert found["settings"]["rules"] is None


def test_errors_of_the_command_are_not_json() -> None:
    result: Result = here("cache", "--json", "ghcr.io")
    assert (result.status, result.stdout) == (1, b"")


# -- other names of this helper, and registries.conf


@pytest.fixture
def link(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a link with the name of Amazon's helper on PATH."""
    path = home / "bin/docker-credential-ecr-login"
    path.parent.mkdir()
    path.symlink_to(EXECUTABLE)
    monkeypatch.setenv("PATH", str(path.parent))
    return path


@links
def test_status_recognises_a_link_to_this_helper(link: Path, home: Path) -> None:
    write(home / ".docker/config.json", json.dumps({"credHelpers": {HOST: "ecr-login"}}))
    found = content("status")
    assert (found["docker"]["registries"], found["problems"]) == (1, [])
    assert [(row["host"], row["docker_helper"]) for row in found["registries"]] == [(HOST, "ecr-py")]
    write(home / ".docker/config.json", json.dumps({"credsStore": "ecr-login"}))
    assert content("status")["docker"]["handles_all"] is True
    assert "No registries configured" not in status()
    link.unlink()
    assert content("status")["docker"]["handles_all"] is False


def test_status_reads_registries_conf(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = home / "registries.conf"
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(conf))
    docker(home, HOST)
    write(conf, 'credential-helpers = ["pass", "ecr-py"]')
    assert f"podman    {conf}, all registries\n" in status()
    found = content("status")
    assert (found["podman"]["files"], found["podman"]["handles_all"]) == ([str(conf)], True)
    assert [row["podman_helper"] for row in found["registries"]] == ["ecr-py"]
    write(conf, 'credential-helpers = ["pass"]')
    assert "podman    reads Docker's file\n" in status()
    write(conf, "credential-helpers = 1")
    (problem,) = content("status")["problems"]
    assert (problem["subject"], problem["text"]) == (
        str(conf), "has credential-helpers that are not a list of strings"
    )  # fmt: skip


@pytest.mark.parametrize("name", ["config", "credentials"])
@pytest.mark.parametrize("text", ["[default\n", "secret-key\n", "[a]\n[a]\n", "[a]\nb = \udc81\n"])
def test_status_reports_an_aws_file_that_cannot_be_parsed(name: str, text: str, home: Path) -> None:
    file = home / f".aws/{name}"
    write(file, "")
    # The byte 81 is not text in the encoding of Windows either, with which botocore reads there.
    file.write_bytes(text.encode(errors="surrogateescape"))
    (problem,) = content("status")["problems"]
    assert (problem["subject"], problem["text"]) == (str(file), "AWS SDKs cannot parse this file")
    assert "secret-key" not in status()
