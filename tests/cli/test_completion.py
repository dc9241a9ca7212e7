"""Real shells complete commands, options and registries."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
from pathlib import Path

import pytest

from ecr_credhelper import __main__ as program
from ecr_credhelper import cli
from ecr_credhelper.cli.options import known_hosts, known_profiles
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT, OTHER_REGION, run
from tests.fake_ecr import FakeECR

LINES = [
    # what is typed, and what can come next
    ("sta", {"status"}),
    ("cache c", {"clear"}),
    ("login --too", {"--tool"}),
    ("login --tool sk", {"skopeo"}),
    ("login --profile d", {"dev"}),
    ("password 1111", {HOST}),
    ("password 4444", {OTHER_ACCOUNT}),
]


@pytest.fixture(autouse=True)
def known(home: Path, aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> FakeECR:
    """Let Docker's configuration know a registry, and the cache another; put the executable on PATH."""
    (home / ".docker").mkdir()
    helpers = {HOST: "ecr-py", OTHER_REGION: "pass"}
    (home / ".docker/config.json").write_text(json.dumps({"credHelpers": helpers}))
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text("[profile dev]\n[profile prod]\n")
    run("get", stdin=OTHER_ACCOUNT)
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(EXECUTABLE).parent), os.environ["PATH"]]))
    return aws


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["completion", shell]) == 0
    assert "docker-credential-ecr-py" in capsys.readouterr().out


ASK_BASH = """
eval "$(docker-credential-ecr-py completion bash)"
COMP_LINE="docker-credential-ecr-py {line}" COMP_POINT=${{#COMP_LINE}} COMP_TYPE=9 COMP_WORDBREAKS=$' \\t\\n'
COMP_WORDS=(docker-credential-ecr-py {line}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_python_argcomplete docker-credential-ecr-py
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


ASK_FISH = 'docker-credential-ecr-py completion fish | source; complete -C "docker-credential-ecr-py {line}"'


@pytest.mark.parametrize(("line", "expected"), LINES)
@pytest.mark.parametrize(("shell", "script"), [("bash", ASK_BASH), ("fish", ASK_FISH)])
def test_a_shell_offers_what_can_come_next(
    shell: str, script: str, line: str, expected: set[str], known: FakeECR
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    calls = len(known.calls)
    command = [shell, "--no-config" if shell == "fish" else "--norc", "-c", script.format(line=line)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    offered = {text.partition("\t")[0].strip() for text in done.stdout.splitlines()} - {""}
    assert offered == expected, done.stderr
    assert len(known.calls) == calls


@pytest.mark.skipif(not (shutil.which("zsh") and shutil.which("setsid")), reason="no zsh, or no setsid")
def test_zsh_writes_what_must_come_next() -> None:
    """It completes on a terminal only, so there it is asked."""
    import pty

    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "dumb"}
    with subprocess.Popen(
        ["setsid", "--ctty", "zsh", "-f"], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    ) as zsh:
        os.close(theirs)
        for typed, seen in (
            (b"autoload -U compinit; compinit -D\n", b""),
            (b'eval "$(docker-credential-ecr-py completion zsh)"; echo rea""dy\n', b"ready"),
            (b"docker-credential-ecr-py cache cl\t", b"cache clear "),
        ):
            os.write(ours, typed)
            screen = b""
            while seen not in screen:
                assert select.select([ours], [], [], 60)[0], screen  # or it would wait for ever
                screen += os.read(ours, 4096)
        os.close(ours)
        zsh.wait(60)


def test_the_registries_offered_are_docker_s_and_the_cache_s(home: Path) -> None:
    assert known_hosts() == [HOST, OTHER_ACCOUNT]
    (home / ".docker/config.json").write_text('{"credHelpers": []}')
    assert known_hosts() == [OTHER_ACCOUNT]


def test_the_profiles_offered_are_those_of_the_aws_configuration() -> None:
    assert known_profiles() == ["dev", "prod"]


def test_nobody_is_answered_who_did_not_ask() -> None:
    assert cli.complete() == 1


def test_a_shell_is_answered_by_what_it_calls_without_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    monkeypatch.setattr(cli, "complete", lambda: 7)
    assert program.main([]) == 7


def test_a_variable_of_a_shell_alone_completes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_ARGCOMPLETE", "")
    assert run().status == 1
