"""What a command waits for, on a terminal only."""

from __future__ import annotations

import os
import subprocess
import threading
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ecr_credhelper.aws.progress import Progress, Stage
from ecr_credhelper.cli import password
from ecr_credhelper.console import waiting
from ecr_credhelper.console.terminal import CLEAR_LINE
from ecr_credhelper.console.waiting import show_waiting
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests import systems
from tests.commands import with_limit
from tests.conftest import HOST, until
from tests.console.test_terminal import Screen
from tests.docker_files import write
from tests.terminals import read_to_end


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SILENCE", 0.01)


def test_the_line_is_shown_until_the_end_of_the_block() -> None:
    screen = Screen()
    with show_waiting(screen.terminal, "waiting …"):
        until(lambda: screen.stderr.getvalue() == "waiting …")
    assert screen.stderr.getvalue() == f"waiting …{CLEAR_LINE}"
    assert not [thread for thread in threading.enumerate() if thread.name == "waiting"]


def test_the_line_follows_what_the_block_waits_for_and_returns_after_other_output() -> None:
    screen, lines, looks = Screen(), ["credentials"], [0]

    def line() -> str:
        looks[0] += 1
        return lines[-1]

    with show_waiting(screen.terminal, line):
        until(lambda: looks[0] > 2)
        assert screen.stderr.getvalue() == "credentials"
        lines.append("AWS")
        until(lambda: screen.stderr.getvalue().endswith(f"{CLEAR_LINE}AWS"))
        screen.terminal.warn("warning")
        until(lambda: screen.stderr.getvalue().endswith(f"{CLEAR_LINE}warning\nAWS"))
    assert screen.stderr.getvalue().endswith(f"AWS{CLEAR_LINE}")
    assert screen.stdout.getvalue() == ""


def test_a_short_block_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SILENCE", 600)
    screen = Screen()
    with show_waiting(screen.terminal, "waiting …"):
        pass
    assert screen.stderr.getvalue() == ""


def test_an_exception_removes_the_line() -> None:
    screen = Screen()

    def work() -> None:
        with show_waiting(screen.terminal, "waiting …"):
            until(screen.stderr.getvalue)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert screen.stderr.getvalue() == f"waiting …{CLEAR_LINE}"


def test_without_a_thread_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    screen = Screen()
    with show_waiting(screen.terminal, "waiting …"):
        screen.terminal.print("result")
    assert (screen.stdout.getvalue(), screen.stderr.getvalue()) == ("result\n", "")


@systems.terminals
@pytest.mark.parametrize("columns", [60, 80, None])
def test_the_line_fits_on_one_row(columns: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    if columns:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        monkeypatch.setattr(waiting, "STDERR", theirs)
    else:
        monkeypatch.setattr(waiting, "STDERR", os.open(os.devnull, os.O_RDONLY))
    screen = Screen()
    with show_waiting(screen.terminal, "waiting for " + "x" * 100):
        until(screen.stderr.getvalue)
    line = screen.stderr.getvalue().removesuffix(CLEAR_LINE)
    assert (len(line), line[-1]) == ((columns or 80) - 1, "…")
    for descriptor in (ours, theirs):
        os.close(descriptor)


@pytest.mark.parametrize(("stage", "profile", "text"), [
    (Stage.PREPARING, "", "the AWS SDK"),
    (Stage.RESPONSE, "dev", "the AWS SDK"),
    (Stage.WAITING, "dev", "another process that fetches the same token"),
    (Stage.CREDENTIALS, "", "the AWS credentials"),
    (Stage.CREDENTIALS, "dev", "the AWS credentials of profile dev"),
    (Stage.REQUEST, "dev", "api.ecr.us-west-2.amazonaws.com"),
])  # fmt: skip
def test_every_stage_of_a_fetch_has_a_text(stage: Stage, profile: str, text: str) -> None:
    progress = Progress()
    progress.stage, progress.profile, progress.host = stage, profile, "api.ecr.us-west-2.amazonaws.com"
    assert progress.waits_for == text


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("argument", [HOST, None])
def test_a_fetch_shows_its_request(argument: str | None, aws: FakeECR) -> None:
    screen = Screen()
    aws.gate.clear()
    options = Namespace(command="password", host=argument, profile=None, role_arn=None, region="us-west-2")
    with ThreadPoolExecutor() as executor:
        status = executor.submit(password.run, options, screen.terminal)
        until(lambda: "waiting for 127.0.0.1 …" in screen.stderr.getvalue())
        aws.gate.set()
        assert status.result() == 0
    assert screen.stdout.getvalue() == f"{aws.password('us-west-2', serial=1)}\n"


def wait_on_terminal(api: FakeECR, *argv: str, shown: str) -> tuple[int, str]:
    """Run a command on a terminal, and let AWS respond when a text is shown; return status and output."""
    import pty

    ours, theirs = pty.openpty()
    api.gate.clear()
    process = subprocess.Popen(
        [*with_limit("console.waiting", "SILENCE", 0.01), *argv],
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "LANG": "C.UTF-8"},
    )
    os.close(theirs)
    seen = b""
    while shown not in seen.decode(errors="ignore"):
        try:
            seen += os.read(ours, 65536)
        except OSError:  # the command has ended
            raise AssertionError(seen) from None
    api.gate.set()
    seen += read_to_end(ours)
    os.close(ours)
    return process.wait(), seen.decode()


@systems.terminals
@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("argv", [["password", HOST], ["header", "--region", "us-west-2"]])
def test_commands_show_on_a_terminal_that_they_wait_for_aws(argv: list[str], aws: FakeECR) -> None:
    status, screen = wait_on_terminal(aws, *argv, shown="waiting for 127.0.0.1 …")
    assert status == 0
    last = screen.rpartition(CLEAR_LINE)[2]
    assert last in {"", f"Using the registry of your AWS account: {HOST}\r\n"}


@systems.terminals
@pytest.mark.usefixtures("patient")
def test_commands_show_which_credentials_they_wait_for(aws: FakeECR, home: Path) -> None:
    ready = home / "ready"
    keys = f'{{"Version": 1, "AccessKeyId": "{aws.access_key}", "SecretAccessKey": "{aws.secret_key}"}}'
    write(home / "keys.json", keys)
    program = f'sh -c "until [ -e {ready} ]; do sleep 0.01; done; cat {home}/keys.json"'
    write(home / ".aws/config", f"[profile dev]\ncredential_process = {program}\n")
    text = "waiting for the AWS credentials of profile dev …"
    aws.gate.clear()

    def let_process_end() -> None:
        until(aws.gate.is_set)
        ready.touch()

    watcher = threading.Thread(target=let_process_end)
    watcher.start()
    status, _ = wait_on_terminal(aws, "password", "--profile", "dev", HOST, shown=text)
    watcher.join()
    assert status == 0


@pytest.mark.usefixtures("patient")
def test_in_a_script_nothing_is_shown(aws: FakeECR) -> None:
    aws.delay = 0.2
    command = [*with_limit("console.waiting", "SILENCE", 0.001), "password", HOST]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "TERM": "xterm"})
    assert (done.returncode, done.stderr) == (0, b"")
