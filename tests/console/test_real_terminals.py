"""Every command as a person sees it: under a pseudo-terminal, with and without colour, and without one."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ecr_credhelper import cli
from tests.conftest import EXECUTABLE, HOST, run
from tests.doctor_findings import write
from tests.fake_ecr import FakeECR
from tests.terminals import run_in_terminal

CALLS: tuple[tuple[list[str], str, int, str], ...] = (
    # command line, what is typed, the exit status, something that is said
    (["configure", HOST], "y\n", 0, "is written"),
    (["configure", HOST], "\n", 1, "Write this? [y/N]"),
    (["unconfigure"], "", 0, "nothing to give back"),
    (["doctor", HOST], "", 1, "account 111122223333, region us-west-2"),
    (["status"], "", 0, "Docker asks here for no registry yet"),
    (["login", HOST], "", 1, "docker: is not on PATH"),
    (["password", HOST], "", 0, "warning: the password is on your screen"),
    (["header", HOST], "", 0, "warning: the header holds the password"),
    (["cache"], "", 0, "Nothing is cached"),
    (["cache", "clear"], "", 0, "are forgotten"),
    (["completion", "bash"], "", 0, "_python_argcomplete"),
    (["--help"], "", 0, "Begin with one of your registries"),
    ([], "", 1, "Begin with one of your registries"),
    (["confgure"], "", 1, "did you mean configure?"),
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")


@pytest.fixture(autouse=True)
def without_clients(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave no client on PATH, and no name to look up: the registry is on another machine."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    "environ", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"PYTHONIOENCODING": "ascii"}], ids=str
)
@pytest.mark.parametrize(("argv", "typed", "status", "said"), CALLS)
def test_a_person_is_answered(
    argv: list[str], typed: str, status: int, said: str, environ: dict[str, str]
) -> None:
    seen = run_in_terminal(*argv, typed=typed, env=environ)
    assert seen.status == status, seen.screen
    assert said in seen.screen
    assert "Traceback" not in seen.screen
    if "NO_COLOR" in environ or environ.get("TERM") == "dumb":
        assert "\x1b" not in seen.screen
    if environ.get("PYTHONIOENCODING"):
        assert seen.screen.isascii()


@pytest.mark.parametrize(("argv", "typed", "status", "said"), CALLS)
def test_a_script_is_answered_without_a_question_a_colour_or_a_warning(
    argv: list[str], typed: str, status: int, said: str, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    result = run(*argv, stdin=typed)
    told = (result.stdout + result.stderr).decode()
    asks = argv[:1] == ["configure"]
    assert result.status == (1 if asks else status), told
    assert ("there is nobody to ask; add --yes" if asks else said) in told or said.startswith("warning")
    assert "warning: " not in told
    assert "\x1b" not in told
    assert len(aws.calls) <= 1


def test_every_command_is_in_the_table_above() -> None:
    assert {argv[0] for argv, *_ in CALLS if argv} >= set(cli.NAMES)


@pytest.mark.parametrize(
    ("argv", "typed", "status", "said"),
    [(["doctor", HOST], b"\x03", 130, ""), (["password", HOST], b"", 1, "timed out after 8 s")],
)
def test_an_mfa_code_that_nobody_types_leaves_the_terminal_as_it_was(
    argv: list[str], typed: bytes, status: int, said: str, home: Path
) -> None:
    import pty
    import termios

    role = "role_arn = arn:aws:iam::111122223333:role/r\x1b[2J\nsource_profile = keys\nmfa_serial = m\n"
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(
        f"[default]\n{role}[profile keys]\naws_access_key_id = AKIA\naws_secret_access_key = s\n"
    )
    # Long enough for a busy machine to come to the question.
    write(home / ".config/ecr-credhelper/config.toml", "deadline = 8\n")
    ours, theirs = pty.openpty()
    # A session's first terminal is its own: /dev/tty.
    command = f'exec <>"{os.ttyname(theirs)}" >&0 2>&0; exec "{EXECUTABLE}" {" ".join(argv)}'
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # where our own runner ignores it
    process = subprocess.Popen(
        ["/bin/sh", "-c", command], start_new_session=True, env={**os.environ, "TERM": "xterm"}
    )
    signal.signal(signal.SIGINT, before)
    with process:
        seen = b""
        while b"Enter MFA code for m: " not in seen:
            assert select.select([ours], [], [], 30)[0], seen
            seen += os.read(ours, 65536)
        assert not termios.tcgetattr(theirs)[3] & termios.ECHO
        os.write(ours, typed)
        ended = process.wait(30)
    while select.select([ours], [], [], 0)[0]:  # a read brings a line at a time, as it may
        seen += os.read(ours, 65536)
    shown = seen.decode()
    assert ended == status, shown
    assert termios.tcgetattr(theirs)[3] & termios.ECHO
    os.close(ours)
    os.close(theirs)
    line = next(line for line in shown.splitlines() if "Enter MFA code for m" in line)
    assert "\x1b[2J" not in line
    assert line.endswith(("Enter MFA code for m: ", "Enter MFA code for m: ^C"))
    assert said in shown
