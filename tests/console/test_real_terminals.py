"""Every command on a pseudo-terminal, with and without colour, and in a script."""

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
    # command line, typed text, exit status, part of the output
    (["configure", HOST], "y\n", 0, "Updated "),
    (["configure", HOST], "\n", 1, "Apply these changes? [y/N]"),
    (["unconfigure"], "", 0, "Nothing to undo"),
    (["doctor", HOST], "", 1, "account 111122223333, region us-west-2"),
    (["status"], "", 0, "No registries configured yet"),
    (["login", HOST], "", 1, "docker: is not on PATH"),
    (["password", HOST], "", 0, "warning: the password is visible on your screen"),
    (["header", HOST], "", 0, "warning: the header contains the password"),
    (["cache"], "", 0, "No cached tokens"),
    (["cache", "clear"], "", 0, "Removed 0 cached tokens."),
    (["completion", "bash"], "", 0, "_python_argcomplete"),
    (["--help"], "", 0, "Docker credential helper for Amazon ECR."),
    ([], "", 1, "Docker credential helper for Amazon ECR."),
    (["confgure"], "", 1, "did you mean configure?"),
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")


@pytest.fixture(autouse=True)
def without_clients(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove all clients from PATH, and set a proxy that refuses connections to the registry."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    "environ", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"PYTHONIOENCODING": "ascii"}], ids=str
)
@pytest.mark.parametrize(("argv", "typed", "status", "output"), CALLS)
def test_commands_on_a_terminal(
    argv: list[str], typed: str, status: int, output: str, environ: dict[str, str]
) -> None:
    seen = run_in_terminal(*argv, typed=typed, env=environ)
    assert seen.status == status, seen.screen
    assert output in seen.screen
    assert "Traceback" not in seen.screen
    if "NO_COLOR" in environ or environ.get("TERM") == "dumb":
        assert "\x1b" not in seen.screen
    if environ.get("PYTHONIOENCODING"):
        assert seen.screen.isascii()


@pytest.mark.parametrize(("argv", "typed", "status", "output"), CALLS)
def test_commands_in_a_script_show_no_prompt_colour_or_warning(
    argv: list[str], typed: str, status: int, output: str, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    result = run(*argv, stdin=typed)
    printed = (result.stdout + result.stderr).decode()
    needs_yes = argv[:1] == ["configure"]
    assert result.status == (1 if needs_yes else status), printed
    assert ("not running in a terminal; use --yes" if needs_yes else output) in printed or output.startswith(
        "warning"
    )
    assert "warning: " not in printed
    assert "\x1b" not in printed
    assert len(aws.calls) <= 1


def test_the_table_contains_every_command() -> None:
    assert {argv[0] for argv, *_ in CALLS if argv} >= set(cli.NAMES)


@pytest.mark.parametrize(
    ("argv", "typed", "status", "output"),
    [(["doctor", HOST], b"\x03", 130, ""), (["password", HOST], b"", 1, "timed out after 8 s")],
)
def test_an_mfa_prompt_without_an_answer_restores_the_terminal(
    argv: list[str], typed: bytes, status: int, output: str, home: Path
) -> None:
    import pty
    import termios

    role = "role_arn = arn:aws:iam::111122223333:role/r\x1b[2J\nsource_profile = keys\nmfa_serial = m\n"
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(
        f"[default]\n{role}[profile keys]\naws_access_key_id = AKIA\naws_secret_access_key = s\n"
    )
    # Long enough for a busy machine to show the prompt.
    write(home / ".config/ecr-credhelper/config.toml", "deadline = 8\n")
    terminal, other_end = pty.openpty()
    # The first terminal that a session opens becomes /dev/tty.
    command = f'exec <>"{os.ttyname(other_end)}" >&0 2>&0; exec "{EXECUTABLE}" {" ".join(argv)}'
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in case the test runner ignores it
    process = subprocess.Popen(
        ["/bin/sh", "-c", command], start_new_session=True, env={**os.environ, "TERM": "xterm"}
    )
    signal.signal(signal.SIGINT, before)
    with process:
        seen = b""
        while b"Enter MFA code for m: " not in seen:
            assert select.select([terminal], [], [], 30)[0], seen
            seen += os.read(terminal, 65536)
        assert not termios.tcgetattr(other_end)[3] & termios.ECHO
        os.write(terminal, typed)
        ended = process.wait(30)
    while select.select([terminal], [], [], 0)[0]:  # a read can return a single line
        seen += os.read(terminal, 65536)
    shown = seen.decode()
    assert ended == status, shown
    assert termios.tcgetattr(other_end)[3] & termios.ECHO
    os.close(terminal)
    os.close(other_end)
    line = next(line for line in shown.splitlines() if "Enter MFA code for m" in line)
    assert "\x1b[2J" not in line
    assert line.endswith(("Enter MFA code for m: ", "Enter MFA code for m: ^C"))
    assert output in shown
