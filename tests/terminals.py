"""Run the executable on a pseudo-terminal."""

from __future__ import annotations

import errno
import os
import re
import select
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from tests.conftest import EXECUTABLE


class Session(NamedTuple):
    """The exit status of a command, and its output on the terminal."""

    status: int
    screen: str


def run_in_terminal(
    *argv: str,
    typed: str = "",
    env: dict[str, str] | None = None,
    program: Sequence[str] = (EXECUTABLE,),
    columns: int = 0,
) -> Session:
    """Run a program with all three standard streams on one terminal, and type a text.

    ``columns`` is the width of the terminal; 0 means that it is not known.
    """
    _skip_on_windows()
    import pty
    import termios

    terminal, other_end = pty.openpty()
    termios.tcsetwinsize(terminal, (24 if columns else 0, columns))
    process = subprocess.Popen(
        [*program, *argv],
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "LANG": "C.UTF-8", **(env or {})},
    )
    os.write(terminal, typed.encode())
    output = _read_until_exit(terminal, process)
    os.close(other_end)
    output += read_to_end(terminal)
    os.close(terminal)
    return Session(process.returncode, output.decode().replace("\r\n", "\n"))


def _skip_on_windows() -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no pseudo-terminals")


def lines_of(screen: str) -> list[str]:
    """Return the lines that remain on a screen, without colour and without progress."""
    text = re.sub(r"\x1b\[\d+m", "", screen)
    return [line.rpartition("\r\x1b[K")[2] for line in text.removesuffix("\n").split("\n")]


def read_to_end(terminal: int) -> bytes:
    """Return all output on a terminal until every process has closed its other end.

    A single read returns only what has arrived by then: a line, or a part of one.
    """
    seen = b""
    try:
        while part := os.read(terminal, 65536):
            seen += part
    except OSError as error:
        if error.errno != errno.EIO:  # how Linux reports that the other end is closed
            raise
    return seen


def converse(
    *argv: str,
    answers: Sequence[tuple[str, str]],
    columns: int = 80,
    program: Sequence[str] = (EXECUTABLE,),
) -> Session:
    """Run a program on a controlling terminal, and type each answer after its question has appeared.

    A question can have several lines, which are written one after another. It ends with a blank.
    """
    _skip_on_windows()
    import fcntl
    import pty
    import struct
    import termios

    terminal, other_end = pty.openpty()
    fcntl.ioctl(other_end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    # The first terminal that a session opens becomes its controlling terminal.
    script = f'exec <>"{os.ttyname(other_end)}" >&0 2>&0; exec "$0" "$@"'
    process = subprocess.Popen(
        ["/bin/sh", "-c", script, *program, *argv],
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "LANG": "C.UTF-8"},
    )
    seen = b""
    with process:
        for question, answer in answers:
            start = len(seen)
            while not _has_question(seen[start:], question) and process.poll() is None:
                if select.select([terminal], [], [], 0.1)[0]:
                    seen += os.read(terminal, 65536)
            os.write(terminal, f"{answer}\n".encode())
        seen += _read_until_exit(terminal, process)
    os.close(other_end)
    seen += read_to_end(terminal)
    os.close(terminal)
    return Session(process.returncode, seen.decode().replace("\r\n", "\n"))


def _has_question(seen: bytes, question: str) -> bool:
    return question.encode() in seen and seen.endswith(b" ")


def _read_until_exit(terminal: int, process: "subprocess.Popen[bytes]") -> bytes:
    """Return the output of a process on a terminal whose other end is still open here.

    If a process that exits is the last one to close the other end, its last line can be lost.
    """
    seen, is_running = b"", True
    while is_running:
        is_running = process.poll() is None
        while select.select([terminal], [], [], 0.02)[0]:
            seen += os.read(terminal, 65536)
    return seen
