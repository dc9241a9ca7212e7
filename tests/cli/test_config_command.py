"""``config`` shows the settings in force, and ``config check`` their problems."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper import __main__ as program
from ecr_credhelper import cli
from ecr_credhelper.cli import settings_file
from ecr_credhelper.cli.settings_file import SettingsProblem, account_of
from ecr_credhelper.settings.rules import Rule
from tests.commands import SUFFIX
from tests.conftest import AS_A_PROCESS, HOST, Result, Run, run
from tests.doctor_findings import write
from tests.terminals import run_in_terminal
from tests.test_imports import watch

PROG = "docker-credential-ecr-py"
ARN = "arn:aws:iam::444455556666:role/teams/platform/a-role-with-a-long-name"

SETTINGS = f"""\
fallback = "here"
deadline = 60

[registry.444455556666]
profile = "prod"
role_arn = "{ARN}"
external_id = "not-for-everybody"
duration = 3600

[registry."images.example.com"]
public = true
"""

SHOWN = f"""\
fallback           here (line 1)
on_error           error, but not-found for the public registry (default)
deadline           60 s (line 2)
list               fetch (default)
log                none (default)
cache              {{cache}} (default)
docker_login       stored (default)

[registry.444455556666]
profile            prod (line 5)
role_arn           {ARN} (line 6)
external_id        (hidden) (line 7)
duration           3600 s (line 8)

[registry."images.example.com"]
public             true (line 11)
"""


@pytest.fixture(params=["in this process", AS_A_PROCESS])
def call(request: pytest.FixtureRequest, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Return a function that runs a command as a separate process or in this process."""

    def here(*argv: str) -> Result:
        status = program.main(argv)
        output = capfdbinary.readouterr()
        return Result(status, output.out, output.err)

    return run if request.param == AS_A_PROCESS else here


@pytest.fixture
def file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the settings file, on a machine with the profile prod and the helper ``here``."""
    write(home / ".aws/config", "[profile prod]\naws_account_id = 444455556666\n")
    helper = home / f"bin/docker-credential-here{SUFFIX}"
    write(helper, "")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join((str(helper.parent), os.environ["PATH"])))
    path = home / ".config/ecr-credhelper/config.toml"
    path.parent.mkdir(parents=True)
    return path


def shown(call: Run, *argv: str) -> Any:
    """Return the JSON output of ``config``."""
    return json.loads(call("config", *argv, "--json").stdout)


def test_config_shows_each_value_and_its_line(file: Path, home: Path, call: Run) -> None:
    file.write_text(SETTINGS)
    expected = SHOWN.format(cache=home / ".cache/ecr-credhelper")
    assert call("config").stdout.decode() == f"file               {file} (default)\n{expected}"
    assert call("config", "show") == call("config")
    assert call("config").status == 0
    assert call("config").stderr == b""


def test_config_shows_the_defaults_without_a_file(call: Run) -> None:
    result = call("config")
    assert (result.status, result.stderr) == (0, b"")
    lines = result.stdout.decode().splitlines()
    assert lines[0].endswith("config.toml (default, not found)")
    assert len(lines) == 8
    assert all(line.endswith("(default)") for line in lines[1:])


def test_variables_replace_settings_and_are_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, call: Run
) -> None:
    moved = home / "moved.toml"
    moved.write_text(
        f'log = "debug"\n[registry."{HOST}"]\nprofile = "prod"\n'
        '[registry."*.example.com"]\nregion = "us-west-2"\n'
    )
    for name, value in {
        "ECR_CREDHELPER_CONFIG": str(moved),
        "ECR_CREDHELPER_LOG": "https://me:pw@a",
        "AWS_ECR_CACHE_DIR": str(home / "c"),
        "AWS_ECR_IGNORE_CREDS_STORAGE": "true",
        "ECR_CREDHELPER_PROFILE_111122223333": "one",
        "ECR_CREDHELPER_ROLE_ARN_000000000000": ARN,
        "ECR_CREDHELPER_PROFILE_999999999999": "",
        "ECR_CREDHELPER_PROFILE_x": "no account",
    }.items():
        monkeypatch.setenv(name, value)
    result = call("config")
    assert result.status == 1  # The file has a profile that does not exist here.
    assert (
        result.stdout.decode()
        == f"""\
file               {moved} (ECR_CREDHELPER_CONFIG)
fallback           none (default)
on_error           error, but not-found for the public registry (default)
deadline           25 s (default)
list               fetch (default)
log                https://…@a (ECR_CREDHELPER_LOG)
cache              {home / "c/ecr-credhelper"} (AWS_ECR_CACHE_DIR)
docker_login       not stored (AWS_ECR_IGNORE_CREDS_STORAGE)

[registry."{HOST}"]
profile            one (ECR_CREDHELPER_PROFILE_111122223333)

