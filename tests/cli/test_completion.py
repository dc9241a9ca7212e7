"""Completion of commands, options and registries in real shells."""

from __future__ import annotations

import io
import json
import os
import re
import select
import shutil
import subprocess
import time
from argparse import Action, Namespace
from pathlib import Path

import pytest

from ecr_credhelper import __main__ as program
from ecr_credhelper import cli
from ecr_credhelper.cli import completion
from ecr_credhelper.cli.arguments import SHELLS
from ecr_credhelper.cli.completion import SETUP
from ecr_credhelper.cli.suggestions import known_hosts, known_profiles, suggest
from ecr_credhelper.helper import Helper
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT, OTHER_REGION, run
from tests.console.test_terminal import Screen
from tests.terminals import run_in_terminal

COMPLETIONS = {
    # typed text: possible completions
    "sta": ["status"],
    "cache c": ["clear"],
    "login --too": ["--tool"],
    "login --tool sk": ["skopeo"],
    "login --profile d": ["dev"],
    "--vers": ["--version"],
    "hel": ["help"],
    "vers": ["version"],
    "help confi": ["config", "configure"],
    "help ge": ["get"],
    "completion power": ["powershell"],
    "cache clear 1111": [HOST],
    "doctor --role-arn ": [],
    "password 1111": [HOST],
    "password 4444": [OTHER_ACCOUNT],
    "auth --kub": ["--kubernetes-secret"],
}


@pytest.fixture(autouse=True)
def known(home: Path, aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> FakeECR:
    """Add one registry to Docker's configuration and one to the cache; put the executable on PATH."""
    (home / ".docker").mkdir()
    helpers = {HOST: "ecr-py", OTHER_REGION: "pass"}
    (home / ".docker/config.json").write_text(json.dumps({"credHelpers": helpers}))
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text("[profile dev]\n[profile prod]\n")
    Helper(os.environ, time.time, print).run("get", io.BytesIO(OTHER_ACCOUNT.encode()))
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(EXECUTABLE).parent), os.environ["PATH"]]))
    return aws


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_a_script_for_the_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["completion", shell]) == 0
    output = capsys.readouterr()
    assert "docker-credential-ecr-py" in output.out
    assert output.err == "", "a shell that evaluates the script would show it at every start"


def test_completion_without_a_shell_shows_the_line_to_add_for_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["completion"]) == 0
    assert tuple(SETUP) == SHELLS
    text = capsys.readouterr().out
    for shell, (file, line) in SETUP.items():
        assert f"\n\n{shell}, in {file}:\n{line}\n" in text
        assert f"completion {shell}" in line
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("shell", SHELLS)
def test_on_a_terminal_completion_shows_the_line_to_add(shell: str) -> None:
    session = run_in_terminal("completion", shell)
    file, line = SETUP[shell]
    told = f"To load this script in every {shell}, add this line to {file}:\n{line}\n"
    assert session.status == 0
    assert session.screen.endswith(told)


def test_the_hint_goes_to_standard_error() -> None:
    screen = Screen()
    assert completion.run(Namespace(shell="bash"), screen.terminal) == 0
    assert screen.stderr.getvalue().splitlines()[-1] == SETUP["bash"][1]
    assert "add this line" not in screen.stdout.getvalue()


