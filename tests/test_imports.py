"""The modules and files that a command loads: each rule of the architecture, in a real process."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.commands import output_of
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION
from tests.docker_files import write, write_settings
from tests.kubelet.node import request
from tests.test_structure import PACKAGE, get_once

WATCH = """
import os, sys
import codecs, io, stat, time  # which the interpreter loads for a bare script; -S left them out

def report(event, arguments):
    if event in ("import", "open"):
        os.write(2, f"audit {event} {arguments[0]}\\n".encode())

sys.addaudithook(report)
from ecr_credhelper.__main__ import main
sys.exit(main(sys.argv[1:]))
"""

COMMAND_LINE = {"argparse", "argcomplete"}
SDK = {"botocore", "boto3", "urllib3"}
SETTINGS = {"tomllib", "difflib", "ecr_credhelper.settings.validation"}
THREADS = {"concurrent", "logging"}
PROGRAMS = {"subprocess"}
CHECKS = {"ecr_credhelper.doctor"}
FETCH = {"ecr_credhelper.fetch.attempt", "ecr_credhelper.aws.client", "ecr_credhelper.library.provider"}


class Seen(NamedTuple):
    """The modules that a process searched for, and how often it opened each file."""

    modules: set[str]
    files: Counter[str]
    output: str

    def loaded(self, names: set[str]) -> set[str]:
        """Return which of some modules were loaded, or a part of them."""
        return {name for name in names if any(f"{one}.".startswith(f"{name}.") for one in self.modules)}


def watch(*argv: str, stdin: str = "", status: int = 0, **environ: str) -> Seen:
    """Run a command in a process that reports what it imports and opens."""
    # -S: modules that a .pth file of this environment loads do not count.
    done = subprocess.run(
        [sys.executable, "-S", "-c", WATCH, *argv],
        input=stdin,
        capture_output=True,
        check=False,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), sysconfig.get_path("purelib")]),
            **environ,
        },
    )
    assert done.returncode == status, done.stderr
    events = [line.split(" ", 2)[1:] for line in done.stderr.splitlines() if line.startswith("audit ")]
    return Seen(
        {name for event, name in events if event == "import"},
        Counter(name for event, name in events if event == "open"),
        done.stdout,
    )


def press_tab(line: str, tmp_path: Path) -> tuple[Seen, list[str]]:
    """Return the modules and suggestions of one completion at the end of a command line."""
    typed, found = f"docker-credential-ecr-py {line}", tmp_path / "suggestions"
    seen = watch(
        _ARGCOMPLETE="1",
        _ARGCOMPLETE_IFS="\n",
        _ARGCOMPLETE_STDOUT_FILENAME=str(found),
        COMP_LINE=typed,
        COMP_POINT=str(len(typed)),
    )
    return seen, found.read_text(encoding="utf-8").split("\n")


@pytest.fixture
def cached(home: Path, aws: FakeECR) -> Path:
    """Return a home directory with three cached registries, two of which share a token."""
    for host in (HOST, OTHER_ACCOUNT, OTHER_REGION):
        get_once(host)
    assert len(aws.calls) == 2
    write(home / ".docker/config.json", f'{{"credHelpers": {{"{HOST}": "ecr-py"}}}}')
    return home


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize(
    ("line", "suggestion"),
    [
        ("sta", "status "),
        ("cache cl", "clear "),
        ("configure --disc", "--discover "),
        ("doctor ", HOST),
        ("login --tool pod", "podman "),
        ("password ", HOST),
        ("unconfigure --dr", "--dry-run "),
    ],
)
def test_one_tab_loads_the_parser_and_no_command(line: str, suggestion: str, tmp_path: Path) -> None:
    seen, suggestions = press_tab(line, tmp_path)
    assert suggestion in suggestions
    assert seen.loaded(COMMAND_LINE) == COMMAND_LINE
    assert not seen.loaded(SDK | SETTINGS | THREADS | CHECKS | {"ecr_credhelper.library"})
    ours = {name for name in seen.modules if name.startswith("ecr_credhelper.cli.")}
    assert ours == {
        f"ecr_credhelper.cli.{name}" for name in ("arguments", "completion", "dispatch", "suggestions")
    }


def test_one_tab_reads_no_record_of_the_cache(cached: Path, tmp_path: Path) -> None:
    seen, suggestions = press_tab("password ", tmp_path)
    assert OTHER_REGION in suggestions
    assert not [path for path in seen.files if path.startswith(f"{cached}/.cache/ecr-credhelper/2/")]


def test_one_tab_for_a_profile_loads_the_sdks_parser_and_no_session(home: Path, tmp_path: Path) -> None:
    write(home / ".aws/config", "[profile dev]\n[default]\n")
    write(home / ".aws/credentials", "[dev]\n[prod]\n")
    seen, suggestions = press_tab("login --profile ", tmp_path)
    assert suggestions == ["dev", "default", "prod"]
    assert seen.loaded({"botocore.configloader", "botocore.session"}) == {"botocore.configloader"}


def test_one_tab_for_a_region_loads_no_sdk() -> None:
    script = "import argparse; from ecr_credhelper.cli.suggestions import suggest as s; "
    script += "assert 'us-west-2' in s(argparse.Action([], 'region')); "
    script += "import sys; print(*{'botocore', 'boto3'} & {*sys.modules})"
    assert output_of([sys.executable, "-c", script]) == "\n"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "argv", [["--help"], ["help"], ["version"], ["-V"], ["get", "--help"], ["help", "list"]]
)
def test_help_and_version_load_no_parser(argv: list[str]) -> None:
    seen = watch(*argv)
    assert seen.output
    assert not seen.loaded(COMMAND_LINE | SDK | SETTINGS | THREADS | CHECKS)


@pytest.mark.usefixtures("home")
def test_an_unknown_command_loads_no_parser() -> None:
    seen = watch("statsu", status=2)
    assert "did you mean status?" in seen.output
    assert not seen.loaded(COMMAND_LINE | SDK | CHECKS)


@pytest.mark.usefixtures("aws", "home")
def test_a_cold_get_without_settings_loads_nothing_for_them_and_no_table_of_errors() -> None:
    seen = watch("get", stdin=HOST)
    assert '"Username":"AWS"' in seen.output
    unused = {"ecr_credhelper.console.log", "ecr_credhelper.console.terminal", "ecr_credhelper.aws.errors"}
    assert not seen.loaded(SETTINGS | COMMAND_LINE | unused)


@pytest.mark.usefixtures("aws")
def test_a_cold_get_with_settings_loads_what_checks_them(home: Path) -> None:
    write_settings(home, '[registry.111122223333]\nregion = "us-west-2"\n')
    assert watch("get", stdin=HOST).loaded(SETTINGS) == SETTINGS - {"difflib"}


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("argv", [["status"], ["cache"], ["cache", "clear"]])
def test_commands_for_the_cache_load_no_sdk_and_no_check(argv: list[str]) -> None:
    seen = watch(*argv)
    assert seen.output
    # status parses registries.conf, if this machine has one.
    settings = SETTINGS - {"tomllib"} if argv == ["status"] else SETTINGS
    assert not seen.loaded(SDK | settings | THREADS | CHECKS | FETCH | PROGRAMS | {"argcomplete"})


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("command", ["password", "header"])
def test_a_cached_password_loads_no_sdk_and_no_check(command: str) -> None:
    seen = watch(command, HOST)
    assert seen.output
    assert not seen.loaded(SDK | SETTINGS | CHECKS | {"argcomplete"})


@pytest.mark.usefixtures("cached")
def test_a_cached_response_to_the_kubelet_loads_no_sdk_and_no_check() -> None:
    seen = watch("kubelet", stdin=request(f"{HOST}/app").decode())
    assert '"username": "AWS"' in seen.output
    assert not seen.loaded(SDK | SETTINGS | THREADS | CHECKS | FETCH | {"argcomplete"})


@pytest.mark.usefixtures("home")
def test_the_completion_script_loads_no_sdk_and_no_check() -> None:
    seen = watch("completion", "bash")
    assert "docker-credential-ecr-py" in seen.output
    assert not seen.loaded(SDK | SETTINGS | CHECKS)


@pytest.mark.usefixtures("cached")
def test_a_list_of_cached_registries_starts_no_thread_and_no_program() -> None:
    seen = watch("list")
    assert HOST in seen.output
    assert not seen.loaded(SDK | SETTINGS | THREADS | PROGRAMS | COMMAND_LINE)


@pytest.mark.parametrize("command", ["status", "cache", "list"])
def test_every_record_is_read_once(command: str, cached: Path) -> None:
    """A thousand registries can share one token."""
    seen = watch(command)
    assert OTHER_ACCOUNT in seen.output
    records = {kind: cached / f".cache/ecr-credhelper/2/{kind}" for kind in ("routes", "tokens")}
    times = {
        kind: [seen.files[str(path)] for path in directory.iterdir()] for kind, directory in records.items()
    }
    assert times == {"routes": [1, 1, 1], "tokens": [1, 1]}


def test_status_reads_no_route_of_another_identity(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    seen = watch("status")
    assert HOST in seen.output
    assert not [path for path in seen.files if path.startswith(f"{cached}/.cache/ecr-credhelper/2/")]


def test_a_search_loads_the_sdks_parser_and_no_session(home: Path) -> None:
    write(home / ".aws/config", "[profile dev]\nsso_account_id = 111122223333\nregion = us-west-2\n")
    seen = watch("configure", "--all", "--dry-run", PATH="")
    assert HOST in seen.output
    assert seen.loaded({"botocore.configloader", "botocore.session"}) == {"botocore.configloader"}