[registry."*.example.com"]
region             us-west-2 (line 5)

[registry.000000000000]
role_arn           {ARN} (ECR_CREDHELPER_ROLE_ARN_000000000000)

[registry.111122223333]
profile            one (ECR_CREDHELPER_PROFILE_111122223333)
"""
    )


def test_a_disabled_cache_stores_no_docker_login(monkeypatch: pytest.MonkeyPatch, call: Run) -> None:
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    text = call("config").stdout.decode()
    assert "\ncache              disabled (AWS_ECR_DISABLE_CACHE)\n" in text
    assert "\ndocker_login       not stored (AWS_ECR_DISABLE_CACHE)\n" in text


def test_config_does_not_need_a_home_directory(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    for name in ("APPDATA", "LOCALAPPDATA", "USERPROFILE"):
        monkeypatch.delenv(name, raising=False)
    assert cli.run(["config"]) == 0
    assert "none (default, not found)\n" in (text := capsys.readouterr().out)
    assert "\ncache              none (default)\n" in text
    assert cli.run(["config", "check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] is None


def test_json_has_a_stable_shape(file: Path, monkeypatch: pytest.MonkeyPatch, call: Run) -> None:
    file.write_text(SETTINGS)
    monkeypatch.setenv("ECR_CREDHELPER_PROFILE_444455556666", "other")
    result = shown(call)
    assert list(result) == ["version", "file", "exists", "settings", "rules"]
    assert (result["version"], result["file"], result["exists"]) == (1, str(file), True)
    assert list(result["settings"]) == [
        "fallback", "on_error", "deadline", "list", "log", "cache", "docker_login",
    ]  # fmt: skip
    assert result["settings"]["deadline"] == {"value": 60, "source": "file", "line": 2, "variable": None}
    assert result["settings"]["on_error"] == {
        "value": None, "source": "default", "line": None, "variable": None,
    }  # fmt: skip
    first, second = result["rules"]
    assert (first["pattern"], first["line"], second["line"]) == ("444455556666", 4, 10)
    assert first["settings"]["profile"] == {
        "value": "other", "source": "environment", "line": None,
        "variable": "ECR_CREDHELPER_PROFILE_444455556666",
    }  # fmt: skip
    assert first["settings"]["external_id"] == {"value": None, "source": "file", "line": 7, "variable": None}
    assert second["settings"]["public"]["value"] is True


PROBLEMS = """\
fallback = "missing"
dedline = 3
[registry.444455556666]
profile = "prdo"
role_arn = "r"
external_id = "not for everybody"
[registry."111122223333.dkr.ecr.ap-southeast-1.amazonaws.com"]
profile = "auto"
ca_bundle = "/no/ca.pem"
role_session_name = "r"
[registry.images.example.com]
region = "us-west-2"
[registry."A.io"]
[registry.public]
profile = "auto"
"""

LONG = 'registry."111122223333.dkr.ecr.ap-southeast-1.amazonaws.com"'

FOUND = [
    (1, "fallback", "docker-credential-missing is not on PATH"),
    (2, "dedline", "unknown setting; did you mean deadline?"),
    (4, "registry.444455556666.profile", "AWS profile 'prdo' does not exist; did you mean prod?"),
    (5, "registry.444455556666.role_arn",
        'found "r", expected a role ARN: "arn:aws:iam::111122223333:role/pull"'),
    (6, "registry.444455556666.external_id",
        "found …, expected 2 to 1224 letters, digits or any of _+=,.@:/-"),
    (8, f"{LONG}.profile", "no AWS profile belongs to account 111122223333; "
        'set one in the settings file instead of profile = "auto"'),
    (9, f"{LONG}.ca_bundle", "/no/ca.pem does not exist"),
    (10, f"{LONG}.role_session_name",
        'found "r", expected 2 to 64 letters, digits or any of _+=,.@-'),
    (10, f"{LONG}.role_session_name", "requires role_arn"),
    (11, "registry.images.example.com", 'a pattern with dots needs quotes: [registry."images.example.com"]'),
    (13, 'registry."A.io"', "expected a host in lower case, an account ID of 12 digits, or public"),
    (15, "registry.public.profile", 'profile = "auto" needs an account, which this registry does not have; '
        "set a profile in the settings file, or account in the rule of a custom host"),
]  # fmt: skip


def test_check_shows_all_problems_with_their_lines(file: Path, call: Run) -> None:
    file.write_text(PROBLEMS)
    result = call("config", "check")
    lines = [f"  line {line:<2}  {setting}: {text}" for line, setting, text in FOUND]
    assert result == Result(1, "\n".join([str(file), *lines, "12 problems", ""]).encode(), b"")
    assert shown(call, "check") == {
        "version": 1,
        "file": str(file),
        "exists": True,
        "problems": [{"line": line, "setting": name, "text": text} for line, name, text in FOUND],
    }


def test_config_shows_only_valid_settings_and_refers_to_check(file: Path, call: Run) -> None:
    file.write_text(PROBLEMS)
    result = call("config")
    text = result.stdout.decode()
    assert result.status == 1
    assert result.stderr.decode() == f"{PROG}: {file} has 12 problems; run: {PROG} config check\n"
    for wrong in ("dedline", "external_id", "images", "A.io", "role_session_name"):
        assert wrong not in text
    assert "[registry.444455556666]\nprofile            prdo (line 4)\n\n" in text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('fallback = "pass', "line 1  not valid TOML: a closing quote is missing"),
        ("\n[a]\n[a]\n", "line 3  not valid TOML: this key or table is already defined above"),
        ("[registry.a.io:5000]\n",
            'line 1  not valid TOML: a pattern with dots needs quotes: [registry."a.io:5000"]'),
        (f"a = {'[' * 20000}", "not valid TOML: nested too deeply"),
        ("registry = 1", 'line 1  registry: found 1, expected tables: [registry."HOST"]'),
        ('[registry.444455556666]\nca_bundle = "~/ca.pem"',
            "line 2  registry.444455556666.ca_bundle: ~/ca.pem does not exist; ~ is not expanded, so "
            "write the whole path"),
    ],
)  # fmt: skip
def test_check_shows_one_problem(text: str, problem: str, file: Path, call: Run) -> None:
    file.write_text(text)
    assert call("config", "check") == Result(1, f"{file}\n  {problem}\n1 problem\n".encode(), b"")
    assert call("config").stdout.decode().count("(default)") == 8


def test_check_is_content_with_a_valid_file(file: Path, call: Run) -> None:
    file.write_text(SETTINGS)
    assert call("config", "check") == Result(0, f"{file}\nno problems\n".encode(), b"")


def test_check_is_content_without_a_file(call: Run) -> None:
    assert call("config", "check") == Result(0, b"no settings file\n", b"")
    assert shown(call, "check") | {"file": None} == {
        "version": 1,
        "file": None,
        "exists": False,
        "problems": [],
    }


def test_check_reports_a_file_that_cannot_be_read(
    home: Path, monkeypatch: pytest.MonkeyPatch, call: Run
) -> None:
    missing = home / "missing.toml"
    monkeypatch.setenv("ECR_CREDHELPER_CONFIG", str(missing))
    problem = "cannot be read (No such file or directory)"
    assert call("config", "check") == Result(1, f"{missing}\n  {problem}\n1 problem\n".encode(), b"")
    assert shown(call, "check")["problems"] == [{"line": None, "setting": None, "text": problem}]
    assert shown(call, "check")["exists"] is False


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("argv", [["config"], ["config", "check"]], ids=" ".join)
@pytest.mark.parametrize("text", [SETTINGS, PROBLEMS], ids=["valid", "invalid"])
def test_the_screens_fit_a_terminal(argv: list[str], text: str, width: int, file: Path) -> None:
    pytest.importorskip("pty")
    file.write_text(text)
    screen = run_in_terminal(*argv, env={"COLUMNS": str(width)}).screen
    lines = [line for line in screen.splitlines() if not line.startswith(PROG)]
    assert max(map(len, lines)) <= width + 4 * (width == 60)  # the header of a rule with a long host
    assert "~/.config/ecr-credhelper/config.toml" in screen
    if text == PROBLEMS:
        assert "111122223333.dkr.ecr.ap-southeast-1.amazonaws.com" in screen


def test_config_loads_no_aws_sdk(file: Path) -> None:
    file.write_text(SETTINGS)
    for argv in (["config"], ["config", "check"]):
        assert watch(*argv).loaded({"botocore", "boto3"}) == set()


def test_a_wrong_action_is_a_usage_error(call: Run) -> None:
    for word, shown, hint in (
        ("set", "set", f"use show, check; run: {PROG} config --help"),
        ("chekc", "chekc", "did you mean check?"),
        ("me:hunter2", "…", f"use show, check; run: {PROG} config --help"),
    ):
        result = call("config", word)
        reason = f"argument show|check: unknown action '{shown}'"
        assert (result.status, result.stderr.decode()) == (2, f"{PROG} config: {reason}; {hint}\n")


@pytest.mark.parametrize(
    ("rule", "account"),
    [
        (Rule("111122223333"), "111122223333"),
        (Rule(HOST), "111122223333"),
        (Rule("public"), ""),
        (Rule("public.ecr.aws"), ""),
        (Rule("images.example.com", public=True, account="1"), ""),
        (Rule("images.example.com", account="444455556666"), "444455556666"),
        (Rule("*.example.com", account="444455556666"), "444455556666"),
        (Rule("images.example.com"), ""),
        (Rule("*.dkr.ecr.*.amazonaws.com"), None),
    ],
)
def test_the_account_of_a_rule_is_known_or_varies(rule: Rule, account: str | None) -> None:
    assert account_of(rule) == account


def test_auto_is_checked_only_where_the_account_is_known(file: Path) -> None:
    file.write_text(
        '[registry.444455556666]\nprofile = "auto"\n'
        '[registry."*.dkr.ecr.*.amazonaws.com"]\nprofile = "auto:p*"\n'
    )
    assert settings_file.read(os.environ).problems == []


@given(
    st.binary(max_size=80) | st.text(st.sampled_from("registy.ab1=\"[]{}\n#'\\"), max_size=60).map(str.encode)
)
def test_any_bytes_have_problems_within_the_file(content: bytes) -> None:
    path = Path(os.environ["HOME"]) / "any.toml"
    path.write_bytes(content)
    found = settings_file.read({"ECR_CREDHELPER_CONFIG": str(path)})
    assert found.exists
    assert all(
        isinstance(one, SettingsProblem) and 0 <= one.line <= content.count(b"\n") + 1
        for one in found.problems
    )


def problems_of(file: Path, text: str) -> list[str]:
    """Return the problems of a settings file."""
    file.write_text(text)
    return [str(problem) for problem in settings_file.read(os.environ).problems]


@pytest.mark.parametrize(("pattern", "problem"), [
    ("11112222333.dkr.ecr.us-west-2.amazonaws.com", "11112222333 has 11 digits; an AWS account ID has 12"),
    ("111122223333.dkr.ecr.us-wset-2.amazonaws.com",
        "us-wset-2 is not a known region; did you mean us-west-2?"),
    ("*.dkr.ecr.us-wset-2.amazonaws.com", "us-wset-2 is not a known region; did you mean us-west-2?"),
    ("1111*.dkr.ecr.us-wset-2.amazonaws.com", "us-wset-2 is not a known region; did you mean us-west-2?"),
    (f"{HOST}:443", f"registries of ECR are matched without a port; write {HOST}"),
    ("images.example.com", "not a host of ECR; a custom host needs region, or public = true"),
    ("localhost:5000", "not a host of ECR; a custom host needs region, or public = true"),
])  # fmt: skip
@pytest.mark.parametrize("field", ["", 'profile = "prod"\n'])
def test_a_host_that_is_no_registry_is_a_problem(pattern: str, problem: str, field: str, file: Path) -> None:
    assert problems_of(file, f'[registry."{pattern}"]\n{field}') == [
        f'line 1: registry."{pattern}": {problem}'
    ]


@pytest.mark.parametrize("pattern", [
    HOST, "public.ecr.aws", "*.ecr.aws", "*.dkr.ecr.*.amazonaws.com", "1111*.dkr.ecr.us-*.amazonaws.com",
    "111122223333.dkr.ecr.xx-central-7.amazonaws.com", "*.example.com",
])  # fmt: skip
def test_a_host_that_can_be_a_registry_is_no_problem(pattern: str, file: Path) -> None:
    assert problems_of(file, f'[registry."{pattern}"]\nprofile = "prod"\n') == []


def test_a_misspelt_region_is_a_problem(file: Path) -> None:
    assert problems_of(file, '[registry."a.io"]\nregion = "us-wset-2"\n') == [
        'line 2: registry."a.io".region: us-wset-2 is not a known region; did you mean us-west-2?'
    ]
    assert problems_of(file, '[registry.mirror]\nregion = "xx-central-7"\n') == []


@pytest.mark.parametrize(("fallback", "problem"), [
    ("docker-credential-pass", 'found "docker-credential-pass", expected the suffix only: "pass"'),
    ("ecr-login", "Amazon's helper cannot log in to other registries; remove it, or use another helper"),
])  # fmt: skip
def test_a_fallback_that_cannot_work_is_a_problem(fallback: str, problem: str, file: Path) -> None:
    assert problems_of(file, f'fallback = "{fallback}"\n') == [f"line 1: fallback: {problem}"]


@pytest.mark.parametrize("pattern", ["*.dkr.ecr.*.amazonaws.com", "444455556666"])
def test_auto_that_matches_no_profile_is_a_problem(pattern: str, file: Path) -> None:
    (problem,) = problems_of(file, f'[registry."{pattern}"]\nprofile = "auto:*-nosuch"\n')
    assert 'matches "*-nosuch"' in problem


@pytest.mark.parametrize("text", ["", "a = 1"])
def test_a_byte_order_mark_is_named(text: str, file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    (problem,) = settings_file.read(os.environ).problems
    expected = "line 1: not valid TOML: starts with a byte order mark; save it as UTF-8 without one"
    assert str(problem) == expected