ASK_BASH = """
COMP_LINE="docker-credential-ecr-py {line}" COMP_POINT=${{#COMP_LINE}} COMP_TYPE=9 COMP_WORDBREAKS=$' \\t\\n'
COMP_WORDS=(docker-credential-ecr-py {line}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMPREPLY=()
_python_argcomplete docker-credential-ecr-py
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ASK_FISH = 'complete -C "docker-credential-ecr-py {line}"'
END = "end of the completions"


@pytest.mark.parametrize(
    ("shell", "load", "ask"), [("bash", SETUP["bash"][1], ASK_BASH), ("fish", SETUP["fish"][1], ASK_FISH)]
)
def test_shells_offer_the_possible_completions(shell: str, load: str, ask: str, known: FakeECR) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    calls = len(known.calls)
    script = [load, *(f"{ask.format(line=line)}\necho {END}" for line in COMPLETIONS)]
    command = [shell, "--no-config" if shell == "fish" else "--norc", "-c", "\n".join(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    *printed, rest = done.stdout.split(f"{END}\n")
    offered = [
        sorted({text.partition("\t")[0].strip() for text in lines.splitlines()} - {""}) for lines in printed
    ]
    assert (dict(zip(COMPLETIONS, offered, strict=True)), rest) == (COMPLETIONS, ""), done.stderr
    assert len(known.calls) == calls


def test_powershell_offers_the_possible_completions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """PowerShell is rarely installed here: run the program with the variables that its script sets."""
    assert cli.run(["completion", "powershell"]) == 0
    variables = dict(re.findall(r"\$env:(\w+) = (.+)", capsys.readouterr().out))
    for line, offered in COMPLETIONS.items():
        typed, found = f"docker-credential-ecr-py {line}", tmp_path / "completions"
        values = {
            "$completion_file": str(found),
            "$wordToComplete": typed,
            "$cursorPosition": str(len(typed)),
            '"`n"': "\n",
        }
        environ = {name: values.get(value, value.strip('"')) for name, value in variables.items()}
        found.write_text("")
        assert run(env={**os.environ, **environ}).stdout == b""
        assert sorted(word.strip() for word in found.read_text().splitlines()) == offered


@pytest.mark.skipif(not (shutil.which("zsh") and shutil.which("setsid")), reason="no zsh, or no setsid")
def test_zsh_completes_a_unique_word() -> None:
    """zsh completes only on a terminal, so it runs on a pseudo-terminal."""
    import pty

    terminal, other_end = pty.openpty()
    environ = {**os.environ, "TERM": "dumb"}
    with subprocess.Popen(
        ["setsid", "--ctty", "zsh", "-f"], stdin=other_end, stdout=other_end, stderr=other_end, env=environ
    ) as zsh:
        os.close(other_end)
        for typed, seen in (
            (b"autoload -U compinit; compinit -D\n", b""),
            (f'{SETUP["zsh"][1]}; echo rea""dy\n'.encode(), b"ready"),
            (b"docker-credential-ecr-py cache cl\t", b"cache clear "),
        ):
            os.write(terminal, typed)
            screen = b""
            while seen not in screen:
                assert select.select([terminal], [], [], 60)[0], screen  # Otherwise os.read would block.
                screen += os.read(terminal, 4096)
        os.close(terminal)
        zsh.wait(60)


def test_completion_offers_registries_from_docker_and_the_cache(home: Path) -> None:
    assert known_hosts() == [HOST, OTHER_ACCOUNT]
    (home / ".docker/config.json").write_text('{"credHelpers": []}')
    assert known_hosts() == [OTHER_ACCOUNT]


def test_completion_offers_profiles_from_the_aws_configuration() -> None:
    assert known_profiles() == ["dev", "prod"]


def test_values_are_suggested_by_the_name_of_their_argument() -> None:
    def suggestions(name: str) -> list[str]:
        return suggest(Action([], name))

    assert suggestions("host") == suggestions("hosts") == [HOST, OTHER_ACCOUNT]
    assert suggestions("profile") == ["dev", "prod"]
    assert {"us-west-2", "cn-north-1", "us-gov-east-1"} <= {*suggestions("region")}
    assert suggestions("role_arn") == []


def test_complete_fails_if_no_shell_is_asking() -> None:
    assert completion.complete() == 1


def test_a_shell_gets_completions_from_a_call_without_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    monkeypatch.setattr(completion, "complete", lambda: 7)
    assert program.main([]) == 7


def test_an_empty_argcomplete_variable_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_ARGCOMPLETE", "")
    assert run().status == 2
