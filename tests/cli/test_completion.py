"""Completion of commands, options and registries in real shells."""

from __future__ import annotations

import io
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ecr_credhelper import __main__ as program
from ecr_credhelper import cli
from ecr_credhelper.cli import completion
from ecr_credhelper.cli.suggestions import known_hosts, known_profiles
from ecr_credhelper.helper import Helper
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT, OTHER_REGION, run

COMPLETIONS = {
    # typed text: possible completions
    "sta": ["status"],
    "cache c": ["clear"],
    "login --too": ["--tool"],
    "login --tool sk": ["skopeo"],
    "login --profile d": ["dev"],
    "password 1111": [HOST],
    "password 4444": [OTHER_ACCOUNT],
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


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["completion", shell]) == 0
    assert "docker-credential-ecr-py" in capsys.readouterr().out


LOAD_BASH = 'eval "$(docker-credential-ecr-py completion bash)"'
ASK_BASH = """
COMP_LINE="docker-credential-ecr-py {line}" COMP_POINT=${{#COMP_LINE}} COMP_TYPE=9 COMP_WORDBREAKS=$' \\t\\n'
COMP_WORDS=(docker-credential-ecr-py {line}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMPREPLY=()
_python_argcomplete docker-credential-ecr-py
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
LOAD_FISH = "docker-credential-ecr-py completion fish | source"
ASK_FISH = 'complete -C "docker-credential-ecr-py {line}"'
END = "end of the completions"


@pytest.mark.parametrize(
    ("shell", "load", "ask"), [("bash", LOAD_BASH, ASK_BASH), ("fish", LOAD_FISH, ASK_FISH)]
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
            (b'eval "$(docker-credential-ecr-py completion zsh)"; echo rea""dy\n', b"ready"),
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


def test_complete_fails_if_no_shell_is_asking() -> None:
    assert completion.complete() == 1


def test_a_shell_gets_completions_from_a_call_without_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    monkeypatch.setattr(completion, "complete", lambda: 7)
    assert program.main([]) == 7


def test_an_empty_argcomplete_variable_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_ARGCOMPLETE", "")
    assert run().status == 1
