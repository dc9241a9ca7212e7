"""The command line, in this process: what is written where, and the exit status."""

from __future__ import annotations

import io
import os
import sys

import pytest

from ecr_credhelper import __main__ as program
from ecr_credhelper import __version__, helper, refresh
from tests.conftest import NOT_FOUND

Capture = pytest.CaptureFixture[bytes]


@pytest.fixture(autouse=True)
def _stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the name of a registry that is not ECR on standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"ghcr.io")))


def test_a_reply_is_written(capsysbinary: Capture) -> None:
    assert program.main(["get"]) == 1
    assert capsysbinary.readouterr() == (NOT_FOUND, b"")


@pytest.mark.parametrize("argv", [["version"], ["--version"]])
def test_version(argv: list[str], capsysbinary: Capture) -> None:
    assert program.main(argv) == 0
    assert capsysbinary.readouterr().out == f"docker-credential-ecr-py {__version__}\n".encode()


@pytest.mark.parametrize("argv", [["frob"], ["get", "x"], ["GET"], [""]])
def test_an_unknown_command_is_told_on_stdout(argv: list[str], capsysbinary: Capture) -> None:
    assert program.main(argv) == 1
    assert b"unknown command" in capsysbinary.readouterr().out


def test_a_refresh_in_the_background_says_nothing(capsysbinary: Capture) -> None:
    assert program.main(["refresh-in-background", "ghcr.io"]) == 1
    assert capsysbinary.readouterr() == (b"", b"")


def test_spawning_is_left_to_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    spawned: list[str] = []
    monkeypatch.setattr(refresh, "spawn", spawned.append)
    program.spawn("host")
    assert spawned == ["host"]


def test_closed_streams_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert program.main(["get"]) == 1


def test_a_client_that_has_gone_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        @property
        def buffer(self) -> io.BytesIO:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    assert program.main(["list"]) == 1


def test_ctrl_c_is_no_traceback(capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(helper.VERBS, "get", interrupted)
    assert program.main(["get"]) == 130
    assert capsysbinary.readouterr().out == b""


def test_a_fault_of_ours_is_one_line(capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a-secret")

    monkeypatch.setitem(helper.VERBS, "get", broken)
    assert program.main(["get"]) == 1
    line, same = capsysbinary.readouterr()
    assert line.startswith(b"docker-credential-ecr-py: internal error (ZeroDivisionError); please report")
    assert line == same
    assert b"a-secret" not in line


def test_run_ends_the_process_with_the_status(capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses: list[int] = []
    monkeypatch.setattr(sys, "argv", ["docker-credential-ecr-py", "get"])
    monkeypatch.setattr(os, "_exit", statuses.append)
    program.run()
    assert statuses == [1]
    assert capsysbinary.readouterr().out == NOT_FOUND
