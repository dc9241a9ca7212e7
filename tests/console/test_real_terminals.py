"""Every command on a pseudo-terminal, with and without colour, and in a script."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from pathlib import Path

import pytest

from ecr_credhelper import cli
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests import systems
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT, login, run
from tests.doctor_findings import write
from tests.terminals import lines_of, read_to_end, run_in_terminal

CALLS: tuple[tuple[list[str], str, int, str], ...] = (
    # command line, typed text, exit status, part of the output
    (["configure", HOST], "y\n", 0, "Updated "),
    (["configure", HOST], "\n", 1, "Apply these changes? [y/N]"),
    (["unconfigure"], "", 0, "Nothing to undo"),
    (["config"], "", 0, "(default)"),
    (["doctor", HOST], "", 1, "account 111122223333, region us-west-2"),
    (["status"], "", 0, "No registries configured yet"),
    (["config"], "", 0, "deadline"),
    (["login", HOST], "", 1, "docker: is not on PATH"),
    (["password", HOST], "", 0, "warning: the password is visible on your screen"),
    (["header", HOST], "", 0, "warning: the header contains the password"),
    (["auth", HOST], "", 0, "warning: the passwords are visible on your screen"),
    (["kubelet", "--print-config"], "", 0, "CredentialProviderConfig"),
    (["cache"], "", 0, "No cached tokens"),
    (["cache", "clear"], "", 0, "Removed 0 cached tokens."),
    (["completion", "bash"], "", 0, "_python_argcomplete"),
    (["--help"], "", 0, "Docker credential helper for Amazon ECR."),
    ([], "", 2, "Docker credential helper for Amazon ECR."),
    (["confgure"], "", 2, "did you mean configure?"),
)

pytestmark = systems.terminals


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


LONG_HOST = f"{'registry-' * 8}of-a-team.example.com"
LONG_PROFILE = "a-profile-with-a-name-that-is-longer-than-every-column-of-every-terminal-can-be-made"
SETTINGS = f"""\
[registry.444455556666]
profile = "{LONG_PROFILE}"
role_arn = "arn:aws:iam::444455556666:role/a/very/long/path/of/a/role/{"x" * 60}"
[registry."{LONG_HOST}"]
region = "us-west-2"
[registry.public]
profile = "prdo"
"""


@pytest.fixture
def long_texts(home: Path, aws: FakeECR) -> None:
    """Configure registries whose rows and problems are wider than a terminal."""
    keys = ", ".join(
        f'"{key}": "ecr-py"' for key in (HOST, OTHER_ACCOUNT, f"https://{HOST}", "*.amazonaws.com")
    )
    write(home / ".docker/config.json", f'{{"credHelpers": {{{keys}}}}}')
    write(home / ".config/containers/auth.json", f'{{"credHelpers": {{"{LONG_HOST}": "ecr-py"}}}}')
    write(home / ".config/ecr-credhelper/config.toml", SETTINGS)
    write(home / ".aws/config", f"[profile {LONG_PROFILE}]\n[profile prod]\n")
    run("get", stdin=HOST)
    run("store", stdin=login(OTHER_ACCOUNT))
    run("get", stdin=HOST, env={**os.environ, "AWS_ROLE_SESSION_NAME": "other"})
    assert len(aws.calls) == 2


SCREENS = (["status"], ["cache"], ["doctor"], ["doctor", HOST], ["doctor", f"{OTHER_ACCOUNT}/team/app:1"])


@pytest.mark.usefixtures("long_texts")
@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("argv", SCREENS, ids=" ".join)
def test_every_screen_fits_the_terminal(argv: list[str], columns: int, home: Path) -> None:
    screen = run_in_terminal(*argv, columns=columns).screen
    lines = lines_of(screen)
    too_wide = {line.strip().strip('":/').removeprefix("https://") for line in lines if len(line) > columns}
    assert too_wide <= {LONG_HOST, HOST, OTHER_ACCOUNT}, "only a host alone can be too wide"
    for host in {HOST, OTHER_ACCOUNT, LONG_HOST} if argv == ["status"] else {*argv[1:2]}:
        assert host.partition("/")[0] in screen, "hosts are never shortened"
    assert str(home) not in screen
    assert max(map(len, lines)) > columns * 0.6, "wide terminals are used"


@pytest.mark.usefixtures("long_texts")
@pytest.mark.parametrize("argv", SCREENS, ids=" ".join)
def test_a_pipe_gets_whole_lines(argv: list[str], home: Path) -> None:
    printed = run(*argv, env={**os.environ, "COLUMNS": "40"}).stdout.decode()
    assert "…" not in printed
    assert "\x1b" not in printed
    if argv == ["status"]:
        assert f"{LONG_HOST}  key AKIAFAKEFAKEFAKEFAKE" in printed
        assert f'config.json: Docker never matches "https://{HOST}" in credHelpers\n' in printed
        assert printed == run(*argv, env={**os.environ, "COLUMNS": "200"}).stdout.decode()
    if argv[0] != "cache":
        assert f"{home / '.config/ecr-credhelper/config.toml'}" in printed


@pytest.mark.usefixtures("long_texts")
def test_columns_overrides_the_width_of_the_terminal() -> None:
    narrow = lines_of(run_in_terminal("status", columns=120, env={"COLUMNS": "60"}).screen)
    assert narrow == lines_of(run_in_terminal("status", columns=60).screen)
    assert narrow != lines_of(run_in_terminal("status", columns=120).screen)


@pytest.mark.parametrize("columns", [0, 1, 20])
def test_a_very_narrow_terminal_still_gets_its_output(columns: int) -> None:
    seen = run_in_terminal("status", columns=columns)
    assert seen.status == 0
    assert "No registries configured yet" in seen.screen


QUESTION = "Enter MFA code for m: "


@pytest.fixture
def mfa(home: Path) -> Path:
    """Give the home a role that needs an MFA code; return the path of the settings file."""
    role = "role_arn = arn:aws:iam::111122223333:role/r\x1b[2J\nsource_profile = keys\nmfa_serial = m\n"
    keys = "aws_access_key_id = AKIA\naws_secret_access_key = s\n"
    write(home / ".aws/config", f"[default]\n{role}[profile keys]\n{keys}")
    return home / ".config/ecr-credhelper/config.toml"


def leave_the_question(*argv: str, typed: bytes = b"") -> tuple[int, str]:
    """Run a command on a terminal of its own, type something when it asks for the code, if it does.

    Return the exit status and what the terminal showed, which must have its echo again.
    """
    import pty
    import termios

    ours, theirs = pty.openpty()
    # A session's first terminal is its own: /dev/tty.
    command = f'exec <>"{os.ttyname(theirs)}" >&0 2>&0; exec "{EXECUTABLE}" {" ".join(argv)}'
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # where our own runner ignores it
    process = subprocess.Popen(
        ["/bin/sh", "-c", command], start_new_session=True, env={**os.environ, "TERM": "xterm"}
    )
    signal.signal(signal.SIGINT, before)
    seen = b""
    with process:
        while QUESTION.encode() not in seen and process.poll() is None:
            if select.select([ours], [], [], 0.1)[0]:
                seen += os.read(ours, 65536)
        if typed:
            assert not termios.tcgetattr(theirs)[3] & termios.ECHO
            os.write(ours, typed)
        process.wait(600)
    assert termios.tcgetattr(theirs)[3] & termios.ECHO
    os.close(theirs)
    seen += read_to_end(ours)
    os.close(ours)
    return process.returncode, seen.decode()


def assert_the_question_was_shown(screen: str) -> None:
    line = next(line for line in screen.splitlines() if QUESTION.strip() in line)
    assert "\x1b[2J" not in line
    assert line.endswith((QUESTION, f"{QUESTION}^C"))


def test_ctrl_c_at_the_question_for_an_mfa_code_leaves_the_terminal_as_it_was(mfa: Path) -> None:
    write(mfa, "deadline = 600\n")  # however busy the machine is
    status, screen = leave_the_question("doctor", HOST, typed=b"\x03")
    assert status == 130, screen
    assert_the_question_was_shown(screen)


def test_an_mfa_code_that_is_not_entered_leaves_the_terminal_as_it_was(mfa: Path) -> None:
    for seconds in (1, 10, 60, 300):  # the question must come before the deadline, on a busy machine too
        write(mfa, f"deadline = {seconds}\n")
        status, screen = leave_the_question("password", HOST)
        assert status == 1, screen
        if QUESTION in screen:
            break
    assert f"no MFA code was entered within {seconds} s; " in screen
    assert_the_question_was_shown(screen)
